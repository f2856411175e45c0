"""Checkpoints as a verb needs them: of prices or of words, and an error that names the right verb."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable
from typing import Any

from tsrnn.errors import CheckpointError, ConfigError
from tsrnn.training import load


def load_forecaster(path: str, modules: Iterable[str] = ()) -> Any:
    """The task of a checkpoint of prices.

    Raises:
        CheckpointError: if it is none, or one of words.
        ConfigError: if one of the modules cannot be imported.
    """
    task = _load(path, modules)
    if task.model.codec.kind == "text":
        raise CheckpointError(
            f"{path} holds a {type(task).__name__} of words: use tsrnn generate or tsrnn score"
        )
    return task


def load_language_model(path: str, modules: Iterable[str] = ()) -> Any:
    """The task of a checkpoint of words.

    Raises:
        CheckpointError: if it is none, or one of prices.
        ConfigError: if one of the modules cannot be imported.
    """
    task = _load(path, modules)
    if task.model.codec.kind != "text":
        raise CheckpointError(f"{path} holds a {type(task).__name__} of prices: use tsrnn forecast")
    return task


def _load(path: str, modules: Iterable[str]) -> Any:
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())  # custom modules are found in the current folder
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise ConfigError(f"--import {module}: {error}") from error
    return load(path, modules=modules)
