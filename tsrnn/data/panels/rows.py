"""The rows of a long table in numbers, 16 bytes a row and no loop over rows or series."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tsrnn.data.tables.cells import Cells
from tsrnn.data.tables.dates import EXCEL, no_date
from tsrnn.data.tables.source import YEARS, Source, refuse_unprintable, shown
from tsrnn.errors import DataError, Notice, argument, level_of_the_user
from tsrnn.protocols import time_text

Codes: TypeAlias = npt.NDArray[np.int32]
Whole: TypeAlias = npt.NDArray[np.int64]
_WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_DAY = re.compile(r"(1[7-9]|2[01])\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])", re.ASCII)


class Batch(NamedTuple):
    """Rows of a long table.

    Args:
        source: the file and its columns, for messages.
        rows: the number of each row in the file: lines from 1, or rows from 0.
        ids: the name of each row's series: text or numbers.
        times: datetimes, days, whole numbers or text of one of them.
        values: numbers, null or NaN where there is none.
        id_column: the column of names, for messages.
    """

    source: Source
    rows: Sequence[int] | npt.NDArray[np.int64]
    ids: pa.Array
    times: pa.Array
    values: pa.Array
    id_column: str = "unique_id"


class Part(NamedTuple):
    """A batch in numbers: ids and times are positions in the dictionaries of two `_Coder`."""

    source: Source
    rows: Sequence[int] | npt.NDArray[np.int64]
    ids: Codes
    times: Codes
    values: npt.NDArray[np.float64]


class _Coder:
    """Numbers in place of values, batch by batch; equal values are found once, at the end."""

    def __init__(self) -> None:
        self.dictionaries: list[pa.Array] = []
        self.count = 0

    def codes(self, array: pa.DictionaryArray) -> Codes:
        """The number of each value; those in use are numbered in order of first appearance."""
        used = pc.unique(array.indices)
        number = np.zeros(len(array.dictionary), np.int32)
        number[used.to_numpy()] = np.arange(self.count, self.count + len(used), dtype=np.int32)
        self.dictionaries.append(array.dictionary.take(used))
        self.count += len(used)
        codes: Codes = number[array.indices.to_numpy()]
        return codes

    def unify(self) -> tuple[pa.Array, Codes]:
        """The different values in order of first appearance, and the place of each number among them."""
        encoded = pa.concat_arrays(self.dictionaries).dictionary_encode()
        return encoded.dictionary, encoded.indices.to_numpy()


class Rows:
    """All rows of a table: their series and moments in numbers, in the parts in which they came."""

    def __init__(self, batches: Iterable[Batch], path: str, cells: Cells) -> None:
        ids, times = _Coder(), _Coder()
        self.path, self._cells = path, cells
        self.parts = [_part(batch, ids, times, path) for batch in batches if len(batch.values)]
        if not self.parts:
            raise DataError("there are no rows", path=path)
        names, self._series = ids.unify()
        self.names: list[str] = names.to_pylist()
        refuse_unprintable(self.names, Path(path))
        moments, self._times = times.unify()
        self.dated = not pa.types.is_integer(moments.type)
        if pa.types.is_string(moments.type) or not self.dated:
            moments, self.dated = self._read(moments)
        self.different: Whole = moments.cast(pa.int64()).to_numpy()

    def series(self, part: Part) -> Codes:
        """The series of each row of a part, as positions in the names."""
        return self._series[part.ids]

    def times(self, part: Part) -> Codes:
        """The moment of each row of a part, as positions in `different`."""
        return self._times[part.times]

    def moments(self, part: Part) -> Whole:
        """The whole number or the nanoseconds since 1970 of each row of a part."""
        return self.different[self.times(part)]

    def _read(self, moments: pa.Array) -> tuple[pa.Array, bool]:
        """Texts or whole numbers as whole numbers, or else as dates, and whether they are dates."""

        def fault(index: int, problem: str) -> DataError:
            for part in self.parts:
                at = np.flatnonzero(self._times[part.times] == index)
                if at.size:
                    return part.source.error(problem, "", int(part.rows[at[0]]), part.source.date)
            raise AssertionError("a text of no row")

        first = str(moments[0])
        if self._cells.dates == "epoch" or _DAY.fullmatch(first) or not _WHOLE.fullmatch(first):
            return pa.array(self._cells.stamps([str(moment) for moment in moments], fault)), True
        if pa.types.is_string(moments.type):
            texts = moments.to_pylist()
            for index, text in enumerate(texts):
                if not _WHOLE.fullmatch(text):
                    raise fault(index, f"'{shown(text)}' is not a whole number, as those above are")
            moments = pa.array([int(text) for text in texts], pa.int64())
        self._doubt(moments.to_numpy(), fault)
        return moments, False

    def _doubt(self, numbers: Whole, fault: Callable[[int, str], DataError]) -> None:
        """Refuse whole numbers that look like seconds since 1970, and say which look like Excel's days."""
        steps = np.diff(np.unique(numbers))
        if len(steps) and numbers.min() >= 10**8 and np.gcd.reduce(steps) >= 60:
            raise fault(0, f"'{numbers[0]}' {no_date(str(numbers[0]))}")
        if EXCEL[0] < numbers.min() and numbers.max() < EXCEL[1]:
            day = np.datetime64("1899-12-30") + int(numbers[0])
            problem = f"whole numbers such as {numbers[0]} count time steps; in Excel that is the day {day}"
            source = self.parts[0].source
            warnings.warn(
                Notice(f"{self.path}, column {source.date}: {problem}"), stacklevel=level_of_the_user()
            )

    def refuse_twice(self, places: Callable[[Part], Whole], size: int) -> None:
        """Name the first row whose series has a value at its moment already."""
        taken = np.zeros(size, bool)
        for part in self.parts:
            at = places(part)
            again = (taken[at] | pd.Series(at).duplicated().to_numpy()) & (at >= 0)
            if again.any():
                row = int(np.argmax(again))
                first, before = next(
                    (other, int(np.argmax(found)))
                    for other in self.parts
                    if (found := places(other) == at[row]).any()
                )
                moment = self.moments(part)[row]
                text = time_text(np.datetime64(int(moment), "ns") if self.dated else moment)
                numbers = f"{part.source.rows} {first.rows[before]} and {part.rows[row]}"
                if first.source.path != part.source.path:
                    numbers = f"row {part.rows[row]} and on row {first.rows[before]} of {first.source.path}"
                problem = f"{text} is on {numbers}; keep one of them"
                name = self.names[self.series(part)[row]]
                if part.source.rows == "lines" and part.source.date != part.source.value:
                    problem = f"series {shown(name)}: {problem}"
                if len(self.names) == 1 and part.source.unread:
                    problem += f"; {argument('data.id_column', 'NAME')} names the column of several series"
                raise part.source.error(problem, name, int(part.rows[row]), part.source.date)
            taken[at[at >= 0]] = True


