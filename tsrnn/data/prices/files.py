"""Prices from a file or a frame, read strictly: a fault is named by its place, never guessed away."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsrnn.data.prices.checks import check_table, frame_table
from tsrnn.data.prices.frames import dates_of_words, one_column, wide_table
from tsrnn.data.tables.cells import Cells
from tsrnn.data.tables.columns import (
    BAR_NAMES,
    DATE_NAMES,
    SYMBOL_NAMES,
    VALUE_NAMES,
    find_column,
    folded,
    series_name,
)
from tsrnn.data.tables.files import (
    decode,
    is_parquet,
    read_bytes,
    records,
    separator_of,
)
from tsrnn.data.tables.parquet import open_parquet, parquet_names, reading_parquet
from tsrnn.data.tables.source import Source, listed, refuse_unprintable, selected, shown
from tsrnn.errors import ConfigError, DataError, nearest

_TOTALS = ("total", "totals", "sum", "합계", "총계", "계")


def read_prices(
    path: str | Path,
    *,
    column: str | None = None,
    symbols: Sequence[str] | None = None,
    on_missing: Literal["error", "drop"] = "error",
    decimal: Literal[".", ","] = ".",
    thousands: Literal[",", ".", " ", "'"] | None = None,
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
            stands first in one that does, "epoch" reads seconds or milliseconds since 1970 (in UTC).
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
    if comment == "":
        raise ConfigError("comment is one character or more, such as '#', and not empty")
    if is_parquet(path):
        table, series, source = _from_parquet(path, column, symbols, on_missing, cells)
    else:
        table, series, source = _from_text(path, column, symbols, on_missing, cells, comment)
    return check_table(table, series, source, on_missing)


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
    names = [" ".join(cell.split()) for cell in header]
    layout = _layout(names, column, path, line)
    pick = itemgetter(layout.date, *layout.values, *layout.symbol)
    lines: list[int] = []
    rows: list[tuple[str, ...]] = []
    for line, row in found:
        if len(row) != len(names):
            total = row[0].strip().lower() in _TOTALS
            remedy = "; comment='#' leaves out a last row Total" if total and comment is None else ""
            fault = f"{len(row)} fields where {len(names)} are expected{remedy}"
            if not (total and comment is not None and next(found, None) is None):
                raise DataError(fault, path=path, line=line)
            break
        lines.append(line)
        rows.append(pick(row))
    if comment is not None and rows and rows[-1][0].strip().lower() in _TOTALS:
        del lines[-1], rows[-1]
    if not rows:
        raise DataError("the file has a header but no rows", path=path)
    numbers = np.array(lines)
    source = Source(path, shown(names[layout.date]), None if layout.wide else shown(names[layout.values[0]]))

    def stamps(texts: Sequence[str], at: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        return cells.stamps(texts, lambda i, problem: source.error(problem, "", int(at[i]), source.date))

    def prices(texts: Sequence[str], at: npt.NDArray[np.int64], name: str) -> npt.NDArray[np.float64]:
        def fault(index: int, problem: str) -> DataError:
            return source.error(problem, name, int(at[index]))

        return cells.numbers(texts, fault, points_in_doubt=doubt)

    if layout.wide:
        series = [names[index] for index in layout.values]
        refuse_unprintable(series, path)
        ds, *columns = zip(*rows, strict=True)
        days = stamps(ds, numbers)
        values = (
            (code, prices(columns[code], numbers, series[code])) for code in selected(series, symbols, path)
        )
        parts = [one_column(code, days, y, numbers, series, on_missing, source) for code, y in values]
        return pd.concat(parts, ignore_index=True), series, source
    ids = [row[-1].strip() for row in rows] if layout.symbol else [series_name(path)] * len(rows)
    if "" in ids:
        raise DataError("a row without its symbol", path=path, line=int(numbers[ids.index("")]))
    codes, unique = pd.factorize(np.array(ids, dtype=object))
    series = list(unique)
    refuse_unprintable(series, path)
    kept = np.flatnonzero(np.isin(codes, selected(series, symbols, path)))
    ds, y, *_ = zip(*(rows[index] for index in kept), strict=True)
    at = numbers[kept]
    table = {"series": codes[kept], "ds": stamps(ds, at), "y": prices(y, at, ""), "row": at}
    return pd.DataFrame(table), series, source


def _from_parquet(
    path: Path, column: str | None, symbols: Sequence[str] | None, on_missing: str, cells: Cells
) -> _Table:
    """The table for `check_table` of a Parquet file, of which only the columns needed are read."""
    file = open_parquet(path)
    names = parquet_names(file, path)
    layout = _layout(names, column, path, None)
    source = Source(
        path, shown(names[layout.date]), None if layout.wide else shown(names[layout.values[0]]), "rows"
    )
    series = [names[index] for index in layout.values]
    wanted = (
        [layout.values[code] for code in selected(series, symbols, path)] if layout.wide else layout.values
    )
    used = [file.schema_arrow.names[index] for index in (layout.date, *wanted, *layout.symbol)]
    with reading_parquet(path):
        table = file.read(columns=used)
        table.validate(full=True)  # damage can leave words that are no UTF-8
        frame = table.to_pandas(ignore_metadata=True)[used]
    frame.columns = ["ds", *map(str, range(len(wanted))), *(["unique_id"] if layout.symbol else [])]
    if frame["ds"].dtype.kind not in "iuM" and not isinstance(frame["ds"].dtype, pd.DatetimeTZDtype):
        frame["ds"] = dates_of_words(frame["ds"], cells, source)
    elif frame["ds"].dtype.kind in "iu" and cells.dates == "epoch":
        frame["ds"] = dates_of_words(frame["ds"].astype("Int64"), cells, source)
    elif frame["ds"].dtype.kind in "iu":
        problem = f"row 0: '{frame['ds'].iloc[0]}' is a plain number" if len(frame) else "no dates"
        remedy = "dates=epoch reads seconds since 1970"
        raise DataError(f"{problem}; make it dates ({remedy})", path=path, column=source.date)
    if not layout.wide:
        frame = frame.rename(columns={"0": "y"})
        if not layout.symbol:
            frame["unique_id"] = series_name(path)
        return *frame_table(frame, symbols, source), source
    columns = {series[code]: frame[str(index)] for index, code in enumerate(selected(series, symbols, path))}
    return *wide_table(frame["ds"], columns, on_missing, source), source


class _Layout(NamedTuple):
    """The fields of a row that are used: `symbol` is none or one, `values` several in the wide form."""

    date: int
    symbol: tuple[int, ...]
    values: tuple[int, ...]
    wide: bool


def _layout(names: list[str], column: str | None, path: Path, line: int | None) -> _Layout:
    """The columns that a header offers."""
    if not any(names):
        raise DataError("the first line names no columns; it must be the header", path=path, line=line)
    find = partial(find_column, names, path=path, line=line)
    date = find(DATE_NAMES)
    if date is None:
        comment = names[0].startswith(("#", "//", "%"))
        skip = "a comment, where the header must be the first line (comment='#' skips such lines)"
        fault = skip if comment else "column Date is missing"
        raise DataError(f"{fault}; {listed(names)}", path=path, line=line)
    symbol = find(SYMBOL_NAMES)
    if column is None:
        value = find(VALUE_NAMES)
    else:
        value = names.index(column) if names.count(column) == 1 else find((folded(column),))
    columns = [index for index, name in enumerate(names) if name and index != date]
    # Without a known column of prices every column is a series, unless the header speaks of one series'
    # open or volume. One such name alone may be a symbol: LOW is one.
    bars = sum(folded(name) in BAR_NAMES for name in names) > 1
    if value is None and (column is not None or symbol is not None or bars or not columns):
        fault = "there is no column of prices, name it with `column`" if column is None else "no such column"
        problem = f"{fault}{nearest(column or 'Close', names)}; {listed(names)}"
        raise DataError(problem, path=path, line=line, column=column and shown(column))
    if value is None:
        twice = [name for name in names if name and names.count(name) > 1]
        if twice:
            raise DataError(f"column {shown(twice[0])} twice", path=path, line=line)
        return _Layout(date, (), tuple(columns), wide=True)
    return _Layout(date, () if symbol is None else (symbol,), (value,), wide=False)
