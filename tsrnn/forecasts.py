"""Forecasts: the distribution of every series' future from every origin, as paths or as quantiles.

Letters: `O` forecast origins, `N` series, `S` paths, `H` the horizon, `Q` quantiles.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
import torch

if TYPE_CHECKING:
    import pandas as pd

LEVELS = (0.025, 0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9, 0.975)
"""Of the quantiles that a backtest keeps beside the median."""


@dataclass  # not frozen: Lightning refuses to pass on frozen predictions
class Density:
    """The closed form of the first K steps after each origin, each step's by itself.

    Args:
        distribution: with `log_prob` and, where it has one, `cdf`, of the K steps' values, (O, N, K) tensors;
            or, where `last` is given, of their log returns log(y / last).
        median: (O, N, K) medians in raw units, exact; of further steps too, where symmetry tells them.
        last: (O, N) values at the origins that the log returns start from; None where the distribution is
            that of the values themselves.
        steps: K; default as many as there are medians.
    """

    distribution: Any
    median: npt.NDArray[np.float64]
    last: npt.NDArray[np.float64] | None = None
    steps: int | None = None

    def log_prob(self, actual: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """(O, N, H) nats per raw unit of the observed values; NaN after step K, and where there is none."""
        found = self._read("log_prob", actual)
        return found if self.last is None else found - np.log(actual)

    def cdf(self, actual: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """(O, N, H) P(Y ≤ observed value); NaN as in `log_prob`, or without a closed form."""
        return self._read("cdf", actual)

    def quantile(self, levels: Sequence[float], horizon: int) -> npt.NDArray[np.float64]:
        """(Q, O, N, H) quantiles in raw units; NaN after step K, and without a closed form."""
        found = np.full((len(levels), *self.median.shape[:2], horizon), np.nan)
        if hasattr(self.distribution, "icdf"):
            for place, level in enumerate(levels):
                found[place, ..., : self._known] = self.distribution.icdf(level).double().numpy()
            if self.last is not None:
                found = self.last[..., None] * np.exp(found)
        return found

    def _read(self, name: str, actual: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        found = np.full(actual.shape, np.nan)
        if not hasattr(self.distribution, name):
            return found
        value = actual[..., : self._known]
        if self.last is not None:
            value = np.log(value / self.last[..., None])
        known = torch.from_numpy(np.nan_to_num(value))
        answer = getattr(self.distribution, name)(known).double().numpy()
        found[..., : self._known] = np.where(np.isnan(value), np.nan, answer)
        return found

    @property
    def _known(self) -> int:
        """K."""
        return self.median.shape[-1] if self.steps is None else self.steps


def own_times(
    times: npt.NDArray[Any], ends: npt.NDArray[np.int64] | None, dates: npt.NDArray[Any] | None
) -> npt.NDArray[Any]:
    """Time steps as each series counts them: see `Panel.ends`.

    Args:
        times: (..., 1, K) time steps that all series have in common.
        ends: (N,) as in `Panel`, or None.
        dates: (U,) the dates that the time steps of all series are counted on, or None.

    Returns:
        (..., N, K), NaT before the first of the dates; where no series has an end of its own, the time steps
        as they are.
    """
    if ends is None:
        return times
    if dates is None:
        return np.asarray(times + ends[:, None])
    places = np.searchsorted(dates, times) + ends[:, None]
    return np.where(places < 0, np.datetime64("NaT"), dates[np.maximum(places, 0)])


class _ForecastTable(ABC):
    """What every forecast offers, however it holds its distribution."""

    unique_ids: tuple[str, ...]
    origins: npt.NDArray[Any]
    ds: npt.NDArray[Any]
    last: npt.NDArray[np.float64]
    ends: npt.NDArray[np.int64] | None
    dates: npt.NDArray[Any] | None

    @property
    @abstractmethod
    def mean(self) -> npt.NDArray[np.float64]:
        """(O, N, H) means."""

    @abstractmethod
    def only(self, origin: int, series: int) -> Self:
        """The forecast of one series from one origin, by their places."""

    @abstractmethod
    def quantile(self, q: float | Sequence[float]) -> npt.NDArray[np.float64]:
        """(O, N, H) quantile, with a leading axis when `q` is a sequence."""

    @property
    def median(self) -> npt.NDArray[np.float64]:
        """(O, N, H) medians, the point forecast: exact where there is a closed form."""
        return self.quantile(0.5)

    def interval(self, level: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Lower and upper (O, N, H) bounds of the central interval that holds `level` percent."""
        low, high = self.quantile([0.5 - level / 200, 0.5 + level / 200])
        return low, high

    def to_frame(self, levels: Sequence[float] = (80, 95), tail: float = 0.05) -> pd.DataFrame:
        """A tidy frame: unique_id, cutoff, ds, mean, the quantiles, and, of paths, the risk of each step.

        The quantiles' columns are named q0.025, q0.1, q0.5, ...: the bounds of `levels` and the median.
        """
        import pandas as pd

        quantiles = sorted({0.5, *(0.5 + sign * level / 200 for level in levels for sign in (-1, 1))})
        mean = self.mean
        common = self.origins[:, None, None], self.ds[:, None, :]
        cutoffs, times = (own_times(part, self.ends, self.dates) for part in common)
        columns: dict[str, Any] = {
            "unique_id": np.broadcast_to(np.array(self.unique_ids, dtype=object)[:, None], mean.shape),
            "cutoff": np.broadcast_to(cutoffs, mean.shape),
            "ds": np.broadcast_to(times, mean.shape),
            "mean": mean,
        }
        columns |= {f"q{q:.6g}": part for q, part in zip(quantiles, self.quantile(quantiles), strict=True)}
        columns["q0.5"] = self.median
        columns |= self._risk(tail)
        return pd.DataFrame({name: column.reshape(-1) for name, column in columns.items()})

    def _risk(self, tail: float) -> dict[str, Any]:
        return {}

    def _names(self, origin: int, series: int) -> dict[str, Any]:
        """What the forecast of one series from one origin has besides its distribution."""
        return {
            "unique_ids": self.unique_ids[series : series + 1],
            "origins": self.origins[origin : origin + 1],
            "ds": self.ds[origin : origin + 1],
            "last": self.last[origin : origin + 1, series : series + 1],
            "ends": None if self.ends is None else self.ends[series : series + 1],
            "dates": self.dates,
        }


