"""Baselines: what every forecast must be compared with; each is a `tsrnn.protocols.Predictor`."""

from tsrnn.baselines.garch import GARCH
from tsrnn.baselines.prices import Drift, EWMAStudentT, HistoricalSimulation
from tsrnn.baselines.random_walk import RandomWalk, forecast_sessions
from tsrnn.baselines.ridge import RidgeLags
from tsrnn.baselines.seasonal_naive import SeasonalNaive
from tsrnn.baselines.statistical import AutoARIMA, AutoETS, Theta

__all__ = [
    "GARCH",
    "AutoARIMA",
    "AutoETS",
    "Drift",
    "EWMAStudentT",
    "HistoricalSimulation",
    "RandomWalk",
    "RidgeLags",
    "SeasonalNaive",
    "Theta",
    "forecast_sessions",
]
