"""Where values stand, and what they are called, in the words of a message."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pandas as pd

from tsrnn.errors import DataError, DataWarning, level_of_the_user, nearest

Fault: TypeAlias = Callable[[int, str], DataError]
"""The error of a cell, by its position in the column and its problem in words."""

YEARS = (1700, 2200)  # whole years that nanoseconds in 64 bits can hold
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


@dataclass(frozen=True)
class Source:
    """Where values stand, in the words of an error or a warning: lines of a file, or rows of a frame.

    Args:
        path: the file, or None for a frame.
        date: the column of dates.
        value: the column of prices, or None in the wide form, where each series is a column.
        rows: what the numbers of rows count: lines of text from 1, or rows of a table from 0.
        unread: the columns beside these that are not read.
    """

    path: Path | None
    date: str
    value: str | None
    rows: Literal["lines", "rows"] = "lines"
    unread: tuple[str, ...] = ()

    def column(self, series: str) -> str:
        """The column that holds the prices of a series."""
        return self.value or shown(series)

    def error(self, problem: str, series: str, row: int | None, column: str | None = None) -> DataError:
        """The problem with its place in front."""
        column = column or self.column(series)
        if self.rows == "lines":
            return DataError(problem, path=self.path, line=row, column=column)
        place = [f"series {shown(series)}"] if series else []
        place += [] if row is None else [f"row {row}"]
        return DataError(
            f"{', '.join(place)}: {problem}" if place else problem, path=self.path, column=column
        )

    def warn(self, problem: str, series: str, row: int | None, column: str | None = None) -> None:
        """The same words as a warning, at the user's line."""
        message = self.error(problem, series, row, column).args[0]
        warnings.warn(DataWarning(message), stacklevel=level_of_the_user())


def first_word(y: pd.Series[Any]) -> int | None:
    """The position of the first value that is neither a real number nor missing."""
    if y.dtype.kind in "iuf":
        return None
    for row, value in enumerate(y):
        number = pd.api.types.is_number(value) or isinstance(value, Decimal)
        if not (number or pd.isna(value)) or isinstance(value, complex):
            return row
    return None


def refuse_unprintable(names: Sequence[str], path: Path | None) -> None:
    """No name of a series holds what a terminal takes for a command, or what cannot be seen."""
    if not _UNSEEN.search("".join(names)):
        return
    for name in names:
        if found := _UNSEEN.search(name):
            problem = (
                f"the series '{shown(name)}' has a character that cannot be seen (U+{ord(found[0]):04X})"
            )
            raise DataError(f"{problem}; remove it", path=path)


def selected(names: Sequence[str], symbols: Sequence[str] | None, path: Path | None) -> list[int]:
    """The positions of the series that are asked for, in the order of the names."""
    for symbol in symbols or ():
        if symbol not in names:
            problem = f"there is no series {shown(symbol)}{nearest(symbol, names)}"
            raise DataError(f"{problem}; {listed(names, 'series')}", path=path)
    if symbols is not None and not symbols:
        raise DataError("no series is asked for", path=path)
    return [code for code, name in enumerate(names) if symbols is None or name in symbols]


def nanoseconds(stamps: pd.Series[Any]) -> pd.Series[Any]:
    """The datetimes in nanoseconds, NaT where the year does not fit them."""
    return stamps.where(stamps.dt.year.between(*YEARS)).dt.as_unit("ns")


def listed(names: Sequence[str], kind: str = "columns") -> str:
    """The names that there are, as the end of a message."""
    first = ", ".join(shown(name) for name in names[:12])
    return f"the {kind} are {first}{', …' if len(names) > 12 else ''}"


def shown(text: str) -> str:
    """Text from a file, fit for a message: printable, and at most 40 characters."""
    cut = text if len(text) <= 40 else text[:39] + "…"
    return "".join(letter if letter.isprintable() else " " for letter in cut)