@dataclass
class Forecast(_ForecastTable):
    """Sampled paths of every series from every origin, in raw units.

    Args:
        unique_ids: the N names.
        origins: the O time steps whose value is the last one known to the forecast.
        ds: (O, H) time steps that are forecast.
        samples: (O, N, S, H) paths.
        last: (O, N) values at the origins, NaN where the series has none.
        ends: (N,) the last time step of each series that has its own, as in `Panel`; else None.
        density: the closed form of the first steps, where there is one.
        dates: of all time steps, those that are forecast included, where `ends` counts on them; else None.
    """

    unique_ids: tuple[str, ...]
    origins: npt.NDArray[Any]
    ds: npt.NDArray[Any]
    samples: npt.NDArray[np.floating[Any]]
    last: npt.NDArray[np.float64]
    ends: npt.NDArray[np.int64] | None = None
    density: Density | None = None
    dates: npt.NDArray[Any] | None = None

    def only(self, origin: int, series: int) -> Self:
        """The forecast of one series from one origin, by their places; of its paths alone."""
        part = self.samples[origin : origin + 1, series : series + 1]
        return replace(self, **self._names(origin, series), samples=part, density=None)

    @property
    def median(self) -> npt.NDArray[np.float64]:
        """(O, N, H) medians: those of the density where it is known, else of the paths."""
        if self.density is None:
            return self.quantile(0.5)
        exact = self.density.median
        if exact.shape[-1] == self.samples.shape[-1]:
            return exact
        rest = np.quantile(self.samples[..., exact.shape[-1] :], 0.5, axis=2)
        return np.concatenate([exact, rest], axis=-1, dtype=np.float64)

    @property
    def mean(self) -> npt.NDArray[np.float64]:
        """(O, N, H) mean over the paths."""
        return np.asarray(self.samples.mean(axis=2, dtype=np.float64))

    def quantile(self, q: float | Sequence[float]) -> npt.NDArray[np.float64]:
        """(O, N, H) quantile over the paths, with a leading axis when `q` is a sequence.

        A level q stands at the place q (S + 1) among the S sorted paths, so that q is the expected share of
        new draws below it. Source: Hyndman and Fan (1996), Sample quantiles in statistical packages, The
        American Statistician 50, 361-365, definition 6.
        """
        return np.asarray(np.quantile(self.samples, q, axis=2, method="weibull"), dtype=np.float64)

    def probability_up(self) -> npt.NDArray[np.float64]:
        """(O, N, H) share of the paths above the last known value, a tie counting one half."""
        last = self.last[:, :, None, None]
        above = (self.samples > last).mean(axis=2, dtype=np.float64)
        share = above + 0.5 * (self.samples == last).mean(axis=2, dtype=np.float64)
        return np.where(np.isnan(self.last)[:, :, None], np.nan, share)

    def value_at_risk(self, tail: float = 0.05) -> npt.NDArray[np.float64]:
        """(O, N, H) loss, as a share of the last known value, that is exceeded with probability `tail`.

        Source: McNeil, Frey and Embrechts (2015), Quantitative Risk Management, definition 2.8.
        """
        return -(self.quantile(tail) / self.last[:, :, None] - 1)

    def expected_shortfall(self, tail: float = 0.05) -> npt.NDArray[np.float64]:
        """(O, N, H) mean loss over the worst `tail` of the paths, as a share of the last known value.

        Source: McNeil, Frey and Embrechts (2015), Quantitative Risk Management, definition 2.12.
        """
        worst = max(round(tail * self.samples.shape[2]), 1)
        losses = 1 - np.partition(self.samples, worst - 1, axis=2)[:, :, :worst] / self.last[:, :, None, None]
        return np.asarray(losses.mean(axis=2, dtype=np.float64))

    def _risk(self, tail: float) -> dict[str, Any]:
        return {
            "probability_up": self.probability_up(),
            f"value_at_risk_{100 * tail:g}": self.value_at_risk(tail),
            f"expected_shortfall_{100 * tail:g}": self.expected_shortfall(tail),
        }


