"""Training: thin Lightning tasks, checkpoints and the estimator."""

from tsrnn.training.checkpoints.callback import RunCheckpoint
from tsrnn.training.checkpoints.contents import AtomicCheckpointIO
from tsrnn.training.loading import load
from tsrnn.training.rnn_forecaster import RNNForecaster
from tsrnn.training.runtime.schedules import WarmupCosine
from tsrnn.training.tasks.forecaster import Forecaster
from tsrnn.training.tasks.language_model import LanguageModel

__all__ = [
    "AtomicCheckpointIO",
    "Forecaster",
    "LanguageModel",
    "RNNForecaster",
    "RunCheckpoint",
    "WarmupCosine",
    "load",
]
