"""Estimators by the conventions of scikit-learn, of series and of text, and the loader of what was saved."""

from typing import TYPE_CHECKING

from tsrnn.exports import publish as _publish

if TYPE_CHECKING:
    from tsrnn.estimator.loading import load as load
    from tsrnn.estimator.rnn_forecaster import RNNForecaster as RNNForecaster
    from tsrnn.estimator.rnn_language_model import RNNLanguageModel as RNNLanguageModel

_publish(__name__)