@dataclass
class QuantileForecast(_ForecastTable):
    """Quantiles of every series from every origin, in raw units; there are no paths.

    Args:
        unique_ids: the N names.
        origins: the O time steps whose value is the last one known to the forecast.
        ds: (O, H) time steps that are forecast.
        values: (O, N, Q, H) quantiles.
        levels: (Q,) of the quantiles, increasing.
        last: (O, N) values at the origins, NaN where the series has none.
        ends: (N,) the last time step of each series that has its own, as in `Panel`; else None.
        dates: of all time steps, those that are forecast included, where `ends` counts on them; else None.
    """

    unique_ids: tuple[str, ...]
    origins: npt.NDArray[Any]
    ds: npt.NDArray[Any]
    values: npt.NDArray[np.floating[Any]]
    levels: npt.NDArray[np.float64]
    last: npt.NDArray[np.float64]
    ends: npt.NDArray[np.int64] | None = None
    dates: npt.NDArray[Any] | None = None

    def only(self, origin: int, series: int) -> Self:
        """The forecast of one series from one origin, by their places."""
        part = self.values[origin : origin + 1, series : series + 1]
        return replace(self, **self._names(origin, series), values=part)

    @property
    def mean(self) -> npt.NDArray[np.float64]:
        """(O, N, H) mean, each quantile standing for the levels that are nearest to its own."""
        edges = np.concatenate([[0.0], (self.levels[1:] + self.levels[:-1]) / 2, [1.0]])
        return np.asarray(np.einsum("onqh,q->onh", self.values, np.diff(edges)), dtype=np.float64)

    def quantile(self, q: float | Sequence[float]) -> npt.NDArray[np.float64]:
        """(O, N, H) quantile, linear between the levels and in exponential tails beyond them.

        The tails are those of `tsrnn.heads.quantiles.QuantileDistribution`; a leading axis when `q` is a
        sequence.
        """
        if np.ndim(q) == 0:
            return self._quantile(float(np.asarray(q)))
        return np.stack([self._quantile(float(one)) for one in np.asarray(q)])

    def _quantile(self, q: float) -> npt.NDArray[np.float64]:
        levels, values = self.levels, self.values
        if not 0 < q < 1:
            raise ValueError(f"a quantile's level lies between 0 and 1, not at {q:g}")
        if len(levels) == 1:
            return values[:, :, 0].astype(np.float64)
        right = int(np.clip(np.searchsorted(levels, q), 1, len(levels) - 1))
        low, high = (values[:, :, index].astype(np.float64) for index in (right - 1, right))
        slope = (high - low) / (levels[right] - levels[right - 1])
        if q < levels[0]:
            return np.asarray(low + slope * levels[0] * np.log(q / levels[0]))
        if q > levels[-1]:
            return np.asarray(high - slope * (1 - levels[-1]) * np.log((1 - q) / (1 - levels[-1])))
        return np.asarray(low + slope * (q - levels[right - 1]))
