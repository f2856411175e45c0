"""Evaluation: baselines, scores and pictures of prices; sentences and word vectors of language models."""

from tsrnn.evaluation.baselines import RandomWalk, forecast_sessions
from tsrnn.evaluation.metrics import Assessment, DensityScore, assess, score
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
    "Assessment",
    "DensityScore",
    "RandomWalk",
    "SentenceScore",
    "StreamScore",
    "assess",
    "compare",
    "forecast_sessions",
    "neighbours",
    "perplexity",
    "score",
    "score_sentences",
    "score_stream",
]
