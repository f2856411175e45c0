"""The one loader of checkpoints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from tsrnn.components import build, find_class
from tsrnn.errors import CheckpointError, nearest
from tsrnn.training.checkpoints.contents import FORMAT, first_line, panel_from_plain
from tsrnn.training.tasks.base import Task

_TASK: Any = Task


def load(path: str | Path, *, modules: Iterable[str] = ()) -> Any:
    """The task of a checkpoint, ready to forecast, however it was built. The only loader.

    Nothing in the file is executed: it is read with `weights_only=True`, and a class outside tsrnn is
    used only if it is imported already or its module is named.

    Args:
        path: a checkpoint, or a run's folder (its best checkpoint is taken).
        modules: modules outside tsrnn that the checkpoint may use, such as `my_cells`.

    Returns:
        The task in evaluation mode. `.history` is the panel it was trained on, `.contents` what the
        checkpoint says of itself.

    Raises:
        CheckpointError: if it is no whole checkpoint of tsrnn, in one line.
    """
    path = checkpoint_path(path)
    checkpoint = read_checkpoint(path)
    contents = checkpoint["tsrnn"]
    try:
        task_class = find_class(contents["task"], _TASK, modules)
        task = task_class.of_model(build(contents["model"], task_class.model_class, modules))
        task.load_state_dict(checkpoint["state_dict"])
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error
    except (RuntimeError, KeyError, AttributeError) as error:
        raise CheckpointError(f"{path}: the weights do not fit the model: {first_line(error)}") from error
    for name in task.settings:
        setattr(task, name, contents["settings"][name])
    task.history = None if contents["history"] is None else panel_from_plain(contents["history"])
    task.contents = {
        key: value for key, value in contents.items() if key not in ("history", "random", "progress")
    }
    return task.eval()


def checkpoint_path(path: str | Path, prefer: str = "best") -> Path:
    """The checkpoint that a file or a run's folder stands for: its best one, or its last to resume from.

    Raises:
        CheckpointError: if there is none, with the nearest name that there is.
    """
    path = Path(path)
    if path.is_dir():
        for name in (prefer, "best", "last"):
            if (path / "checkpoints" / f"{name}.ckpt").is_file():
                return path / "checkpoints" / f"{name}.ckpt"
        raise CheckpointError(f"{path}: the folder holds no checkpoints/best.ckpt")
    if not path.is_file():
        siblings = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
        raise CheckpointError(f"{path}: there is no such checkpoint{nearest(path.name, siblings)}")
    return path


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The contents of a checkpoint of tsrnn, on the CPU, without running anything in it."""
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a file that is something else breaks the unpickler in any way
        raise CheckpointError(f"{path}: not a whole checkpoint ({first_line(error)})") from error
    if not isinstance(checkpoint, Mapping) or "tsrnn" not in checkpoint:
        raise CheckpointError(f"{path}: a checkpoint, but not one of tsrnn")
    if checkpoint["tsrnn"].get("format") != FORMAT:
        raise CheckpointError(
            f"{path}: format {checkpoint['tsrnn'].get('format')} is not one that this tsrnn reads"
        )
    return dict(checkpoint)
