"""The types that the rooms of the house hand to one another.

Letters in names: `B` batch rows, `T` steps, `D` features, `H` hidden units (horizon, in a forecast),
`V` vocabulary, `S` sampled paths, `N` series of a panel, `O` forecast origins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tsrnn.forecasts import Forecast, QuantileForecast

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


class Context(NamedTuple):
    """What a density is conditional on besides the past: p(x_t | x_<t, context).

    Batch first in each tensor, one row for each row of a batch; expanded, repeated and selected by
    `tsrnn.ops.state` as a state is.

    Attributes:
        static: one vector for the whole sequence, (B, C).
        known: what is known of each step in advance, (B, T, K); T are the steps that a call reads or makes.
        memory: what attention reads, (B, S, M).
        mask: True where `memory` holds something, (B, S). None: everywhere.
        keys: what `prepare` of a conditioning has made of `memory`, once for all steps, (B, S, A).
    """

    static: Tensor | None = None
    known: Tensor | None = None
    memory: Tensor | None = None
    mask: Tensor | None = None
    keys: Tensor | None = None

    def steps(self, start: int, stop: int) -> Context:
        """The context of the steps from `start` up to, and not with, `stop`."""
        return self if self.known is None else self._replace(known=self.known[:, start:stop])


class Batch(NamedTuple):
    """Sequences to score, and whether they continue those of the batch before.

    Attributes:
        encoding: rows of model steps, (B, T, ...); `observed` says which steps are scored.
        begins: True if the rows start from a fresh state, False if they continue the last batch's rows.
        context: what the rows are conditional on, besides their past.
    """

    encoding: Encoding
    begins: bool
    context: Context | None = None


class PairBatch(NamedTuple):
    """Sources, and what is to be said of each: a sequence, a class or a number.

    Attributes:
        source: (B, S) token ids, (B, S, D) values, or (B, F) where a source is a vector.
        lengths: (B,) true lengths of the sources; None: all are full.
        target: a sequence in model steps, (B, T); or a class (int64) or a number of each row, (B,).
        rows: (B,) the places of the pairs in what they were taken from.
    """

    source: Tensor
    lengths: Tensor | None
    target: Encoding | Tensor
    rows: Tensor


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
    """Series on one common index of time steps.

    Args:
        unique_ids: the N names.
        ds: the T time steps in increasing order, datetime64 or integers.
        values: (N, T) float64 in the raw unit (a price in its currency), NaN where a series has none.
        calendar: what makes the time steps that follow: an exchange's code, "24/7", a week's open hours in
            words, or "none".
        ends: (N,) for series that each have a last time step of their own, and stand aligned at those; else
            None. Of numbered time steps it is the number of each one's last, and `ds` is −T + 1, ..., 0. Of
            dates it says how many of them each one's last is from the panel's last, 0 or less: `ds` is then
            that of the series that end last.
        kind: prices, whose step is a log return, or series of any values; it decides in which unit nats are
            given, and which naive forecast is the reference.
        dates: (U,) where there are dates and `ends`, the dates that the time steps of all series are counted
            on, up to the panel's last; else None.
    """

    unique_ids: tuple[str, ...]
    ds: npt.NDArray[Any]
    values: npt.NDArray[np.float64]
    calendar: str = "none"
    ends: npt.NDArray[np.int64] | None = None
    kind: Literal["prices", "series"] = "series"
    dates: npt.NDArray[Any] | None = None

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.unique_ids), len(self.ds)):
            raise ValueError(
                f"values are {self.values.shape}, but there are {len(self.unique_ids)} series "
                f"and {len(self.ds)} time steps"
            )

    @property
    def num_steps(self) -> int:
        """T."""
        return len(self.ds)

    def tensor(self) -> Tensor:
        """The values as a tensor, which shares their memory where they may be written to."""
        return torch.from_numpy(self.values if self.values.flags.writeable else self.values.copy())

    def to(self, device: Any) -> Panel:
        """The same, wherever Lightning sends its batches: a forecaster moves what it reads."""
        return self

    def with_values(self, values: npt.NDArray[np.float64]) -> Panel:
        """The same series and time steps with other values, (N, T)."""
        return replace(self, values=values)

    def rows(self, places: Sequence[int] | npt.NDArray[Any]) -> Panel:
        """Some of the series, in the given order: their places, or a mask of (N,)."""
        places = np.arange(len(self.unique_ids))[np.asarray(places)]
        return replace(
            self,
            unique_ids=tuple(self.unique_ids[place] for place in places),
            values=self.values[places],
            ends=None if self.ends is None else self.ends[places],
        )

    def part(self, start: int, stop: int) -> Panel:
        """The time steps from index `start` up to, and not with, `stop`; the values are not copied."""
        back = self.num_steps - stop
        ds, values = self.ds[start:stop], self.values[:, start:stop]
        if self.ends is None:
            return replace(self, ds=ds, values=values)
        if self.dates is not None:
            return replace(self, ds=ds, values=values, dates=self.dates[: len(self.dates) - back])
        return replace(self, ds=ds + back, values=values, ends=self.ends - back)

    def followed_by(self, values: npt.NDArray[np.float64], ds: npt.NDArray[Any] | None = None) -> Panel:
        """The panel with further time steps after its last.

        Args:
            values: (N, K) of the further time steps.
            ds: (K,) those time steps. Default: the numbers that follow; dated time steps must be given: where
                there are `ends`, those of the series that end last.
        """
        ahead = values.shape[1]
        values = np.concatenate([self.values, values], axis=1)
        if self.ends is not None and self.dates is None:
            return replace(self, ds=np.arange(1 - values.shape[1], 1), values=values, ends=self.ends + ahead)
        if ds is None:
            step = self.ds[-1] - self.ds[-2] if self.num_steps > 1 else 1
            ds = self.ds[-1] + step * np.arange(1, ahead + 1)
        dates = None if self.dates is None else np.concatenate([self.dates, ds])
        return replace(self, ds=np.concatenate([self.ds, ds]), values=values, dates=dates)

    def last(self, steps: int) -> Panel:
        """The panel's last `steps` time steps."""
        return self.part(max(self.num_steps - steps, 0), self.num_steps)


