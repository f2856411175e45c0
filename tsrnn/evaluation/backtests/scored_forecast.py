"""Forecasts beside observed values, one row a forecast value: what a backtest is made of.

Letters: `O` forecast origins, `N` series, `S` paths, `H` the horizon, `Q` quantiles.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsrnn.evaluation.scores.accuracy import naive_error, pinball
from tsrnn.evaluation.scores.probabilistic import crps_normal, crps_sample
from tsrnn.forecasts import LEVELS, Density, Forecast, QuantileForecast, own_times
from tsrnn.heads.normal import NormalDistribution
from tsrnn.protocols import Panel

Floats = npt.NDArray[np.float64]

SCALE_STEPS = 250
_GRID = np.arange(1, 100) / 100
_SERIES_AT_ONCE = 500


def quantile_column(level: float) -> str:
    """The column of a quantile: q0.025."""
    return f"q{level:g}"


def score_forecast(
    model: str, forecast: Forecast | QuantileForecast, panel: Panel, *, season: int = 1
) -> pd.DataFrame:
    """One row for each value that was forecast and observed, with its scores.

    Columns, in raw units where nothing else is said:

    - model, unique_id, cutoff (the last time step known), origin (its index in the panel), ds, step (1 to H),
      y, last (the value at the cutoff);
    - median and the quantiles q0.025, q0.1, ... q0.9, q0.975, exact where the forecast has a density; the
      median of S paths is off by chance, which adds about π / (2 S) to its squared error, 0.8 percent at 200;
    - crps: of a normal density the closed form; of paths the fair estimate (`crps_sample`); of quantiles
      2 Σ_τ L_τ(y, q_τ) / 100 over the
      percentiles τ, L the pinball loss, which is the trapezoidal rule for 2 ∫ L_τ dτ (Gneiting and Ranjan
      2011, Comparing density forecasts, Journal of Business and Economic Statistics 29, equation 9);
    - nats: −log p of the step, which is the log return where the panel is of prices and else the value; NaN
      without a density;
    - pit: P(Y ≤ y), by the density, or by the rank of y among the paths or the percentiles;
    - naive_error: MASE's scale, from all values up to the cutoff (`naive_error`);
    - scale: the mean of |y_t − y_{t−m}| over the 250 time steps up to the cutoff, m the season, a missing
      y_{t−m} being held over; NaN where that is 0 or there is none. What is divided by it has no unit, and
      a price that grew a hundredfold weighs no more than it did before.

    Args:
        model: its name.
        forecast: from origins of the panel.
        panel: the observed values, before and after each origin.
        season: m.
    """
    origins = np.searchsorted(panel.ds, forecast.origins)
    horizon = forecast.ds.shape[1]
    target = origins[:, None] + np.arange(1, horizon + 1)
    beyond = np.append(panel.values, np.full((len(panel.unique_ids), 1), np.nan), axis=1)
    actual = beyond[:, np.minimum(target, panel.num_steps)].swapaxes(0, 1)  # (O, N, H)
    if isinstance(forecast, Forecast):
        quantiles, crps, pit = _read_paths(forecast, actual)
    else:
        quantiles, crps, pit = _read_quantiles(forecast, actual)
    nats = np.full(actual.shape, np.nan)
    density = forecast.density if isinstance(forecast, Forecast) else None
    if density is not None:
        nats = -density.log_prob(actual) - (np.log(actual) if panel.kind == "prices" else 0.0)
        exact = density.quantile(LEVELS, horizon), _exact_crps(density, actual), density.cdf(actual)
        quantiles, crps, pit = (
            np.where(np.isnan(known), drawn, known)
            for known, drawn in zip(exact, (quantiles, crps, pit), strict=True)
        )
    common = forecast.origins[:, None, None], forecast.ds[:, None, :]
    cutoffs, times = (own_times(part, panel.ends, forecast.dates) for part in common)
    columns: dict[str, Any] = {
        "unique_id": np.arange(actual.shape[1])[:, None],
        "cutoff": cutoffs,
        "origin": origins[:, None, None],
        "ds": times,
        "step": np.arange(1, horizon + 1),
        "y": actual,
        "last": forecast.last[:, :, None],
        "median": forecast.median,
        **{quantile_column(level): part for level, part in zip(LEVELS, quantiles, strict=True)},
        "crps": crps,
        "nats": nats,
        "pit": pit,
        "naive_error": naive_error(panel.values, season, origins)[:, :, None],
        "scale": recent_error(panel, origins, season)[:, :, None],
    }
    happened = ~np.isnan(actual)
    frame = pd.DataFrame(
        {name: np.broadcast_to(part, actual.shape)[happened] for name, part in columns.items()}
    )
    names = pd.CategoricalDtype([str(name) for name in panel.unique_ids])
    frame["unique_id"] = pd.Categorical.from_codes(frame["unique_id"], dtype=names)
    frame.insert(0, "model", pd.Categorical([model] * len(frame), categories=[model]))
    return frame


def _exact_crps(density: Density, actual: Floats) -> Floats:
    """(O, N, H) the CRPS in closed form, NaN where there is none."""
    normal = density.distribution
    if not isinstance(normal, NormalDistribution) or density.last is not None:
        return np.full(actual.shape, np.nan)
    return crps_normal(actual, normal.location.numpy(), normal.scale.numpy())


def recent_error(panel: Panel, origins: npt.NDArray[np.int64], season: int = 1) -> Floats:
    """(O, N) the seasonal naive forecast's mean absolute error before each origin: see `score_forecast`."""
    values = panel.values
    known = np.where(np.isnan(values), -1, np.arange(values.shape[1]))
    place = np.maximum.accumulate(known, axis=1)
    held = np.where(place >= 0, np.take_along_axis(values, np.maximum(place, 0), axis=1), np.nan)
    moves = np.full(values.shape, np.nan)
    moves[:, season:] = np.abs(values[:, season:] - held[:, :-season])
    scale = np.full((len(origins), len(values)), np.nan)
    for row, origin in zip(scale, origins, strict=True):
        recent = moves[:, max(origin + 1 - SCALE_STEPS, 0) : origin + 1]
        count = (~np.isnan(recent)).sum(axis=1)
        total = np.nansum(recent, axis=1)
        # A sum of what does not move is exactly 0.
        np.divide(total, count, out=row, where=total > 0)
    return scale


