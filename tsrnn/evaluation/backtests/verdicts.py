"""What `test` says at its end: one sentence on whether a model showed skill."""

from __future__ import annotations

import pandas as pd

from tsrnn.errors import TsrnnError
from tsrnn.evaluation.backtests.comparison import Comparison
from tsrnn.evaluation.backtests.scored_forecast import score_forecast
from tsrnn.evaluation.backtests.walk_forward import Origins, backtest
from tsrnn.forecasts import Forecast, QuantileForecast
from tsrnn.predictors.random_walk import RandomWalk
from tsrnn.predictors.seasonal_naive import SeasonalNaive
from tsrnn.protocols import Holdout, Panel, Predictor

_PATHS = 20
"""The fair CRPS is right on average for any number."""


def judge_steps(predictor: Predictor, panel: Panel, spans: tuple[int, int, int]) -> list[str]:
    """The verdict on one-step forecasts of a test span over the random walk.

    Args:
        predictor: what is judged.
        panel: the series.
        spans: one past the last time step of the training, the validation and the test span.
    """
    train, valid, test = spans
    walk = RandomWalk("constant", train)
    try:
        frame = backtest([predictor, walk], panel.part(0, test), 1, Origins(valid - 1), num_samples=_PATHS)
        return Comparison(frame, walk.name).verdicts
    except TsrnnError as error:  # constant prices; time steps of other data that the model has seen
        return [f"no verdict: {error}"]


def judge_holdout(model: str, forecast: Forecast | QuantileForecast, holdout: Holdout) -> list[str]:
    """The verdict on a forecast of a panel's held-out time steps over the seasonal naive.

    There is one origin, so that the series stand in for time.

    Args:
        model: its name.
        forecast: from the holdout's origin.
        holdout: what was forecast.
    """
    panel, naive = holdout.panel, SeasonalNaive(holdout.season)
    other = naive.forecast(panel, holdout.horizon, origins=[holdout.origin], num_samples=_PATHS)
    rows = [
        score_forecast(name, one, panel, season=holdout.season)
        for name, one in ((model, forecast), (naive.name, other))
    ]
    frame = pd.concat(rows, ignore_index=True)
    try:
        return Comparison(frame, naive.name).verdicts
    except TsrnnError as error:
        return [f"no verdict: {error}"]
