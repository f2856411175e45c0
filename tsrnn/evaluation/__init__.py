"""Evaluation: baselines, scores and pictures of prices; sentences and word vectors of language models."""

from tsrnn.evaluation.accuracy import mase, owa, pinball, smape, weighted_quantile_loss
from tsrnn.evaluation.baselines import RandomWalk, forecast_sessions
from tsrnn.evaluation.holdout import AccuracyScore, score_holdout, score_naive
from tsrnn.evaluation.metrics import Assessment, DensityScore, assess, score
from tsrnn.evaluation.seasonal_naive import SeasonalNaive
from tsrnn.evaluation.sentences import (
    SentenceScore,
    StreamScore,
    compare,
    perplexity,
    score_sentences,
    score_stream,
)
from tsrnn.evaluation.word_vectors import neighbours

__all__ = [
    "AccuracyScore",
    "Assessment",
    "DensityScore",
    "RandomWalk",
    "SeasonalNaive",
    "SentenceScore",
    "StreamScore",
    "assess",
    "compare",
    "forecast_sessions",
    "mase",
    "neighbours",
    "owa",
    "perplexity",
    "pinball",
    "score",
    "score_holdout",
    "score_naive",
    "score_sentences",
    "score_stream",
    "smape",
    "weighted_quantile_loss",
]
