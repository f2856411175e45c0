"""Panels of any series from files, gaps kept as a mask: one file or a hundred thousand series."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tsrnn.data.panels.table import Batch, panel_of_batches
from tsrnn.data.tables.cells import MISSING, Cells
from tsrnn.data.tables.columns import DATE_NAMES, SYMBOL_NAMES, find_column, series_name
from tsrnn.data.tables.files import (
    decode,
    is_parquet,
    read_bytes,
    reading,
    records,
)
from tsrnn.data.tables.parquet import open_parquet, parquet_names, reading_parquet
from tsrnn.data.tables.source import Source, listed, shown
from tsrnn.errors import DataError, nearest
from tsrnn.protocols import Panel

_BATCH_ROWS = 2**20


def read_series(
    path: str | Path,
    *,
    id_column: str = "unique_id",
    time_column: str = "ds",
    value_column: str = "y",
    calendar: str = "auto",
) -> Panel:
    """The panel of a CSV (plain or gzip), a Parquet file or a folder of Parquet files.

    Values may be any finite number, and a missing one stays NaN. Three forms are known by the header:

    - long, with the columns of times and of values; without the default column of ids it is one series
      with the file's name; other columns are not read;
    - wide with dates: no column of values, but one of dates, and every other column is a series;
    - wide as in the M4 competition: neither, but a first column of names and then columns numbered
      consecutively (V2, V3, ... or 1, 2, ...); a row is a series from its number 1 on.

    The time axis is the union of all dates; none is added. Whole numbers in place of dates count a series'
    own time steps: where the series end at different numbers they are aligned at their ends, and the panel
    has `ends`. In text, eight digits that can be a date (20230131) are a date.

    Args:
        path: the file, or a folder, whose Parquet files are read in order of their names.
        id_column: the column of names of a long table.
        time_column: the column of dates or of whole numbers.
        value_column: the column of values of a long table.
        calendar: an exchange's code (XNYS, ...), "week" (the data's own), "24/7", "24/5", "none" or "auto".

    Returns:
        The panel, N series in order of first appearance by T time steps, from the first one with a
        value. A series without any value is named in a warning and left out.

    Raises:
        DataError: the data cannot be used; the message names file, line (or row of Parquet, from 0), column.
        ConfigError: the calendar is unknown or does not fit.
    """
    path = Path(path)
    names = _Names(id_column, time_column, value_column)
    batches: Iterator[Batch]
    with reading(path):
        folder = path.is_dir()
    if not folder:
        batches = _parquet_batches(path, names) if is_parquet(path) else _text_batches(path, names)
    else:
        files = sorted(file for ending in ("parquet", "pq") for file in path.rglob(f"*.{ending}"))
        if not files:
            raise DataError("the folder holds no Parquet files", path=path)
        batches = chain.from_iterable(_parquet_batches(file, names) for file in files)
    return panel_of_batches(batches, calendar, str(path))


class _Names(NamedTuple):
    """The columns of a long table."""

    id: str
    time: str
    value: str

    def places(self, names: list[str], path: Path, line: int | None) -> tuple[int, ...] | None:
        """The columns of time, of value and (where there are names) of ids; None for the wide forms."""
        for name in self:
            if names.count(name) > 1:
                raise DataError(f"column {shown(name)} appears twice", path=path, line=line)
        required = [self.time, self.value] + ([self.id] if self.id != "unique_id" else [])
        wide = self.value == "y" and "y" not in names and (self.id not in names or _numbered(names))
        for name in required:
            if name not in names and not wide:
                problem = f"column {shown(name)} is missing{nearest(name, names)}; {listed(names)}"
                raise DataError(problem, path=path, line=line)
        if wide:
            return None
        ids = (names.index(self.id),) if self.id in names else ()
        return (names.index(self.time), names.index(self.value), *ids)

    def date(self, names: list[str], path: Path, line: int | None) -> int | None:
        """The column of dates of the wide form."""
        if self.time in names:
            return names.index(self.time)
        return find_column(names, DATE_NAMES, path=path, line=line) if self.time == "ds" else None


def constant(name: str, count: int) -> pa.Array:
    """The name of one series on every row."""
    return pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), pa.array([name]))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _no_form(names: list[str], path: Path, line: int | None, wanted: _Names) -> DataError:
    problem = f"columns {', '.join(map(shown, wanted[1:]))} are missing, and the wide forms do not fit either"
    return DataError(f"{problem}; {listed(names)}", path=path, line=line)


def _parquet_batches(path: Path, wanted: _Names) -> Iterator[Batch]:
    """The rows of a Parquet file, of which only the columns needed are read."""
    file = open_parquet(path)
    schema, names = file.schema_arrow, parquet_names(file, path)
    places = wanted.places(names, path, None)
    if places is not None:
        used = [schema.names[index] for index in places]
        words = [name for name in used if _is_text(schema.field(name).type)]
        # Names as a dictionary take a tenth of the memory and of the time.
        file = open_parquet(path, read_dictionary=words)
        source = Source(path, shown(wanted.time), shown(wanted.value), "rows")
        first = 0
        with reading_parquet(path):
            for batch in file.iter_batches(_BATCH_ROWS, columns=used):
                batch.validate(full=True)  # words that are no UTF-8, or point beyond the dictionary
                count = batch.num_rows
                time, value, *ids = (batch.column(name) for name in used)
                id_ = ids[0] if ids else constant(series_name(path), count)
                yield Batch(source, range(first, first + count), id_, time, value, wanted.id)
                first += count
        return
    date = wanted.date(names, path, None)
    if date is None:
        raise _no_form(names, path, None, wanted)
    series = [index for index, name in enumerate(names) if name and index != date]
    with reading_parquet(path):
        table = file.read(columns=[schema.names[index] for index in (date, *series)]).combine_chunks()
        table.validate(full=True)
    for index in series:
        source = Source(path, shown(names[date]), shown(names[index]), "rows")
        time, value = (table.column(schema.names[place]).combine_chunks() for place in (date, index))
        yield Batch(source, range(len(time)), constant(names[index], len(time)), time, value)


def _text_batches(path: Path, wanted: _Names) -> Iterator[Batch]:
    """The rows of a CSV."""
    found = records(decode(read_bytes(path), path, DATE_NAMES + SYMBOL_NAMES), path)
    line, header = next(found, (1, [""]))
    names = [" ".join(cell.split()) for cell in header]
    places = wanted.places(names, path, line)
    date = None if places else wanted.date(names, path, line)
    if places is None and date is None:
        if not _numbered(names):
            raise _no_form(names, path, line, wanted)
        yield _numbered_batch(found, names, path)
        return
    lines: list[int] = []
    rows: list[list[str]] = []
    for line, row in found:
        _refuse_ragged(row, names, path, line)
        lines.append(line)
        rows.append(row if places is None else [row[index] for index in places])
    if not rows:
        raise DataError("the file has a header but no rows", path=path)
    columns = list(zip(*rows, strict=True))
    del rows
    at = np.array(lines)
    if places is not None:
        times, values, *ids = columns
        source = Source(path, shown(wanted.time), shown(wanted.value))
        name = pa.array([cell.strip() for cell in ids[0]]) if ids else constant(series_name(path), len(at))
        if ids and (empty := pc.index(name, "").as_py()) >= 0:
            raise source.error(f"no {shown(wanted.id)}", "", lines[empty], shown(wanted.id))
        yield Batch(source, at, name, pa.array(times), _values(values, at, source))
        return
    series = [index for index, name in enumerate(names) if name and index != date]
    _refuse_same([names[index] for index in series], path, None)
    times = pa.array(columns[date or 0]).dictionary_encode()
    for index in series:
        source = Source(path, shown(names[date or 0]), shown(names[index]))
        yield Batch(source, at, constant(names[index], len(at)), times, _values(columns[index], at, source))


def _values(cells: Sequence[str], lines: npt.NDArray[np.int64], source: Source) -> pa.Array:
    return pa.array(Cells().numbers(cells, lambda i, problem: source.error(problem, "", int(lines[i]))))


def _numbered(names: list[str]) -> bool:
    """Whether the columns after the first are numbered consecutively, such as V2, V3, V4."""
    found = [re.fullmatch(r"([A-Za-z]?)(\d{1,9})", name) for name in names[1:]]
    if not found or not all(found):
        return False
    numbers = [int(match[2]) for match in found if match]
    same = len({match[1] for match in found if match}) == 1
    return same and numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def _numbered_batch(found: Iterator[tuple[int, list[str]]], names: list[str], path: Path) -> Batch:
    """The rows of the M4 competition's form: a name, then the values of its numbers 1, 2, ..."""
    source = Source(path, names[0] or "1", None)
    ids: list[str] = []
    lines: list[int] = []
    values: list[npt.NDArray[np.float64]] = []
    for line, row in found:
        _refuse_ragged(row, names, path, line)
        # The empty cells on the right make up the longest series' length; they are no part of this one.
        while len(row) > 2 and row[-1].strip().lower() in MISSING:
            row.pop()
        ids.append(row[0].strip())
        lines.append(line)
        fault = partial(_cell_error, source, names, line)
        values.append(Cells().numbers(row[1:], fault))
        if (infinite := np.isinf(values[-1])).any():
            raise fault(int(np.argmax(infinite)), "an infinite value; it must be finite, or missing")
    if not ids:
        raise DataError("the file has a header but no rows", path=path)
    _refuse_same(ids, path, lines)
    lengths = np.array([len(row) for row in values])
    series = np.repeat(np.arange(len(ids), dtype=np.int32), lengths)
    numbers = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths) + 1
    coded = pa.DictionaryArray.from_arrays(series, pa.array(ids))
    return Batch(
        source, np.repeat(lines, lengths), coded, pa.array(numbers), pa.array(np.concatenate(values))
    )


def _cell_error(source: Source, names: list[str], line: int, index: int, problem: str) -> DataError:
    return source.error(problem, names[index + 1], line)


def _refuse_ragged(row: list[str], names: list[str], path: Path, line: int) -> None:
    if len(row) != len(names):
        raise DataError(f"{len(row)} fields where {len(names)} are expected", path=path, line=line)


def _refuse_same(names: list[str], path: Path, lines: list[int] | None) -> None:
    """No two series of a wide form have one name, and none has no name."""
    again = pd.Series(names).duplicated().to_numpy() | (np.array(names) == "")
    if again.any():
        at = int(np.argmax(again))
        kind = "column" if lines is None else "series"
        problem = f"{kind} {shown(names[at])} appears twice" if names[at] else "no name of a series"
        raise DataError(problem, path=path, line=None if lines is None else lines[at])
