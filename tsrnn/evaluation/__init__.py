"""Evaluation: backtests, scores and verdicts of forecasts; sentences and word vectors of language models."""

from tsrnn.evaluation.backtests.comparison import Comparison
from tsrnn.evaluation.backtests.scored_forecast import score_forecast
from tsrnn.evaluation.backtests.significance import DieboldMariano, block_bootstrap_ratio, diebold_mariano
from tsrnn.evaluation.backtests.verdicts import judge_holdout, judge_steps
from tsrnn.evaluation.backtests.walk_forward import Origins, backtest
from tsrnn.evaluation.language.neighbours import neighbours
from tsrnn.evaluation.language.sentences import (
    SentenceScore,
    StreamScore,
    perplexity,
    rank_sentences,
    score_sentences,
    score_stream,
)
from tsrnn.evaluation.leakage import LeakReport, leak_test
from tsrnn.evaluation.report.page import ReportContents, write_report
from tsrnn.evaluation.scores.accuracy import (
    mae,
    mase,
    owa,
    pinball,
    rmse,
    rmsse,
    smape,
    weighted_quantile_loss,
)
from tsrnn.evaluation.scores.density import Assessment, DensityScore, assess, score
from tsrnn.evaluation.scores.holdout import AccuracyScore, score_holdout, score_naive
from tsrnn.evaluation.scores.probabilistic import (
    DirectionalAccuracy,
    coverage,
    crps_normal,
    crps_sample,
    crps_student_t,
    directional_accuracy,
    pit_histogram,
)

__all__ = [
    "AccuracyScore",
    "Assessment",
    "Comparison",
    "DensityScore",
    "DieboldMariano",
    "DirectionalAccuracy",
    "LeakReport",
    "Origins",
    "ReportContents",
    "SentenceScore",
    "StreamScore",
    "assess",
    "backtest",
    "block_bootstrap_ratio",
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
    "rank_sentences",
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
