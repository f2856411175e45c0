"""What of a checkpoint Lightning may see: numbers and weights, and never a path."""

from __future__ import annotations

import math
import re
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tsrnn.errors import CheckpointError, DataWarning

_DEEPEST, _MOST_ENTRIES, _LONGEST_NAME = 12, 100_000, 300
_CHECKPOINTS = {"best_model_score", "current_score", "kth_value"}
_EARLY_STOPPING = {"wait_count", "stopped_epoch", "patience"}


def admitted(checkpoint: Any, path: Path) -> dict[str, Any]:
    """The parts of a checkpoint that a resumed training needs, each of the form that it must have.

    Lightning trusts a checkpoint: it deletes what the state of a callback calls the best model so far, by
    whatever protocol its path names. So the state of a callback that keeps checkpoints is reduced to its
    scores (`RunCheckpoint` finds their files beside the one that the user named); loops are nested numbers;
    other callbacks may have numbers and tensors. What else a file holds is left out.

    Args:
        checkpoint: as it was read, with `weights_only=True`.
        path: the file that the user named.

    Raises:
        CheckpointError: if a part is not of its form, in one line.
    """
    if not isinstance(checkpoint, dict):
        raise CheckpointError(f"{path}: not a checkpoint")
    version = str(checkpoint.get("pytorch-lightning_version", ""))
    if not re.fullmatch(r"\d{1,4}(\.\w{1,12}){1,4}", version):
        raise CheckpointError(f"{path}: a checkpoint without the version of Lightning that wrote it")
    found: dict[str, Any] = {"pytorch-lightning_version": version}
    for name in ("epoch", "global_step"):
        found[name] = _whole(checkpoint.get(name, 0), f"{path}: {name}")
    for name in ("optimizer_states", "lr_schedulers", "loops", "MixedPrecision"):
        if name in checkpoint:
            found[name] = _plain(checkpoint[name], f"{path}: {name}")
    weights = checkpoint.get("state_dict")
    if not isinstance(weights, dict) or not all(isinstance(weight, Tensor) for weight in weights.values()):
        raise CheckpointError(f"{path}: a checkpoint without weights")
    found["state_dict"] = weights
    callbacks = checkpoint.get("callbacks", {})
    if not isinstance(callbacks, dict):
        raise CheckpointError(f"{path}: the state of its callbacks is not a dict")
    found["callbacks"] = {
        str(name): state
        for name, given in callbacks.items()
        if (state := _callback(str(name), given, path)) is not None
    }
    if "tsrnn" in checkpoint:
        found["tsrnn"] = checkpoint["tsrnn"]
    return found


def _callback(name: str, state: Any, path: Path) -> dict[str, Any] | None:
    """The state of a callback, or None where there is nothing that may be restored."""
    if not isinstance(state, dict):
        return None
    if "best_model_path" in state or "dirpath" in state or "Checkpoint" in name:
        scores = {key: _score(state.get(key), f"{path}: {name}.{key}") for key in sorted(_CHECKPOINTS)}
        nothing = {"best_model_path": "", "kth_best_model_path": "", "last_model_path": ""}
        return {**scores, **nothing, "best_k_models": {}}
    if name.startswith("EarlyStopping"):
        counts = {key: _whole(state.get(key, 0), f"{path}: {name}.{key}") for key in sorted(_EARLY_STOPPING)}
        best = _score(state.get("best_score", math.nan), f"{path}: {name}.best_score")
        return {**counts, "best_score": torch.as_tensor(best)}
    try:
        return dict(_plain(state, f"{path}: {name}"))
    except CheckpointError:
        problem = f"{path}: the state of {name[:80]!r} is more than numbers, and is not restored"
        warnings.warn(DataWarning(problem), stacklevel=2)
        return None


def _score(value: Any, place: str) -> Any:
    if value is None:
        return None
    number = float(value) if isinstance(value, int | float) or _is_real(value) else math.nan
    if math.isnan(number):
        raise CheckpointError(f"{place} is not a number")
    return value


def _is_real(value: Any) -> bool:
    return isinstance(value, Tensor) and value.numel() == 1 and not (value.is_complex() or value.is_meta)


def _whole(value: Any, place: str) -> int:
    if not isinstance(value, int) or value < 0:
        raise CheckpointError(f"{place} is not a whole number")
    return value


def _plain(value: Any, place: str) -> Any:
    """Nested dicts and lists of numbers, None and tensors, as they are; not too deep and not too many."""
    left = [_MOST_ENTRIES]

    def check(part: Any, depth: int) -> None:
        left[0] -= 1
        if depth > _DEEPEST or left[0] < 0:
            raise CheckpointError(f"{place} is nested too deeply or holds too much")
        if part is None or isinstance(part, bool | int | float | Tensor):
            return
        if isinstance(part, dict):
            for key, inner in part.items():
                if not isinstance(key, str | int) or len(str(key)) > _LONGEST_NAME:
                    raise CheckpointError(f"{place} has a name that is too long or no text")
                check(inner, depth + 1)
            return
        if isinstance(part, list | tuple):
            for inner in part:
                check(inner, depth + 1)
            return
        raise CheckpointError(f"{place} holds a {type(part).__name__}, where only numbers are allowed")

    check(value, 0)
    return value
