"""Checkpoints as a verb needs them, and an error that names the right verb for another kind."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable
from typing import Any

from torch import nn

from tsrnn.checkpoints import LoadedModel
from tsrnn.checkpoints.paths import checkpoint_path
from tsrnn.checkpoints.reading import Checkpoint, read_checkpoint
from tsrnn.encoders import VectorEncoder
from tsrnn.errors import CheckpointError, ConfigError
from tsrnn.models import AutoregressiveModel, EncoderDecoder, SequenceToVector

_MODELS: dict[str, type[nn.Module]] = {
    kind.__name__: kind for kind in (AutoregressiveModel, EncoderDecoder, SequenceToVector)
}
_KINDS = {
    "forecast": (" of prices", "forecast"),
    "generate": (" of words", "generate or tsrnn score"),
    "translate": ("", "translate"),
    "caption": ("", "caption"),
    "classify": ("", "classify"),
}
"""What the models of each verb are of, and the verbs to name."""


def load_forecaster(path: str, modules: Iterable[str] = ()) -> LoadedModel:
    """The model of a checkpoint of prices or other series.

    Raises:
        CheckpointError: if it is none, or one of another kind.
        ConfigError: if one of the modules cannot be imported.
    """
    model, checkpoint = _load(path, "forecast", modules)
    return LoadedModel(model, checkpoint.history, checkpoint.contents)


def load_language_model(path: str, modules: Iterable[str] = ()) -> LoadedModel:
    """The model of a checkpoint of words.

    Raises:
        CheckpointError: if it is none, or one of another kind.
        ConfigError: if one of the modules cannot be imported.
    """
    model, checkpoint = _load(path, "generate", modules)
    return LoadedModel(model, checkpoint.history, checkpoint.contents)


def load_encoder_decoder(
    path: str, verb: str, modules: Iterable[str] = ()
) -> tuple[EncoderDecoder, dict[str, Any]]:
    """The model of a checkpoint that writes a text for a source, and how it was trained to search.

    Args:
        path: a checkpoint, or a run's folder.
        verb: translate or caption.
        modules: modules outside tsrnn that the checkpoint may use.

    Raises:
        CheckpointError: if it is none, or one of another kind.
        ConfigError: if one of the modules cannot be imported.
    """
    model, checkpoint = _load(path, verb, modules)
    return model, dict(checkpoint.contents["settings"])


def load_classifier(path: str, modules: Iterable[str] = ()) -> SequenceToVector:
    """The model of a checkpoint of classes.

    Raises:
        CheckpointError: if it is none, or one of another kind.
        ConfigError: if one of the modules cannot be imported.
    """
    model, _ = _load(path, "classify", modules)
    found: SequenceToVector = model
    return found


def _load(path: str, verb: str, modules: Iterable[str]) -> tuple[Any, Checkpoint]:
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())  # custom modules are found in the current folder
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise ConfigError(f"--import {module}: {error}") from error
    checkpoint = read_checkpoint(checkpoint_path(path))
    name = checkpoint.saved["model"]["class_path"].rpartition(".")[2]
    model = checkpoint.model(_MODELS.get(name, AutoregressiveModel), modules)
    own = _verb_of(model)
    if own != verb:
        what, verbs = _KINDS[own]
        task = str(checkpoint.contents["task"]).rpartition(".")[2]
        raise CheckpointError(f"{path} holds a {task}{what}: use tsrnn {verbs}")
    return model, checkpoint


def _verb_of(model: Any) -> str:
    if isinstance(model, SequenceToVector):
        return "classify"
    if isinstance(model, EncoderDecoder):
        return "caption" if isinstance(model.encoder, VectorEncoder) else "translate"
    return "generate" if model.codec.kind == "text" else "forecast"