def _part(batch: Batch, ids: _Coder, times: _Coder, path: str) -> Part:
    """A batch in numbers, each fault named by its row."""
    source, rows = batch.source, batch.rows
    for array, column in ((batch.ids, batch.id_column), (batch.times, source.date)):
        if array.null_count:
            row = int(np.argmax(array.is_null().to_numpy(zero_copy_only=False)))
            raise source.error(f"no {column}", "", int(rows[row]), shown(column))
    named = _coded(batch.ids)
    dictionary = named.dictionary.cast(pa.string())
    timed = _coded(batch.times)
    moments = _comparable(timed, batch)
    if times.dictionaries and moments.type != times.dictionaries[0].type:
        problem = f"holds {timed.dictionary.type}, where {times.dictionaries[0].type} came before"
        raise DataError(problem, path=source.path or path, column=source.date)
    kind = batch.values.type
    real = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    if not (real or pa.types.is_null(kind)):
        problem = f"holds {kind}; numbers are needed"
        raise DataError(problem, path=source.path or path, column=source.value)
    values = batch.values.cast(pa.float64(), safe=False).fill_null(np.nan).to_numpy(zero_copy_only=False)
    infinite = np.isinf(values)
    if infinite.any():
        row = int(np.argmax(infinite))
        name = dictionary[named.indices[row].as_py()].as_py()
        problem = f"the value is {values[row]:g}; it must be finite, or missing"
        raise source.error(problem, name, int(rows[row]))
    return Part(
        source,
        rows,
        ids.codes(pa.DictionaryArray.from_arrays(named.indices, dictionary)),
        times.codes(pa.DictionaryArray.from_arrays(timed.indices, moments)),
        values,
    )


def _coded(array: pa.Array) -> pa.DictionaryArray:
    return array if pa.types.is_dictionary(array.type) else array.dictionary_encode()


def _comparable(timed: pa.DictionaryArray, batch: Batch) -> pa.Array:
    """The different times of a batch as text, whole numbers, or datetimes in UTC and nanoseconds."""
    different, source = timed.dictionary, batch.source
    kind = different.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return pc.utf8_trim_whitespace(different.cast(pa.string()))
    if pa.types.is_integer(kind):
        largest = pc.max(different).as_py() or 0
        if largest >= 2**62:
            raise DataError("a number beyond 2^62", path=source.path, column=source.date)
        return different.cast(pa.int64())
    if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        problem = f"holds {kind}; make it dates, or whole numbers"
        raise DataError(problem, path=source.path, column=source.date)
    years = pc.year(different).to_numpy()
    far = (years < YEARS[0]) | (years > YEARS[1])
    if far.any():
        row = int(np.argmax(np.isin(timed.indices.to_numpy(), np.flatnonzero(far))))
        raise source.error(f"the year is outside {YEARS}", "", int(batch.rows[row]), source.date)
    zone = getattr(kind, "tz", None)
    # A timestamp with a zone counts from 1970 in UTC: without its zone it is the time there.
    moments = different.cast(pa.timestamp("ns", zone))
    return moments.cast(pa.int64()).cast(pa.timestamp("ns"))
