"""Panels of any series from files, gaps kept as a mask: one file or a hundred thousand series."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tsrnn.data.panels.layout import Layout, layout_of
from tsrnn.data.panels.rows import Batch
from tsrnn.data.panels.table import panel_of_batches
from tsrnn.data.tables.cells import MISSING, Cells, Decimals, Thousands
from tsrnn.data.tables.columns import (
    DATE_NAMES,
    SYMBOL_NAMES,
    VALUE_NAMES,
    Wanted,
    header_names,
    series_name,
)
from tsrnn.data.tables.doubts import warn_of_width
from tsrnn.data.tables.files import (
    decode,
    fields_of,
    is_parquet,
    read_bytes,
    reading,
    records,
    refuse_empty_comment,
    separator_of,
)
from tsrnn.data.tables.headers import note_unread
from tsrnn.data.tables.parquet import holds_numbers, open_parquet, parquet_names, reading_parquet
from tsrnn.data.tables.source import Source, shown
from tsrnn.errors import DataError
from tsrnn.protocols import Panel

_BATCH_ROWS = 2**20


def read_series(
    path: str | Path,
    *,
    id_column: str = "unique_id",
    time_column: str = "ds",
    value_column: str = "y",
    calendar: str = "auto",
    decimal: Decimals = ".",
    thousands: Thousands = None,
    dates: Literal["auto", "epoch", "dmy", "mdy"] = "auto",
    on_units: Literal["error", "drop"] = "error",
    comment: str | None = None,
) -> Panel:
    """The panel of a CSV (plain or gzip), a Parquet file or a folder of Parquet files.

    Values may be any finite number, and a missing one stays NaN. Three forms are known by the header:

    - long, with the columns of times and of values; without one of ids it is one series with the file's
      name. The default names stand for others that are known too (Date, Symbol, Close, ...); a notice names
      columns that are not used;
    - wide with dates: no column of values or of ids, but one of dates, and every other column is a series;
    - wide as in the M4 competition: neither, but a first column of names and then columns numbered
      consecutively (V2, V3, ... or 1, 2, ...); a row is a series from its number 1 on.

    The time axis is the union of all dates; none is added. Whole numbers in place of dates count a series'
    own time steps: where the series end at different numbers they are aligned at their ends, and the panel
    has `ends`. Eight digits that can be a date (20230131) are a date.

    Args:
        path: the file, or a folder, whose Parquet files are read in order of their names.
        id_column: the column of names of a long table.
        time_column: the column of dates or of whole numbers.
        value_column: the column of values of a long table.
        calendar: an exchange's code (XNYS, ...), "week" (the data's own), "24/7", "24/5", "none" or "auto".
        decimal: the mark before decimals in a CSV.
        thousands: the mark between thousands in a CSV; default none.
        dates: how dates are written: see `read_prices`; with "epoch", whole numbers are seconds since 1970.
        on_units: "error" refuses a currency or percent sign at a value, "drop" leaves the sign out.
        comment: what begins a line of a CSV to skip, such as "#"; a last row Total is then skipped too.

    Returns:
        The panel, N series in order of first appearance by T time steps, from the first one with a
        value. A series without any value is named in a warning and left out.

    Raises:
        DataError: the data cannot be used; the message names file, line (or row of Parquet, from 0), column.
        ConfigError: the calendar is unknown or does not fit, or an option has a value that it does not know.
    """
    cells = Cells(decimal, thousands, dates, on_units)
    refuse_empty_comment(comment)
    wanted = Wanted(id_column, time_column, value_column)
    tables = _tables(Path(path), wanted, cells, comment)
    first = next(tables)
    batches = chain(first.batches, chain.from_iterable(table.batches for table in tables))
    panel = panel_of_batches(batches, calendar, str(path), cells)
    if first.layout.form == "wide":
        warn_of_width(len(first.layout.series), panel.num_steps, first.source)
    note_unread(first.source, "data.value_column")  # of a folder's files, the first speaks for all
    return panel


def value_name(path: str | Path) -> str | None:
    """What a file of one column of values calls it; None where each column or row is a series.

    Raises:
        DataError: if the header cannot be used.
    """
    layout = next(_tables(Path(path), Wanted(), Cells(), None)).layout
    return layout.names[layout.values[0]] if layout.form == "long" else None


class _Table(NamedTuple):
    """An open file: its columns, and its rows, which are read as they are asked for."""

    layout: Layout
    source: Source
    batches: Iterator[Batch]


def _tables(path: Path, wanted: Wanted, cells: Cells, comment: str | None) -> Iterator[_Table]:
    """The file, or those of a folder."""
    with reading(path):
        folder = path.is_dir()
    if folder:
        files = sorted(file for ending in ("parquet", "pq") for file in path.rglob(f"*.{ending}"))
        if not files:
            raise DataError("the folder holds no Parquet files", path=path)
        yield from (_parquet_table(file, wanted) for file in files)
    elif is_parquet(path):
        yield _parquet_table(path, wanted)
    else:
        yield _text_table(path, wanted, cells, comment)


def constant(name: str, count: int) -> pa.Array:
    """The name of one series on every row."""
    return pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), pa.array([name]))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _parquet_table(path: Path, wanted: Wanted) -> _Table:
    """A Parquet file, of which only the columns needed are read."""
    file = open_parquet(path)
    layout = layout_of(header_names(parquet_names(file, path)), wanted, path, None)
    source = layout.source(path, "rows")
    schema = file.schema_arrow
    used = [schema.names[index] for index in layout.used]
    if layout.form == "long":
        return _Table(layout, source, _long_parquet(path, layout, source, used))
    for index in layout.values:
        if not (holds_numbers(file, index) or pa.types.is_null(schema.field(index).type)):
            kind = schema.field(index).type
            problem = f"holds {'text' if _is_text(kind) else kind}; numbers are needed"
            raise DataError(problem, path=path, column=shown(layout.names[index]))
    return _Table(layout, source, _wide_parquet(path, layout, source, used))


def _long_parquet(path: Path, layout: Layout, source: Source, used: list[str]) -> Iterator[Batch]:
    schema = open_parquet(path).schema_arrow
    words = [name for name in used if _is_text(schema.field(name).type)]
    # Names as a dictionary take a tenth of the memory and of the time.
    file = open_parquet(path, read_dictionary=words)
    first = 0
    with reading_parquet(path):
        for batch in file.iter_batches(_BATCH_ROWS, columns=used):
            batch.validate(full=True)  # words that are no UTF-8, or point beyond the dictionary
            count = batch.num_rows
            time, value, *ids = (batch.column(name) for name in used)
            id_ = ids[0] if ids else constant(series_name(path), count)
            yield Batch(source, range(first, first + count), id_, time, value, layout.id)
            first += count


def _wide_parquet(path: Path, layout: Layout, source: Source, used: list[str]) -> Iterator[Batch]:
    with reading_parquet(path):
        table = open_parquet(path).read(columns=used).combine_chunks()
        table.validate(full=True)
        times, *columns = (table.column(name).combine_chunks() for name in used)
        values = (column.cast(pa.float64(), safe=False).fill_null(np.nan).to_numpy() for column in columns)
        yield from _wide_batches(layout, source, np.arange(len(table)), times, values)


def _text_table(path: Path, wanted: Wanted, cells: Cells, comment: str | None) -> _Table:
    """A CSV."""
    text = decode(read_bytes(path), path, DATE_NAMES + SYMBOL_NAMES + VALUE_NAMES)
    found = records(text, path, comment)
    line, header = next(found, (1, [""]))
    first = list(islice(found, 20))
    layout = layout_of(header_names(header), wanted, path, line, first)
    source = layout.source(path, "lines")
    below = chain(first, found)
    if layout.form == "numbered":
        return _Table(layout, source, _numbered_batches(below, layout.names, source, cells))
    doubt = separator_of(text) == ";"  # where a comma does not separate, it often stands before decimals
    return _Table(layout, source, _text_batches(path, below, layout, source, cells, doubt, comment))


def _text_batches(
    path: Path,
    below: Iterator[tuple[int, list[str]]],
    layout: Layout,
    source: Source,
    cells: Cells,
    doubt: bool,
    comment: str | None,
) -> Iterator[Batch]:
    lines, rows = fields_of(below, layout.used, len(layout.names), path, comment)
    texts, *columns = zip(*rows, strict=True)
    del rows
    at = np.array(lines)

    def numbers(column: Sequence[str], series: str) -> npt.NDArray[np.float64]:
        def fault(index: int, problem: str) -> DataError:
            return source.error(problem, series, lines[index])

        return cells.numbers(column, fault, points_in_doubt=doubt)

    times = pa.array(texts)
    if layout.form == "wide":
        values = (numbers(column, name) for name, column in zip(layout.series, columns, strict=True))
        yield from _wide_batches(layout, source, at, times, values)
        return
    ids = columns[1:]
    own = constant(series_name(path), len(at))
    name = pa.array([cell.strip() for cell in ids[0]]) if ids else own
    if ids and (empty := pc.index(name, "").as_py()) >= 0:
        raise source.error(f"no {shown(layout.id)}", "", lines[empty], shown(layout.id))
    yield Batch(source, at, name, times, pa.array(numbers(columns[0], "")), layout.id)


def _wide_batches(
    layout: Layout,
    source: Source,
    rows: npt.NDArray[np.int64],
    times: pa.Array,
    columns: Iterator[npt.NDArray[np.float64]],
) -> Iterator[Batch]:
    """The columns of the wide form, many in one batch where they are short."""
    if times.null_count:
        row = int(np.argmax(times.is_null().to_numpy(zero_copy_only=False)))
        raise source.error(f"no {source.date}", "", int(rows[row]), source.date)
    coded = times.dictionary_encode()
    together = max(1, _BATCH_ROWS // max(1, len(rows)))
    for first in range(0, len(layout.series), together):
        values = list(islice(columns, together))
        count = len(values)
        ids = np.repeat(np.arange(count, dtype=np.int32), len(rows))
        yield Batch(
            source,
            np.tile(rows, count),
            pa.DictionaryArray.from_arrays(ids, pa.array(layout.series[first : first + count])),
            pa.DictionaryArray.from_arrays(np.tile(coded.indices.to_numpy(), count), coded.dictionary),
            pa.array(np.concatenate(values)),
        )


def _numbered_batches(
    found: Iterator[tuple[int, list[str]]], names: list[str], source: Source, cells: Cells
) -> Iterator[Batch]:
    """The rows of the M4 competition's form: a name, then the values of its numbers 1, 2, ..."""
    path = source.path
    ids: list[str] = []
    lines: list[int] = []
    values: list[npt.NDArray[np.float64]] = []
    for line, row in found:
        if len(row) != len(names):
            raise DataError(f"{len(row)} fields where {len(names)} are expected", path=path, line=line)
        # The empty cells on the right make up the longest series' length; they are no part of this one.
        while len(row) > 2 and row[-1].strip().lower() in MISSING:
            row.pop()
        ids.append(row[0].strip())
        lines.append(line)
        fault = partial(_cell_error, source, names, line)
        values.append(cells.numbers(row[1:], fault, points_in_doubt=None))
        if (infinite := np.isinf(values[-1])).any():
            raise fault(int(np.argmax(infinite)), "an infinite value; it must be finite, or missing")
    if not ids:
        raise DataError("the file has a header but no rows", path=path)
    again = pd.Series(ids).duplicated().to_numpy() | (np.array(ids) == "")
    if again.any():
        at = int(np.argmax(again))
        problem = f"series {shown(ids[at])} appears twice" if ids[at] else "no name of a series"
        raise DataError(problem, path=path, line=lines[at])
    lengths = np.array([len(row) for row in values])
    series = np.repeat(np.arange(len(ids), dtype=np.int32), lengths)
    numbers = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths) + 1
    coded = pa.DictionaryArray.from_arrays(series, pa.array(ids))
    yield Batch(source, np.repeat(lines, lengths), coded, pa.array(numbers), pa.array(np.concatenate(values)))


def _cell_error(source: Source, names: list[str], line: int, index: int, problem: str) -> DataError:
    return source.error(problem, names[index + 1], line)
