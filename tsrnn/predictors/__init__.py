"""Predictors: whatever forecasts a panel, each a `tsrnn.protocols.Predictor`."""

from tsrnn.predictors.base import PanelPredictor
from tsrnn.predictors.conformal import Conformal
from tsrnn.predictors.garch import GARCH
from tsrnn.predictors.network import NetworkPredictor
from tsrnn.predictors.prices import Drift, EWMAStudentT, HistoricalSimulation
from tsrnn.predictors.random_walk import RandomWalk, forecast_sessions
from tsrnn.predictors.ridge import RidgeLags
from tsrnn.predictors.seasonal_naive import SeasonalNaive
from tsrnn.predictors.statistical import AutoARIMA, AutoETS, Theta

__all__ = [
    "GARCH",
    "AutoARIMA",
    "AutoETS",
    "Conformal",
    "Drift",
    "EWMAStudentT",
    "HistoricalSimulation",
    "NetworkPredictor",
    "PanelPredictor",
    "RandomWalk",
    "RidgeLags",
    "SeasonalNaive",
    "Theta",
    "forecast_sessions",
]
