"""The names of calendars: checked where one is given, found where none is."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from tsrnn.data.calendars.clocks import Dates
from tsrnn.data.calendars.exchanges import RECENT_DATES, compare, recognised
from tsrnn.data.calendars.hours import session_hours
from tsrnn.data.calendars.learning import learned_week, open_weekdays
from tsrnn.data.calendars.recognition import recognised_hours
from tsrnn.data.calendars.regular import is_intraday, median_days
from tsrnn.data.calendars.week import PREFIX, OpenWeek
from tsrnn.errors import ConfigError, DataWarning, argument, level_of_the_user, nearest


def detect_calendar(ds: Dates) -> str:
    """The calendar that the most recent dates follow.

    Args:
        ds: (T,) datetime64 or integers in increasing order.

    Returns:
        Of daily dates "24/7", an exchange that agrees with at least 99.5 % of its sessions, "24/5", or the
        week that they keep to if that has a Saturday or a Sunday. Of dates with a time of day the exchange in
        whose sessions they lie, or else the week, or "none" where that is open day and night. "none" for any
        longer step and for integers.
    """
    recent = ds[-RECENT_DATES:]
    if ds.dtype.kind != "M" or len(ds) < 2 or median_days(recent) > 1:
        return "none"
    days = recent.astype("datetime64[D]")
    by_day = bool(np.all(days == recent))
    weekend = [np.mean((days.astype(int) + 3) % 7 == day) >= 0.1 for day in (5, 6)]
    if by_day and weekend[0] == weekend[1]:
        return "24/7" if weekend[0] else recognised(days) or "24/5"
    code = None if by_day or all(weekend) else recognised_hours(ds)
    week = None if code else learned_week(ds)
    return code or (week.name if week else "none")


def check_calendar(ds: Dates, calendar: str, path: str | Path | None = None) -> str:
    """The calendar's name, resolved and valid; warns once where the dates disagree with it.

    Args:
        ds: (T,) datetime64 or integers in increasing order. Nothing is ever padded.
        calendar: "auto", "none", "24/7", "24/5", an exchange's code, "week" (the data's own), or a week in
            the words of `OpenWeek.name`.
        path: the file of the dates, for the warning.

    Returns:
        The name for `following_sessions`: never "auto" or "week", and "24/5" for daily dates only. A calendar
        that was found by "auto" and more than half of whose sessions are missing is "none": series of
        different spans, together, can have such dates.

    Raises:
        ConfigError: if the name is unknown, or the calendar does not fit the dates.
    """
    own = ("auto", "none", "week", "24/7", "24/5")
    if calendar not in own and not calendar.startswith(PREFIX):
        import exchange_calendars

        known = [*own, *exchange_calendars.get_calendar_names()]
        if calendar not in known:
            hint = nearest(calendar, known) or nearest(calendar.upper(), known)
            raise ConfigError(
                f"calendar {calendar!r} is unknown{hint or ': use auto, none or an exchange code'}"
            )
    detected = calendar == "auto"
    calendar = detect_calendar(ds) if detected else calendar
    if calendar == "none":
        return calendar
    # A Friday and a Monday alone are three days apart and yet daily; a week is not.
    if ds.dtype.kind != "M" or median_days(ds) >= 5:
        raise ConfigError(
            f"calendar {calendar} is for daily dates and shorter steps: use "
            f"{argument('data.calendar', 'none')}"
        )
    if calendar == "week" or calendar.startswith(PREFIX):
        return _week(ds, calendar)
    if is_intraday(ds) and calendar in ("24/7", "24/5"):
        return calendar if calendar == "24/7" else open_weekdays(ds).name
    at_midnight = bool(np.all(ds == ds.astype("datetime64[D]")))
    daily = at_midnight or calendar in ("24/7", "24/5")
    days = ds.astype("datetime64[D]") if daily else session_hours(ds, calendar).days(ds)
    sessions, missing, extra = compare(days, calendar)
    if detected and 2 * len(missing) > sessions:
        return "none"
    if len(missing) or len(extra):
        counts = f"{len(missing)} of {sessions} sessions missing, {len(extra)} of {len(days)} dates extra"
        who = f"{path or 'the data'} and calendar {calendar}"
        first = min([*missing, *extra])
        problem = f"{who} disagree ({counts}), first on {first}"
        warnings.warn(problem, DataWarning, stacklevel=level_of_the_user())
    return calendar


def _week(ds: Dates, calendar: str) -> str:
    """The name of the data's own week, or of the one that was given."""
    week = learned_week(ds) if calendar == "week" else OpenWeek.from_name(calendar)
    if week is None:
        raise ConfigError(
            "the data are open day and night, or come at no fixed times of the week: use "
            f"{argument('data.calendar', 'none')}"
        )
    return week.name
