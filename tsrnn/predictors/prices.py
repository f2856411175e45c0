"""Baselines of prices that use drift, past returns, and of volatility that comes and goes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from tsrnn.errors import ConfigError
from tsrnn.forecasts import Forecast
from tsrnn.heads.normal import NormalDistribution
from tsrnn.heads.student_t import StudentTDistribution
from tsrnn.predictors.base import PanelPredictor
from tsrnn.predictors.random_walk import ewma_volatility, log_returns, next_session, walk_forecast
from tsrnn.protocols import Context, Panel, Predictor

_MOST_ERRORS = 100_000
_HALF_LIFE = 10.0


@dataclass(frozen=True)
class Drift(PanelPredictor[Forecast]):
    """The random walk with drift: the log price drifts by the mean log return of its history.

        log p_{T+h} ~ N(log p_T + h m, h s² (1 + h/n))

    m and s² are the mean and the variance of the n log returns up to each origin; h/n is what is not known
    of m. A series with fewer than two returns has no forecast (NaN).

    Source: Hyndman and Athanasopoulos (2021), Forecasting: principles and practice, 3rd edition, sections 5.2
    and 5.5 (table 5.2), here of log prices.
    """

    @property
    def name(self) -> str:
        """The name in tables."""
        return "drift"

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
        returns = log_returns(panel).numpy()
        seen = ~np.isnan(returns)
        known = np.where(seen, returns, 0.0)
        count = seen.cumsum(axis=1)[:, origins].T.astype(np.float64)  # (O, N)
        count[count < 2] = np.nan
        mean = known.cumsum(axis=1)[:, origins].T / count
        square = (known**2).cumsum(axis=1)[:, origins].T / count
        deviation = np.sqrt(np.maximum(square - mean**2, 0.0) * count / (count - 1))
        series, shape = len(panel.unique_ids), (horizon, len(panel.unique_ids), num_samples)

        def moves(generator: np.random.Generator, place: int) -> npt.NDArray[np.float32]:
            # One drift a path, drawn from what is known of it.
            around = generator.standard_normal((series, num_samples), dtype=np.float32)
            drift = mean[place][:, None] + (deviation[place] / np.sqrt(count[place]))[:, None] * around
            noise = generator.standard_normal(shape, dtype=np.float32)
            noise *= deviation[place].astype(np.float32)[:, None]
            noise += drift.astype(np.float32)
            return noise

        ahead = np.arange(1, horizon + 1)
        location = ahead * mean[:, :, None]
        scale = deviation[:, :, None] * np.sqrt(ahead * (1 + ahead / count[:, :, None]))
        scale[scale == 0] = np.nan  # a series that never moved has no density
        normal = NormalDistribution(torch.from_numpy(location), torch.from_numpy(scale))
        return walk_forecast(panel, origins, horizon, num_samples, seed, moves, normal, location)


@dataclass(frozen=True)
class HistoricalSimulation(PanelPredictor[Forecast]):
    """The future moves as the last `window` sessions did: log returns drawn from them, independently.

    A series without a return among them has no forecast (NaN). There is no density.

    Args:
        window: sessions up to the origin whose log returns are drawn from.

    Source: McNeil, Frey and Embrechts (2015), Quantitative Risk Management, section 9.2.3.
    """

    window: int = 250

    def __post_init__(self) -> None:
        if self.window < 1:
            raise ConfigError(f"window must be at least 1 session, not {self.window}")

    @property
    def name(self) -> str:
        """The name in tables."""
        return f"historical simulation ({self.window})"

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
        returns = log_returns(panel).numpy().astype(np.float32)
        rows = np.arange(len(returns))[:, None]
        shape = (horizon, len(returns), num_samples)

        def moves(generator: np.random.Generator, place: int) -> npt.NDArray[np.float32]:
            recent = returns[:, max(origins[place] + 1 - self.window, 0) : origins[place] + 1]
            missing = np.isnan(recent)
            # What is observed stands first; a series without any draws the NaN that stands there then.
            recent = np.take_along_axis(recent, np.argsort(missing, axis=1, kind="stable"), axis=1)
            count = np.maximum((~missing).sum(axis=1), 1)[:, None]
            drawn = (generator.random(shape, dtype=np.float32) * count).astype(np.int64)
            found: npt.NDArray[np.float32] = recent[rows, np.minimum(drawn, count - 1)]
            return found

        return walk_forecast(panel, origins, horizon, num_samples, seed, moves)


@dataclass(frozen=True)
class EWMAStudentT(PanelPredictor[Forecast]):
    """RiskMetrics' volatility with Student-t errors: what a density has to beat before it is called one.

        r_{t+1} = c σ_t ε,   ε ~ t_ν,   σ²_t = λ σ²_{t−1} + (1 − λ) r_t²,   λ = 2^(−1/10)

    ν and c are fitted by maximum likelihood on the log returns of all series together. Along a path the
    volatility follows the path's own returns. The density is that of the first step.

    Args:
        degrees: ν. None: by `fit`, or, before that, on the panel up to the first origin.
        factor: c. None: likewise.

    Source: J.P. Morgan (1996), RiskMetrics, technical document, section 5.2, with errors of fatter tails.
    """

    degrees: float | None = None
    factor: float | None = None

    @property
    def name(self) -> str:
        """The name in tables."""
        return "EWMA volatility, Student t"

    def fit(self, panel: Panel, *, previous: Predictor | None = None) -> EWMAStudentT:
        """The model with ν and c of a panel: see `tsrnn.protocols.Fittable`."""
        from scipy import stats

        errors = (log_returns(panel) / ewma_volatility(panel)).numpy()
        errors = errors[np.isfinite(errors) & (errors != 0)]  # a price that stands still has no tail
        if len(errors) < 20:
            return replace(self, degrees=self.degrees or 5.0, factor=self.factor or 1.0)
        degrees, _, factor = stats.t.fit(errors[:: -(-len(errors) // _MOST_ERRORS)], floc=0)
        return replace(self, degrees=self.degrees or float(degrees), factor=self.factor or float(factor))

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
        model = self.fit(panel.part(0, min(origins) + 1)) if None in (self.degrees, self.factor) else self
        assert model.degrees is not None
        assert model.factor is not None
        degrees, factor = model.degrees, model.factor
        volatility = ewma_volatility(next_session(panel))[:, [origin + 1 for origin in origins]].T  # (O, N)
        decay = np.float32(0.5 ** (1 / _HALF_LIFE))
        shape = (horizon, len(panel.unique_ids), num_samples)

        def moves(generator: np.random.Generator, place: int) -> npt.NDArray[np.float32]:
            errors = np.float32(factor) * generator.standard_t(degrees, shape).astype(np.float32)
            variance = np.square(volatility[place].numpy()).astype(np.float32)[:, None]
            for step in errors:
                step *= np.sqrt(variance)
                variance = decay * variance + (1 - decay) * step**2
            return errors

        scale = factor * volatility[:, :, None]
        density = StudentTDistribution(torch.zeros_like(scale), scale, torch.full_like(scale, degrees))
        # Errors are symmetric, and the volatility does not know their signs: every step's median is the last.
        return walk_forecast(panel, origins, horizon, num_samples, seed, moves, density, steps=1)
