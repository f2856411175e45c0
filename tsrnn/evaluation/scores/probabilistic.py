"""Scores of forecast distributions, of their intervals, and of the direction that they forecast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import special

Array: TypeAlias = npt.NDArray[np.floating[Any]]

# scoringrules has these scores too, and the tests hold ours to it at 1e-9. Ours are kept: importing it costs
# 2.5 s of CPU time for every command, and it sorts what a backtest has sorted already.
_BLOCK = 1 << 17
"""Samples that `crps_sample` works on at once: 1 MiB, which stays in a core's cache."""


def crps_sample(
    actual: Array, samples: Array, *, presorted: bool = False, fair: bool = False
) -> npt.NDArray[np.float64]:
    """Continuous ranked probability score of the distribution that gives each of S samples the share 1/S.

        CRPS(y) = (1/S) Σ_i |x_i − y| − (1/(2 S²)) Σ_i Σ_j |x_i − x_j|

    The second term is Σ_i (2i − S − 1) x_(i) / S² over the samples in increasing order. Computed in float64
    after y is subtracted, so that float32 samples far from 0 lose nothing.

    Args:
        actual: (...) observed values, in raw units.
        samples: (..., S) draws from the forecast, in raw units; copied once if not contiguous.
        presorted: True says that the samples increase along the last axis, and saves sorting them.
        fair: divide the second term by S (S − 1) in place of S². The expectation over samples is then the
            score of the distribution that they are drawn from, however few they are, so that samples compare
            with closed forms and quantiles; that of the samples' own distribution is larger by 1/S of half
            the mean distance of two draws. Needs two samples.

    Returns:
        (...) the score in the series' unit, less is better: the absolute error, if S is 1. NaN where `actual`
        or a sample is, infinite where one of them is infinite.

    Raises:
        ValueError: if there are no samples, or the shapes do not fit.

    Source: Gneiting and Raftery (2007), Strictly proper scoring rules, prediction, and estimation, Journal of
    the American Statistical Association 102, 359-378, equation 21; Ferro (2014), Fair scores for ensemble
    forecasts, Quarterly Journal of the Royal Meteorological Society 140, 1917-1923; Jordan, Krüger and
    Lerch (2019), Evaluating probabilistic forecasts with scoringRules, Journal of Statistical Software
    90(12).
    """
    if np.ndim(samples) == 0 or np.shape(samples)[:-1] != np.shape(actual) or np.shape(samples)[-1] == 0:
        raise ValueError(
            f"samples are {np.shape(samples)}, but the actual values are {np.shape(actual)}: "
            "give samples one more axis, the last, of at least one"
        )
    size = np.shape(samples)[-1]
    if fair and size < 2:
        raise ValueError("the fair score needs at least two samples")
    values, rows = np.reshape(actual, (-1, 1)), np.reshape(samples, (-1, size))
    found = np.empty(len(rows))
    # Both sums are products with a vector of weights, of one block of rows at a time in one array.
    pairs = size * (size - 1) if fair else size**2
    average, spread = np.full(size, 1 / size), (2 * np.arange(1, size + 1) - size - 1) / pairs
    step = max(_BLOCK // size, 1)
    memory = np.empty((min(step, len(rows)), size))
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        block = memory[: len(rows[part])]
        with np.errstate(invalid="ignore"):  # ∞ − ∞
            np.subtract(rows[part], values[part], out=block, dtype=np.float64)
            if not presorted:
                block.sort(axis=1)
            infinite = (np.isinf(block[:, 0]) | np.isinf(block[:, -1])) & ~np.isnan(block[:, -1])
            between = block @ spread
            np.abs(block, out=block)
            found[part] = np.where(infinite, np.inf, block @ average - between)
    return found.reshape(np.shape(actual))


def crps_normal(actual: Array, location: Array, scale: Array) -> npt.NDArray[np.float64]:
    """Continuous ranked probability score of a normal distribution, exact.

        CRPS(y) = σ [z (2 Φ(z) − 1) + 2 φ(z) − 1/√π],   z = (y − μ) / σ

    Args:
        actual: y, observed values, in raw units; the three arguments broadcast.
        location: μ, in raw units.
        scale: σ > 0, in raw units.

    Returns:
        The score in the series' unit; NaN where an argument is, or where the scale is not positive.

    Source: Gneiting and Raftery (2007), Strictly proper scoring rules, prediction, and estimation, Journal of
    the American Statistical Association 102, 359-378, section 4.2.
    """
    sigma = _positive(scale)
    z = (np.asarray(actual, dtype=np.float64) - location) / sigma
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    return np.asarray(sigma * (z * special.erf(z / np.sqrt(2)) + 2 * density - 1 / np.sqrt(np.pi)))


def crps_student_t(
    actual: Array, degrees: float | Array, location: Array, scale: Array
) -> npt.NDArray[np.float64]:
    """Continuous ranked probability score of a Student t distribution, exact.

        CRPS(y) = σ [z (2 F_ν(z) − 1) + 2/(ν − 1) (f_ν(z) (ν + z²) − √ν B(1/2, ν − 1/2) / B(1/2, ν/2)²)]

    with z = (y − μ) / σ, B the beta function, and F_ν and f_ν the distribution function and the density of ν
    degrees of freedom.

    Args:
        actual: y, observed values, in raw units; the four arguments broadcast.
        degrees: ν > 1, finite.
        location: μ, in raw units.
        scale: σ > 0, in raw units; the standard deviation is σ √(ν / (ν − 2)).

    Returns:
        The score in the series' unit; NaN where an argument is, where the scale is not positive, and where ν
        is 1 or less, for which there is no closed form.

    Source: Jordan, Krüger and Lerch (2019), Evaluating probabilistic forecasts with scoringRules, Journal of
    Statistical Software 90(12), appendix A.2.
    """
    sigma = _positive(scale)
    nu = np.asarray(degrees, dtype=np.float64)
    nu = np.where(nu > 1, nu, np.nan)
    z = (np.asarray(actual, dtype=np.float64) - location) / sigma
    # f(z) (ν + z²) = √ν (1 + z²/ν)^{−(ν−1)/2} / B(1/2, ν/2): one power, which cannot become 0 · ∞.
    log_beta = special.betaln(0.5, nu / 2)
    tail = 2 * np.sqrt(nu) / (nu - 1) * np.exp(-0.5 * (nu - 1) * np.log1p(z**2 / nu) - log_beta)
    between = 2 * np.sqrt(nu) / (nu - 1) * np.exp(special.betaln(0.5, nu - 0.5) - 2 * log_beta)
    return np.asarray(sigma * (z * (2 * special.stdtr(nu, z) - 1) + tail - between))


def coverage(actual: Array, low: Array, high: Array) -> float:
    """Share of observed values that lie inside their intervals, bounds included, in percent.

    Args:
        actual: observed values, in raw units, NaN where it is missing; the three arguments have one shape.
        low: the lower bounds.
        high: the upper bounds.

    Returns:
        The share of the observed entries, 0 to 100. NaN where nothing is observed, and where an observed
        entry lacks a bound: left out, it would pass for a good one.

    Raises:
        ValueError: if the shapes differ.
    """
    if not np.shape(actual) == np.shape(low) == np.shape(high):
        raise ValueError(
            f"actual values are {np.shape(actual)}, but bounds are {np.shape(low)} and {np.shape(high)}"
        )
    observed = ~np.isnan(actual)
    value, lower, upper = (np.asarray(part)[observed] for part in (actual, low, high))
    if value.size == 0 or np.isnan(lower).any() or np.isnan(upper).any():
        return float("nan")
    return float(100 * np.mean((lower <= value) & (value <= upper)))


def pit_histogram(pit: Array, bins: int) -> npt.NDArray[np.float64]:
    """Shares of the probability integral transforms in bins of equal width; all equal, if the densities fit.

    A share above 1/bins at both ends says that the densities are too narrow, one in the middle too wide.

    Args:
        pit: P(Y ≤ y) by the forecast of each observation, between 0 and 1, NaN where there is none.
        bins: the number of bins; the last includes 1, the others only their lower edge.

    Returns:
        (bins,) shares, which sum to 1; NaN where there is no transform.

    Raises:
        ValueError: if a transform lies outside 0 and 1, or there is no bin.

    Source: Diebold, Gunther and Tay (1998), Evaluating density forecasts, International Economic Review 39,
    863-883; Gneiting, Balabdaoui and Raftery (2007), Probabilistic forecasts, calibration and sharpness,
    Journal of the Royal Statistical Society B 69, 243-268, section 3.1.
    """
    if bins < 1:
        raise ValueError(f"a histogram needs at least one bin, not {bins}")
    seen = np.asarray(pit, dtype=np.float64)
    seen = seen[~np.isnan(seen)]
    if np.any((seen < 0) | (seen > 1)):
        raise ValueError("a probability integral transform lies between 0 and 1")
    counts = np.histogram(seen, bins=bins, range=(0.0, 1.0))[0]
    return counts / len(seen) if len(seen) else np.full(bins, np.nan)


@dataclass(frozen=True)
class DirectionalAccuracy:
    """How often the direction of a change was forecast.

    Attributes:
        share: of the steps whose direction was right, in percent; NaN where there are no steps.
        p_value: one-sided, of at least so many if forecasts and changes were independent; NaN where the
            changes or the forecasts all have one sign.
        steps: how many were compared.
    """

    share: float
    p_value: float
    steps: int


def directional_accuracy(actual_change: Array, forecast_change: Array) -> DirectionalAccuracy:
    """Share of the changes whose sign was forecast, with the Pesaran-Timmermann test.

        S = (P̂ − P*) / √(V̂(P̂) − V̂(P*)),   P* = p q + (1 − p)(1 − q)

    where P̂ is the share that was right, and p and q are the shares of the changes and of the forecasts that
    rise. P* is the share that forecasts would have right which know p but not when. The difference of the two
    variances is 4 p (1 − p) q (1 − q) (n − 1) / n². S is standard normal if forecasts and changes
    are independent; large S speaks for the forecast. The test asks for steps that are independent in time: of
    forecasts several steps ahead, which overlap, its p-value is too small.

    Args:
        actual_change: observed value less the last known one, in any unit; NaN where it is missing.
        forecast_change: the forecast of it, of the same shape. A step where one of the two is 0 or NaN has
            no direction to compare and is left out.

    Raises:
        ValueError: if the shapes differ.

    Source: Pesaran and Timmermann (1992), A simple nonparametric test of predictive performance, Journal of
    Business and Economic Statistics 10, 461-465.
    """
    if np.shape(actual_change) != np.shape(forecast_change):
        raise ValueError(
            f"actual changes are {np.shape(actual_change)}, but forecasts are {np.shape(forecast_change)}"
        )
    signs = np.sign(actual_change), np.sign(forecast_change)
    compared = np.abs(signs[0] * signs[1]) == 1
    up, said_up = (sign[compared] > 0 for sign in signs)
    steps = int(compared.sum())
    if steps == 0:
        return DirectionalAccuracy(float("nan"), float("nan"), 0)
    share, p, q = float(np.mean(up == said_up)), float(up.mean()), float(said_up.mean())
    by_chance = p * q + (1 - p) * (1 - q)
    variance = 4 * p * (1 - p) * q * (1 - q) * (steps - 1) / steps**2
    tail = float(special.ndtr((by_chance - share) / np.sqrt(variance))) if variance > 0 else float("nan")
    return DirectionalAccuracy(100 * share, tail, steps)


def _positive(scale: Array) -> npt.NDArray[np.float64]:
    """The scale, NaN where there is no distribution of that scale."""
    return np.where(np.asarray(scale) > 0, np.asarray(scale, dtype=np.float64), np.nan)
