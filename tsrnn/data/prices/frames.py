"""Prices in the columns of a frame, as Parquet and Python have them, as the table that is checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsrnn.data.prices.checks import check_table, frame_table, plain_dates, plain_values
from tsrnn.data.tables.cells import Cells
from tsrnn.data.tables.doubts import warn_of_width
from tsrnn.data.tables.frames import FrameColumns
from tsrnn.data.tables.headers import note_unread
from tsrnn.data.tables.source import Source, refuse_unprintable, selected, shown
from tsrnn.errors import DataError


def prices_of_columns(
    columns: FrameColumns,
    *,
    symbols: Sequence[str] | None = None,
    on_missing: Literal["error", "drop"] = "error",
    dates: Literal["auto", "epoch", "dmy", "mdy"] = "auto",
) -> pd.DataFrame:
    """The prices of a frame's columns, with the rules of `read_prices`.

    Args:
        columns: of `frame_columns`.
        symbols: the series to keep; default all.
        on_missing: "error" refuses a missing price, "drop" leaves its row out.
        dates: how text in the column of dates is written: see `read_prices`.

    Returns:
        A frame of unique_id, ds and y, the series in order of first appearance, each in order of ds.

    Raises:
        DataError: the frame cannot be used as it is; the message names the series, the row (counted from
            0) and the column.
    """
    names = list(columns.values)
    value = None if columns.wide else shown(names[0])
    source = Source(None, shown(columns.date), value, "rows", columns.unread)
    note_unread(source)
    ds = columns.ds
    if not (pd.api.types.is_datetime64_dtype(ds) or pd.api.types.is_integer_dtype(ds)):
        ds = pd.Series(dates_of_words(ds, Cells(dates=dates), source), index=ds.index)
    if columns.wide:
        kept = {names[code]: columns.values[names[code]] for code in selected(names, symbols, None)}
        return check_table(*wide_table(ds, kept, on_missing, source), source, on_missing)
    table: dict[str, Any] = {"ds": ds, "y": columns.values[names[0]]}
    table["unique_id"] = names[0] if columns.ids is None else columns.ids
    return check_table(*frame_table(pd.DataFrame(table), symbols, source), source, on_missing)


def wide_table(
    ds: pd.Series[Any], columns: Mapping[str, pd.Series[Any]], on_missing: str, source: Source
) -> tuple[pd.DataFrame, list[str]]:
    """The table for `check_table` of columns that are a series each, and the names of the series."""
    series = list(columns)
    refuse_unprintable(series, source.path)
    if ds.empty:
        raise DataError(f"the {'frame' if source.path is None else 'file'} has no rows", path=source.path)
    days = plain_dates(ds, source)
    grid = np.array([plain_values(column, [name] * len(days), source) for name, column in columns.items()])
    return long_table(
        range(len(series)), days, grid, np.arange(len(days)), series, on_missing, source
    ), series


def long_table(
    codes: Sequence[int],
    ds: npt.NDArray[Any],
    grid: npt.NDArray[np.float64],
    rows: npt.NDArray[np.int64],
    names: list[str],
    on_missing: str,
    source: Source,
) -> pd.DataFrame:
    """The table for `check_table` of the wide form.

    Args:
        codes: (N,) the series of each row of the grid, as numbers into `names`.
        ds: (T,) dates.
        grid: (N, T) prices, NaN where there is none.
        rows: (T,) numbers of the file's rows.
        names: of the series.
        on_missing: as for `read_prices`.
        source: the file and its columns.
    """
    present = ~np.isnan(grid)
    empty = np.flatnonzero(~present.any(1))
    if empty.size and on_missing == "error":
        raise source.error("there is not one price", names[codes[empty[0]]], None)
    warn_of_width(len(grid), len(ds), source)
    # Before its first price a series has not begun, after its last it has ended: nothing is missing.
    begun = np.logical_or.accumulate(present, 1)
    inside = begun & np.logical_or.accumulate(present[:, ::-1], 1)[:, ::-1]
    series, at = np.nonzero(inside)
    return pd.DataFrame(
        {"series": np.asarray(codes)[series], "ds": ds[at], "y": grid[inside], "row": rows[at]}
    )


def dates_of_words(texts: pd.Series[Any], cells: Cells, source: Source) -> npt.NDArray[Any]:
    """The dates of a column that holds them as text, or as days."""
    missing = texts.isna()
    if missing.any():
        raise source.error("no date", "", int(np.argmax(missing)), source.date)
    return cells.stamps(
        [str(text) for text in texts],
        lambda index, problem: source.error(problem, "", index, source.date),
    )
