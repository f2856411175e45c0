"""Ridge regression on lagged returns: the simplest model that could find something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from tsrnn.errors import ConfigError
from tsrnn.forecasts import Forecast
from tsrnn.heads.normal import NormalDistribution
from tsrnn.predictors.base import PanelPredictor
from tsrnn.predictors.random_walk import log_returns, walk_forecast
from tsrnn.protocols import Context, Panel, Predictor

Floats = npt.NDArray[np.float64]


class Regression(NamedTuple):
    """What is fitted for a series.

    Attributes:
        intercept: log return.
        coefficients: (L,) of the last L log returns, the latest first.
        scale: standard deviation of the residuals, in log returns.
    """

    intercept: float
    coefficients: Floats
    scale: float


@dataclass(frozen=True)
class RidgeLags(PanelPredictor[Forecast]):
    """The next log return of a series as a linear function of its last ones, with normal errors.

        r_{t+1} ~ N(a + Σ_l b_l r_{t−l}, s²),   l = 0, ..., L − 1

    One ridge regression a series, by scikit-learn, on lags that are scaled to a variance of 1 by the panel
    it is fitted on: alpha is then worth that many observations. Lags are of observed returns, whatever lies
    between; where fewer than L are known, the others count as 0. A series with fewer than 2 L returns to
    learn from, or one that was not there then, has the coefficients 0, and the volatility of its own, or of
    all together. The density is that of the first step.

    Args:
        lags: L.
        alpha: the penalty.
        fitted: the regression of each series by its name, and of others by ""; `fit` sets it.

    Source: Hoerl and Kennard (1970), Ridge regression, Technometrics 12, 55-67.
    """

    lags: int = 10
    alpha: float = 1.0
    fitted: Mapping[str, Regression] | None = None

    def __post_init__(self) -> None:
        if self.lags < 1 or self.alpha < 0:
            raise ConfigError("lags must be at least 1, and alpha not negative")

    @property
    def name(self) -> str:
        """The name in tables."""
        return f"ridge on {self.lags} lags"

    def fit(self, panel: Panel, *, previous: Predictor | None = None) -> RidgeLags:
        """The regressions of a panel: see `tsrnn.protocols.Fittable`."""
        returns = log_returns(panel).numpy()
        every = returns[~np.isnan(returns)]
        common = max(float(np.sqrt(np.mean(every**2))) if len(every) else 0.01, 1e-8)
        fitted = {"": Regression(0.0, np.zeros(self.lags), common)}
        for name, row in zip(panel.unique_ids, returns, strict=True):
            fitted[name] = self._regression(row[~np.isnan(row)], common)
        return replace(self, fitted=fitted)

    def _regression(self, returns: Floats, common: float) -> Regression:
        from sklearn.linear_model import Ridge
        from sklearn.preprocessing import StandardScaler

        own = float(np.sqrt(np.mean(returns**2))) if len(returns) >= 2 else 0.0
        if len(returns) < 2 * self.lags + 2 or own == 0:
            return Regression(0.0, np.zeros(self.lags), own or common)
        windows = np.lib.stride_tricks.sliding_window_view(returns, self.lags)[:-1, ::-1]
        targets = returns[self.lags :]
        scaler = StandardScaler().fit(windows)
        model = Ridge(alpha=self.alpha).fit(scaler.transform(windows), targets)
        coefficients = model.coef_ / scaler.scale_
        intercept = float(model.intercept_ - scaler.mean_ @ coefficients)
        residuals = targets - intercept - windows @ coefficients
        scale = float(np.sqrt((residuals**2).sum() / (len(targets) - self.lags - 1)))
        return Regression(intercept, coefficients, max(scale, 1e-8))

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
        found = [model.fitted.get(name, model.fitted[""]) for name in panel.unique_ids]
        intercept, scale = (
            np.array([getattr(one, name) for one in found]) for name in ("intercept", "scale")
        )
        coefficients = np.stack([one.coefficients for one in found])  # (N, L)
        known = self._last_returns(log_returns(panel).numpy(), origins)  # (O, N, L)
        first = intercept + np.einsum("onl,nl->on", known, coefficients)
        steep, shift = coefficients.astype(np.float32), intercept.astype(np.float32)[:, None]
        shape = (horizon, len(found), num_samples)

        def moves(generator: np.random.Generator, place: int) -> npt.NDArray[np.float32]:
            noise = generator.standard_normal(shape, dtype=np.float32)
            noise *= scale.astype(np.float32)[:, None]
            noise[0] += first[place].astype(np.float32)[:, None]
            if horizon > 1:
                recent = np.repeat(known[place].astype(np.float32)[:, :, None], num_samples, axis=2)
                for step in range(1, horizon):
                    recent = np.concatenate([noise[step - 1][:, None], recent[:, :-1]], axis=1)
                    noise[step] += shift + np.einsum("nl,nls->ns", steep, recent)
            return noise

        location = first[:, :, None]
        spread = np.broadcast_to(scale[:, None], location.shape).copy()
        normal = NormalDistribution(torch.from_numpy(location), torch.from_numpy(spread))
        return walk_forecast(panel, origins, horizon, num_samples, seed, moves, normal, location)

    def _last_returns(self, returns: Floats, origins: Sequence[int]) -> Floats:
        """(O, N, L) the last L observed returns at each origin, the latest first, 0 where there are fewer."""
        found = np.zeros((len(origins), len(returns), self.lags))
        for series, row in enumerate(returns):
            seen = ~np.isnan(row)
            padded = np.concatenate([np.zeros(self.lags), row[seen]])
            windows = np.lib.stride_tricks.sliding_window_view(padded, self.lags)[:, ::-1]
            found[:, series] = windows[seen.cumsum()[list(origins)]]
        return found
