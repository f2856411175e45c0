"""The loader of models: what a checkpoint holds, ready to forecast, to score and to generate."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tsrnn.checkpoints.paths import checkpoint_path
from tsrnn.checkpoints.reading import read_checkpoint
from tsrnn.models import AutoregressiveModel
from tsrnn.predictors import NetworkPredictor
from tsrnn.protocols import Panel


class LoadedModel(NetworkPredictor):
    """A trained model without its task: a predictor of panels, or, of words, what reads and writes text.

    Args:
        model: in evaluation mode.
        history: the end of the panel that it was trained on, or None.
        contents: what its checkpoint says of itself.

    Attributes:
        model, history, contents: the arguments.
    """

    def __init__(
        self, model: AutoregressiveModel, history: Panel | None = None, contents: dict[str, Any] | None = None
    ) -> None:
        super().__init__(model, type(model.backbone).__name__)
        self.history = history
        self.contents = contents or {}

    @property
    def horizon(self) -> int:
        """The time steps that it was trained to forecast."""
        return int(self.contents["settings"]["horizon"])

    @property
    def seen(self) -> str | None:
        """The last time step that it was trained or chosen on, of a checkpoint made with a data module."""
        data = self.contents.get("data")
        return None if data is None else str(data["valid_end"])


def load_model(path: str | Path, *, modules: Iterable[str] = ()) -> LoadedModel:
    """The model of a checkpoint, however it was built, without the task that trained it.

    Nothing in the file is executed: it is read with `weights_only=True`, and a class outside tsrnn is
    used only if it is imported already or its module is named.

    Args:
        path: a checkpoint, or a run's folder (its best checkpoint is taken).
        modules: modules outside tsrnn that the checkpoint may use, such as `my_cells`.

    Raises:
        CheckpointError: if it is no whole checkpoint of tsrnn, in one line.
    """
    checkpoint = read_checkpoint(checkpoint_path(path))
    model = checkpoint.model(AutoregressiveModel, modules)
    return LoadedModel(model, checkpoint.history, checkpoint.contents)
