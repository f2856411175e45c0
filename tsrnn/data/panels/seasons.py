"""How far ahead, and how long a season, a block and a context are, chosen from how often the data come.

| the data come | horizon | seasons | block | reads |
|---|---|---|---|---|
| several times a day | two days; of minutes an hour | a day, a week | a day | 28 blocks |
| daily | 14 | the last value, a week | a week | 8 blocks |
| weekly, monthly, quarterly | 13, 18, 8 | the last value, a year | a year | 4 years, at least 8 blocks |
| yearly | 6 | the last value and its trends | the horizon | 8 blocks |
| nobody knows | 8 | the last value | the horizon | 8 blocks |

A day and a week have as many time steps as the dates have in them: 24 hours and 168, or 120 where a week ends
on Friday, or 7 and 35 where an exchange is open for seven hours. The horizons are those of the M4
competition, and of M3's series of no frequency. Unless given, a horizon is at most a fifth of the longest
series. A block is never longer than the horizon, and a season is left out if the longest series does not hold
it and two horizons more. The validation span is as long as the horizon; of yearly series, which are short,
half as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tsrnn.codecs import Blocks, TrendBlocks
from tsrnn.errors import ConfigError, argument, nearest
from tsrnn.protocols import Panel

_DAY = 86_400.0
FREQUENCIES = {
    "minute": _DAY / 1440,
    "5min": _DAY / 288,
    "10min": _DAY / 144,
    "15min": _DAY / 96,
    "20min": _DAY / 72,
    "30min": _DAY / 48,
    "hourly": _DAY / 24,
    "2h": _DAY / 12,
    "3h": _DAY / 8,
    "4h": _DAY / 6,
    "6h": _DAY / 4,
    "8h": _DAY / 3,
    "12h": _DAY / 2,
    "daily": _DAY,
    "business": _DAY,
    "weekly": 7 * _DAY,
    "monthly": 30.44 * _DAY,
    "quarterly": 91.31 * _DAY,
    "yearly": 365.24 * _DAY,
    "unknown": 0.0,
}
"""Names, and seconds between two values."""

_YEARS = {"weekly": 52, "monthly": 12, "quarterly": 4}
_HORIZONS = {
    "minute": 60,
    "daily": 14,
    "business": 14,
    "weekly": 13,
    "monthly": 18,
    "quarterly": 8,
    "yearly": 6,
    "unknown": 8,
}


def frequency_of(panel: Panel) -> str:
    """How often the panel's values come, one of `FREQUENCIES`, from the usual step between its dates.

    Time steps that are numbered say nothing, nor does a step that is none of these: "unknown".
    """
    if panel.ds.dtype.kind != "M" or panel.num_steps < 2:
        return "unknown"
    seconds = float(np.median(np.diff(panel.ds) / np.timedelta64(1, "s")))
    for name, step in FREQUENCIES.items():
        if 0 < 0.9 * step < seconds < 1.1 * step:
            return "business" if name == "daily" and not _has_weekends(panel.ds) else name
    return "unknown"


def checked_frequency(given: str | None, panel: Panel, source: str) -> str:
    """The frequency that was given, or that of the dates.

    Raises:
        ConfigError: if the dates tell another one than was given.
    """
    found = frequency_of(panel)
    if given is None or found == "unknown":
        return found if given is None else given
    if FREQUENCIES[given] != FREQUENCIES[found]:
        problem = f"the dates of {source} are {found}, and {argument('data.frequency')} is {given}"
        raise ConfigError(f"{problem}: leave it out")
    return given


def _has_weekends(ds: npt.NDArray[Any]) -> bool:
    """Whether there are values on Saturdays and Sundays, and not just a few."""
    return bool(np.mean((ds.astype("datetime64[D]").astype(int) + 3) % 7 >= 5) >= 0.05)


def _day_and_week(ds: npt.NDArray[Any]) -> tuple[int, int]:
    """How many values most days have, and how many such days most weeks have."""
    days, counts = np.unique(ds.astype("datetime64[D]"), return_counts=True)
    # Most, not half: a day in two may lack an hour.
    day = max(int(np.quantile(counts, 0.75)), 1)
    weeks = (days.astype(int) + 3) // 7
    whole = np.bincount(weeks - weeks[0], weights=counts)[1:-1]
    if not len(whole):
        return day, 7 if _has_weekends(ds) else 5
    return day, min(max(round(float(np.median(whole)) / day), 1), 7)


def check_frequency(frequency: str) -> None:
    """Stop at a name that is none of `FREQUENCIES`.

    Raises:
        ConfigError: if there is no such frequency.
    """
    if frequency not in FREQUENCIES:
        hint = nearest(frequency, list(FREQUENCIES))
        raise ConfigError(f"there is no frequency {frequency!r}{hint}: it is one of {', '.join(FREQUENCIES)}")


def default_horizon(frequency: str, seasons: Sequence[int], longest: int) -> int:
    """How many values are forecast unless a number is given: see this module.

    Args:
        frequency: one of `FREQUENCIES`.
        seasons: as `seasons_of` has them.
        longest: values of the longest series, those held out for validation and test included.
    """
    return max(min(_HORIZONS.get(frequency, 2 * seasons[0]), longest // 5), 1)


def default_valid_size(frequency: str, horizon: int) -> int:
    """How many time steps are kept for validation unless a number is given: see this module."""
    return -(-horizon // 2) if frequency == "yearly" else horizon


def seasons_of(frequency: str, ds: npt.NDArray[Any] | None = None) -> tuple[int, ...]:
    """The lengths of the seasons, in values: see this module.

    Args:
        frequency: one of `FREQUENCIES`.
        ds: the time steps; where they are dates, several times a day, a day has as many values as most days
            have, and a week as many such days as most weeks have.

    Raises:
        ConfigError: if there is no such frequency.
    """
    check_frequency(frequency)
    if 0 < FREQUENCIES[frequency] < _DAY:
        day, days = round(_DAY / FREQUENCIES[frequency]), 7
        if ds is not None and ds.dtype.kind == "M":
            day, days = _day_and_week(ds)
        return day, days * day
    if frequency in ("daily", "business"):
        return 1, 7 if frequency == "daily" else 5
    return (1, _YEARS[frequency]) if frequency in _YEARS else (1,)


def default_blocks(frequency: str, seasons: Sequence[int], horizon: int, longest: int) -> Blocks:
    """The codec for data that come so often: see this module.

    Args:
        frequency: one of `FREQUENCIES`.
        seasons: as `seasons_of` has them.
        horizon: values that are to be forecast.
        longest: values of the longest series in the training span.
    """
    seasons = tuple(season for season in seasons if season + 2 * horizon <= longest) or (1,)
    period = next((season for season in seasons if season > 1), horizon)
    block_size = max(min(period, horizon), 1)
    if frequency == "yearly":
        short = max(block_size, 4)
        return TrendBlocks(block_size, (short, 4 * short))
    intraday = 0 < FREQUENCIES[frequency] < _DAY
    context = 28 if intraday else max(4 * period // block_size, 8)
    return Blocks(block_size, seasons, context=context)
