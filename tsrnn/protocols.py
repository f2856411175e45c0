"""The types that the rooms of the house hand to one another.

Letters in names: `B` batch rows, `T` steps, `D` features, `H` hidden units (horizon, in a forecast),
`V` vocabulary, `S` sampled paths, `N` series of a panel, `O` forecast origins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

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
        targets: the observation of each step in model units (log returns, token ids), (..., T).
        location: where the step's density is centred before the network speaks, (..., T), or None.
        scale: the units of the step's density, (..., T), or None.
        observed: True where the step has a density and counts in a mean, (..., T).
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

    def last(self, sessions: int) -> Panel:
        """The panel's last `sessions` sessions."""
        start = max(self.num_sessions - sessions, 0)
        return Panel(self.unique_ids, self.ds[start:], self.values[:, start:], self.calendar, self.ends)


def session_text(session: Any) -> str:
    """A session in words: its number, its day, or its day and time where it has one."""
    if isinstance(session, np.datetime64 | pd.Timestamp):
        return str(pd.Timestamp(session)).removesuffix(" 00:00:00")
    return str(session)


@dataclass  # not frozen: Lightning refuses to hand on frozen predictions
class Forecast:
    """Sampled paths of every series from every origin, in raw units.

    Args:
        unique_ids: the N names.
        origins: the O sessions whose value is the last one known to the forecast.
        ds: (O, H) sessions that are forecast.
        samples: (O, N, S, H) paths.
        last: (O, N) values at the origins, NaN where the series has none.
    """

    unique_ids: tuple[str, ...]
    origins: npt.NDArray[Any]
    ds: npt.NDArray[Any]
    samples: npt.NDArray[np.floating[Any]]
    last: npt.NDArray[np.float64]

    @property
    def mean(self) -> npt.NDArray[np.float64]:
        """(O, N, H) mean over the paths."""
        return np.asarray(self.samples.mean(axis=2, dtype=np.float64))

    def quantile(self, q: float | Sequence[float]) -> npt.NDArray[np.float64]:
        """(O, N, H) quantile over the paths, with a leading axis when `q` is a sequence."""
        return np.asarray(np.quantile(self.samples, q, axis=2), dtype=np.float64)

    def interval(self, level: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Lower and upper (O, N, H) bounds of the central interval that holds `level` percent."""
        low, high = self.quantile([0.5 - level / 200, 0.5 + level / 200])
        return low, high

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

    def to_frame(self, levels: Sequence[float] = (80, 95), tail: float = 0.05) -> pd.DataFrame:
        """A tidy frame: unique_id, cutoff, ds, mean, the quantiles, and the risk of each step.

        The quantiles' columns are named q0.025, q0.1, q0.5, ...: the bounds of `levels` and the median.
        """
        quantiles = sorted({0.5, *(0.5 + sign * level / 200 for level in levels for sign in (-1, 1))})
        origins, series, _, horizon = self.samples.shape
        columns: dict[str, Any] = {
            "unique_id": np.tile(np.repeat(np.array(self.unique_ids, dtype=object), horizon), origins),
            "cutoff": np.repeat(self.origins, series * horizon),
            "ds": np.repeat(self.ds[:, None, :], series, axis=1).reshape(-1),
            "mean": self.mean.reshape(-1),
        }
        for q, values in zip(quantiles, self.quantile(quantiles), strict=True):
            columns[f"q{q:.6g}"] = values.reshape(-1)
        columns["probability_up"] = self.probability_up().reshape(-1)
        columns[f"value_at_risk_{100 * tail:g}"] = self.value_at_risk(tail).reshape(-1)
        columns[f"expected_shortfall_{100 * tail:g}"] = self.expected_shortfall(tail).reshape(-1)
        return pd.DataFrame(columns)


@runtime_checkable
class Predictor(Protocol):
    """Whatever can forecast a panel: a network, a random walk, a GARCH model enter by this one door."""

    def forecast(
        self, panel: Panel, horizon: int, *, origins: Sequence[int] | None = None, num_samples: int = 1000
    ) -> Forecast:
        """Paths of every series from every origin.

        Args:
            panel: the series; a forecast never reads a value after its origin.
            horizon: H, the number of steps.
            origins: indices into the panel's sessions, each the last session known; default the last.
            num_samples: S, paths a series.
        """
        ...
