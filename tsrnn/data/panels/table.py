"""A panel from batches of a long table, in memory for 16 bytes a row and no loop over rows or series."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tsrnn.data.calendars import check_calendar, open_steps
from tsrnn.data.panels.rows import Batch, Part, Rows, Whole
from tsrnn.data.tables.cells import Cells
from tsrnn.data.tables.doubts import warn_of_names
from tsrnn.data.tables.source import shown
from tsrnn.errors import DataError, DataWarning, first_few, level_of_the_user
from tsrnn.protocols import Panel

Flags: TypeAlias = npt.NDArray[np.bool_]
_PANEL_LIMIT = 2**30  # values
_PLAIN = Cells()


def panel_of_batches(batches: Iterable[Batch], calendar: str, path: str, cells: Cells = _PLAIN) -> Panel:
    """The panel of a long table, as `read_series` describes it.

    Args:
        batches: the rows, in any order.
        calendar: as for `check_calendar`.
        path: the file or folder, for messages.
        cells: how dates are written, where they are text.

    Raises:
        DataError: the rows cannot be used; the message names the place.
        ConfigError: the calendar is unknown or does not fit.
    """
    rows = Rows(batches, path, cells)
    valued = np.zeros(len(rows.names), bool)
    for part in rows.parts:
        valued[rows.series(part)[~np.isnan(part.values)]] = True
    _warn_of_empty(rows, valued)
    ds, lasts, present = _dates(rows, valued) if rows.dated else _numbers(rows, valued)
    series_count, steps = int(valued.sum()), len(ds)
    _refuse_size(series_count, steps, path)
    row_of = np.where(valued, np.cumsum(valued) - 1, -1)
    first = ds[0].astype(np.int64)

    def places(part: Part) -> Whole:
        """The place of each row in the flat panel; -1 where its series or its time step is left out."""
        series, moments = rows.series(part), rows.moments(part)
        if lasts is None:
            column = np.searchsorted(ds.astype(np.int64), moments)
            outside = moments < first
        else:
            column = moments - lasts[series] + (steps - 1)
            outside = column < 0
        at = row_of[series] * steps + column
        at[outside | ~valued[series]] = -1
        return at

    # One place more, the last, takes what is left out.
    values = np.full(series_count * steps + 1, np.nan)
    taken = np.zeros(len(values), bool)
    inside = 0
    for part in rows.parts:
        at = places(part)
        values[at] = part.values
        taken[at] = True
        inside += int(np.count_nonzero(at >= 0))
    if inside != np.count_nonzero(taken[:-1]):
        rows.refuse_twice(places, len(taken))
    ends = None
    if lasts is not None:
        ends = lasts[valued]
        if (ends == ends[0]).all():
            ds, ends = ds + ends[0], None
    names = tuple(rows.names[index] for index in np.flatnonzero(valued))
    grid = values[:-1].reshape(series_count, steps)
    warn_of_names(names, rows.parts[0].source)
    calendar = check_calendar(ds[present], calendar, path)
    if not present.all():
        # A weekend of missing values, from a table with every hour, is as closed as one without rows.
        kept = present | open_steps(ds, calendar, ds[present])
        ds, grid = ds[kept], grid[:, kept]
    return Panel(names, ds, grid, calendar, ends)


def _dates(rows: Rows, valued: Flags) -> tuple[npt.NDArray[Any], None, Flags]:
    """All dates of the series with values, from the first with a value on, and which have one."""
    used, present = (np.zeros(len(rows.different), bool) for _ in range(2))
    for part in rows.parts:
        times = rows.times(part)
        used[times[valued[rows.series(part)]]] = True
        present[times[~np.isnan(part.values)]] = True
    seen = np.unique(rows.different[present])
    moments = np.unique(rows.different[used])
    moments = moments[moments >= seen[0]]
    return moments.astype("datetime64[ns]"), None, np.isin(moments, seen, assume_unique=True)


def _numbers(rows: Rows, valued: Flags) -> tuple[Whole, Whole, Flags]:
    """Time steps counted back from 0, as many as the longest series has, and each series' last number."""
    lasts = np.full(len(valued), np.iinfo(np.int64).min)
    firsts = np.full(len(valued), np.iinfo(np.int64).max)
    for part in rows.parts:
        series, moments = rows.series(part), rows.moments(part)
        present = ~np.isnan(part.values)
        np.maximum.at(lasts, series, moments)
        np.minimum.at(firsts, series[present], moments[present])
    steps = int((lasts[valued] - firsts[valued]).max()) + 1
    _refuse_size(int(valued.sum()), steps, rows.path)
    return np.arange(1 - steps, 1, dtype=np.int64), lasts, np.ones(steps, bool)


def _warn_of_empty(rows: Rows, valued: Flags) -> None:
    """One warning that names the series without any value."""
    if not valued.any():
        raise DataError("there are no values", path=rows.path)
    empty = np.flatnonzero(~valued)
    if empty.size:
        names = first_few([shown(rows.names[index]) for index in empty])
        problem = f"{rows.path}: left out, without any value: {names}"
        warnings.warn(DataWarning(problem), stacklevel=level_of_the_user())


def _refuse_size(series: int, steps: int, path: str) -> None:
    if series * steps > _PANEL_LIMIT:
        size = f"{series} series of {steps} time steps are more than {_PANEL_LIMIT >> 27} GiB"
        raise DataError(f"{size}; give them fewer different times, or read them in parts", path=path)
