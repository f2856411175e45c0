"""What every forecast of a price must be compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from tsrnn.codecs import LogReturns
from tsrnn.data.calendars import following_sessions
from tsrnn.errors import ConfigError
from tsrnn.forecasts import Forecast
from tsrnn.heads.normal import NormalDistribution
from tsrnn.ops.scan import before, hold
from tsrnn.protocols import Panel


def log_returns(panel: Panel) -> torch.Tensor:
    """(N, T) log returns from each observed price to the next, NaN where there is none."""
    prices = panel.tensor()
    nothing = prices.new_full(prices.shape[:1], float("nan"))
    return torch.log(prices / before(hold(prices, ~prices.isnan(), nothing), nothing))


@dataclass(frozen=True)
class RandomWalk:
    """The random walk without drift: tomorrow's price is today's, give or take a normal log return.

    Args:
        volatility: "constant" is each series' own over its training span; "ewma" is the causal
            exponentially weighted one of RiskMetrics with a half-life of 10 sessions, a much harder one.
        train_sessions: length of the training span, for the constant volatility.
    """

    volatility: str = "constant"
    train_sessions: int | None = None

    def __post_init__(self) -> None:
        if self.volatility not in ("constant", "ewma"):
            raise ConfigError(f"volatility is constant or ewma, not {self.volatility!r}")

    @property
    def name(self) -> str:
        """The name in tables."""
        return "random walk" if self.volatility == "constant" else "random walk, EWMA volatility"

    def densities(self, panel: Panel, span: slice = slice(None)) -> NormalDistribution:
        """The one-step density of each session's log return in a span, each from what came before it."""
        if self.volatility == "ewma":
            encoding, _ = LogReturns(half_lives=[10.0], scale_half_life=10.0).encode(panel.tensor())
            assert encoding.scale is not None
            scale = encoding.scale
        else:
            returns = log_returns(panel)[:, : self.train_sessions]
            seen = ~returns.isnan()
            energy = returns.nan_to_num(0.0).square().sum(1, keepdim=True) / seen.sum(
                1, keepdim=True
            ).clamp_min(1)
            # A series that begins after the training span, or never moves, takes the panel's volatility.
            common = returns[seen].square().mean() if seen.any() else torch.tensor(1e-4, dtype=torch.float64)
            scale = torch.where(energy > 0, energy, common).clamp_min(1e-16).sqrt().expand(panel.values.shape)
        scale = scale[:, span]
        return NormalDistribution(torch.zeros_like(scale), scale)

    def forecast(
        self,
        panel: Panel,
        horizon: int,
        *,
        origins: Sequence[int] | None = None,
        num_samples: int = 1000,
        seed: int = 0,
    ) -> Forecast:
        """Paths of every series from every origin: see `tsrnn.protocols.Predictor`."""
        origins = [panel.num_sessions - 1] if origins is None else list(origins)
        nothing = torch.full((len(panel.unique_ids), 1), float("nan"), dtype=torch.float64)
        extended = Panel(
            panel.unique_ids,
            np.append(panel.ds, panel.ds[-1:]),
            np.concatenate([panel.values, nothing.numpy()], axis=1),
        )
        scale = self.densities(extended).scale[:, [origin + 1 for origin in origins]]  # (N, O)
        prices = panel.tensor()
        last = hold(prices, ~prices.isnan(), nothing[:, 0])[:, origins]
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn(num_samples, horizon, *scale.shape, generator=generator, dtype=torch.float64)
        paths = last * (scale * noise).cumsum(dim=1).exp()
        return Forecast(
            panel.unique_ids,
            panel.ds[origins],
            forecast_sessions(panel, origins, horizon),
            paths.permute(3, 2, 0, 1).numpy(),
            last.T.numpy(),
            panel.ends,
        )


def forecast_sessions(panel: Panel, origins: Sequence[int], horizon: int) -> np.ndarray:
    """(O, H) the sessions after each origin: the panel's own, and the calendar's beyond its end."""
    beyond = following_sessions(panel.ds, panel.calendar, horizon)
    sessions = np.concatenate([panel.ds, beyond.astype(panel.ds.dtype)])
    return np.stack([sessions[origin + 1 : origin + 1 + horizon] for origin in origins])
