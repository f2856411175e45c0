"""The types that the rooms of the house hand to one another.

Letters in names: `B` batch rows, `T` steps, `D` features, `H` hidden units (horizon, in a forecast),
`V` vocabulary, `S` sampled paths, `N` series of a panel, `O` forecast origins.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol, Self, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

State: TypeAlias = Any
"""A (nested) NamedTuple of tensors, batch first in each. Only `tsrnn.ops.state` walks one."""


class Encoding(NamedTuple):
    """A sequence in model steps, as a codec writes it; the shift by one step is already inside.

    Attributes:
        inputs: what is known before each observation, (..., T, D) floats or (..., T) token ids.
        targets: the observation of each step in model units (log returns, token ids), (..., T); where a
            step is a block of P values, (..., T, P).
        location: where the step's density is centred before the network speaks, as the targets, or None;
            where a codec offers K candidates for it, they stand on one more axis.
        scale: the units of the step's density, (..., T), or None.
        observed: True where a target has a density and counts in a mean, as the targets.
    """

    inputs: Tensor
    targets: Tensor
    location: Tensor | None
    scale: Tensor | None
    observed: Tensor

    def map(self, function: Callable[[Tensor], Tensor]) -> Encoding:
        """The encoding with `function` applied to every tensor that it has."""
        return Encoding(
            function(self.inputs),
            function(self.targets),
            None if self.location is None else function(self.location),
            None if self.scale is None else function(self.scale),
            function(self.observed),
        )

    def take(self, *index: Any) -> Encoding:
        """The encoding of the rows and steps that `index` picks from every tensor's first axes."""
        return self.map(lambda tensor: tensor[index])


class Batch(NamedTuple):
    """Sequences to score, and whether they go on from those before.

    Attributes:
        encoding: rows of model steps, (B, T, ...); `observed` says which steps are scored.
        begins: True if the rows start from a fresh state, False if they continue the last batch's rows.
    """

    encoding: Encoding
    begins: bool


class Distribution(Protocol):
    """The density of a step, for a whole batch of steps at once."""

    def log_prob(self, value: Tensor) -> Tensor:
        """Natural log of the density (or mass) at `value`, elementwise, in nats."""
        ...

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """One draw for every element."""
        ...

    def affine(self, location: Tensor, scale: Tensor) -> Distribution:
        """The distribution of location + scale · x."""
        ...


@dataclass(frozen=True)
class Panel:
    """Series on one common index of sessions.

    Args:
        unique_ids: the N names.
        ds: the T sessions in increasing order, datetime64 or integers.
        values: (N, T) float64 in the raw unit (a price in its currency), NaN where a series has none.
        calendar: what makes the sessions that follow: an exchange's code, "24/7" or "none".
        ends: (N,) for series without dates that each count their own sessions: the number of each one's
            last. The series stand aligned at their ends, and `ds` is then −T + 1, ..., 0. Else None.
    """

    unique_ids: tuple[str, ...]
    ds: npt.NDArray[Any]
    values: npt.NDArray[np.float64]
    calendar: str = "none"
    ends: npt.NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.unique_ids), len(self.ds)):
            raise ValueError(
                f"values are {self.values.shape}, but there are {len(self.unique_ids)} series "
                f"and {len(self.ds)} sessions"
            )

    @property
    def num_sessions(self) -> int:
        """T."""
        return len(self.ds)

    def tensor(self) -> Tensor:
        """The values as a tensor, which shares their memory where they may be written to."""
        return torch.from_numpy(self.values if self.values.flags.writeable else self.values.copy())

    def last(self, sessions: int) -> Panel:
        """The panel's last `sessions` sessions."""
        start = max(self.num_sessions - sessions, 0)
        return Panel(self.unique_ids, self.ds[start:], self.values[:, start:], self.calendar, self.ends)


def session_text(session: Any) -> str:
    """A session in words: its number, its day, or its day and time where it has one."""
    if isinstance(session, np.datetime64 | pd.Timestamp):
        return str(pd.Timestamp(session)).removesuffix(" 00:00:00")
    return str(session)


