"""Which time steps follow the last one of a panel, and which of its own are open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tsrnn.data.calendars.clocks import Dates
from tsrnn.data.calendars.exchanges import compare, trading_day, unknown_years
from tsrnn.data.calendars.hours import session_hours
from tsrnn.data.calendars.learning import open_weekdays
from tsrnn.data.calendars.regular import is_intraday, regular_steps
from tsrnn.data.calendars.week import PREFIX, OpenWeek
from tsrnn.protocols import Panel

_ONE_DAY = np.timedelta64(1, "D")


def forecast_sessions(panel: Panel, origins: Sequence[int], horizon: int) -> npt.NDArray[Any]:
    """(O, H) the time steps after each origin: the panel's own, and the calendar's beyond its end."""
    beyond = following_sessions(panel.ds, panel.calendar, horizon)
    steps = np.concatenate([panel.ds, beyond.astype(panel.ds.dtype)])
    return np.stack([steps[origin + 1 : origin + 1 + horizon] for origin in origins])


def following_sessions(ds: Dates, calendar: str, count: int) -> Dates:
    """The `count` time steps after the last of `ds`.

    Args:
        ds: (T,) datetime64 or integers in increasing order.
        calendar: a name as `check_calendar` returns it.
        count: the number of time steps.

    Returns:
        (count,) datetime64[ns], those of daily dates at the last one's time of day, or integers of the same
        kind as `ds`.

    Raises:
        ConfigError: if the calendar is not known so early or so late, or one date alone tells no step.
    """
    import pandas as pd

    if ds.dtype.kind != "M":
        step = max(round(float(np.median(np.diff(ds)))), 1) if len(ds) > 1 else 1
        return np.asarray(ds[-1] + step * np.arange(1, count + 1), dtype=ds.dtype)
    if (hours := _hours(ds, calendar)) is not None:
        return np.asarray(hours.following(ds[-1], count))
    if calendar == "none" or (calendar == "24/7" and is_intraday(ds)):
        return regular_steps(ds, count)
    day, known_from, known_until = trading_day(calendar)
    last = ds[-1].astype("datetime64[D]")
    sessions = pd.date_range(last + _ONE_DAY, periods=count, freq=day).to_numpy()
    if last < known_from or np.any(sessions[-1:] > known_until):
        raise unknown_years(calendar, f"{count} sessions after {last}")
    return np.asarray(sessions + (ds[-1] - last), "datetime64[ns]")


def open_steps(ds: Dates, calendar: str, known: Dates) -> npt.NDArray[np.bool_]:
    """(T,) whether each time step is one of the calendar's; those of no calendar all are.

    Args:
        ds: (T,) datetime64 or integers in increasing order.
        calendar: a name as `check_calendar` returns it for `known`.
        known: (K,) time steps with values, which tell the times of day.
    """
    if ds.dtype.kind != "M" or calendar in ("none", "24/7"):
        return np.ones(len(ds), bool)
    if (hours := _hours(known, calendar)) is not None:
        return np.asarray(hours.is_open(ds), bool)
    days = ds.astype("datetime64[D]")
    _, _, extra = compare(np.unique(days), calendar)
    return ~np.isin(days, extra)


def _hours(ds: Dates, calendar: str) -> Any:
    """What knows the times of day; None for daily dates, and for what comes in regular steps."""
    if calendar.startswith(PREFIX):
        return OpenWeek.from_name(calendar)
    if calendar == "24/5":
        return open_weekdays(ds) if is_intraday(ds) else None
    at_midnight = bool(np.all(ds == ds.astype("datetime64[D]")))
    return None if calendar in ("none", "24/7") or at_midnight else session_hours(ds, calendar)
