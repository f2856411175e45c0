"""Evaluation: baselines, scores and pictures."""

from tsrnn.evaluation.baselines import RandomWalk, forecast_sessions
from tsrnn.evaluation.metrics import DensityScore, score_densities

__all__ = ["DensityScore", "RandomWalk", "forecast_sessions", "score_densities"]
