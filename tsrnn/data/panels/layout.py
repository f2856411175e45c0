"""The columns of a file of series, by the names in its header."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from tsrnn.data.tables.columns import Wanted, refuse_twice, speaks_of_bars
from tsrnn.data.tables.dates import is_date
from tsrnn.data.tables.headers import no_dates, refuse_no_header
from tsrnn.data.tables.source import Source, listed, shown
from tsrnn.errors import DataError, argument


class Layout(NamedTuple):
    """The columns that are read, by their positions.

    Args:
        names: of all columns.
        form: long, wide with dates, or numbered as in the M4 competition.
        time: the column of times; of the numbered form, that of names.
        values: the columns of values: one in the long form.
        ids: the column of names in the long form: none or one.
    """

    names: list[str]
    form: Literal["long", "wide", "numbered"]
    time: int
    values: tuple[int, ...]
    ids: tuple[int, ...] = ()

    @property
    def used(self) -> list[int]:
        """All of them, in the order times, values, names."""
        return [self.time, *self.values, *self.ids]

    @property
    def id(self) -> str:
        """What the column of names is called, for messages."""
        return self.names[self.ids[0]] if self.ids else "unique_id"

    @property
    def series(self) -> list[str]:
        """The names of the series of the wide form."""
        return [self.names[index] for index in self.values]

    def source(self, path: Path, rows: Literal["lines", "rows"]) -> Source:
        """The file and its columns, for messages."""
        value = shown(self.names[self.values[0]]) if self.form == "long" else None
        used = set(self.used)
        unread = tuple(name for index, name in enumerate(self.names) if index not in used)
        return Source(path, shown(self.names[self.time] or "1"), value, rows, unread)


def layout_of(
    names: list[str],
    wanted: Wanted,
    path: Path,
    line: int | None,
    rows: Sequence[tuple[int, list[str]]] = (),
) -> Layout:
    """The columns that a header offers: see `read_series`.

    Args:
        names: of all columns.
        wanted: the columns of the long form.
        path: the file, for messages.
        line: the line of the header in text, where alone the numbered form is known.
        rows: the first rows below it.

    Raises:
        DataError: if a column is missing or stands twice.
    """
    id_, time, value = wanted.find(names, path=path, line=line)
    if time is None and value is None and line is not None and _are_numbered(names):
        return Layout(names, "numbered", 0, tuple(range(1, len(names))))
    refuse_no_header(names, path, line)
    if time is None and not names[0] and rows and is_date(rows[0][1][0]):
        time = 0  # as pandas writes an index of dates
    series = tuple(index for index, name in enumerate(names) if name and index != time)
    wide = value is None and id_ is None and not speaks_of_bars(names) and bool(series)
    if time is None and wide:
        missing = f"columns {shown(wanted.time)} and {shown(wanted.value)} are missing"
        raise no_dates(names, rows, path, line, f"{missing}, and the wide forms do not fit either")
    for key, place in (("time", time), ("value", value)):
        if place is None and not wide:
            other = f"{argument(f'data.{key}_column', 'NAME')} names another"
            problem = f"column {getattr(wanted, key)} is missing; {listed(names)} ({other})"
            raise DataError(problem, path=path, line=line)
    assert time is not None
    if value is not None:
        return Layout(names, "long", time, (value,), () if id_ is None else (id_,))
    refuse_twice([names[index] for index in series], path, line)
    return Layout(names, "wide", time, series)


def _are_numbered(names: Sequence[str]) -> bool:
    """Whether the columns after the first are numbered consecutively, such as V2, V3, V4."""
    found = [re.fullmatch(r"([A-Za-z]?)(\d{1,9})", name) for name in names[1:]]
    if not found or not all(found):
        return False
    numbers = [int(match[2]) for match in found if match]
    same = len({match[1] for match in found if match}) == 1
    return same and numbers == list(range(numbers[0], numbers[0] + len(numbers)))
