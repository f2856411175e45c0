"""Scores of forecasts of panels: of points, relative to a naive forecast, and of quantiles."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

# utilsforecast has these scores for long data frames, and the tests hold ours to it at 1e-9. Ours are kept:
# they take the arrays (N, H) that forecasts are, and refuse a missing forecast of an observed value, which
# utilsforecast skips, so that a model which forecasts the easy values alone would look good.
Array: TypeAlias = npt.NDArray[np.floating[Any]]


def mae(actual: Array, forecast: Array) -> npt.NDArray[np.float64]:
    """Mean absolute error: the score that the median of what can happen minimises.

        MAE = mean_h |y_h − ŷ_h|

    Args:
        actual: (N, H) observed values, in raw units, NaN where it is missing.
        forecast: (N, H) the point forecasts, in raw units.

    Returns:
        (N,) the error of each series, in its unit; NaN where nothing is observed.

    Raises:
        ValueError: if a forecast of what was observed is missing, or the shapes differ.

    Source: Hyndman and Koehler (2006), Another look at measures of forecast accuracy, International Journal
    of Forecasting 22, 679-688, section 2.1.
    """
    return _mean(_errors(actual, forecast))


def rmse(actual: Array, forecast: Array) -> npt.NDArray[np.float64]:
    """Root mean squared error: the score that the mean of what can happen minimises.

        RMSE = √ mean_h (y_h − ŷ_h)²

    Args:
        actual: (N, H) observed values, in raw units, NaN where it is missing.
        forecast: (N, H) the point forecasts, in raw units.

    Returns:
        (N,) the error of each series, in its unit; NaN where nothing is observed.

    Raises:
        ValueError: if a forecast of what was observed is missing, or the shapes differ.

    Source: Hyndman and Koehler (2006), Another look at measures of forecast accuracy, International Journal
    of Forecasting 22, 679-688, section 2.1.
    """
    return np.sqrt(_mean(_errors(actual, forecast) ** 2))


def naive_error(
    history: Array, seasonality: int, origins: npt.NDArray[np.int64] | None = None
) -> npt.NDArray[np.float64]:
    """MASE's scale: the mean absolute error of the seasonal naive forecast, one season ahead, in the history.

        mean_{t ≤ T} |y_t − y_{t−m}|

    Args:
        history: (N, T) the values, NaN where there are none.
        seasonality: m, steps in a season; 1 for none.
        origins: (O,) indices of the time steps up to which the mean is taken; default the last alone.

    Returns:
        (O, N) the scales; without `origins`, (N,). NaN where it is 0, a series that repeats its season
        exactly, and where no two values are a season apart.

    Source: Hyndman and Koehler (2006), Another look at measures of forecast accuracy, International Journal
    of Forecasting 22, 679-688, section 2.4; Hyndman and Athanasopoulos (2021), section 5.8, for seasons.
    """
    moves = np.abs(history[:, seasonality:] - history[:, :-seasonality])
    seen = ~np.isnan(moves)
    none = np.zeros((len(history), 1))
    total = np.append(none, np.where(seen, moves, 0.0).cumsum(axis=1, dtype=np.float64), axis=1)
    count = np.append(none, seen.cumsum(axis=1), axis=1)
    last = np.array([history.shape[1] - 1]) if origins is None else origins
    places = np.maximum(last + 1 - seasonality, 0)
    total, count = total[:, places].T, count[:, places].T
    scale = np.where(total > 0, total / np.maximum(count, 1), np.nan)
    return scale[0] if origins is None else scale


def scaled_mae(actual: Array, forecast: Array, scale: Array) -> npt.NDArray[np.float64]:
    """Mean absolute error of each series in units of its scale: MASE, where the scale is `naive_error`.

    Args:
        actual: (N, H) observed values, in raw units, NaN where it is missing.
        forecast: (N, H) the point forecasts, in raw units.
        scale: (N,) in raw units; a series whose scale is NaN has no score, and may lack a forecast.

    Returns:
        (N,) the error of each series, without unit.

    Raises:
        ValueError: if a forecast of what was observed is missing, or the shapes differ.
    """
    return _mean(_errors(np.where(np.isnan(scale)[:, None], np.nan, actual), forecast)) / scale


def mase(actual: Array, forecast: Array, history: Array, seasonality: int) -> npt.NDArray[np.float64]:
    """Mean absolute scaled error: the error in units of the naive forecast's own error in the history.

        MASE = mean_h |y_{T+h} − ŷ_{T+h}| / mean_t |y_t − y_{t−m}|

    Below 1 the forecast is better than repeating the season before was in the history. NaN
    where that scale is 0 (a series that repeats its season exactly), where the history has no two values a
    season apart, and where nothing is observed; `numpy.nanmean` of the result leaves those series out.

    Args:
        actual: (N, H) observed values, in raw units, NaN where it is missing.
        forecast: (N, H) the point forecasts, in raw units.
        history: (N, T) the values up to the origin, NaN where there are none.
        seasonality: m, steps in a season; 1 for none.

    Returns:
        (N,) the error of each series, without unit.

    Raises:
        ValueError: if a forecast of what was observed is missing, or the shapes differ.

    Source: Hyndman and Koehler (2006), Another look at measures of forecast accuracy, International Journal
    of Forecasting 22, 679-688.
    """
    return scaled_mae(actual, forecast, naive_error(history, seasonality))


def rmsse(actual: Array, forecast: Array, history: Array, seasonality: int) -> npt.NDArray[np.float64]:
    """Root mean squared scaled error: the error in units of the naive forecast's own in the history.

        RMSSE = √ (mean_h (y_{T+h} − ŷ_{T+h})² / mean_t (y_t − y_{t−m})²)

    M5 has m = 1, and a history that begins with a product's first sale: give NaN before it. NaN where that
    scale is 0, where the history has no two values a season apart, and where nothing is observed.

    Args:
        actual: (N, H) observed values, in raw units, NaN where it is missing.
        forecast: (N, H) the point forecasts, in raw units.
        history: (N, T) the values up to the origin, NaN where there are none.
        seasonality: m, steps in a season; 1 for none.

    Returns:
        (N,) the error of each series, without unit.

    Raises:
        ValueError: if a forecast of what was observed is missing, or the shapes differ.

    Source: Makridakis, Spiliotis and Assimakopoulos (2022), M5 accuracy competition: results, findings, and
    conclusions, International Journal of Forecasting 38, 1346-1364.
    """
    scale = _mean((history[:, seasonality:] - history[:, :-seasonality]) ** 2)
    scale = np.where(scale > 0, scale, np.nan)
    # A series that has no score anyway may lack a forecast.
    errors = _errors(np.where(np.isnan(scale)[:, None], np.nan, actual), forecast)
    return np.sqrt(_mean(errors**2) / scale)


def smape(actual: Array, forecast: Array) -> npt.NDArray[np.float64]:
    """Symmetric mean absolute percentage error, between 0 and 200 percent.

        sMAPE = 200 · mean_h |y_h − ŷ_h| / (|y_h| + |ŷ_h|)

    A zero that was forecast exactly has no error.

    Args:
        actual: (N, H) observed values, in raw units, NaN where it is missing.
        forecast: (N, H) the point forecasts, in raw units.

    Returns:
        (N,) the error of each series, in percent; NaN where nothing is observed.

    Raises:
        ValueError: if a forecast of what was observed is missing, or the shapes differ.

    Source: Makridakis, Spiliotis and Assimakopoulos (2020), The M4 Competition, International Journal of
    Forecasting 36, 54-74.
    """
    errors, size = _errors(actual, forecast), np.abs(actual) + np.abs(forecast)
    return 200 * _mean(errors / np.where(size == 0, 1.0, size))


def owa(smape: float, mase: float, naive_smape: float, naive_mase: float) -> float:
    """Overall weighted average of M4: sMAPE and MASE, each relative to a baseline's, weighed equally.

        OWA = (sMAPE / sMAPE_baseline + MASE / MASE_baseline) / 2

    Args:
        smape: the forecast's mean sMAPE over all series.
        mase: the forecast's mean MASE over all series.
        naive_smape: the baseline's mean sMAPE; M4's baseline is Naive 2, the deseasonalised naive forecast.
        naive_mase: the baseline's mean MASE.

    Source: Makridakis, Spiliotis and Assimakopoulos (2020), The M4 Competition, International Journal of
    Forecasting 36, 54-74.
    """
    return (smape / naive_smape + mase / naive_mase) / 2


def pinball(actual: Array, quantile: Array, level: float | Array) -> npt.NDArray[np.float64]:
    """Pinball loss of a quantile, elementwise: the score that the true quantile minimises.

        L_τ(y, q) = max(τ (y − q), (τ − 1) (y − q))

    Args:
        actual: observed values, in raw units.
        quantile: the forecast of the quantile, of a shape that broadcasts with `actual`.
        level: τ between 0 and 1, which broadcasts too.

    Returns:
        The loss in the series' unit, NaN where `actual` or `quantile` is.

    Source: Koenker and Bassett (1978), Regression quantiles, Econometrica 46, 33-50.
    """
    difference = np.asarray(actual, dtype=np.float64) - quantile
    return np.asarray(np.maximum(level * difference, (level - 1) * difference), dtype=np.float64)


def weighted_quantile_loss(actual: Array, quantiles: Array, levels: npt.ArrayLike) -> float:
    """Weighted quantile loss: the pinball loss of all quantiles, relative to the size of the observed values.

        wQL = 2 Σ_{τ, entries} L_τ(y, q_τ) / (Q Σ_{entries} |y|)

    The sums are over all entries together, so large series weigh more. Missing actuals are left out; a
    missing quantile of an observed entry makes the result NaN.

    Args:
        actual: (..., H) observed values, in raw units, NaN where it is missing.
        quantiles: (Q, ..., H) the forecasts of the quantiles.
        levels: (Q,) the levels τ between 0 and 1.

    Returns:
        The loss, without unit; NaN where the observed values are missing or 0 throughout.

    Source: Park, Maddix, Aubet, Kan, Gasthaus and Wang (2022), Learning quantile functions without quantile
    crossing for distribution-free time series forecasting, AISTATS; `mean_wQuantileLoss` of GluonTS.
    """
    taus = np.asarray(levels, dtype=np.float64)
    if quantiles.shape != (len(taus), *actual.shape):
        raise ValueError(
            f"quantiles are {quantiles.shape}, but there are {len(taus)} levels "
            f"and the actual values are {actual.shape}"
        )
    observed = ~np.isnan(actual)
    size = np.abs(actual[observed]).sum(dtype=np.float64)
    if size == 0:
        return float("nan")
    # One level at a time, so that no array larger than the panel is made.
    losses = [
        pinball(actual[observed], q[observed], tau).sum() for q, tau in zip(quantiles, taus, strict=True)
    ]
    return float(2 * np.mean(losses) / size)


def _errors(actual: Array, forecast: Array) -> Array:
    """|y − ŷ|, which must have one shape: broadcasting would hide a mistake."""
    if actual.shape != forecast.shape:
        raise ValueError(f"actual values are {actual.shape}, but forecasts are {forecast.shape}")
    if np.any(missing := np.isnan(forecast) & ~np.isnan(actual)):
        # Left out, it would pass for a good one.
        raise ValueError(f"{missing.any(axis=1).sum()} series lack a forecast of what was observed")
    return np.abs(actual - forecast)


def _mean(values: Array) -> npt.NDArray[np.float64]:
    """(N,) mean of the last axis over what is not NaN; NaN, without a warning, where there is nothing."""
    seen = ~np.isnan(values)
    count = seen.sum(axis=-1)
    total = np.where(seen, values, 0.0).sum(axis=-1, dtype=np.float64)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
