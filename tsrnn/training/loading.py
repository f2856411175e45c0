"""The loader of tasks: the model of a checkpoint, in the task that trained it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tsrnn.checkpoints.paths import checkpoint_path
from tsrnn.checkpoints.reading import read_checkpoint
from tsrnn.components import find_class
from tsrnn.training.tasks.base import Task

_TASK: Any = Task


def load(path: str | Path, *, modules: Iterable[str] = ()) -> Any:
    """The task of a checkpoint, ready to forecast, however it was built.

    Nothing in the file is executed: see `tsrnn.checkpoints.load_model`, which needs no Lightning.

    Args:
        path: a checkpoint, or a run's folder (its best checkpoint is taken).
        modules: modules outside tsrnn that the checkpoint may use, such as `my_cells`.

    Returns:
        The task in evaluation mode. `.history` is the panel it was trained on, `.contents` what the
        checkpoint says of itself.

    Raises:
        CheckpointError: if it is no whole checkpoint of tsrnn, in one line.
    """
    checkpoint = read_checkpoint(checkpoint_path(path))
    with checkpoint.faults():
        task_class = find_class(checkpoint.saved["task"], _TASK, modules)
    model = checkpoint.model(task_class.model_class, modules)
    with checkpoint.faults():
        task = task_class.of_model(model)
        task.load_state_dict(checkpoint.weights)  # a custom task may have more than its model's
        for name in task.settings:
            setattr(task, name, checkpoint.saved["settings"][name])
    task.history, task.contents = checkpoint.history, checkpoint.contents
    return task.eval()
