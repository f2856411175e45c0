"""Numbers and dates in columns of text, read strictly: one format a column, and nothing guessed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsrnn.data.tables.source import nanoseconds, shown
from tsrnn.errors import ConfigError, DataError

Fault: TypeAlias = Callable[[int, str], DataError]
"""The error of a cell, by its position in the column and its problem in words."""

MISSING = ("", "null", "nan", "na", "n/a", "-", ".")
_INFINITE = ("inf", "+inf", "-inf", "infinity", "+infinity", "-infinity")
_NOT_IN_A_NUMBER = re.compile(r"[^0-9.eE+\- ]")
_THOUSANDS = {",": ",", ".": r"\.", " ": "[ \u00a0\u2009\u202f]", "'": "['’]"}
_UNIT = r"[A-Z]{3}|[$¢£¤¥฿₠-⃏%￡￥￦원円元]"

_DATES = {
    "YYYY-MM-DD": r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})",
    "YYYY/MM/DD": r"(?P<year>\d{4})/(?P<month>\d{2})/(?P<day>\d{2})",
    "YYYY.MM.DD": r"(?P<year>\d{4})\.(?P<month>\d{2})\.(?P<day>\d{2})",
    "YYYYMMDD": r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})",
    "Mon D YYYY": r"(?P<month>[A-Za-z]{3}) (?P<day>\d{1,2}),? (?P<year>\d{4})",
    **{
        f"DD{mark}MM{mark}YYYY or MM{mark}DD{mark}YYYY": (
            rf"(?P<day>\d{{1,2}}){re.escape(mark)}(?P<month>\d{{1,2}}){re.escape(mark)}(?P<year>\d{{4}})"
        )
        for mark in "/.-"
    },
}
_TIME = r"[T ](?P<time>\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?)"
_TIMES = {
    "": "",
    " HH:MM:SS": _TIME,
    " HH:MM:SS with an offset": _TIME + r" ?(?P<offset>Z|[+-]\d{2}:?\d{2})",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# Seconds from here on are years after 5000, and milliseconds below it are before March 1973.
_MILLISECONDS_FROM = 10**11


@dataclass(frozen=True)
class Cells:
    """How the numbers and dates of a file are written.

    Args:
        decimal: the mark before decimals, "." or ",".
        thousands: the mark between thousands: ",", ".", " ", "'" or None.
        dates: "auto" knows a format that leaves no doubt, "dmy" and "mdy" say which of day and month
            stands first, "epoch" reads seconds or milliseconds since 1970 (in UTC).
        on_units: "error" refuses a currency or percent sign at a number, "drop" leaves it out.

    Raises:
        ConfigError: if an option has another value, or both marks are the same.
    """

    decimal: Literal[".", ","] = "."
    thousands: Literal[",", ".", " ", "'"] | None = None
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
                raise ConfigError(f"{name} is one of {words}, not {getattr(self, name)!r}")
        if self.decimal == self.thousands:
            raise ConfigError(f"decimal and thousands are both {self.decimal!r}; give two different marks")

    @cached_property
    def number(self) -> re.Pattern[str]:
        """A number with its thousands in groups of three, and its unit where that is allowed."""
        whole = r"\d+"
        if self.thousands is not None:
            mark = _THOUSANDS[self.thousands]
            whole = rf"(?:\d{{1,3}}(?:{mark}\d{{3}})+|\d+)"
        decimal = re.escape(self.decimal)
        number = rf"(?P<number>(?:{whole}(?:{decimal}\d*)?|{decimal}\d+)(?:[eE][+-]?\d+)?)"
        if self.on_units == "drop":
            number = rf"(?P<before>{_UNIT})?\s?{number}\s?(?P<after>{_UNIT})?"
        return re.compile(rf"(?P<sign>[+-]?){number}", re.ASCII)

    def numbers(self, cells: Sequence[str], fault: Fault) -> npt.NDArray[np.float64]:
        """The numbers in a column of text, NaN where a cell says that there is none.

        Raises:
            DataError: from `fault`, for the first cell that is neither.
        """
        if self.decimal == "." and not _NOT_IN_A_NUMBER.search("".join(cells)):
            try:
                return np.array(list(map(float, cells)))
            except ValueError:
                pass  # An empty cell, or signs in the wrong place: the loop says which.
        values = np.full(len(cells), np.nan)
        unit: str | None = None
        for index, cell in enumerate(cells):
            text = cell.strip()
            if found := self.number.fullmatch(text):
                values[index] = float(found["sign"] + self._plain(found["number"]))
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
                raise fault(index, f"'{shown(text)}' is not a plain number, such as {example}{_remedy(text)}")
        return values

    def _plain(self, number: str) -> str:
        if self.thousands is not None:
            number = re.sub(_THOUSANDS[self.thousands], "", number)
        return number.replace(",", ".")

    def stamps(self, cells: Sequence[str], fault: Fault) -> npt.NDArray[Any]:
        """The dates in a column of text, which all have one format, in datetime64[ns].

        Raises:
            DataError: from `fault`, for the first cell that is no such date.
        """

        def error(index: int, problem: str) -> DataError:
            return fault(index, f"'{shown(cells[index])}' {problem}")

        if self.dates == "epoch":
            return _since_1970(cells, error)
        first = cells[0].strip()
        formats = ((date, time) for date in _DATES for time in _TIMES)
        fits = (pair for pair in formats if re.fullmatch(_DATES[pair[0]] + _TIMES[pair[1]], first, re.ASCII))
        date, time = next(fits, ("", ""))
        if not date:
            number = re.fullmatch(r"[+-]?\d+(\.\d+)?", first, re.ASCII) is not None
            remedy = " (dates=epoch reads seconds since 1970)" if number else ""
            raise error(
                0, f"is {'a plain number' if number else 'not a date'}; write dates as YYYY-MM-DD{remedy}"
            )
        pattern = re.compile(_DATES[date] + _TIMES[time], re.ASCII)
        parts: list[dict[str, str]] = []
        for index, cell in enumerate(cells):
            if (match := pattern.fullmatch(cell.strip())) is None:
                raise error(index, f"does not fit the format of the lines above ({date}{time})")
            parts.append(match.groupdict())
        if " or " in date and self.dates != "dmy":
            _settle_day_and_month(parts, date, self.dates, error)
        numbers = {name: f"{number:02d}" for number, name in enumerate(_MONTHS, start=1)}
        iso = [
            f"{part['year']}-{numbers.get(part['month'].lower(), part['month']):0>2}-{part['day']:0>2}"
            f"T{part.get('time', '00:00')}{part.get('offset', '')}"
            for part in parts
        ]
        found = pd.to_datetime(iso, format="ISO8601", errors="coerce", utc=True).tz_localize(None)
        return _existing(pd.Series(found), error)


def _remedy(text: str) -> str:
    """What reads a number that is not plain, as the end of a message; nothing where no option does."""
    options: dict[str, dict[str, Any]] = {
        "decimal=','": {"decimal": ","},
        "thousands=','": {"thousands": ","},
        "thousands=' '": {"thousands": " "},
        'thousands="\'"': {"thousands": "'"},
        "thousands=',' with decimal='.'": {"thousands": ",", "decimal": "."},
        "decimal=',' with thousands='.'": {"thousands": ".", "decimal": ","},
        "decimal=',' with thousands=' '": {"thousands": " ", "decimal": ","},
        "on_units='drop'": {"on_units": "drop"},
        "on_units='drop' with thousands=','": {"on_units": "drop", "thousands": ","},
        "on_units='drop' with decimal=','": {"on_units": "drop", "decimal": ","},
    }
    fits = [words for words, option in options.items() if Cells(**option).number.fullmatch(text)]
    # The shortest ways out are enough.
    fits = [words for words in fits if " with " not in words] or fits
    return f"; {' or '.join(fits)} reads it" if fits else ""


def _existing(stamps: pd.Series[Any], error: Fault) -> npt.NDArray[Any]:
    stamps = nanoseconds(stamps)
    if stamps.isna().any():
        raise error(int(np.argmax(stamps.isna())), "is not a date that exists, or its year is far off")
    dates: npt.NDArray[Any] = stamps.to_numpy()
    return dates


def _since_1970(cells: Sequence[str], error: Fault) -> npt.NDArray[Any]:
    """The moments of seconds or milliseconds since 1970; the size tells which for the whole column."""
    plain = re.compile(r"-?\d{1,14}(\.\d{1,9})?", re.ASCII)
    for index, cell in enumerate(cells):
        if not plain.fullmatch(cell.strip()):
            raise error(index, "is not a number of seconds or milliseconds since 1970, as dates=epoch has it")
    numbers = np.array([float(cell) for cell in cells])
    large = np.abs(numbers) >= _MILLISECONDS_FROM
    if large.any() and not large.all():
        at = int(np.argmax(large != large[0]))
        unit = "milliseconds" if large[0] else "seconds"
        raise error(
            at, f"does not fit the lines above, which are {unit} since 1970; write dates as YYYY-MM-DD"
        )
    # float64 holds whole nanoseconds of today no more, and microseconds it does.
    ticks = np.rint(numbers * (1e3 if large.all() else 1e6)).astype(np.int64)
    return _existing(pd.Series(ticks.astype("datetime64[us]")), error)


def _settle_day_and_month(parts: list[dict[str, str]], formats: str, dates: str, error: Fault) -> None:
    """Swap day and month where the column has months first; without `mdy` one must be above 12 somewhere."""
    day_first = next((index for index, part in enumerate(parts) if int(part["day"]) > 12), None)
    month_first = next((index for index, part in enumerate(parts) if int(part["month"]) > 12), None)
    if dates == "auto":
        if day_first is None and month_first is None:
            problem = f"can be {formats}, and no line tells which; write YYYY-MM-DD, or say dates=dmy or mdy"
            raise error(0, problem)
        if day_first is not None and month_first is not None:
            order = formats.split(" or ")[day_first > month_first]
            raise error(max(day_first, month_first), f"does not fit the format of the lines above ({order})")
    if dates == "mdy" or day_first is None:
        for part in parts:
            part["day"], part["month"] = part["month"], part["day"]
