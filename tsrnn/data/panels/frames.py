"""Panels of any series from frames, with the rules of files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow as pa

from tsrnn.data.panels.files import constant
from tsrnn.data.panels.rows import Batch
from tsrnn.data.panels.table import panel_of_batches
from tsrnn.data.tables.cells import Cells
from tsrnn.data.tables.frames import FRAME, FrameColumns, frame_columns
from tsrnn.data.tables.headers import note_unread
from tsrnn.data.tables.source import Source, first_word, shown
from tsrnn.errors import DataError
from tsrnn.protocols import Panel


def panel_from_frame(
    frame: Any,
    *,
    id_column: str = "unique_id",
    time_column: str = "ds",
    value_column: str = "y",
    calendar: str = "auto",
    dates: Literal["auto", "epoch", "dmy", "mdy"] = "auto",
    source: str = FRAME,
) -> Panel:
    """The panel of a long or wide frame (see `frame_columns`), with the rules of `read_series`.

    Args:
        frame: of pandas, or of another library with `to_pandas` (polars).
        id_column: the column of names of a long frame; without one it is one series, named as its
            values are.
        time_column: the column of dates or of whole numbers.
        value_column: the column of values of a long frame.
        calendar: an exchange's code (XNYS, ...), "week" (the data's own), "24/7", "24/5", "none" or "auto".
        dates: how dates are written that are text or numbers: see `read_series`.
        source: what messages call the frame.

    Returns:
        The panel.

    Raises:
        DataError: the data cannot be used; the message names the row, counted from 0, and the column.
        ConfigError: the calendar is unknown or does not fit.
    """
    names: dict[str, Any] = {"id_column": id_column, "time_column": time_column, "value_column": value_column}
    return panel_of_columns(frame_columns(frame, **names, source=source), calendar, source, dates)


def panel_of_columns(
    columns: FrameColumns,
    calendar: str,
    source: str = FRAME,
    dates: Literal["auto", "epoch", "dmy", "mdy"] = "auto",
) -> Panel:
    """The panel of a frame's columns: see `panel_from_frame`."""
    count = len(columns.ds)
    times = _array(columns.ds, columns.date, source)
    batches = []
    for name, series in columns.values.items():
        place = Source(Path(source), shown(columns.date), shown(name), "rows")
        if (word := first_word(series)) is not None:
            raise place.error(f"'{shown(str(series.iloc[word]))}' is not a number", "", word)
        ids = constant(name, count) if columns.ids is None else _array(columns.ids, "unique_id", source)
        if columns.unread:
            note_unread(replace(place, unread=columns.unread))
        batches.append(Batch(place, range(count), ids, times, _array(series, name, source)))
    return panel_of_batches(batches, calendar, source, Cells(dates=dates))


def _array(column: pd.Series[Any], name: str, source: str) -> pa.Array:
    try:
        array = pa.array(column, from_pandas=True)
    except (pa.ArrowException, TypeError, OverflowError):
        problem = "values of several kinds in one column"
        raise DataError(problem, path=source, column=shown(name)) from None
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
