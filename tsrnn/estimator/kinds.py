"""Prices or another series: what a panel looks like, where nobody has said."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from tsrnn.data.panels.seasons import FREQUENCIES, frequency_of, seasons_of
from tsrnn.estimator.settings import Kind
from tsrnn.protocols import Panel

WALK = (0.4, 0.65)
"""Exponents of what is taken for prices; a random walk has 0.5.

On the data of benchmarks/, the median of a panel is 0.48 to 0.53 for stocks, indices and exchange rates, 0.07
for hourly loads (M4), 0.32 for half-hourly ones (Taylor), 0.06 for daily counts (bicycles). Of random walks
of 250 steps 3 in 100 lie outside, of 500 steps 2 in 1,000.
"""
_MOST_SERIES = 200


def kind_of(panel: Panel) -> tuple[Kind, str]:
    """What a panel holds, and why: prices are positive, daily or more frequent, and move as random walks do.

    Their log changes over four weeks (four days, where they come several times a day) of L time steps are
    those over one step times L^H, with H about 1/2:

        H = log(mean |x_t − x_{t−L}| / mean |x_t − x_{t−1}|) / log L

    the median over the series. A series that returns to a level or to a season has a smaller exponent, one
    that keeps growing a larger one.

    Source: Di Matteo (2007), Multi-scaling in finance, Quantitative Finance 7, 21-36, for the exponent.
    """
    if (panel.values <= 0).any():
        return "series", "there are values at or below 0"
    frequency = frequency_of(panel)
    if not 0 < FREQUENCIES[frequency] <= FREQUENCIES["daily"]:
        how = "their dates tell no frequency" if frequency == "unknown" else f"they are {frequency}"
        return "series", how
    lag = 4 * next(season for season in seasons_of(frequency, panel.ds) if season > 1)
    exponents = [
        _exponent(np.log(row[~np.isnan(row)]), lag)
        for row in panel.values[:_MOST_SERIES]
        if (~np.isnan(row)).sum() >= 5 * lag
    ]
    if not exponents or math.isnan(found := float(np.nanmedian(exponents))):
        return "series", f"a series of {5 * lag} values is needed to tell prices"
    said = f"changes grow with time to the power of {found:.2f}, those of a random walk of 0.5"
    return ("prices" if WALK[0] <= found <= WALK[1] else "series"), said


def _exponent(values: npt.NDArray[np.float64], lag: int) -> float:
    step, far = np.abs(np.diff(values)).mean(), np.abs(values[lag:] - values[:-lag]).mean()
    return math.log(far / step) / math.log(lag) if min(step, far) > 0 else math.nan
