"""What every forecast of a price must be compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from tsrnn.codecs import LogReturns
from tsrnn.data.calendars import forecast_sessions
from tsrnn.errors import ConfigError
from tsrnn.forecasts import Density, Forecast
from tsrnn.heads.normal import NormalDistribution
from tsrnn.ops.scan import before, hold
from tsrnn.predictors.base import PanelPredictor
from tsrnn.protocols import Context, Panel, Predictor

Floats = npt.NDArray[np.float64]
Moves = Callable[[np.random.Generator, int], npt.NDArray[np.float32]]

_SMALLEST_VOLATILITY = 1e-8


def log_returns(panel: Panel) -> torch.Tensor:
    """(N, T) log returns from each observed price to the next, NaN where there is none."""
    prices = panel.tensor()
    nothing = prices.new_full(prices.shape[:1], float("nan"))
    return torch.log(prices / before(hold(prices, ~prices.isnan(), nothing), nothing))


@dataclass(frozen=True)
class RandomWalk(PanelPredictor[Forecast]):
    """The random walk without drift: tomorrow's price is today's, give or take a normal log return.

        log p_{T+h} ~ N(log p_T, h σ²)

    A series that never moved, or that was not there when the volatility was fitted, takes the root mean
    square of the others'.

    Args:
        volatility: "constant" is each series' own over the panel that it was fitted on; "ewma" is the causal
            exponentially weighted one of RiskMetrics with a half-life of 10 sessions, a much harder one.
        train_sessions: the constant volatility is that of the first so many sessions, whatever panel is
            given, and nothing is fitted. None: by `fit`, or, before that, up to the first origin.
        fitted: the constant volatility of each series by its name, and of others by ""; `fit` sets it.
    """

    volatility: str = "constant"
    train_sessions: int | None = None
    fitted: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        if self.volatility not in ("constant", "ewma"):
            raise ConfigError(f"volatility must be constant or ewma, not {self.volatility!r}")

    @property
    def name(self) -> str:
        """The name in tables."""
        return "random walk" if self.volatility == "constant" else "random walk, EWMA volatility"

    def fit(self, panel: Panel, *, previous: Predictor | None = None) -> RandomWalk:
        """The walk with the constant volatility of a panel: see `tsrnn.protocols.Fittable`."""
        if self.volatility == "ewma" or self.train_sessions is not None:
            return self
        scale, common = _constant(log_returns(panel))
        names = dict(zip(panel.unique_ids, scale.tolist(), strict=True))
        return replace(self, fitted={**names, "": common})

    def densities(self, panel: Panel, span: slice = slice(None)) -> NormalDistribution:
        """The one-step density of each session's log return in a span, each from what came before it.

        A constant volatility that is neither fitted nor of `train_sessions` is that of the whole panel.
        """
        if self.volatility == "ewma":
            scale = ewma_volatility(panel)
        elif self.fitted is not None:
            known = [self.fitted.get(name, self.fitted[""]) for name in panel.unique_ids]
            scale = torch.tensor(known, dtype=torch.float64)[:, None].expand(panel.values.shape)
        else:
            scale = _constant(log_returns(panel)[:, : self.train_sessions])[0][:, None]
            scale = scale.expand(panel.values.shape)
        scale = scale[:, span]
        return NormalDistribution(torch.zeros_like(scale), scale)

    def _forecast(
        self,
        panel: Panel,
        horizon: int,
        origins: list[int],
        num_samples: int,
        seed: int,
        context: Context | None,
    ) -> Forecast:
        """Paths of every series from every origin: see `tsrnn.protocols.Predictor`."""
        walk = self
        if self.volatility == "constant" and self.fitted is None:
            walk = self.fit(panel.part(0, min(origins) + 1))
        scale = walk.densities(next_session(panel)).scale[:, [origin + 1 for origin in origins]].T.numpy()
        deviation = scale.astype(np.float32)[:, :, None]

        def moves(generator: np.random.Generator, place: int) -> npt.NDArray[np.float32]:
            noise = generator.standard_normal((horizon, len(scale.T), num_samples), dtype=np.float32)
            noise *= deviation[place]
            return noise

        wide = torch.from_numpy(scale[:, :, None] * np.sqrt(np.arange(1, horizon + 1)))  # (O, N, H)
        normal = NormalDistribution(torch.zeros_like(wide), wide)
        return walk_forecast(panel, origins, horizon, num_samples, seed, moves, normal)


def walk_forecast(
    panel: Panel,
    origins: Sequence[int],
    horizon: int,
    num_samples: int,
    seed: int,
    moves: Moves,
    distribution: Any = None,
    location: Floats | None = None,
    steps: int | None = None,
) -> Forecast:
    """Prices whose log moves as a model says, from the last observed price at each origin.

    Args:
        panel: the series.
        origins: (O,) indices of the last known sessions.
        horizon: H.
        num_samples: S.
        seed: of the paths; those of an origin do not depend on the other origins.
        moves: from a generator and the place of the origin the (H, N, S) log returns of each step, an array
            that may be written to.
        distribution: of log(price / last) of the first K steps, (O, N, K); None where there is none.
        location: (O, N, M) the medians of log(price / last), M of K at least; None: 0 at every step.
        steps: K; default M.
    """
    prices = panel.tensor()
    nothing = prices.new_full(prices.shape[:1], torch.nan)
    last = hold(prices, ~prices.isnan(), nothing)[:, list(origins)].T.numpy()
    # Sessions before paths, so that steps add up, and paths are sorted, along memory.
    samples = np.empty((len(origins), horizon, len(prices), num_samples), dtype=np.float32)
    for place, origin in enumerate(origins):
        logs = moves(np.random.default_rng([seed, origin]), place)
        for step in range(1, horizon):
            logs[step] += logs[step - 1]
        np.multiply(np.exp(logs, out=logs), last[place][:, None].astype(np.float32), out=samples[place])
    density = None
    if distribution is not None:
        middle = np.zeros((*last.shape, horizon)) if location is None else location
        density = Density(distribution, last[:, :, None] * np.exp(middle), last, steps)
    return Forecast(
        panel.unique_ids,
        panel.ds[list(origins)],
        forecast_sessions(panel, origins, horizon),
        samples.transpose(0, 2, 3, 1),
        last,
        panel.ends,
        density,
    )


def ewma_volatility(panel: Panel) -> torch.Tensor:
    """(N, T) RiskMetrics' volatility before each session, with a half-life of 10 sessions."""
    encoding, _ = LogReturns(half_lives=[10.0], scale_half_life=10.0).encode(panel.tensor())
    assert encoding.scale is not None
    return encoding.scale


def next_session(panel: Panel) -> Panel:
    """The panel with one more time step, without values: what is known before it is known of the future."""
    return panel.followed_by(np.full((len(panel.unique_ids), 1), np.nan), panel.ds[-1:])


def _constant(returns: torch.Tensor) -> tuple[torch.Tensor, float]:
    """(N,) root mean square of the returns (N, T), and that of all, which stands in where there is none."""
    seen = ~returns.isnan()
    energy = returns.nan_to_num(0.0).square().sum(1) / seen.sum(1).clamp_min(1)
    # A panel that never moves has no volatility: any will do, but it must be above zero.
    common = returns[seen].square().mean() if seen.any() else torch.tensor(1e-4, dtype=torch.float64)
    scale = torch.where(energy > 0, energy, common).sqrt().clamp_min(_SMALLEST_VOLATILITY)
    return scale, max(float(common.sqrt()), _SMALLEST_VOLATILITY)
