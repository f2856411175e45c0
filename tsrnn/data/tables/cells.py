"""Numbers and dates in columns of text, read strictly: one format a column, and nothing guessed."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from tsrnn.data.tables.dates import read_dates
from tsrnn.data.tables.source import Fault, shown
from tsrnn.errors import ConfigError, DataWarning, argument, level_of_the_user

Decimals: TypeAlias = Literal[".", ","]
Thousands: TypeAlias = Literal[",", ".", " ", "'"] | None

MISSING = (
    *("", "null", "nan", "na", "n/a", "none", "-", "--", "."),
    *("#n/a", "#na", "<na>", "#n/a n/a"),  # as Excel, pandas and Bloomberg have it
)
_INFINITE = ("inf", "+inf", "-inf", "infinity", "+infinity", "-infinity")
_NOT_IN_A_NUMBER = re.compile(r"[^0-9.eE+\- ]")
_THOUSANDS = {",": ",", ".": r"\.", " ": "[ \u00a0\u2009\u202f]", "'": "['’]"}
_UNIT = r"[A-Z]{3}|[$¢£¤¥฿₠-⃏%￡￥￦원円元]"
_THREE_DECIMALS = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}", re.ASCII)


@dataclass(frozen=True)
class Cells:
    """How the numbers and dates of a file are written.

    Args:
        decimal: the mark before decimals, "." or ",".
        thousands: the mark between thousands: ",", ".", " ", "'" or None.
        dates: "auto" knows a format that leaves no doubt, "dmy" and "mdy" say which of day and month
            stands first, "epoch" reads seconds, or milliseconds and less, since 1970 (in UTC).
        on_units: "error" refuses a currency or percent sign at a number, "drop" leaves it out.

    Raises:
        ConfigError: if an option has another value, or both marks are the same.
    """

    decimal: Decimals = "."
    thousands: Thousands = None
    dates: Literal["auto", "epoch", "dmy", "mdy"] = "auto"
    on_units: Literal["error", "drop"] = "error"

    def __post_init__(self) -> None:
        for name, known in (
            ("decimal", (".", ",")),
            ("thousands", (None, ",", ".", " ", "'")),
            ("dates", ("auto", "epoch", "dmy", "mdy")),
            ("on_units", ("error", "drop")),
        ):
            if getattr(self, name) not in known:
                words = ", ".join("none" if word is None else repr(word) for word in known)
                raise ConfigError(
                    f"{argument('data.' + name)} is one of {words}, not {getattr(self, name)!r}"
                )
        if self.decimal == self.thousands:
            raise ConfigError(
                f"{argument('data.decimal')} and {argument('data.thousands')} are both {self.decimal!r}; "
                "give two different marks"
            )

    def __str__(self) -> str:
        """The options that are not left at their default, or else the mark before decimals, for a message."""
        set_ = {field.name: getattr(self, field.name) for field in fields(self)}
        own = [field.name for field in fields(self) if set_[field.name] != field.default] or ["decimal"]
        return " with ".join(argument(f"data.{name}", set_[name]) for name in own)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """A number with its thousands in groups of three, and its unit where that is allowed."""
        whole = r"\d+"
        if self.thousands is not None:
            mark = _THOUSANDS[self.thousands]
            # India writes 1,23,45,678: groups of two above the last one of three.
            whole = rf"(?:\d{{1,3}}(?:{mark}\d{{3}})+|\d{{1,2}}(?:{mark}\d{{2}})+{mark}\d{{3}}|\d+)"
        decimal = re.escape(self.decimal)
        number = rf"(?P<number>(?:{whole}(?:{decimal}\d*)?|{decimal}\d+)(?:[eE][+-]?\d+)?)"
        if self.on_units == "drop":
            number = rf"(?P<before>{_UNIT})?\s?{number}\s?(?P<after>{_UNIT})?"
        return re.compile(rf"(?P<sign>[+-]?){number}", re.ASCII)

    def numbers(
        self, cells: Sequence[str], fault: Fault, *, points_in_doubt: bool | None = False
    ) -> npt.NDArray[np.float64]:
        """The numbers in a column of text, NaN where a cell says that there is none.

        A warning names numbers such as 1.234 in a column that speaks for thousands.

        Args:
            cells: the column.
            fault: makes the error of a cell.
            points_in_doubt: whether the file looks as if its decimals stood behind commas; None: no warning.

        Raises:
            DataError: from `fault`, for the first cell that is neither.
        """
        if self.decimal == "." and not _NOT_IN_A_NUMBER.search("".join(cells)):
            try:
                values = np.array(list(map(float, cells)))
            except ValueError:
                pass  # An empty cell, or signs in the wrong place: the loop says which.
            else:
                self._warn_of_points(cells, fault, points_in_doubt)
                return values
        values = np.full(len(cells), np.nan)
        unit: str | None = None
        for index, cell in enumerate(cells):
            text = cell.strip()
            if found := self.pattern.fullmatch(text):
                values[index] = self._value(found)
                if self.on_units == "drop":
                    own = (found["before"] or "") + (found["after"] or "")
                    if unit is not None and own != unit:
                        raise fault(
                            index, f"'{shown(text)}' is not in the unit of the lines above ('{unit}')"
                        )
                    unit = own
            elif text.lower() in _INFINITE:
                values[index] = float(text)
            elif text.lower() not in MISSING:
                example = f"98{self.decimal}76"
                problem = f"'{shown(text)}' is not a plain number, such as {example}"
                raise fault(index, f"{problem}{_remedy(text, cells)}")
        if self.decimal == ".":
            self._warn_of_points(cells, fault, points_in_doubt)
        return values

    def value(self, text: str) -> float | None:
        """The number that a cell is read as; None where it cannot be."""
        found = self.pattern.fullmatch(text)
        return None if found is None else self._value(found)

    def _value(self, found: re.Match[str]) -> float:
        number = found["number"]
        if self.thousands is not None:
            number = re.sub(_THOUSANDS[self.thousands], "", number)
        return float(found["sign"] + number.replace(",", "."))

    def stamps(self, cells: Sequence[str], fault: Fault) -> npt.NDArray[Any]:
        """The dates in a column of text, which all have one format, in datetime64[ns].

        Raises:
            DataError: from `fault`, for the first cell that is no such date.
        """
        return read_dates(cells, self.dates, fault)

    def _warn_of_points(self, cells: Sequence[str], fault: Fault, in_doubt: bool | None) -> None:
        """Points that all have three digits behind them, and whole numbers below 1000: 1.002 after 998."""
        if in_doubt is None:
            return
        pointed, below = None, None
        for index, cell in enumerate(cells):
            text = cell.strip()
            if _THREE_DECIMALS.fullmatch(text):
                pointed = index if pointed is None else pointed
            elif text.isdecimal() and len(text) <= 3:
                below = text
            elif text.lower() not in MISSING:
                return
        if pointed is None or not (below or in_doubt):
            return
        text = cells[pointed].strip()
        way = Cells(decimal=",", thousands=".")
        beside = f", and {below} as {below}" if below else ""
        problem = (
            f"'{text}' is read as {float(text):.15g}{beside}; every point has three digits behind it, as "
            f"thousands have, and {way} reads it as {way.value(text):.15g}"
        )
        warnings.warn(DataWarning(fault(pointed, problem).args[0]), stacklevel=level_of_the_user())


_MARKS: tuple[tuple[Decimals, Thousands], ...] = (
    *((".", None), (".", ","), (",", None), (".", " "), (".", "'")),
    *((",", "."), (",", " "), (",", "'")),
)
_SIGNS: tuple[Literal["error", "drop"], ...] = ("error", "drop")
_WAYS = tuple(Cells(decimal, thousands, on_units=signs) for signs in _SIGNS for decimal, thousands in _MARKS)
"""What reads numbers that are not plain, in the order in which it is offered: thousands before decimals."""


def _remedy(text: str, cells: Sequence[str]) -> str:
    """What reads a number that is not plain, and as what, as the end of a message.

    Only what reads the whole column is offered, and of several ways each is shown with its result.
    """
    readings: dict[float, Cells] = {}
    for way in _WAYS:
        if (value := way.value(text)) is not None:
            readings.setdefault(value, way)  # a shorter way to the same number came first
    if not readings:
        minus = re.fullmatch(r"\(([\d.,]+)\)|([\d.,]+)-", text, re.ASCII)
        return f"; write a negative number as -{minus[1] or minus[2]}" if minus else ""
    different = list(dict.fromkeys(cell.strip() for cell in cells))
    unread = {value: _first_unread(way, different) for value, way in readings.items()}
    whole = [f"{way} reads it as {value:.15g}" for value, way in readings.items() if unread[value] is None]
    if len(whole) > 1:  # which is so only where every mark has three digits behind it
        return f"; every such mark has three digits behind it, as thousands have: {', '.join(whole)}"
    if whole:
        return f"; {whole[0]}"
    value, way = next(iter(readings.items()))
    return f"; {way} reads it as {value:.15g}, but not '{shown(unread[value] or '')}': write all in one way"


def _first_unread(way: Cells, cells: Sequence[str]) -> str | None:
    """The first cell of a column that a way does not read."""
    known = {*MISSING, *_INFINITE}
    unread = (cell for cell in cells if not way.pattern.fullmatch(cell))
    return next((cell for cell in unread if cell.lower() not in known), None)
