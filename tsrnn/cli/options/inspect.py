"""What `tsrnn inspect` can be told."""

from __future__ import annotations

import argparse

from tsrnn.checkpoints.paths import checkpoint_path
from tsrnn.cli.parser import LineParser


def parser(verb: str) -> LineParser:
    """The parser of the verb."""
    made = LineParser(verb, "What a checkpoint holds, as YAML.", "tsrnn inspect runs/latest")
    made.add_argument("checkpoint", metavar="CKPT", help="a checkpoint, or the folder of a run")
    return made


def check(options: argparse.Namespace) -> None:
    """Look for the checkpoint.

    Raises:
        CheckpointError: if it is not there.
    """
    checkpoint_path(options.checkpoint)
