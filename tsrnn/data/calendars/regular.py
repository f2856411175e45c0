"""Regular steps, where no calendar tells which dates follow."""

from __future__ import annotations

import numpy as np

from tsrnn.data.calendars.clocks import DAY, Dates
from tsrnn.errors import ConfigError, argument

_ONE_DAY = np.timedelta64(1, "D")


def regular_steps(ds: Dates, count: int) -> Dates:
    """Steps of the most frequent length; monthly, quarterly or yearly dates keep their place in the month.

    Raises:
        ConfigError: if there is one date alone.
    """
    if len(ds) < 2:
        raise ConfigError(f"one date tells no step: give more dates, or {argument('data.calendar', '24/5')}")
    ahead = np.arange(1, count + 1)
    if median_days(ds) >= 28:
        days, months = ds.astype("datetime64[D]"), ds.astype("datetime64[M]")
        months_apart = np.bincount(np.diff(months).astype(int)).argmax()
        months = np.concatenate([months, months[-1] + ahead * months_apart])
        starts, ends = months.astype("datetime64[D]"), (months + 1).astype("datetime64[D]") - _ONE_DAY
        same_day = np.minimum(starts + (days[-1] - starts[len(days) - 1]), ends)
        weekdays = np.busday_offset(ends, 0, "backward"), np.busday_offset(starts, 0, "forward")
        places = max((ends, same_day, *weekdays), key=lambda place: np.mean(place[: len(days)] == days))
        # A holiday moves the first or last trading day of some months.
        if np.mean(places[: len(days)] == days) >= 0.8:
            return np.asarray(places[len(days) :] + (ds[-1] - days[-1]), "datetime64[ns]")
    lengths, counts = np.unique(np.diff(ds), return_counts=True)
    return np.asarray(ds[-1] + ahead * lengths[counts.argmax()], "datetime64[ns]")


def median_days(ds: Dates) -> float:
    """The median step in whole days; 1 for a single date."""
    return float(np.median(np.diff(ds.astype("datetime64[D]")).astype(int))) if len(ds) > 1 else 1.0


def is_intraday(ds: Dates) -> bool:
    """Whether there are mostly several dates a day."""
    return len(ds) > 1 and bool(np.median(np.diff(ds.astype("datetime64[s]")).astype(int)) < DAY)
