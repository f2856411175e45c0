"""Prices as log returns in units of their recent volatility."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple, Self

import torch
from torch import Tensor

from tsrnn.codecs.base import Codec, Known
from tsrnn.errors import ConfigError, argument
from tsrnn.forecasts import Density
from tsrnn.ops.scan import before, hold, linear_recurrence
from tsrnn.protocols import Encoding

_SMALLEST_VOLATILITY = 1e-3
"""Of `initial_volatility`: a constant price has no volatility, but its scale must stay above zero."""


class LogReturnsState(NamedTuple):
    """What is kept of a price series between two sessions.

    Attributes:
        price: (..., N) the last observed price, NaN before the first.
        weight: (..., N, K) sum of the weights in each average of squared returns.
        energy: (..., N, K) weighted sum of squared returns.
        surprise: (..., N) asinh of the last return in units of the scale it was met with.
        market: (..., N, 2) asinh of the panel's mean of the last z, and the panel's mean of |asinh z|.
    """

    price: Tensor
    weight: Tensor
    energy: Tensor
    surprise: Tensor
    market: Tensor


class LogReturns(Codec):
    """Model steps are log returns r_t = log(p_t / p_{t−1}), each with a causal volatility for its scale.

    An average of squared returns is kept for each half-life h_k, with λ_k = 2^(−1/h_k):

        w_t = λ w_{t−1} + (1 − λ),   e_t = λ e_{t−1} + (1 − λ) r_t²,   σ²_t,k = e_t / w_t

    (RiskMetrics' exponentially weighted volatility, J.P. Morgan 1996, §5.2, with the weights normalised;
    one pseudo-return of the initial volatility stands before the first). The scale of step t is
    σ_{t−1} of `scale_half_life`. The D inputs of step t, all known after session t − 1, are

        asinh z and |asinh z| of the surprise z = r_{t−1} / σ_{t−2};
        asinh of the panel's mean of z, and the panel's mean of |asinh z|;
        log(σ_{t−1},k / σ_{t−1}) for every other half-life.

    A session without a price (NaN) leaves the series' state as it is and has no density. The first price
    has none either: it is given, and every density is conditional on it.

    Args:
        half_lives: in sessions, of the volatilities that are features.
        scale_half_life: in sessions, of the volatility that scales the density; one of `half_lives`.
        initial_volatility: standard deviation of a log return, before any is seen. None: that of the
            training span's returns, by `fit`; 0.02 until it is called.
    """

    fitted: ClassVar[tuple[str, ...]] = ("initial_volatility",)

    def __init__(
        self,
        half_lives: Sequence[float] = (3.0, 10.0, 30.0, 120.0),
        scale_half_life: float = 10.0,
        initial_volatility: float | None = None,
    ) -> None:
        if scale_half_life not in half_lives:
            raise ConfigError(
                f"{argument('data.codec.scale_half_life')} {scale_half_life:g} is not one of half_lives "
                f"{list(half_lives)}"
            )
        if min(half_lives) <= 0 or (initial_volatility is not None and initial_volatility <= 0):
            raise ConfigError("half lives and the initial volatility must be above 0")
        self.half_lives = tuple(float(half_life) for half_life in half_lives)
        self.scale_half_life = float(scale_half_life)
        self.initial_volatility = initial_volatility
        self._initial_volatility = 0.02 if initial_volatility is None else float(initial_volatility)
        self.input_size = 4 + len(self.half_lives) - 1
        self._decay = torch.tensor(
            [0.5 ** (1 / half_life) for half_life in self.half_lives], dtype=torch.float64
        )
        self._scale_index = self.half_lives.index(self.scale_half_life)

    def fit(self, raw: Tensor) -> Self:
        """The codec with the initial volatility of the prices `raw` (N, T), unless it was given."""
        if self.initial_volatility is not None:
            return self
        price = hold(raw, ~raw.isnan(), torch.full(raw.shape[:-1], math.nan, dtype=raw.dtype))
        returns = torch.log(raw / before(price, price.new_full(raw.shape[:-1], math.nan)))
        returns = returns[~returns.isnan()]
        volatility = float(returns.square().mean().sqrt()) if len(returns) else 0.0
        # A panel of constants has none: any scale will do, but it must be above zero.
        fitted = copy.copy(self)  # of its own class: a subclass may have other arguments
        fitted.initial_volatility = fitted._initial_volatility = max(volatility, 1e-8)
        return fitted

    def initial_state(self, *batch: int) -> LogReturnsState:
        """One pseudo-return of the initial volatility, and no price yet."""
        weight = (1 - self._decay).expand(*batch, -1).clone()
        return LogReturnsState(
            price=torch.full(batch, math.nan, dtype=torch.float64),
            weight=weight,
            energy=weight * self._initial_volatility**2,
            surprise=torch.zeros(batch, dtype=torch.float64),
            market=torch.zeros(*batch, 2, dtype=torch.float64),
        )

    def known(self, state: LogReturnsState) -> Known:
        """The D features after the last session, and the volatility that it leaves."""
        log_volatility = self._log_volatility(state.weight, state.energy)
        scale = log_volatility[..., self._scale_index].exp()
        return Known(
            self._features(log_volatility, state.surprise, state.market), torch.zeros_like(scale), scale
        )

    def target(self, raw: Tensor, state: LogReturnsState) -> tuple[Tensor, Tensor]:
        """The log return, and whether both of its prices are there."""
        return _finite(torch.log(raw.to(torch.float64) / state.price))

    def update(self, raw: Tensor, state: LogReturnsState) -> LogReturnsState:
        """The state after a session with the prices `raw` (..., N)."""
        returns, observed = self.target(raw, state)
        k = self._scale_index
        z = returns * (-self._log_volatility(state.weight[..., k], state.energy[..., k])).exp()
        surprise = z.asinh()
        decay = torch.where(observed.unsqueeze(-1), self._decay, 1.0)
        market = self._market(z, surprise, observed, axis=-1).expand_as(state.market)
        return LogReturnsState(
            price=torch.where(raw.isnan(), state.price, raw),
            weight=decay * state.weight + (1 - decay),
            energy=decay * state.energy + (1 - decay) * returns.square().unsqueeze(-1),
            surprise=torch.where(observed, surprise, state.surprise),
            market=torch.where(observed.any(-1)[..., None, None], market, state.market),
        )

    def decode(self, step: Tensor, state: LogReturnsState) -> Tensor:
        """The price after a log return of `step`."""
        return state.price * step.to(torch.float64).exp()

    def last(self, state: LogReturnsState) -> Tensor:
        """The last observed price."""
        return state.price

    def density(self, distribution: Any, state: LogReturnsState) -> Density | None:
        """The density of the next log return, of the price relative to the last one."""
        if not (hasattr(distribution, "median") and hasattr(distribution, "cdf")):
            return None
        median = self.decode(distribution.median, state)
        return Density(_OneStep(distribution), median.unsqueeze(-1).numpy(), state.price.numpy())

    def log_jacobian(self, raw: Tensor) -> Tensor:
        """log |d r_t / d p_t| = −log p_t; 0 where there is no price."""
        return -torch.log(raw.to(torch.float64)).nan_to_num(0.0)

    def encode(self, raw: Tensor, state: LogReturnsState | None = None) -> tuple[Encoding, LogReturnsState]:
        """The whole panel at once: the recursions by a scan, equal to the steps one by one."""
        raw = raw.to(torch.float64)
        if state is None:
            state = self.initial_state(*raw.shape[:-1])
        price = hold(raw, ~raw.isnan(), state.price)
        returns, observed = _finite(torch.log(raw / before(price, state.price)))

        decay = torch.where(observed.unsqueeze(-2), self._decay.unsqueeze(-1), 1.0)  # (..., N, K, T)
        weight = linear_recurrence(decay, 1 - decay, state.weight)
        energy = linear_recurrence(decay, (1 - decay) * returns.square().unsqueeze(-2), state.energy)
        log_volatility = self._log_volatility(before(weight, state.weight), before(energy, state.energy))
        log_volatility = log_volatility.movedim(-2, -1)  # (..., N, T, K)
        scale = log_volatility[..., self._scale_index].exp()

        z = returns / scale
        surprise = hold(z.asinh(), observed, state.surprise)
        anyone = observed.any(-2, keepdim=True).unsqueeze(-2)  # (..., 1, 1, T)
        market = self._market(z, surprise, observed, axis=-2).movedim(-1, -2)  # (..., 1, 2, T)
        market = hold(market, anyone.expand_as(market), state.market[..., :1, :])
        market = market.expand(*surprise.shape[:-1], 2, -1)  # (..., N, 2, T)
        inputs = self._features(
            log_volatility,
            before(surprise, state.surprise),
            before(market, state.market).movedim(-2, -1),
        )
        after = LogReturnsState(
            price[..., -1], weight[..., -1], energy[..., -1], surprise[..., -1], market[..., -1]
        )
        return Encoding(inputs, returns, torch.zeros_like(scale), scale, observed), after

    def _log_volatility(self, weight: Tensor, energy: Tensor) -> Tensor:
        smallest = (_SMALLEST_VOLATILITY * self._initial_volatility) ** 2
        return 0.5 * (energy / weight).clamp_min(smallest).log()

    def _features(self, log_volatility: Tensor, surprise: Tensor, market: Tensor) -> Tensor:
        surprise = surprise.unsqueeze(-1)
        k = self._scale_index
        ratios = log_volatility - log_volatility[..., k : k + 1]
        return torch.cat([surprise, surprise.abs(), market, ratios[..., :k], ratios[..., k + 1 :]], dim=-1)

    @staticmethod
    def _market(z: Tensor, surprise: Tensor, observed: Tensor, axis: int) -> Tensor:
        """The panel's two means, the axis of the series kept with length 1 and a last axis of 2 added."""
        count = observed.sum(axis, keepdim=True).clamp_min(1)
        mean = (torch.where(observed, z, 0.0).sum(axis, keepdim=True) / count).asinh()
        size = torch.where(observed, surprise.abs(), 0.0).sum(axis, keepdim=True) / count
        return torch.stack([mean, size], dim=-1)


def _finite(returns: Tensor) -> tuple[Tensor, Tensor]:
    observed = ~returns.isnan()
    return torch.where(observed, returns, 0.0), observed


class _OneStep:
    """A distribution (O, N) as that of one step ahead, (O, N, 1)."""

    def __init__(self, distribution: Any) -> None:
        self._distribution = distribution

    def log_prob(self, value: Tensor) -> Tensor:
        log_prob: Tensor = self._distribution.log_prob(value.squeeze(-1)).unsqueeze(-1)
        return log_prob

    def cdf(self, value: Tensor) -> Tensor:
        probability: Tensor = self._distribution.cdf(value.squeeze(-1)).unsqueeze(-1)
        return probability

    def icdf(self, level: float) -> Tensor:
        if not hasattr(self._distribution, "icdf"):  # a custom head's
            return torch.full_like(self._distribution.median, torch.nan).unsqueeze(-1)
        value: Tensor = self._distribution.icdf(level).unsqueeze(-1)
        return value
