"""Where a checkpoint is. Nothing is read here, so that a mistyped path is said at once."""

from __future__ import annotations

from pathlib import Path

from tsrnn.errors import CheckpointError, nearest


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