class _ForecastTable(ABC):
    """What every forecast offers, however it holds its distribution."""

    unique_ids: tuple[str, ...]
    origins: npt.NDArray[Any]
    ds: npt.NDArray[Any]
    last: npt.NDArray[np.float64]
    ends: npt.NDArray[np.int64] | None

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

    def interval(self, level: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Lower and upper (O, N, H) bounds of the central interval that holds `level` percent."""
        low, high = self.quantile([0.5 - level / 200, 0.5 + level / 200])
        return low, high

    def to_frame(self, levels: Sequence[float] = (80, 95), tail: float = 0.05) -> pd.DataFrame:
        """A tidy frame: unique_id, cutoff, ds, mean, the quantiles, and, of paths, the risk of each step.

        The quantiles' columns are named q0.025, q0.1, q0.5, ...: the bounds of `levels` and the median.
        """
        quantiles = sorted({0.5, *(0.5 + sign * level / 200 for level in levels for sign in (-1, 1))})
        mean = self.mean
        cutoffs, sessions = self.origins[:, None, None], self.ds[:, None, :]
        if self.ends is not None:
            cutoffs, sessions = cutoffs + self.ends[:, None], sessions + self.ends[:, None]
        columns: dict[str, Any] = {
            "unique_id": np.broadcast_to(np.array(self.unique_ids, dtype=object)[:, None], mean.shape),
            "cutoff": np.broadcast_to(cutoffs, mean.shape),
            "ds": np.broadcast_to(sessions, mean.shape),
            "mean": mean,
        }
        columns |= {f"q{q:.6g}": part for q, part in zip(quantiles, self.quantile(quantiles), strict=True)}
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
        }


@dataclass  # not frozen: Lightning refuses to hand on frozen predictions
class Forecast(_ForecastTable):
    """Sampled paths of every series from every origin, in raw units.

    Args:
        unique_ids: the N names.
        origins: the O sessions whose value is the last one known to the forecast.
        ds: (O, H) sessions that are forecast.
        samples: (O, N, S, H) paths.
        last: (O, N) values at the origins, NaN where the series has none.
        ends: (N,) the last session of each series that counts its own, as in `Panel`; else None.
    """

    unique_ids: tuple[str, ...]
    origins: npt.NDArray[Any]
    ds: npt.NDArray[Any]
    samples: npt.NDArray[np.floating[Any]]
    last: npt.NDArray[np.float64]
    ends: npt.NDArray[np.int64] | None = None

    def only(self, origin: int, series: int) -> Self:
        """The forecast of one series from one origin, by their places."""
        part = self.samples[origin : origin + 1, series : series + 1]
        return replace(self, **self._names(origin, series), samples=part)

    @property
    def mean(self) -> npt.NDArray[np.float64]:
        """(O, N, H) mean over the paths."""
        return np.asarray(self.samples.mean(axis=2, dtype=np.float64))

    def quantile(self, q: float | Sequence[float]) -> npt.NDArray[np.float64]:
        """(O, N, H) quantile over the paths, with a leading axis when `q` is a sequence."""
        return np.asarray(np.quantile(self.samples, q, axis=2), dtype=np.float64)

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
        origins: the O sessions whose value is the last one known to the forecast.
        ds: (O, H) sessions that are forecast.
        values: (O, N, Q, H) quantiles.
        levels: (Q,) of the quantiles, increasing.
        last: (O, N) values at the origins, NaN where the series has none.
        ends: (N,) the last session of each series that counts its own, as in `Panel`; else None.
    """

    unique_ids: tuple[str, ...]
    origins: npt.NDArray[Any]
    ds: npt.NDArray[Any]
    values: npt.NDArray[np.floating[Any]]
    levels: npt.NDArray[np.float64]
    last: npt.NDArray[np.float64]
    ends: npt.NDArray[np.int64] | None = None

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


class Holdout(NamedTuple):
    """A panel of which the sessions after an origin are forecast, and compared with what happened.

    Attributes:
        panel: the series, the held-out sessions included.
        origin: index of the last session that is known.
        horizon: how many sessions after it are compared.
        season: length of the season, of the naive forecast and of MASE's scale.
    """

    panel: Panel
    origin: int
    horizon: int
    season: int


@runtime_checkable
class Predictor(Protocol):
    """Whatever can forecast a panel: a network, a random walk, a GARCH model enter by this one door."""

    def forecast(
        self, panel: Panel, horizon: int, *, origins: Sequence[int] | None = None, num_samples: int = 1000
    ) -> Forecast | QuantileForecast:
        """The distribution of every series' future from every origin.

        Args:
            panel: the series; a forecast never reads a value after its origin.
            horizon: H, the number of steps.
            origins: indices into the panel's sessions, each the last session known; default the last.
            num_samples: S, paths a series.
        """
        ...
