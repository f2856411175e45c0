"""Which exchange values come from, by the hours of the day and by the holidays."""

from __future__ import annotations

import numpy as np

from tsrnn.data.calendars.clocks import (
    DAY,
    Dates,
    Seconds,
    market_times,
    second_of,
    seconds,
    usual_step,
    usual_times,
)
from tsrnn.data.calendars.exchanges import CANDIDATES, DISAGREEMENT, RECENT_DATES, Candidate, compare
from tsrnn.data.calendars.learning import longest_gap

_MISSING = 0.05
_SURE = 250
_RECENT = np.timedelta64(90, "D")


def recognised_hours(ds: Dates) -> str | None:
    """The exchange in whose hours values come and with whose sessions their days agree; None if none does.

    The file's times may be those of the exchange's clock or of UTC. Values before the opening and after the
    close rule an exchange out, unless a year of days speaks for it.

    Args:
        ds: (T,) datetime64 in increasing order, with times of day.
    """
    last = ds[ds > ds[-1] - _RECENT]
    step, found = usual_step(last), []
    for code, candidate in CANDIDATES.items():
        for zone in ("", candidate.zone):
            misfit = _misfit(seconds(market_times(last, zone)), candidate, step)
            if np.isinf(misfit):
                continue
            days = np.unique(market_times(ds, zone).astype("datetime64[D]"))[-RECENT_DATES:]
            holidays = np.isin([str(day)[5:] for day in days], candidate.holidays)
            never = holidays | ((days.astype(int) + 3) % 7 >= 5)
            if len(days) >= _needed(misfit, step) and never.sum() <= DISAGREEMENT * len(days):
                found.append((misfit, code, days))
    best, fewest = None, np.inf
    for _, code, days in sorted(found, key=lambda item: item[0]):
        _, missing, extra = compare(days, code)
        fits = len(extra) <= DISAGREEMENT * len(days) and len(missing) <= _MISSING * len(days)
        if fits and len(missing) + len(extra) < fewest:
            best, fewest = code, len(missing) + len(extra)
        if fewest == 0:
            break
    return best


def _needed(misfit: float, step: int) -> int:
    """How many days must speak for an exchange whose hours are so close to those of the values."""
    if step <= 1800 and misfit == 0:
        return 2
    return 5 if misfit == 0 or (step <= 3600 and misfit <= max(step, 1800)) else _SURE


def _misfit(since: Seconds, candidate: Candidate, step: int) -> float:
    """Seconds between an exchange's hours and those of values; infinity where they cannot be its own."""
    opens, closes, *pause = map(second_of, candidate.hours)
    times = usual_times(since % DAY)
    if len(times) == 1:
        return 0.0
    whole = len(times) > 1 and times[0] <= opens + step and times[-1] >= closes - 1.5 * step
    if not whole or longest_gap(times, DAY) <= 1.5 * step:
        return np.inf
    paused = step <= 1800 and bool(pause)
    if paused and np.any((times > pause[0]) & (times < pause[1])):
        return np.inf
    if not pause and np.diff(times).max() > 1.5 * step:
        return np.inf
    # A time is that at which a step begins, or at which it ends.
    begin, end = times[0] - opens, times[-1] - closes
    return float(min(abs(begin) + abs(end + step), abs(begin - step) + abs(end)))