def time_text(moment: Any) -> str:
    """A time step in words: its number, its day, or its day and time where it has one."""
    if isinstance(moment, np.datetime64):
        moment = str(moment.astype("datetime64[us]")).replace("T", " ").rstrip("0").removesuffix(".")
    return str(moment).removesuffix(" 00:00:00")


class Holdout(NamedTuple):
    """A panel whose last time steps are forecast, and compared with the observed values.

    The origins are `origin` and every time step after it from which the whole horizon lies in the panel.

    Attributes:
        panel: the series; it ends with the test span.
        origin: index of the last time step before the test span.
        horizon: time steps ahead.
        seasons: lengths of the seasons: of the seasonal naive forecasts, the first above 1 of MASE's scale.
        train: one past the last time step of the training span. Those from there to `origin`, the validation
            span, choose the reference.
    """

    panel: Panel
    origin: int
    horizon: int
    seasons: tuple[int, ...]
    train: int

    @property
    def season(self) -> int:
        """The season of MASE's scale."""
        return first_season(self.seasons)

    def to(self, device: Any) -> Holdout:
        """The same, as `Panel.to`."""
        return self


def first_season(seasons: Sequence[int]) -> int:
    """The first season above one value, which scales MASE; 1 where there is none."""
    return next((int(season) for season in seasons if season > 1), 1)


@runtime_checkable
class Predictor(Protocol):
    """Whatever can forecast a panel: a network, a random walk, a GARCH model enter by this one door."""

    def forecast(
        self,
        panel: Panel,
        horizon: int,
        *,
        origins: Sequence[int] | None = None,
        num_samples: int = 1000,
        context: Context | None = None,
    ) -> Forecast | QuantileForecast:
        """The distribution of every series' future from every origin.

        Args:
            panel: the series; a forecast never reads a value after its origin.
            horizon: H, the number of steps.
            origins: indices into the panel's time steps, each the last time step known; default the last.
            num_samples: S, paths a series.
            context: what is known besides the panel, a row a series; `known` is of every time step of the
                panel and of the H after it, (N, T + H, K). What is not conditioned on one ignores it.
        """
        ...


@runtime_checkable
class Fittable(Protocol):
    """What learns from a panel, and then can forecast."""

    def fit(self, panel: Panel, *, previous: Predictor | None = None) -> Predictor:
        """The predictor that is learned from all of a panel; what is fitted is not changed.

        Args:
            panel: the past. Whatever is fitted or chosen comes from these time steps alone.
            previous: the predictor of an earlier fit, to start warm from; None: from nothing.
        """
        ...
