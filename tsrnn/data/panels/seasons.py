"""How long a season, a block and a context are, chosen from how often the data come.

| the data come | seasons | block | reads |
|---|---|---|---|
| several times a day | a day, a week | a day | 28 blocks |
| daily | the last value, a week (5 time steps where the exchange is shut at weekends) | a week | 8 blocks |
| weekly, monthly, quarterly | the last value, a year | a year | 4 years, at least 8 blocks |
| yearly, or nobody knows | the last value | the horizon | 8 blocks |

A block is never longer than the horizon, and a season is left out if the longest series does not hold it
and two horizons more.
"""

from __future__ import annotations

import numpy as np

from tsrnn.codecs import Blocks
from tsrnn.errors import ConfigError, nearest
from tsrnn.protocols import Panel

_DAY = 86_400.0
FREQUENCIES = {
    "minute": _DAY / 1440,
    "5min": _DAY / 288,
    "10min": _DAY / 144,
    "15min": _DAY / 96,
    "30min": _DAY / 48,
    "hourly": _DAY / 24,
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


def frequency_of(panel: Panel) -> str:
    """How often the panel's values come, one of `FREQUENCIES`, from the usual step between its dates.

    Time steps that are numbered say nothing, nor does a step that is none of these: "unknown".
    """
    if panel.ds.dtype.kind != "M" or panel.num_steps < 2:
        return "unknown"
    seconds = float(np.median(np.diff(panel.ds) / np.timedelta64(1, "s")))
    for name, step in FREQUENCIES.items():
        if 0 < 0.9 * step < seconds < 1.1 * step:
            at_weekends = np.mean((panel.ds.astype("datetime64[D]").astype(int) + 3) % 7 >= 5)
            return "business" if name == "daily" and at_weekends < 0.05 else name
    return "unknown"


def seasons_of(frequency: str) -> tuple[int, ...]:
    """The lengths of the seasons, in values: see this module.

    Raises:
        ConfigError: if there is no such frequency.
    """
    if frequency not in FREQUENCIES:
        hint = nearest(frequency, list(FREQUENCIES))
        raise ConfigError(f"there is no frequency {frequency!r}{hint}: it is one of {', '.join(FREQUENCIES)}")
    if 0 < FREQUENCIES[frequency] < _DAY:
        day = round(_DAY / FREQUENCIES[frequency])
        return day, 7 * day
    if frequency in ("daily", "business"):
        return 1, 7 if frequency == "daily" else 5
    return (1, _YEARS[frequency]) if frequency in _YEARS else (1,)


def default_blocks(frequency: str, horizon: int, longest: int) -> Blocks:
    """The codec for data that come so often: see this module.

    Args:
        frequency: one of `FREQUENCIES`.
        horizon: values that are to be forecast.
        longest: values of the longest series in the training span.
    """
    seasons = seasons_of(frequency)
    seasons = tuple(season for season in seasons if season + 2 * horizon <= longest) or (1,)
    period = next((season for season in seasons if season > 1), horizon)
    block_size = max(min(period, horizon), 1)
    intraday = 0 < FREQUENCIES[frequency] < _DAY
    context = 28 if intraday else max(4 * period // block_size, 8)
    return Blocks(block_size, seasons, context=context)
