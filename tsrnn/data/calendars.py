"""Which sessions follow the last one: exchanges' calendars, and regular steps where there is none."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import exchange_calendars
import numpy as np
import numpy.typing as npt
import pandas as pd

from tsrnn.errors import ConfigError, DataWarning, level_of_the_user, nearest
from tsrnn.protocols import Panel

Dates: TypeAlias = npt.NDArray[Any]

# What "auto" tries, each with days on which it never trades: they rule it out at no cost, where to build
# a calendar takes 0.2 s (XKRX: 3 s). No two are so alike that the same dates could agree with both.
CANDIDATES = {
    "XNYS": ("01-01", "07-04", "12-25"),
    "XKRX": ("01-01", "03-01", "05-05", "06-06", "08-15", "10-03", "12-25", "12-31"),
    "XTKS": ("01-01", "01-02", "01-03", "04-29", "05-03", "05-05", "11-03", "11-23", "12-31"),
    "XLON": ("01-01", "12-25", "12-26"),
    "XETR": ("01-01", "05-01", "12-25", "12-26"),
    "XHKG": ("01-01", "12-25", "12-26"),
    "XSHG": ("01-01", "05-01", "10-01", "10-02"),
    "XTSE": ("01-01", "07-01", "12-25", "12-26"),
    "XASX": ("01-01", "04-25", "12-25", "12-26"),
}
RECENT_DATES = 750
DISAGREEMENT = 0.005
ONE_DAY = np.timedelta64(1, "D")


def detect_calendar(ds: Dates) -> str:
    """The calendar that the most recent dates follow.

    Args:
        ds: (T,) datetime64 or integers in increasing order.

    Returns:
        "24/7", an exchange that agrees with at least 99.5 % of its sessions, or else "24/5" for daily
        dates; "none" for any other step and for integers.
    """
    if ds.dtype.kind != "M" or len(ds) < 2:
        return "none"
    days = ds[-RECENT_DATES:].astype("datetime64[D]")
    if np.any(days != ds[-RECENT_DATES:]) or _median_days(days) != 1:
        return "none"
    weekdays = (days.astype(int) + 3) % 7
    if min(np.mean(weekdays == 5), np.mean(weekdays == 6)) >= 0.1:
        return "24/7"
    days_of_year = [str(day)[5:] for day in days]
    allowed = DISAGREEMENT * len(days)
    for code, holidays in CANDIDATES.items():
        if np.isin(days_of_year, holidays).sum() <= allowed:
            sessions, missing, extra = _compare(days, code)
            if len(missing) + len(extra) <= allowed and sessions >= len(days) - allowed:
                return code
    return "24/5"


def forecast_sessions(panel: Panel, origins: Sequence[int], horizon: int) -> npt.NDArray[Any]:
    """(O, H) the sessions after each origin: the panel's own, and the calendar's beyond its end."""
    beyond = following_sessions(panel.ds, panel.calendar, horizon)
    sessions = np.concatenate([panel.ds, beyond.astype(panel.ds.dtype)])
    return np.stack([sessions[origin + 1 : origin + 1 + horizon] for origin in origins])


def following_sessions(ds: Dates, calendar: str, count: int) -> Dates:
    """The `count` sessions after the last of `ds`.

    Args:
        ds: (T,) datetime64 or integers in increasing order.
        calendar: a name as `check_calendar` returns it.
        count: the number of sessions.

    Returns:
        (count,) datetime64[ns], at the last date's time of day, or integers of the same kind as `ds`.

    Raises:
        ConfigError: if the calendar is not known so early or so late, or one date alone tells no step.
    """
    if ds.dtype.kind != "M":
        step = max(round(float(np.median(np.diff(ds)))), 1) if len(ds) > 1 else 1
        return np.asarray(ds[-1] + step * np.arange(1, count + 1), dtype=ds.dtype)
    if calendar == "none":
        return _regular_steps(ds, count)
    trading_day, known_from, known_until = _trading_day(calendar)
    last = ds[-1].astype("datetime64[D]")
    sessions = pd.date_range(last + ONE_DAY, periods=count, freq=trading_day).to_numpy()
    if last < known_from or np.any(sessions[-1:] > known_until):
        known = f"calendar {calendar} is known from {known_from} to {known_until} only"
        raise ConfigError(f"{known}, not {count} sessions after {last}: use calendar 24/5")
    return np.asarray(sessions + (ds[-1] - last), "datetime64[ns]")


def check_calendar(ds: Dates, calendar: str, path: str | Path | None = None) -> str:
    """The calendar's name, resolved and valid; warns once where the dates disagree with it.

    Args:
        ds: (T,) datetime64 or integers in increasing order. Nothing is ever padded.
        calendar: "auto", "none", "24/7", "24/5" or an exchange's code.
        path: the file of the dates, for the warning.

    Returns:
        The name for `following_sessions`: never "auto". A calendar that was found by "auto" and more than
        half of whose sessions are missing is "none": series of different spans, together, can have such
        dates.

    Raises:
        ConfigError: if the name is unknown, or the calendar makes daily sessions and `ds` is not daily.
    """
    known = ["auto", "none", *exchange_calendars.get_calendar_names()]
    if calendar not in known:
        hint = nearest(calendar, known) or nearest(calendar.upper(), known)
        raise ConfigError(f"calendar {calendar!r} is unknown{hint or ': use auto, none or an exchange code'}")
    detected = calendar == "auto"
    calendar = detect_calendar(ds) if detected else calendar
    if calendar == "none":
        return calendar
    # A Friday and a Monday alone are three days apart and yet daily; a week is not.
    if ds.dtype.kind != "M" or not 1 <= _median_days(ds) < 5:
        raise ConfigError(f"calendar {calendar} is for daily dates, and ds has none: use calendar none")
    days = ds.astype("datetime64[D]")
    sessions, missing, extra = _compare(days, calendar)
    if detected and 2 * len(missing) > sessions:
        return "none"
    if len(missing) or len(extra):
        counts = f"{len(missing)} of {sessions} sessions missing, {len(extra)} of {len(ds)} dates extra"
        who = f"{path or 'the data'} and calendar {calendar}"
        first = min([*missing, *extra])
        problem = f"{who} disagree ({counts}), first on {first}"
        warnings.warn(problem, DataWarning, stacklevel=level_of_the_user())
    return calendar


def _compare(days: Dates, calendar: str) -> tuple[int, Dates, Dates]:
    """Sessions between the first and last of `days`, those `days` lacks, and the days that are none."""
    trading_day, known_from, known_until = _trading_day(calendar)
    first, last = max(days[0], known_from), min(days[-1], known_until)
    days = days[(days >= first) & (days <= last)]
    sessions = pd.date_range(first, last, freq=trading_day).to_numpy().astype("datetime64[D]")
    return len(sessions), np.setdiff1d(sessions, days), np.setdiff1d(days, sessions)


@functools.cache
def _trading_day(calendar: str) -> tuple[Any, np.datetime64, np.datetime64]:
    """The offset from a session to the next, and the first and last day on which its holidays are known."""
    with warnings.catch_warnings():
        # exchange_calendars 4.13 under pandas 3.
        warnings.filterwarnings("ignore", r"Series\.values|DatetimeIndex\.weekday", DeprecationWarning)
        try:
            # The offset holds for all years, whichever year the calendar is built for.
            built = exchange_calendars.get_calendar(calendar, start="2022-01-01", end="2022-12-31")
        except (NotImplementedError, ValueError) as error:
            raise ConfigError(f"exchange_calendars fails on {calendar} with this pandas: use 24/5") from error
    # pandas makes holidays from 1970 to 2200.
    first = pd.Timestamp("1678-01-01" if calendar in ("24/7", "24/5") else "1970-01-01")
    known_from = max(first, built.bound_min() or first)
    return built.day, np.datetime64(known_from, "D"), np.datetime64(built.bound_max() or "2200-12-31", "D")


def _regular_steps(ds: Dates, count: int) -> Dates:
    """Steps of the most frequent length; monthly, quarterly or yearly dates keep their place in the month."""
    if len(ds) < 2:
        raise ConfigError("one date tells no step: give more dates, or name a calendar such as 24/5")
    ahead = np.arange(1, count + 1)
    if _median_days(ds) >= 28:
        days, months = ds.astype("datetime64[D]"), ds.astype("datetime64[M]")
        months_apart = np.bincount(np.diff(months).astype(int)).argmax()
        months = np.concatenate([months, months[-1] + ahead * months_apart])
        starts, ends = months.astype("datetime64[D]"), (months + 1).astype("datetime64[D]") - ONE_DAY
        same_day = np.minimum(starts + (days[-1] - starts[len(days) - 1]), ends)
        weekdays = np.busday_offset(ends, 0, "backward"), np.busday_offset(starts, 0, "forward")
        places = max((ends, same_day, *weekdays), key=lambda place: np.mean(place[: len(days)] == days))
        # A holiday moves the first or last trading day of some months.
        if np.mean(places[: len(days)] == days) >= 0.8:
            return np.asarray(places[len(days) :] + (ds[-1] - days[-1]), "datetime64[ns]")
    lengths, counts = np.unique(np.diff(ds), return_counts=True)
    return np.asarray(ds[-1] + ahead * lengths[counts.argmax()], "datetime64[ns]")


def _median_days(ds: Dates) -> float:
    """The median step in days; 1 for a single date."""
    return float(np.median(np.diff(ds.astype("datetime64[D]")).astype(int))) if len(ds) > 1 else 1.0
