"""tsrnn inspect CKPT: what a checkpoint holds, as YAML."""

from __future__ import annotations

import sys

import yaml

from tsrnn.cli.parser import LineParser
from tsrnn.training.loading import checkpoint_path, read_checkpoint


def run(verb: str, arguments: list[str]) -> int:
    """Print the model, the data's span and hash, the number of parameters and the scores.

    Nothing of the model is built, so a checkpoint with a cell of one's own needs no import.
    """
    parser = LineParser(prog=f"tsrnn {verb}", description="What a checkpoint holds, as YAML.")
    parser.add_argument("checkpoint", metavar="CKPT", help="a checkpoint, or the folder of a run")
    path = checkpoint_path(parser.parse(arguments).checkpoint)
    checkpoint = read_checkpoint(path)
    contents = checkpoint["tsrnn"]
    page = {
        "checkpoint": str(path),
        "tsrnn": contents["version"],
        "task": contents["task"],
        "parameters": sum(tensor.numel() for tensor in checkpoint["state_dict"].values()),
        "scores": {name: round(value, 6) for name, value in contents["metrics"].items()},
        "data": contents["data"],
        "settings": contents["settings"],
        "model": contents["model"],
    }
    yaml.safe_dump(page, sys.stdout, sort_keys=False, allow_unicode=True, default_flow_style=None, width=100)
    return 0
