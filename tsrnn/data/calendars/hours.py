"""An exchange by the hour: at which times of its sessions the values of a file come, and which follow."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tsrnn.data.calendars.clocks import (
    DAY,
    Dates,
    Seconds,
    among,
    clock_text,
    file_times,
    market_times,
    moments,
    seconds,
    usual_step,
    usual_times,
)
from tsrnn.data.calendars.exchanges import Schedule, schedule, unknown_years
from tsrnn.errors import ConfigError, argument
from tsrnn.protocols import time_text

_YEAR = np.timedelta64(365, "D")
_SESSIONS = 60
_TRADING = 0.4


class SessionHours(NamedTuple):
    """At which times of an exchange's sessions values come.

    Attributes:
        calendar: the exchange's code.
        zone: of its clock where the file's times are in UTC; "" where the file has the exchange's own.
        times: (S,) in seconds after 00:00 of the session's day; of the evening before, below 0.
        opens: when a session usually opens, in the same.
        closes: when it closes.
        fit: the share of the values that lie in sessions, minus the number of times, and the share that comes
            while the exchange is open, or at 00:00. The largest tells the file's clock.
    """

    calendar: str
    zone: str
    times: Seconds
    opens: float
    closes: float
    fit: tuple[float, int, float]

    def following(self, last: np.datetime64, count: int) -> Dates:
        """The `count` times after `last`, both on the file's clock.

        Raises:
            ConfigError: if the calendar does not know so many.
        """
        days = 2 * count // len(self.times) + 60
        found = self._around(last, last + days * np.timedelta64(1, "D"))
        found = found[found > last]
        if len(found) < count:
            raise unknown_years(self.calendar, f"{count} time steps after {time_text(last)}")
        return found[:count]

    def is_open(self, ds: Dates) -> npt.NDArray[np.bool_]:
        """Whether each time of the file is one at which values come."""
        return among(ds.astype("datetime64[ns]"), self._around(ds[0], ds[-1]))

    def days(self, ds: Dates) -> Dates:
        """The different days of the sessions in which the file's times lie, and of the times in none."""
        since = seconds(market_times(ds, self.zone))
        sessions = _sessions(self.calendar, ds[0], ds[-1])
        place = _place(since, sessions)
        day = sessions.days[place]
        own = (place >= 0) & (since < day + DAY)
        return np.unique(moments(np.where(own, day, since)).astype("datetime64[D]"))

    def _around(self, first: np.datetime64, last: np.datetime64) -> Dates:
        """The times of sessions around some dates, none before a late opening or after an early close."""
        sessions = _sessions(self.calendar, first, last)
        times = sessions.days[:, None] + self.times
        late = sessions.opens - sessions.days - self.opens
        early = self.closes - (sessions.closes - sessions.days)
        # The last value stands for what begins before the close, or ends at it or after it.
        end = self.closes if self.times[-1] < self.closes else self.times[-1] + 1
        kept = self.times >= np.where(late > 0, self.times[0] + late, -np.inf)[:, None]
        kept &= self.times < np.where(early > 0, end - early, np.inf)[:, None]
        kept |= len(self.times) == 1  # the one value of a day is that of any session
        return file_times(moments(times[kept]), self.zone)


def session_hours(ds: Dates, calendar: str) -> SessionHours:
    """At which times of an exchange's sessions the values of the last year come, and by which clock.

    Args:
        ds: (T,) datetime64 in increasing order, with times of day.
        calendar: the exchange's code.

    Raises:
        ConfigError: if the exchange is shut when most values come, by its own clock and by UTC.
    """
    recent = ds[ds > ds[-1] - _YEAR]
    sessions = _sessions(calendar, recent[0], recent[-1])
    found = [_read(recent, calendar, sessions, zone) for zone in ("", sessions.zone)]
    best = max(filter(None, found), key=lambda one: one.fit, default=None)
    if best is None or (len(best.times) > 1 and best.fit[2] < _TRADING):
        ends = (np.median(times - sessions.days) for times in (sessions.opens, sessions.closes))
        opens, closes = (clock_text(int(end) % DAY) for end in ends)
        raise ConfigError(
            f"calendar {calendar} is open from {opens} to {closes} in {sessions.zone}, and most values come "
            f"at other times, there and in UTC: use {argument('data.calendar', 'week')}, the data's own"
        )
    return best


def _read(recent: Dates, calendar: str, sessions: Schedule, zone: str) -> SessionHours | None:
    """What `session_hours` finds by one clock; None where no value lies in a session."""
    since, step = seconds(market_times(recent, zone)), usual_step(recent)
    place = _place(since, sessions)
    time = since - sessions.days[place]
    within = (place >= 0) & (time < DAY)
    if not within.any():
        return None
    place, time = place[within], time[within]
    opens, closes = sessions.opens - sessions.days, sessions.closes - sessions.days
    trading = (time > opens[place] - min(step, 3600)) & (time <= closes[place])
    share = max(float(trading.mean()), float(np.mean(time == 0)))
    last = np.unique(place)[-_SESSIONS:]
    times = usual_times(time[place >= last[0]])
    usual = float(np.median(opens[last])), float(np.median(closes[last]))
    fit = round(float(within.mean()), 2), -len(usual_times(time)), share
    return SessionHours(calendar, zone, times, *usual, fit)


def _place(since: Seconds, sessions: Schedule) -> Seconds:
    """The last session whose day or whose opening is not after each time; -1 before the first."""
    return np.searchsorted(np.minimum(sessions.days, sessions.opens), since, side="right") - 1


def _sessions(calendar: str, first: np.datetime64, last: np.datetime64) -> Schedule:
    """The sessions of whole decades, from the year before `first` to the one after `last` at least.

    To make those of a decade takes no longer than those of a year, and they are kept.
    """
    before, after = np.array([first, last]).astype("datetime64[Y]").astype(int) + 1970
    return schedule(calendar, int(before - 1) // 10 * 10, int(after + 1) // 10 * 10 + 9)
