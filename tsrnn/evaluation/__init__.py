"""Evaluation: backtests, scores and verdicts of forecasts; sentences and word vectors of language models."""

from tsrnn.evaluation.accuracy import mae, mase, owa, pinball, rmse, rmsse, smape, weighted_quantile_loss
from tsrnn.evaluation.comparison import Comparison
from tsrnn.evaluation.conformal import Conformal
from tsrnn.evaluation.holdout import AccuracyScore, score_holdout, score_naive
from tsrnn.evaluation.leakage import LeakReport, leak_test
from tsrnn.evaluation.metrics import Assessment, DensityScore, assess, score
from tsrnn.evaluation.probabilistic import (
    DirectionalAccuracy,
    coverage,
    crps_normal,
    crps_sample,
    crps_student_t,
    directional_accuracy,
    pit_histogram,
)
from tsrnn.evaluation.report import ReportContents, write_report
from tsrnn.evaluation.scored_forecast import score_forecast
from tsrnn.evaluation.sentences import (
    SentenceScore,
    StreamScore,
    compare,
    perplexity,
    score_sentences,
    score_stream,
)
from tsrnn.evaluation.significance import DieboldMariano, block_bootstrap_ratio, diebold_mariano
from tsrnn.evaluation.verdicts import judge_holdout, judge_steps
from tsrnn.evaluation.walk_forward import Windows, backtest
from tsrnn.evaluation.word_vectors import neighbours

__all__ = [
    "AccuracyScore",
    "Assessment",
    "Comparison",
    "Conformal",
    "DensityScore",
    "DieboldMariano",
    "DirectionalAccuracy",
    "LeakReport",
    "ReportContents",
    "SentenceScore",
    "StreamScore",
    "Windows",
    "assess",
    "backtest",
    "block_bootstrap_ratio",
    "compare",
    "coverage",
    "crps_normal",
    "crps_sample",
    "crps_student_t",
    "diebold_mariano",
    "directional_accuracy",
    "judge_holdout",
    "judge_steps",
    "leak_test",
    "mae",
    "mase",
    "neighbours",
    "owa",
    "perplexity",
    "pinball",
    "pit_histogram",
    "rmse",
    "rmsse",
    "score",
    "score_forecast",
    "score_holdout",
    "score_naive",
    "score_sentences",
    "score_stream",
    "smape",
    "weighted_quantile_loss",
    "write_report",
]
