"""Prices as a panel: the tidy frame of a reader, series by session."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

from tsrnn.data.calendars import check_calendar
from tsrnn.errors import DataError, DataWarning, first_few
from tsrnn.protocols import Panel


def panel_of(frame: pd.DataFrame, calendar: str, source: str, shortest: int = 2) -> Panel:
    """A tidy frame (unique_id, ds, y) as a panel on the union of its sessions.

    A series with fewer than `shortest` prices is named in a warning and left out.

    Raises:
        DataError: if every series is that short.
    """
    counts = frame.groupby("unique_id", sort=False)["y"].size()
    short = counts[counts < shortest]
    if len(short):
        listing = first_few([f"{name} ({count})" for name, count in short.items()])
        if len(short) == len(counts):
            raise DataError(
                f"a series needs at least {shortest} prices (the window); there are fewer of {listing}",
                path=source,
            )
        warnings.warn(
            DataWarning(f"{source}: left out, with fewer than {shortest} prices: {listing}"), stacklevel=2
        )
        frame = frame[frame["unique_id"].isin(counts.index[counts >= shortest])]
    names = tuple(str(name) for name in frame["unique_id"].unique())
    wide = frame.pivot(index="ds", columns="unique_id", values="y").sort_index()[list(names)]
    ds = wide.index.to_numpy()
    values = wide.to_numpy(dtype=np.float64).T.copy()
    return Panel(names, ds, values, check_calendar(ds, calendar, source), kind="prices")
