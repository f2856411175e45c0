"""Dates in a column of text, read strictly: one format a column, and nothing guessed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsrnn.data.tables.source import Fault, nanoseconds, shown
from tsrnn.errors import DataError, argument

Dates: TypeAlias = npt.NDArray[Any]

_DATES = {
    "YYYY-MM-DD": r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})",
    "YYYY/MM/DD": r"(?P<year>\d{4})/(?P<month>\d{1,2})/(?P<day>\d{1,2})",
    "YYYY.MM.DD": r"(?P<year>\d{4})\.(?P<month>\d{1,2})\.(?P<day>\d{1,2})",
    "YYYYMMDD": r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})",
    "YYYY년 MM월 DD일": r"(?P<year>\d{4})년 ?(?P<month>\d{1,2})월 ?(?P<day>\d{1,2})일",
    "Mon D YYYY": r"(?P<month>[A-Za-z]{3}) (?P<day>\d{1,2}),? (?P<year>\d{4})",
    "D Mon YYYY": r"(?P<day>\d{1,2})[ -](?P<month>[A-Za-z]{3})[ -](?P<year>\d{4})",
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
_MONTH_NUMBERS = {name: f"{number:02d}" for number, name in enumerate(_MONTHS, start=1)}
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)
# Numbers since 1970 up to here are seconds, then milliseconds, microseconds and nanoseconds: each unit
# reaches beyond the year 5000, and where the next one begins it is at 1973.
_UNITS = np.array([1e11, 1e14, 1e17])
_MICROSECONDS = np.array([1e6, 1e3, 1, 1e-3])
EXCEL = (20_000, 80_000)
"""Days since the end of 1899, as Excel counts them, from 1954 to 2119."""


def read_dates(cells: Sequence[str], dates: str, fault: Fault) -> Dates:
    """The dates in a column of text, which all have one format, in datetime64[ns].

    Args:
        cells: the column.
        dates: how they are written: see `Cells`.
        fault: makes the error of a cell.

    Raises:
        DataError: from `fault`, for the first cell that is no such date.
    """
    # Series of one panel have the same dates: each text is read once.
    places, texts = pd.factorize(np.array(cells, dtype=object))

    def error(index: int, problem: str) -> DataError:
        return fault(int(np.argmax(places == index)), f"'{shown(texts[index])}' {problem}")

    different = _since_1970(texts, error) if dates == "epoch" else _written(texts, dates, error)
    read: Dates = different[places]
    return read


def _written(texts: Sequence[str], dates: str, error: Fault) -> Dates:
    """The dates of texts that are all written in one format."""
    first = texts[0].strip()
    formats = ((date, time) for date in _DATES for time in _TIMES)
    fits = (pair for pair in formats if re.fullmatch(_DATES[pair[0]] + _TIMES[pair[1]], first, re.ASCII))
    date, time = next(fits, ("", ""))
    if not date:
        raise error(0, no_date(first))
    pattern = re.compile(_DATES[date] + _TIMES[time], re.ASCII)
    parts: list[dict[str, str]] = []
    for index, text in enumerate(texts):
        if (match := pattern.fullmatch(text.strip())) is None:
            raise error(index, f"does not fit the format of the lines above ({date}{time})")
        parts.append(match.groupdict())
    if " or " in date and dates != "dmy":
        _settle_day_and_month(parts, date, dates, error)
    return _existing(_moments(parts), error)


def is_date(text: str) -> bool:
    """Whether a text is written as a date, whatever the format."""
    return any(re.match(date + r"(?![^T ])", text.strip(), re.ASCII) for date in _DATES.values())


def no_date(text: str) -> str:
    """What a text that has none of the formats may be, and what to do."""
    if _NUMBER.fullmatch(text):
        number = float(text)
        problem = "is a plain number; write dates as YYYY-MM-DD"
        if EXCEL[0] < number < EXCEL[1]:
            day = np.datetime64("1899-12-30") + int(number)
            return f"{problem} (in Excel, where it is {day}, format the column as dates, and save it again)"
        if 1e8 <= number < 1e20:
            moment = str(_moment_since_1970(np.array([number]))[0].astype("datetime64[s]"))
            read = moment.removesuffix("T00:00:00").replace("T", " ")
            return f"{problem} ({argument('data.dates', 'epoch')} reads it as {read})"
        return problem
    for date in _DATES.values():
        if match := re.match(date + r"[T ] *(?P<rest>\d.*)", text, re.ASCII):
            rest = shown(match["rest"])
            return f"ends in '{rest}'; write times as HH:MM:SS, and a zone as its offset, such as +09:00"
    return "is not a date; write dates as YYYY-MM-DD"


def _moments(parts: list[dict[str, str]]) -> pd.Series[Any]:
    """The moments of dates in parts, in UTC where there are offsets; NaT where a date does not exist."""
    iso = [
        f"{part['year']}-{_MONTH_NUMBERS.get(part['month'].lower(), part['month']):0>2}-{part['day']:0>2}"
        f"T{part.get('time', '00:00')}{part.get('offset', '')}"
        for part in parts
    ]
    return pd.Series(pd.to_datetime(iso, format="ISO8601", errors="coerce", utc=True).tz_localize(None))


def _existing(stamps: pd.Series[Any], error: Fault) -> Dates:
    stamps = nanoseconds(stamps)
    if stamps.isna().any():
        raise error(int(np.argmax(stamps.isna())), "is not a date that exists, or its year is far off")
    dates: Dates = stamps.to_numpy()
    return dates


def _since_1970(cells: Sequence[str], error: Fault) -> Dates:
    """The moments of seconds and smaller units since 1970; the size tells which for the whole column."""
    for index, cell in enumerate(cells):
        if not (_NUMBER.fullmatch(cell.strip()) and len(cell) < 40):
            raise error(index, "is not a number of seconds since 1970, as dates='epoch' has it")
    numbers = np.array([float(cell) for cell in cells])
    if ((numbers > EXCEL[0]) & (numbers < EXCEL[1])).all():
        raise error(0, "is a day number of Excel, and no seconds since 1970; write dates as YYYY-MM-DD")
    units = np.searchsorted(_UNITS, np.abs(numbers), side="right")
    if (units != units[0]).any():
        unit = ("seconds", "milliseconds", "microseconds", "nanoseconds")[units[0]]
        problem = f"does not fit the lines above, which are {unit} since 1970; write dates as YYYY-MM-DD"
        raise error(int(np.argmax(units != units[0])), problem)
    if np.abs(numbers).max() > 1e20:
        raise error(int(np.argmax(np.abs(numbers))), "is not a date that exists, or its year is far off")
    return _existing(pd.Series(_moment_since_1970(numbers)), error)


def _moment_since_1970(numbers: npt.NDArray[np.float64]) -> Dates:
    """Moments to the microsecond: float64 holds whole nanoseconds of today no more."""
    units = np.searchsorted(_UNITS, np.abs(numbers), side="right")
    ticks = np.rint(numbers * _MICROSECONDS[units]).astype(np.int64)
    moments: Dates = ticks.astype("datetime64[us]")
    return moments


def _settle_day_and_month(parts: list[dict[str, str]], formats: str, dates: str, error: Fault) -> None:
    """Swap day and month where the column has months first; without `mdy` one must be above 12 somewhere."""
    swapped = [{**part, "day": part["month"], "month": part["day"]} for part in parts]
    day_first = next((index for index, part in enumerate(parts) if int(part["day"]) > 12), None)
    month_first = next((index for index, part in enumerate(swapped) if int(part["day"]) > 12), None)
    if dates == "auto":
        if day_first is None and month_first is None:
            _refuse_doubt(_moments(parts), _moments(swapped), formats, error)
        elif day_first is not None and month_first is not None:
            order = formats.split(" or ")[day_first > month_first]
            raise error(max(day_first, month_first), f"does not fit the format of the lines above ({order})")
    if dates == "mdy" or day_first is None:
        parts[:] = swapped


def _refuse_doubt(dmy: pd.Series[Any], mdy: pd.Series[Any], formats: str, error: Fault) -> None:
    """Show both readings of the first date in doubt, unless every date is the same in both."""
    differ = (dmy != mdy) & ~(dmy.isna() & mdy.isna())
    if not differ.any():
        return
    index = int(np.argmax(differ))
    readings = {"dmy": dmy, "mdy": mdy}
    said = [
        f"{argument('data.dates', name)} reads it as {moments[index].date()}"
        for name, moments in readings.items()
    ]
    ordered = [name for name, found in readings.items() if _in_order(found)]
    hint = f" (only with {ordered[0]} are the rows in order of time)" if len(ordered) == 1 else ""
    raise error(index, f"can be {formats}, and no line tells which; {', '.join(said)}{hint}")


def _in_order(moments: pd.Series[Any]) -> bool:
    return bool(moments.is_monotonic_increasing or moments.is_monotonic_decreasing)
