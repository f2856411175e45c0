"""The estimator: a forecaster by the conventions of scikit-learn, and the loader of whatever was saved."""

from typing import TYPE_CHECKING

from tsrnn.exports import publish as _publish

if TYPE_CHECKING:
    from tsrnn.estimator.loading import load as load
    from tsrnn.estimator.rnn_forecaster import RNNForecaster as RNNForecaster

_publish(__name__)
