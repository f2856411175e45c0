"""Evaluation: backtests, scores and verdicts of forecasts; sentences and word vectors of language models."""

from typing import TYPE_CHECKING

from tsrnn.exports import publish as _publish

if TYPE_CHECKING:
    from tsrnn.evaluation.backtests.comparison import Comparison as Comparison
    from tsrnn.evaluation.backtests.holdout import HoldoutScores as HoldoutScores
    from tsrnn.evaluation.backtests.holdout import score_holdout as score_holdout
    from tsrnn.evaluation.backtests.measures import CAPTIONS as CAPTIONS
    from tsrnn.evaluation.backtests.measures import captioned as captioned
    from tsrnn.evaluation.backtests.measures import readable as readable
    from tsrnn.evaluation.backtests.references import Reference as Reference
    from tsrnn.evaluation.backtests.references import choose_reference as choose_reference
    from tsrnn.evaluation.backtests.scored_forecast import score_forecast as score_forecast
    from tsrnn.evaluation.backtests.significance import DieboldMariano as DieboldMariano
    from tsrnn.evaluation.backtests.significance import block_bootstrap_ratio as block_bootstrap_ratio
    from tsrnn.evaluation.backtests.significance import diebold_mariano as diebold_mariano
    from tsrnn.evaluation.backtests.walk_forward import Origins as Origins
    from tsrnn.evaluation.backtests.walk_forward import backtest as backtest
    from tsrnn.evaluation.language.neighbours import neighbours as neighbours
    from tsrnn.evaluation.language.sentences import SentenceScore as SentenceScore
    from tsrnn.evaluation.language.sentences import StreamScore as StreamScore
    from tsrnn.evaluation.language.sentences import perplexity as perplexity
    from tsrnn.evaluation.language.sentences import rank_sentences as rank_sentences
    from tsrnn.evaluation.language.sentences import score_sentences as score_sentences
    from tsrnn.evaluation.language.sentences import score_stream as score_stream
    from tsrnn.evaluation.language.translation import corpus_scores as corpus_scores
    from tsrnn.evaluation.leakage import LeakReport as LeakReport
    from tsrnn.evaluation.leakage import leak_test as leak_test
    from tsrnn.evaluation.report.page import ReportContents as ReportContents
    from tsrnn.evaluation.report.page import write_report as write_report
    from tsrnn.evaluation.scores.accuracy import mae as mae
    from tsrnn.evaluation.scores.accuracy import mase as mase
    from tsrnn.evaluation.scores.accuracy import naive_error as naive_error
    from tsrnn.evaluation.scores.accuracy import owa as owa
    from tsrnn.evaluation.scores.accuracy import pinball as pinball
    from tsrnn.evaluation.scores.accuracy import rmse as rmse
    from tsrnn.evaluation.scores.accuracy import rmsse as rmsse
    from tsrnn.evaluation.scores.accuracy import scaled_mae as scaled_mae
    from tsrnn.evaluation.scores.accuracy import smape as smape
    from tsrnn.evaluation.scores.accuracy import weighted_quantile_loss as weighted_quantile_loss
    from tsrnn.evaluation.scores.classification import classification_scores as classification_scores
    from tsrnn.evaluation.scores.probabilistic import DirectionalAccuracy as DirectionalAccuracy
    from tsrnn.evaluation.scores.probabilistic import coverage as coverage
    from tsrnn.evaluation.scores.probabilistic import crps_normal as crps_normal
    from tsrnn.evaluation.scores.probabilistic import crps_sample as crps_sample
    from tsrnn.evaluation.scores.probabilistic import crps_student_t as crps_student_t
    from tsrnn.evaluation.scores.probabilistic import directional_accuracy as directional_accuracy
    from tsrnn.evaluation.scores.probabilistic import pit_histogram as pit_histogram

_publish(__name__)
