"""Prices from a file or a frame, read strictly: a fault is named by its place, never guessed away."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsrnn.data.prices.checks import check_table, frame_table
from tsrnn.data.prices.frames import dates_of_words, long_table, wide_table
from tsrnn.data.prices.layout import layout_of
from tsrnn.data.tables.cells import Cells, Decimals, Thousands
from tsrnn.data.tables.columns import DATE_NAMES, SYMBOL_NAMES, VALUE_NAMES, header_names, series_name
from tsrnn.data.tables.files import (
    decode,
    fields_of,
    is_parquet,
    read_bytes,
    records,
    refuse_empty_comment,
    separator_of,
)
from tsrnn.data.tables.headers import note_unread
from tsrnn.data.tables.parquet import holds_numbers, open_parquet, parquet_names, reading_parquet
from tsrnn.data.tables.source import Source, refuse_unprintable, selected
from tsrnn.errors import DataError, argument


def read_prices(
    path: str | Path,
    *,
    column: str | None = None,
    symbols: Sequence[str] | None = None,
    on_missing: Literal["error", "drop"] = "error",
    decimal: Decimals = ".",
    thousands: Thousands = None,
    dates: Literal["auto", "epoch", "dmy", "mdy"] = "auto",
    on_units: Literal["error", "drop"] = "error",
    comment: str | None = None,
) -> pd.DataFrame:
    """The prices of a CSV file, plain or gzip, or of a Parquet file, long or wide, as one tidy frame.

    The long form has a column of dates, one of prices and, for several series, one of symbols. The wide
    form has a column of dates and then one column of prices a symbol. A long file without symbols is one
    series with the file's name. Times with an offset are turned to UTC. Columns that are not used may
    hold anything.

    Args:
        path: the file.
        column: the column of prices; default the adjusted close, else y, close, price or value.
        symbols: the series to read; default all.
        on_missing: "error" refuses a missing price, "drop" leaves its row out.
        decimal: the mark before decimals in a CSV.
        thousands: the mark between thousands in a CSV; default none.
        dates: "auto" knows a format that leaves no doubt; "dmy" and "mdy" say which of day and month
            stands first in one that does, "epoch" reads seconds, or milliseconds and less, since 1970 (UTC).
        on_units: "error" refuses a currency or percent sign at a price, "drop" leaves the sign out.
        comment: what begins a line of a CSV to skip, such as "#"; a last row Total is then skipped too.

    Returns:
        A frame of unique_id, ds (datetime64[ns] without a zone) and y (float64), the series in order of
        first appearance, each in order of time.

    Raises:
        DataError: the file cannot be used as it is; the message names the line and the column (a row of
            Parquet is counted from 0).
        ConfigError: an option has a value that it does not know.
    """
    path = Path(path)
    cells = Cells(decimal, thousands, dates, on_units)
    refuse_empty_comment(comment)
    if is_parquet(path):
        table, series, source = _from_parquet(path, column, symbols, on_missing, cells)
    else:
        table, series, source = _from_text(path, column, symbols, on_missing, cells, comment)
    prices = check_table(table, series, source, on_missing)
    note_unread(source, "data.column")
    return prices


_Table = tuple[pd.DataFrame, list[str], Source]


def _from_text(
    path: Path,
    column: str | None,
    symbols: Sequence[str] | None,
    on_missing: str,
    cells: Cells,
    comment: str | None,
) -> _Table:
    """The table for `check_table` of a CSV, the names of its series, and its columns."""
    known = DATE_NAMES + SYMBOL_NAMES + VALUE_NAMES
    text = decode(read_bytes(path), path, known)
    doubt = separator_of(text) == ";"  # where a comma does not separate, it often stands before decimals
    found = records(text, path, comment)
    line, header = next(found, (1, [""]))
    first = list(islice(found, 20))
    layout = layout_of(header_names(header), column, path, line, first)
    lines, rows = fields_of(chain(first, found), layout.used, len(layout.names), path, comment)
    numbers = np.array(lines)
    source = layout.source(path, "lines")

    def stamps(texts: Sequence[str], at: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        return cells.stamps(texts, lambda i, problem: source.error(problem, "", int(at[i]), source.date))

    def prices(texts: Sequence[str], at: npt.NDArray[np.int64], name: str) -> npt.NDArray[np.float64]:
        def fault(index: int, problem: str) -> DataError:
            other = f"; {argument('data.symbols')} says which columns to read" if layout.wide else ""
            return source.error(problem + other, name, int(at[index]))

        return cells.numbers(texts, fault, points_in_doubt=doubt)

    if layout.wide:
        series = [layout.names[index] for index in layout.values]
        refuse_unprintable(series, path)
        ds, *columns = zip(*rows, strict=True)
        wanted = selected(series, symbols, path)
        grid = np.array([prices(columns[code], numbers, series[code]) for code in wanted])
        return (
            long_table(wanted, stamps(ds, numbers), grid, numbers, series, on_missing, source),
            series,
            source,
        )
    ids = [row[2].strip() for row in rows] if layout.symbol else [series_name(path)] * len(rows)
    if "" in ids:
        raise DataError("a row without its symbol", path=path, line=int(numbers[ids.index("")]))
    codes, unique = pd.factorize(np.array(ids, dtype=object))
    series = list(unique)
    refuse_unprintable(series, path)
    kept = np.flatnonzero(np.isin(codes, selected(series, symbols, path)))
    ds, y, *others = zip(*(rows[index] for index in kept), strict=True)
    at = numbers[kept]
    bars = zip(layout.bars, others[len(layout.symbol) :], strict=True)
    table = {"series": codes[kept], "ds": stamps(ds, at), "y": prices(y, at, ""), "row": at}
    return pd.DataFrame({**table, **_known_bars(dict(bars), cells)}), series, source


def _known_bars(bars: dict[str, Sequence[str]], cells: Cells) -> dict[str, npt.NDArray[np.float64]]:
    """Of opens, highs, lows and closes, which are looked at beside the price, those that are all numbers."""
    known = {}
    for bar, texts in bars.items():
        with suppress(DataError):
            known[bar] = cells.numbers(texts, lambda _, problem: DataError(problem), points_in_doubt=None)
    return known


def _from_parquet(
    path: Path, column: str | None, symbols: Sequence[str] | None, on_missing: str, cells: Cells
) -> _Table:
    """The table for `check_table` of a Parquet file, of which only the columns needed are read."""
    file = open_parquet(path)
    names = parquet_names(file, path)
    layout = layout_of(header_names(names), column, path, None)
    source = layout.source(path, "rows")
    series = [names[index] for index in layout.values]
    wanted = (
        [layout.values[code] for code in selected(series, symbols, path)] if layout.wide else layout.values
    )
    bars = {bar: place for bar, place in layout.bars.items() if holds_numbers(file, place)}
    used = [
        file.schema_arrow.names[index] for index in (layout.date, *wanted, *layout.symbol, *bars.values())
    ]
    with reading_parquet(path):
        table = file.read(columns=used)
        table.validate(full=True)  # damage can leave words that are no UTF-8
        frame = table.to_pandas(ignore_metadata=True)[used]
    ids = ["unique_id"] if layout.symbol else []
    frame.columns = ["ds", *map(str, range(len(wanted))), *ids, *bars]
    if frame["ds"].dtype.kind != "M" and not isinstance(frame["ds"].dtype, pd.DatetimeTZDtype):
        frame["ds"] = dates_of_words(frame["ds"], cells, source)
    if not layout.wide:
        frame = frame.rename(columns={"0": "y"})
        if not layout.symbol:
            frame["unique_id"] = series_name(path)
        return *frame_table(frame, symbols, source), source
    columns = {series[code]: frame[str(index)] for index, code in enumerate(selected(series, symbols, path))}
    return *wide_table(frame["ds"], columns, on_missing, source), source
