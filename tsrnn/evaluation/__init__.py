"""Evaluation: baselines, scores and pictures."""

from tsrnn.evaluation.baselines import RandomWalk, forecast_sessions
from tsrnn.evaluation.metrics import Assessment, DensityScore, assess, score

__all__ = ["Assessment", "DensityScore", "RandomWalk", "assess", "forecast_sessions", "score"]
