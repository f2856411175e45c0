"""The test of a panel: what lies after an origin is forecast as a whole, beside the seasonal naive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tsrnn.evaluation.scores.accuracy import mase, weighted_quantile_loss
from tsrnn.forecasts import Forecast, QuantileForecast
from tsrnn.heads.quantiles import DECILES
from tsrnn.predictors.seasonal_naive import SeasonalNaive
from tsrnn.protocols import Holdout


@dataclass(frozen=True)
class AccuracyScore:
    """How good a forecast of a panel's held-out time steps was.

    Attributes:
        model: its name.
        series: N, how many there are.
        values: how many observations were compared.
        mase: mean absolute scaled error of the median, the mean over the series that have one.
        wql: weighted quantile loss over the deciles, pooled over all values.
        coverage: share of the values, in percent, inside the central interval between the outer deciles.
    """

    model: str
    series: int
    values: int
    mase: float
    wql: float
    coverage: float

    def row(self) -> dict[str, Any]:
        """The score as plain columns."""
        return {
            "model": self.model,
            "series": self.series,
            "values": self.values,
            "mase": self.mase,
            "wql": self.wql,
            "coverage_80": self.coverage,
        }


def score_holdout(model: str, forecast: Forecast | QuantileForecast, holdout: Holdout) -> AccuracyScore:
    """The score of a forecast from the holdout's origin."""
    return _score(model, forecast.quantile(DECILES)[:, 0], holdout)


def score_naive(holdout: Holdout) -> AccuracyScore:
    """The score of the seasonal naive forecast, with its exact quantiles."""
    naive = SeasonalNaive(holdout.season)
    quantiles = naive.quantiles(holdout.panel, holdout.horizon, DECILES, origins=[holdout.origin])
    return _score(naive.name, quantiles[0].swapaxes(0, 1), holdout)


def _score(model: str, quantiles: Any, holdout: Holdout) -> AccuracyScore:
    """The score of (Q, N, H) deciles."""
    known = slice(0, holdout.origin + 1)
    actual = holdout.panel.values[:, holdout.origin + 1 : holdout.origin + 1 + holdout.horizon]
    history = holdout.panel.values[:, known]
    median = quantiles[len(DECILES) // 2]
    actual = np.where(np.isnan(median), np.nan, actual)  # a series without a recent past has no forecast
    observed = ~np.isnan(actual)
    inside = (quantiles[0] <= actual) & (actual <= quantiles[-1])
    scaled = mase(actual, median, history, holdout.season)
    return AccuracyScore(
        model=model,
        series=len(holdout.panel.unique_ids),
        values=int(observed.sum()),
        mase=float(np.nanmean(scaled)) if not np.isnan(scaled).all() else float("nan"),
        wql=weighted_quantile_loss(actual, quantiles, DECILES),
        coverage=100 * float(inside[observed].mean()) if observed.any() else float("nan"),
    )
