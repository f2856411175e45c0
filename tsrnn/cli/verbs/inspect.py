"""tsrnn inspect CKPT: what a checkpoint holds, as YAML."""

from __future__ import annotations

import sys
from typing import Any

import yaml

from tsrnn.checkpoints.paths import checkpoint_path
from tsrnn.checkpoints.reading import read_checkpoint
from tsrnn.cli.parser import LineParser

_MOST_ENTRIES = 8
_MOST_CHARACTERS = 200


def run(verb: str, arguments: list[str]) -> int:
    """Print the model, the data's span and hash, the number of parameters and the scores.

    Nothing of the model is built, so a checkpoint with a custom cell needs no import.
    """
    parser = LineParser(prog=f"tsrnn {verb}", description="What a checkpoint holds, as YAML.")
    parser.add_argument("checkpoint", metavar="CKPT", help="a checkpoint, or the folder of a run")
    path = checkpoint_path(parser.parse(arguments).checkpoint)
    checkpoint = read_checkpoint(path)
    contents = checkpoint.contents
    # Tied weights are in the file once, under two names.
    tensors = {tensor.data_ptr(): tensor.numel() for tensor in checkpoint.weights.values()}
    page = {
        "checkpoint": str(path),
        "tsrnn": contents["version"],
        "task": contents["task"],
        "parameters": sum(tensors.values()),
        "scores": {name: round(value, 6) for name, value in contents["metrics"].items()},
        "data": _short(contents["data"]),
        "settings": contents["settings"],
        "cpu": contents["cpu"],
        "model": _short(contents["model"]),
    }
    yaml.safe_dump(page, sys.stdout, sort_keys=False, allow_unicode=True, default_flow_style=None, width=100)
    return 0


def _short(value: Any) -> Any:
    """The description without the bulk of what is long: a vocabulary, a tokenizer's tables."""
    if isinstance(value, dict):
        return {key: _short(item) for key, item in value.items()}
    if isinstance(value, list) and len(value) > _MOST_ENTRIES:
        return [*value[:_MOST_ENTRIES], f"... {len(value) - _MOST_ENTRIES} more"]
    if isinstance(value, str) and len(value) > _MOST_CHARACTERS:
        return f"{value[:_MOST_CHARACTERS]}... {len(value) - _MOST_CHARACTERS} more characters"
    return value
