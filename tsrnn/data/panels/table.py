"""A panel from batches of a long table, in memory for 16 bytes a row and no loop over rows or series."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tsrnn.data.calendars import check_calendar, open_steps
from tsrnn.data.tables.cells import Cells
from tsrnn.data.tables.source import YEARS, Source, refuse_unprintable, shown
from tsrnn.errors import DataError, DataWarning, first_few, level_of_the_user
from tsrnn.protocols import Panel, time_text

Codes: TypeAlias = npt.NDArray[np.int32]
Whole: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]
_PANEL_LIMIT = 2**30  # values


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


class _Part(NamedTuple):
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


class _Rows:
    """All rows of a table: their series and moments in numbers, in the parts in which they came."""

    def __init__(self, batches: Iterable[Batch], path: str) -> None:
        ids, times = _Coder(), _Coder()
        self.path = path
        self.parts = [_part(batch, ids, times, path) for batch in batches if len(batch.values)]
        if not self.parts:
            raise DataError("there are no rows", path=path)
        names, self._series = ids.unify()
        self.names: list[str] = names.to_pylist()
        refuse_unprintable(self.names, Path(path))
        moments, self._times = times.unify()
        self.dated = not pa.types.is_integer(moments.type)
        if pa.types.is_string(moments.type):
            moments, self.dated = self._read(moments.to_pylist())
        self.different: Whole = moments.cast(pa.int64()).to_numpy()

    def series(self, part: _Part) -> Codes:
        """The series of each row of a part, as positions in the names."""
        return self._series[part.ids]

    def times(self, part: _Part) -> Codes:
        """The moment of each row of a part, as positions in `different`."""
        return self._times[part.times]

    def moments(self, part: _Part) -> Whole:
        """The whole number or the nanoseconds since 1970 of each row of a part."""
        return self.different[self.times(part)]

    def _read(self, texts: list[str]) -> tuple[pa.Array, bool]:
        """Texts as whole numbers, or else as dates, and whether they are dates."""

        def fault(index: int, problem: str) -> DataError:
            for part in self.parts:
                at = np.flatnonzero(self._times[part.times] == index)
                if at.size:
                    return part.source.error(problem, "", int(part.rows[at[0]]), part.source.date)
            raise AssertionError("a text of no row")

        whole = re.compile(r"[+-]?\d{1,18}", re.ASCII)
        day = re.fullmatch(r"(1[7-9]|2[01])\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])", texts[0], re.ASCII)
        if whole.fullmatch(texts[0]) and not day:
            for index, text in enumerate(texts):
                if not whole.fullmatch(text):
                    raise fault(index, f"'{shown(text)}' is not a whole number, as those above are")
            return pa.array([int(text) for text in texts], pa.int64()), False
        return pa.array(Cells().stamps(texts, fault)), True

    def refuse_twice(self, places: Callable[[_Part], Whole], size: int) -> None:
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
                raise part.source.error(problem, name, int(part.rows[row]), part.source.date)
            taken[at[at >= 0]] = True


def panel_of_batches(batches: Iterable[Batch], calendar: str, path: str) -> Panel:
    """The panel of a long table, as `read_series` describes it.

    Args:
        batches: the rows, in any order.
        calendar: as for `check_calendar`.
        path: the file or folder, for messages.

    Raises:
        DataError: the rows cannot be used; the message names the place.
        ConfigError: the calendar is unknown or does not fit.
    """
    rows = _Rows(batches, path)
    valued = np.zeros(len(rows.names), bool)
    for part in rows.parts:
        valued[rows.series(part)[~np.isnan(part.values)]] = True
    _warn_of_empty(rows, valued)
    ds, lasts, present = _dates(rows, valued) if rows.dated else _numbers(rows, valued)
    series_count, steps = int(valued.sum()), len(ds)
    _refuse_size(series_count, steps, path)
    row_of = np.where(valued, np.cumsum(valued) - 1, -1)
    first = ds[0].astype(np.int64)

    def places(part: _Part) -> Whole:
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
    calendar = check_calendar(ds[present], calendar, path)
    if not present.all():
        # A weekend of missing values, from a table with every hour, is as closed as one without rows.
        kept = present | open_steps(ds, calendar, ds[present])
        ds, grid = ds[kept], grid[:, kept]
    return Panel(names, ds, grid, calendar, ends)


def _part(batch: Batch, ids: _Coder, times: _Coder, path: str) -> _Part:
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
    return _Part(
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


def _dates(rows: _Rows, valued: Flags) -> tuple[npt.NDArray[Any], None, Flags]:
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


def _numbers(rows: _Rows, valued: Flags) -> tuple[Whole, Whole, Flags]:
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


def _warn_of_empty(rows: _Rows, valued: Flags) -> None:
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
