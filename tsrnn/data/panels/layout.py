"""The columns of a file of series, by the names in its header."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from tsrnn.data.tables.columns import DATE_NAMES, find_column, refuse_twice
from tsrnn.data.tables.dates import is_date
from tsrnn.data.tables.headers import no_dates, refuse_dates_as_names
from tsrnn.data.tables.source import Source, listed, shown
from tsrnn.errors import DataError, argument, nearest


class Names(NamedTuple):
    """The columns of a long table that are looked for."""

    id: str
    time: str
    value: str


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
    wanted: Names,
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
    for name in wanted:
        if names.count(name) > 1:
            raise DataError(f"column {shown(name)} appears twice", path=path, line=line)
    numbered = _are_numbered(names)
    given = {"time_column": wanted.time, "value_column": wanted.value}
    given |= {"id_column": wanted.id} if wanted.id != "unique_id" else {}
    if wanted.value != "y" or "y" in names or (wanted.id in names and not numbered):
        for key, name in given.items():
            if name not in names:
                problem = f"column {shown(name)} is missing{nearest(name, names)}; {listed(names)}"
                problem += f" ({argument(f'data.{key}', 'NAME')} names another)"
                raise DataError(problem, path=path, line=line)
        ids = (names.index(wanted.id),) if wanted.id in names else ()
        return Layout(names, "long", names.index(wanted.time), (names.index(wanted.value),), ids)
    time = names.index(wanted.time) if wanted.time in names else None
    if time is None and wanted.time == "ds":
        time = find_column(names, DATE_NAMES, path=path, line=line)
    if time is None and numbered and line is not None:
        return Layout(names, "numbered", 0, tuple(range(1, len(names))))
    refuse_dates_as_names(names, path, line)
    if time is None and names and not names[0] and rows and is_date(rows[0][1][0]):
        time = 0  # as pandas writes an index of dates
    if time is None:
        missing = (
            f"columns {', '.join(map(shown, wanted[1:]))} are missing, and the wide forms do not fit either"
        )
        raise no_dates(names, rows, path, line, missing)
    values = tuple(index for index, name in enumerate(names) if name and index != time)
    refuse_twice([names[index] for index in values], path, line)
    return Layout(names, "wide", time, values)


def _are_numbered(names: Sequence[str]) -> bool:
    """Whether the columns after the first are numbered consecutively, such as V2, V3, V4."""
    found = [re.fullmatch(r"([A-Za-z]?)(\d{1,9})", name) for name in names[1:]]
    if not found or not all(found):
        return False
    numbers = [int(match[2]) for match in found if match]
    same = len({match[1] for match in found if match}) == 1
    return same and numbers == list(range(numbers[0], numbers[0] + len(numbers)))
