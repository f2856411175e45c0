"""Exchanges: the days and hours of their sessions, and which of them dates follow."""

from __future__ import annotations

import functools
import warnings
from typing import Any, NamedTuple

import numpy as np

from tsrnn.data.calendars.clocks import Dates, Seconds, seconds
from tsrnn.errors import ConfigError, argument


class Candidate(NamedTuple):
    """What rules an exchange out at no cost, where to build its calendar takes 0.2 s (XKRX: 3 s).

    Attributes:
        zone: of its clock.
        hours: of a usual session: opens, closes, and from when to when it is paused.
        holidays: days on which it never trades.
    """

    zone: str
    hours: tuple[str, ...]
    holidays: tuple[str, ...]


# What "auto" tries. No two have holidays so alike that the same dates could agree with both.
CANDIDATES = {
    "XNYS": Candidate("America/New_York", ("09:30", "16:00"), ("01-01", "07-04", "12-25")),
    "XKRX": Candidate(
        "Asia/Seoul",
        ("09:00", "15:30"),
        ("01-01", "03-01", "05-05", "06-06", "08-15", "10-03", "12-25", "12-31"),
    ),
    "XTKS": Candidate(
        "Asia/Tokyo",
        ("09:00", "15:00", "11:30", "12:30"),  # to 15:30 since November 2024
        ("01-01", "01-02", "01-03", "04-29", "05-03", "05-05", "11-03", "11-23", "12-31"),
    ),
    "XLON": Candidate("Europe/London", ("08:00", "16:30"), ("01-01", "12-25", "12-26")),
    "XETR": Candidate("Europe/Berlin", ("09:00", "17:30"), ("01-01", "05-01", "12-25", "12-26")),
    "XHKG": Candidate("Asia/Hong_Kong", ("09:30", "16:00", "12:00", "13:00"), ("01-01", "12-25", "12-26")),
    "XSHG": Candidate(
        "Asia/Shanghai", ("09:30", "15:00", "11:30", "13:00"), ("01-01", "05-01", "10-01", "10-02")
    ),
    "XTSE": Candidate("America/Toronto", ("09:30", "16:00"), ("01-01", "07-01", "12-25", "12-26")),
    "XASX": Candidate("Australia/Sydney", ("10:00", "16:00"), ("01-01", "04-25", "12-25", "12-26")),
}
RECENT_DATES = 750
DISAGREEMENT = 0.005


def recognised(days: Dates) -> str | None:
    """The exchange whose sessions at least 99.5 % of daily dates agree with; None if there is none."""
    allowed = DISAGREEMENT * len(days)
    days_of_year = [str(day)[5:] for day in days]
    for code, candidate in CANDIDATES.items():
        if np.isin(days_of_year, candidate.holidays).sum() <= allowed:
            sessions, missing, extra = compare(days, code)
            if len(missing) + len(extra) <= allowed and sessions >= len(days) - allowed:
                return code
    return None


def compare(days: Dates, calendar: str) -> tuple[int, Dates, Dates]:
    """Sessions between the first and last of `days`, those `days` lacks, and the days that are none."""
    import pandas as pd

    day, known_from, known_until = trading_day(calendar)
    first, last = max(days[0], known_from), min(days[-1], known_until)
    days = days[(days >= first) & (days <= last)]
    sessions = pd.date_range(first, last, freq=day).to_numpy().astype("datetime64[D]")
    return len(sessions), np.setdiff1d(sessions, days), np.setdiff1d(days, sessions)


@functools.cache
def trading_day(calendar: str) -> tuple[Any, np.datetime64, np.datetime64]:
    """The offset from a session to the next, and the first and last day on which its holidays are known."""
    import pandas as pd

    # The offset holds for all years, whichever year the calendar is built for.
    built = _build(calendar, "2022-01-01", "2022-12-31")
    # pandas makes holidays from 1970 to 2200.
    first = pd.Timestamp("1678-01-01" if calendar in ("24/7", "24/5") else "1970-01-01")
    known_from = max(first, built.bound_min() or first)
    return built.day, np.datetime64(known_from, "D"), np.datetime64(built.bound_max() or "2200-12-31", "D")


def unknown_years(calendar: str, wanted: str) -> ConfigError:
    """What to say where a calendar is asked for what lies too early or too late for it."""
    _, known_from, known_until = trading_day(calendar)
    known = f"calendar {calendar} is known from {known_from} to {known_until} only"
    return ConfigError(f"{known}, not {wanted}: use {argument('data.calendar', '24/5')}")


class Schedule(NamedTuple):
    """The sessions of some years, in seconds since a Monday at 00:00 on the exchange's clock.

    Attributes:
        zone: of that clock.
        days: 00:00 of each session's day.
        opens: when each opens; of a session that begins the evening before, before its day.
        closes: when each closes.
    """

    zone: str
    days: Seconds
    opens: Seconds
    closes: Seconds


@functools.lru_cache(maxsize=16)
def schedule(calendar: str, first: int, last: int) -> Schedule:
    """The sessions from one year to another.

    Years that the calendar does not know are left out.
    """
    try:
        built = _build(calendar, f"{first}-01-01", f"{last}-12-31")
    except ConfigError:
        _, known_from, known_until = trading_day(calendar)
        start, end = np.datetime64(f"{first}-01-01"), np.datetime64(f"{last}-12-31")
        if start > known_until or end < known_from:
            raise unknown_years(calendar, f"the sessions of {first} to {last}") from None
        built = _build(calendar, str(max(start, known_from)), str(min(end, known_until)))
    zone = str(built.tz)
    opens, closes = (
        seconds(times.dt.tz_convert(zone).dt.tz_localize(None).to_numpy())
        for times in (built.opens, built.closes)
    )
    return Schedule(zone, seconds(built.opens.index.to_numpy()), opens, closes)


def _build(calendar: str, first: str, last: str) -> Any:
    import exchange_calendars

    with warnings.catch_warnings():
        # exchange_calendars 4.13 under pandas 3.
        warnings.filterwarnings("ignore", r"Series\.values|DatetimeIndex\.weekday", DeprecationWarning)
        try:
            return exchange_calendars.get_calendar(calendar, start=first, end=last)
        except (NotImplementedError, ValueError) as error:
            raise ConfigError(
                f"exchange_calendars fails on {calendar} with this pandas: use "
                f"{argument('data.calendar', '24/5')}"
            ) from error
