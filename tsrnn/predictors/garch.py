"""GARCH and GJR-GARCH with Student-t errors, fitted by `arch`: what a density of prices has to beat."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from tsrnn.errors import ConfigError, DataWarning, first_few
from tsrnn.forecasts import Forecast
from tsrnn.heads.student_t import StudentTDistribution
from tsrnn.predictors.base import PanelPredictor
from tsrnn.predictors.random_walk import log_returns, walk_forecast
from tsrnn.protocols import Context, Panel, Predictor

Floats = npt.NDArray[np.float64]

_FEWEST_RETURNS = 100
_USUAL_DEGREES = 5.0


class Volatility(NamedTuple):
    """The parameters of a series, of log returns in percent; `first` is the variance of the first session."""

    mu: float
    omega: float
    alpha: float
    gamma: float
    beta: float
    nu: float
    first: float


@dataclass(frozen=True)
class GARCH(PanelPredictor[Forecast]):
    """A volatility that feeds on surprises, and on bad ones more where `leverage` is set.

        r_t = μ + e_t,   e_t = σ_t ε_t,   σ²_t = ω + (α + γ 1[e_{t−1} < 0]) e²_{t−1} + β σ²_{t−1}

    r is the log return in percent, ε a Student t of ν degrees of freedom with variance 1, and γ = 0 without
    leverage. The parameters of each series are fitted by `arch`, by maximum likelihood, on its observed
    returns; from there on only σ² is updated, session by session, and is kept where a price is missing. A
    series with fewer than 100 returns, or whose fit does not converge, has a constant variance, its own or
    all series', and the median ν of the others; it is named in a warning. The density is that of the first
    step; a path's volatility follows its own errors.

    Args:
        leverage: GJR-GARCH.
        fitted: the parameters of each series by its name, and of others by ""; `fit` sets it.

    Sources: Bollerslev (1986), Generalized autoregressive conditional heteroskedasticity, Journal of
    Econometrics 31, 307-327; Glosten, Jagannathan and Runkle (1993), On the relation between the expected
    value and the volatility of the nominal excess return on stocks, Journal of Finance 48, 1779-1801.
    """

    leverage: bool = False
    fitted: Mapping[str, Volatility] | None = None

    @property
    def name(self) -> str:
        """The name in tables."""
        return "GJR-GARCH(1,1)-t" if self.leverage else "GARCH(1,1)-t"

    def fit(self, panel: Panel, *, previous: Predictor | None = None) -> GARCH:
        """The parameters of a panel: see `tsrnn.protocols.Fittable`.

        Raises:
            ConfigError: if `arch` is not installed.
        """
        returns = 100 * log_returns(panel).numpy()
        found: dict[str, Volatility | None] = {}
        for name, row in zip(panel.unique_ids, returns, strict=True):
            found[name] = self._parameters(row[~np.isnan(row)])
        common = np.nanmean(returns**2) if np.isfinite(returns).any() else 1.0
        sound = [one for one in found.values() if one is not None]
        degrees = float(np.median([one.nu for one in sound])) if sound else _USUAL_DEGREES
        fitted = {"": _constant(max(float(common), 1e-8), degrees)}
        for name, row in zip(panel.unique_ids, returns, strict=True):
            own = row[~np.isnan(row)]
            variance = float(np.mean(own**2)) if len(own) > 1 else 0.0
            parameters = found[name]
            fitted[name] = parameters or (_constant(variance, degrees) if variance > 0 else fitted[""])
        if failed := [name for name, one in found.items() if one is None]:
            problem = f"{self.name} could not be fitted, and has a constant volatility, for"
            warnings.warn(DataWarning(f"{problem} {first_few(failed)}"), stacklevel=2)
        return replace(self, fitted=fitted)

    def _parameters(self, returns: Floats) -> Volatility | None:
        try:
            from arch import arch_model
        except ImportError:
            raise ConfigError("GARCH needs the extra: pip install 'tsrnn[baselines]'") from None
        if len(returns) < _FEWEST_RETURNS or not returns.any():
            return None
        model = arch_model(returns, vol="GARCH", p=1, o=int(self.leverage), q=1, dist="t", rescale=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of numbers on the way to the optimum
            result: Any = model.fit(disp="off", show_warning=False)
        if result.convergence_flag != 0:
            return None
        said = result.params
        gamma = float(said["gamma[1]"]) if self.leverage else 0.0
        first = float(np.asarray(result.conditional_volatility)[0]) ** 2
        names = ("mu", "omega", "alpha[1]", "beta[1]", "nu")
        mu, omega, alpha, beta, nu = (float(said[name]) for name in names)
        return Volatility(mu, omega, alpha, gamma, beta, nu, first)

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
        model = self.fit(panel.part(0, min(origins) + 1)) if self.fitted is None else self
        assert model.fitted is not None
        table = np.array([model.fitted.get(name, model.fitted[""]) for name in panel.unique_ids])
        variance = _filtered(100 * log_returns(panel).numpy(), table)[:, [o + 1 for o in origins]].T  # (O, N)
        mu, omega, alpha, gamma, beta, nu, _ = (column[:, None] for column in table.T.astype(np.float32))
        unit = np.sqrt((nu - 2) / nu)
        shape = (horizon, len(table), num_samples)

        def moves(generator: np.random.Generator, place: int) -> npt.NDArray[np.float32]:
            errors: npt.NDArray[np.float32] = generator.standard_t(table[:, 5, None], shape).astype(
                np.float32
            )
            errors *= unit
            now = variance[place].astype(np.float32)[:, None]
            for step in errors:
                step *= np.sqrt(now)
                now = omega + (alpha + gamma * (step < 0)) * step**2 + beta * now
            errors += mu
            errors /= 100
            return errors

        degrees = torch.from_numpy(table[:, 5]).expand(*variance.shape).unsqueeze(-1)
        scale = torch.from_numpy(np.sqrt(variance))[:, :, None] * ((degrees - 2) / degrees).sqrt() / 100
        location = np.broadcast_to(table[:, :1] / 100, (*variance.shape, 1)).copy()
        density = StudentTDistribution(torch.from_numpy(location), scale, degrees)
        return walk_forecast(panel, origins, horizon, num_samples, seed, moves, density, location)


def _constant(variance: float, degrees: float) -> Volatility:
    return Volatility(0.0, variance, 0.0, 0.0, 0.0, degrees, variance)


def _filtered(returns: Floats, table: Floats) -> Floats:
    """(N, T + 1) the variance of each session, and of the one after the last, from what came before it."""
    mu, omega, alpha, gamma, beta, _, first = table.T
    variance = np.empty((len(returns), returns.shape[1] + 1))
    now = first
    for session, row in enumerate(returns.T):
        variance[:, session] = now
        error = row - mu
        seen = ~np.isnan(error)
        following = omega + (alpha + gamma * (error < 0)) * error**2 + beta * now
        now = np.where(seen, following, now)
    variance[:, -1] = now
    return variance
