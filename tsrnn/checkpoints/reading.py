"""A checkpoint as it is read: what it says of itself, and weights. Nothing in the file is executed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from tsrnn.checkpoints.panels import panel_from_plain
from tsrnn.components import build
from tsrnn.errors import CheckpointError, first_line
from tsrnn.protocols import Panel

FORMAT = 2
_PARTS = frozenset(
    ("version", "task", "model", "settings", "data", "history", "metrics", "random", "progress", "cpu")
)
"""What tsrnn puts in a checkpoint, besides the format."""
_PREFIX = "model."
_ModelT = TypeVar("_ModelT", bound=nn.Module)


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint of tsrnn.

    Args:
        path: its file.
        saved: what tsrnn has put in it: see `tsrnn.training.checkpoints.contents`.
        weights: by their names in the task, on the CPU.
    """

    path: Path
    saved: dict[str, Any]
    weights: dict[str, Tensor]

    @property
    def contents(self) -> dict[str, Any]:
        """What it says of itself: model, settings, data, scores."""
        return {
            key: value for key, value in self.saved.items() if key not in ("history", "random", "progress")
        }

    @property
    def history(self) -> Panel | None:
        """The end of the panel that it was trained on, if it holds one."""
        kept = self.saved["history"]
        return None if kept is None else panel_from_plain(kept)

    def model(self, model_class: type[_ModelT], modules: Iterable[str] = ()) -> _ModelT:
        """The model with its weights, in evaluation mode.

        Args:
            model_class: that it must be an instance of.
            modules: modules outside tsrnn that may be imported for its parts.

        Raises:
            CheckpointError: if it cannot be built, or the weights are not its own.
        """
        with self.faults():
            model = build(self.saved["model"], model_class, modules)
            model.load_state_dict(
                {
                    name.removeprefix(_PREFIX): weight
                    for name, weight in self.weights.items()
                    if name.startswith(_PREFIX)
                }
            )
        return model.eval()

    @contextmanager
    def faults(self) -> Iterator[None]:
        """Inside, what does not fit becomes a CheckpointError that names the file."""
        try:
            yield
        except CheckpointError as error:
            raise CheckpointError(f"{self.path}: {error}") from error
        except (RuntimeError, KeyError, AttributeError) as error:
            problem = f"the weights do not fit the model: {first_line(error)}"
            raise CheckpointError(f"{self.path}: {problem}") from error


def read_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint of a file, with `weights_only=True`.

    Raises:
        CheckpointError: if it is no whole checkpoint of tsrnn, in one line.
    """
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a file that is something else breaks the unpickler in any way
        raise CheckpointError(f"{path}: not a whole checkpoint ({first_line(error)})") from error
    if not isinstance(checkpoint, Mapping) or "tsrnn" not in checkpoint:
        raise CheckpointError(f"{path}: a checkpoint, but not one of tsrnn")
    saved = checkpoint["tsrnn"]
    found = saved.get("format") if isinstance(saved, Mapping) else None
    if found != FORMAT:
        raise CheckpointError(f"{path}: format {found} cannot be read by this version of tsrnn")
    lacking = [*(_PARTS - saved.keys()), *({"state_dict"} - checkpoint.keys())]
    if lacking:
        raise CheckpointError(f"{path}: the checkpoint lacks its {min(lacking)}")
    return Checkpoint(path, saved, checkpoint["state_dict"])
