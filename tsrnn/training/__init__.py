"""Training: thin Lightning tasks, checkpoints and the estimator."""

from tsrnn.training.callbacks import RunCheckpoint
from tsrnn.training.checkpoint import AtomicCheckpointIO
from tsrnn.training.forecaster import Forecaster
from tsrnn.training.language_model import LanguageModel
from tsrnn.training.loading import load
from tsrnn.training.rnn_forecaster import RNNForecaster
from tsrnn.training.schedules import WarmupCosine

__all__ = [
    "AtomicCheckpointIO",
    "Forecaster",
    "LanguageModel",
    "RNNForecaster",
    "RunCheckpoint",
    "WarmupCosine",
    "load",
]
