"""The open hours that data show: the times of the week at which values come, by which clock, and holidays.

A time of the week is open if in the last year values came at it at least a tenth as often as at the usual
time. The clock is the file's own, or New York's or London's where the file is in UTC, whichever is kept to
best. From 24 December to 2 January, what is missing every year for half a day or longer is a holiday.

A gap is no closed hour. In data of less than four weeks, what is missing is taken for a gap unless it is on a
weekend and a day or longer; in data of less than one, so is what is missing for up to four hours every day.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tsrnn.data.calendars.clocks import (
    DAY,
    WEEK,
    Dates,
    Seconds,
    among,
    market_times,
    moments,
    seconds,
    usual_step,
)
from tsrnn.data.calendars.week import OpenWeek, time_of_year

ZONES = ("", "America/New_York", "Europe/London")
"""The clocks that are tried: both rules of summer time that markets follow, and none."""
_YEAR = np.timedelta64(365, "D")
_RARE = 0.1
_REPEATED = 0.2
_FEW_WEEKS = 4
_SHORT_NIGHT = 4 * 3600
_CURRENCIES = (4 * DAY + 17 * 3600, 6 * DAY + 17 * 3600)
_YEARS_OF_HOLIDAYS = 3
_LONG_YEAR, _DECEMBER = 12 * 32 * DAY, 11 * 32 * DAY  # as `time_of_year` counts


def learned_week(ds: Dates) -> OpenWeek | None:
    """The week that the last year's times keep to; None where they are regular, or repeat in no week.

    Args:
        ds: (T,) datetime64 in increasing order.
    """
    recent = ds[ds > ds[-1] - _YEAR]
    if len(recent) < 2 or np.any(recent != recent.astype("datetime64[s]")):
        return None
    step = usual_step(recent)
    clocks = [seconds(market_times(recent, zone)) for zone in ZONES]
    weeks = [_week(since, step) for since in clocks]
    fits = []
    for since, times, zone in zip(clocks, weeks, ZONES, strict=True):
        # Without a change of the clocks in the data all fit, and it is known which that of currencies is.
        known = zone == "America/New_York" and _is_of_currencies(times, step)
        fits.append((_misfit(since, times), not known))
    best = fits.index(min(fits))
    if not _repeats(clocks[best]) or not _is_shut(clocks[best], weeks[best]):
        return None
    week = OpenWeek(tuple(weeks[best].tolist()), ZONES[best])
    return replace(week, shut=_turn_of_the_year(market_times(ds, week.zone), week))


def open_weekdays(ds: Dates) -> OpenWeek:
    """24/5 by the hour: the week of the data if that leaves out a whole day, else Monday to Friday.

    The week of currencies goes from Sunday evening to Friday evening in New York. That is another time in the
    zone of another file, and in summer another one again: the data know best.
    """
    week = learned_week(ds)
    if week is not None and longest_gap(np.array(week.times), WEEK) >= DAY:
        return week
    times = np.unique(seconds(ds[ds > ds[-1] - _YEAR]) % DAY)
    return OpenWeek(tuple((np.arange(5)[:, None] * DAY + times).reshape(-1).tolist()))


def longest_gap(times: Seconds, period: int) -> int:
    """The most seconds between a time of the day or the week, of times in order, and the next."""
    return int(np.diff(times, append=times[:1] + period).max())


def _is_shut(since: Seconds, times: Seconds) -> bool:
    """Whether a week leaves out times, or its times are as far apart as they usually are."""
    gaps = np.diff(times, append=times[:1] + WEEK)
    usual = 1.5 * float(np.quantile(gaps, 0.25))
    return bool(gaps.max() > (usual if since[-1] - since[0] >= WEEK else max(usual, _SHORT_NIGHT)))


def _is_of_currencies(times: Seconds, step: int) -> bool:
    """Whether the week is that of New York: from Sunday to Friday, 17:00 both."""
    gaps = np.diff(times)
    at = int(gaps.argmax()) if len(gaps) else 0
    ends = (int(times[at]) + step, int(times[at + 1])) if len(gaps) else (0, 0)
    # A value has the time at which its step begins, or that at which it ends.
    return ends in (_CURRENCIES, (_CURRENCIES[0] + step, _CURRENCIES[1] + step))


def _chances(since: Seconds, times: Seconds) -> Seconds:
    """How many weeks of the data could show each time of the week."""
    return np.asarray((since[-1] - times) // WEEK + (times - since[0]) // WEEK + 1)


def _week(since: Seconds, step: int) -> Seconds:
    """The open times of the week, in seconds since Monday 00:00, of values at these times."""
    times, counts = np.unique(since % WEEK, return_counts=True)
    share = counts / _chances(since, times)
    times = times[share >= _RARE * np.median(share)]
    of_day = np.unique(times % DAY)
    nights = longest_gap(of_day, DAY) > max(1.5 * step, _SHORT_NIGHT)
    every = (np.arange(7)[:, None] * DAY + of_day).reshape(-1)
    seen = among(every, times)
    # What is missing, in stretches: the week is turned so that it begins with a time that is seen.
    turn = int(np.argmax(seen))
    every, seen = np.roll(every, -turn), np.roll(seen, -turn)
    bounds = np.flatnonzero(np.diff(seen.astype(int), prepend=1, append=1))
    chances = _chances(since, every)
    for start, stop in bounds.reshape(-1, 2):
        missing, weekend = chances[start:stop], every[start:stop] // DAY >= 5
        if missing.max() >= _FEW_WEEKS:
            continue
        if not weekend.any() or stop - start < len(of_day):
            seen[start:stop] = True
        elif missing[weekend].max() == 0:
            # Data that end before the first weekend do not tell, unless they are those of a working week.
            outside = since[0] + WEEK - since[-1]
            if outside > 60 * 3600 or weekend.sum() < 1.6 * len(of_day):
                seen[start:stop] = ~weekend if nights else True
    return np.sort(every[seen])


def _misfit(since: Seconds, times: Seconds) -> int:
    """Values that came outside the open times, and open times without a value."""
    inside = int(among(since % WEEK, times).sum())
    return int(_chances(since, times).sum()) - inside + (len(since) - inside)


def _repeats(since: Seconds) -> bool:
    """Whether values come at the same times of day, as those of a market do and those of a sensor may not."""
    days = len(np.unique(since // DAY))
    _, places, counts = np.unique(since % DAY, return_inverse=True, return_counts=True)
    return bool(np.median(counts[places]) > max(_REPEATED * days, 1))


def _turn_of_the_year(local: Dates, week: OpenWeek) -> tuple[tuple[int, int], ...]:
    """The spans of the year that are shut although the week is open."""
    of_day = np.unique(np.array(week.times) % DAY)
    awaited, came = [], []
    for year in local[-1].astype("datetime64[Y]") - np.arange(_YEARS_OF_HOLIDAYS + 1):
        days = (year.astype("datetime64[M]") + 11).astype("datetime64[D]") + np.arange(23, 33)
        times = moments((seconds(days)[:, None] + of_day).reshape(-1))
        inside = (
            among(seconds(times) % WEEK, np.array(week.times)) & (times >= local[0]) & (times <= local[-1])
        )
        awaited.append((time_of_year(times[inside]) - _DECEMBER) % _LONG_YEAR)
        came.append(among(times[inside], local))
    places, seen = np.concatenate(awaited), np.concatenate(came)
    every = np.unique(places)
    missing = ~among(every, np.unique(places[seen]))
    spans = []
    for start, stop in np.flatnonzero(np.diff(missing.astype(int), prepend=0, append=0)).reshape(-1, 2):
        if stop - start >= max(len(of_day) / 2, min(len(of_day), 2)):
            run = (every[start:stop] + _DECEMBER) % _LONG_YEAR
            parts = run[run >= _DECEMBER], run[run < _DECEMBER]
            spans += [(int(part[0]), int(part[-1])) for part in parts if len(part)]
    return tuple(spans)
