"""Checkpoints as a verb needs them: of prices or of words, and an error that names the right verb."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable

from tsrnn.checkpoints import LoadedModel, load_model
from tsrnn.errors import CheckpointError, ConfigError


def load_forecaster(path: str, modules: Iterable[str] = ()) -> LoadedModel:
    """The model of a checkpoint of prices or other series.

    Raises:
        CheckpointError: if it is none, or one of words.
        ConfigError: if one of the modules cannot be imported.
    """
    loaded = _load(path, modules)
    if loaded.model.codec.kind == "text":
        raise CheckpointError(f"{path} holds a {_task(loaded)} of words: use tsrnn generate or tsrnn score")
    return loaded


def load_language_model(path: str, modules: Iterable[str] = ()) -> LoadedModel:
    """The model of a checkpoint of words.

    Raises:
        CheckpointError: if it is none, or one of prices.
        ConfigError: if one of the modules cannot be imported.
    """
    loaded = _load(path, modules)
    if loaded.model.codec.kind != "text":
        raise CheckpointError(f"{path} holds a {_task(loaded)} of prices: use tsrnn forecast")
    return loaded


def _task(loaded: LoadedModel) -> str:
    return str(loaded.contents["task"]).rpartition(".")[2]


def _load(path: str, modules: Iterable[str]) -> LoadedModel:
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())  # custom modules are found in the current folder
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise ConfigError(f"--import {module}: {error}") from error
    return load_model(path, modules=modules)
