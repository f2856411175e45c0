"""Predictors: whatever forecasts a panel, each a `tsrnn.protocols.Predictor`."""

from typing import TYPE_CHECKING

from tsrnn.exports import publish as _publish

if TYPE_CHECKING:
    from tsrnn.predictors.base import PanelPredictor as PanelPredictor
    from tsrnn.predictors.conformal import Conformal as Conformal
    from tsrnn.predictors.garch import GARCH as GARCH
    from tsrnn.predictors.linear_drift import LinearDrift as LinearDrift
    from tsrnn.predictors.network import NetworkPredictor as NetworkPredictor
    from tsrnn.predictors.prices import Drift as Drift
    from tsrnn.predictors.prices import EWMAStudentT as EWMAStudentT
    from tsrnn.predictors.prices import HistoricalSimulation as HistoricalSimulation
    from tsrnn.predictors.random_walk import RandomWalk as RandomWalk
    from tsrnn.predictors.ridge import RidgeLags as RidgeLags
    from tsrnn.predictors.seasonal_naive import SeasonalNaive as SeasonalNaive
    from tsrnn.predictors.statistical import AutoARIMA as AutoARIMA
    from tsrnn.predictors.statistical import AutoETS as AutoETS
    from tsrnn.predictors.statistical import Theta as Theta

_publish(__name__)