def _read_paths(forecast: Forecast, actual: Floats) -> tuple[Floats, Floats, Floats]:
    """The (Q, O, N, H) quantiles of `LEVELS`, and the CRPS and the PIT, (O, N, H) each."""
    size = forecast.samples.shape[2]
    # As `Forecast.quantile` has it: the level q stands at q (S + 1) among the sorted paths.
    place = np.clip(np.array(LEVELS) * (size + 1) - 1, 0, size - 1)
    low = np.floor(place).astype(int)
    high, share = np.minimum(low + 1, size - 1), (place - low)[:, None, None]
    quantiles = np.empty((len(LEVELS), *actual.shape))
    crps, pit = np.empty(actual.shape), np.empty(actual.shape)
    for origin, happened in enumerate(actual):
        ordered = np.sort(np.ascontiguousarray(forecast.samples[origin].swapaxes(1, 2)), axis=-1)
        below, above = np.moveaxis(ordered[..., low], -1, 0), np.moveaxis(ordered[..., high], -1, 0)
        quantiles[:, origin] = below + share * (above - below)
        crps[origin] = crps_sample(happened, ordered, presorted=True, fair=size > 1)
        pit[origin] = _rank(happened, ordered)
    return quantiles, crps, pit


def _read_quantiles(forecast: QuantileForecast, actual: Floats) -> tuple[Floats, Floats, Floats]:
    """As `_read_paths`."""
    crps, pit = np.empty(actual.shape), np.empty(actual.shape)
    for start in range(0, actual.shape[1], _SERIES_AT_ONCE):  # a hundred numbers for each value
        some = slice(start, start + _SERIES_AT_ONCE)
        part = replace(forecast, values=forecast.values[:, some])
        percentiles = np.moveaxis(part.quantile(_GRID.tolist()), 0, -1)
        crps[:, some] = 2 * pinball(actual[:, some, :, None], percentiles, _GRID).sum(axis=-1) / 100
        pit[:, some] = _rank(actual[:, some], percentiles)
    return forecast.quantile(LEVELS), crps, pit


def _rank(actual: Floats, ordered: npt.NDArray[Any]) -> Floats:
    """Between 0 and 1, the place of each value among S that increase; NaN without a value or a forecast."""
    below = (ordered < actual[..., None]).sum(axis=-1)
    equal = (ordered == actual[..., None]).sum(axis=-1)
    rank = (below + equal / 2 + 0.5) / (ordered.shape[-1] + 1)
    return np.where(np.isnan(actual) | np.isnan(ordered[..., 0]), np.nan, rank)
