"""Checkpoints: written whole or not at all, and complete, so that one alone can forecast."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.io import TorchCheckpointIO

import tsrnn
from tsrnn.checkpoints.panels import plain_panel
from tsrnn.checkpoints.reading import FORMAT
from tsrnn.data.source import data_source
from tsrnn.errors import CheckpointError, first_line
from tsrnn.files import atomic_file
from tsrnn.ops.cpu import cpu_tuning
from tsrnn.training.checkpoints.admission import admitted


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint beside its place, then moves it there: a killed run leaves the old one whole."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write the checkpoint, flush it to the disk, and only then give it its name."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with atomic_file(target) as partial, partial.open("wb") as file:
                torch.save(checkpoint, file)
        except (OSError, RuntimeError) as error:
            # torch reports a full disk as a RuntimeError of its zip writer.
            raise CheckpointError(
                f"{target}: the checkpoint could not be written; is the disk full? ({first_line(error)})"
            ) from error

    def load_checkpoint(
        self, path: Any, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """What a resumed training may see of a checkpoint, of which nothing is executed: see `admitted`."""
        where: Any = "cpu" if map_location is None else map_location
        return admitted(super().load_checkpoint(path, where, weights_only=True), Path(path))

    def remove_checkpoint(self, path: Any) -> None:
        """Delete a checkpoint: one local file, and nothing that any other path names."""
        target = Path(path)
        if target.suffix == ".ckpt" and target.is_file():
            target.unlink()


def contents(task: Any, trainer: pl.Trainer) -> dict[str, Any]:
    """What tsrnn adds to a checkpoint, in plain types.

    The task and its model as plain dicts, the codec with its constants, what the data module says of
    itself (source, split, hash), the history that it wants kept, the metrics so far, the random states,
    and how far the current epoch has come. A checkpoint made with bare loaders in place of a data module
    has no data and no history.
    """
    module = getattr(trainer, "datamodule", None)
    data = None if module is None else data_source(module)
    history = None if data is None else data.history()
    metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
    return {
        "format": FORMAT,
        "version": tsrnn.__version__,
        **task.description(),
        "data": None if data is None else data.description(),
        "history": None if history is None else plain_panel(history),
        "metrics": {**metrics, "epoch": trainer.current_epoch, "step": trainer.global_step},
        "random": random_states(),
        "progress": task.progress(),
        "cpu": cpu_tuning(),
    }


def random_states() -> dict[str, Any]:
    """The states of every random generator that training may draw from, in plain types."""
    state: Any = np.random.get_state(legacy=True)  # noqa: NPY002 (the global generator is what users draw from)
    name, keys, position, has_gauss, cached = state
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": [
            name,
            torch.from_numpy(keys.astype(np.int64)),
            int(position),
            int(has_gauss),
            float(cached),
        ],
        "python": random.getstate(),
    }


def restore_random_states(states: dict[str, Any]) -> None:
    """Continue with the numbers that would have come after `random_states`."""
    torch.set_rng_state(states["torch"])
    if states["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(states["cuda"])
    name, keys, *rest = states["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))  # noqa: NPY002
    random.setstate(states["python"])
