"""The loader of whatever was saved: an estimator, or the task of a run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tsrnn.training import load as load_task


def load(path: str | Path, *, modules: Iterable[str] = ()) -> Any:
    """What a checkpoint holds: the estimator that was saved, or else the task of a run of `tsrnn fit`.

    Nothing in the file is executed: see `tsrnn.training.load`.

    Args:
        path: a checkpoint, or a run's folder (its best checkpoint is taken).
        modules: modules outside tsrnn that the checkpoint may use, such as `my_cells`.

    Returns:
        The estimator, fitted, with its arguments; or the task in evaluation mode, whose `.history` is the
        panel it was trained on, and `.contents` what the checkpoint says of itself.

    Raises:
        CheckpointError: if it is no whole checkpoint of tsrnn, in one line.
    """
    modules = tuple(modules)
    task = load_task(path, modules=modules)
    if "estimator" not in task.contents:
        return task
    if task.model.codec.kind == "text":
        from tsrnn.estimator.rnn_language_model import RNNLanguageModel

        return RNNLanguageModel.restored(task, modules)
    from tsrnn.estimator.rnn_forecaster import RNNForecaster

    return RNNForecaster.restored(task, modules)
