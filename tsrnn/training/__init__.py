"""Training: thin Lightning tasks, checkpoints and the estimator."""

from tsrnn.training.callbacks import RunCheckpoint
from tsrnn.training.checkpoint import AtomicCheckpointIO
from tsrnn.training.forecaster import Forecaster
from tsrnn.training.loading import load
from tsrnn.training.rnn_forecaster import RNNForecaster

__all__ = ["AtomicCheckpointIO", "Forecaster", "RNNForecaster", "RunCheckpoint", "load"]
