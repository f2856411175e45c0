"""What `tsrnn forecast` can be told."""

from __future__ import annotations

import argparse

from tsrnn.cli.parser import (
    LineParser,
    add_checkpoint,
    add_reading,
    check_checkpoint,
    check_file,
    positive,
)


def parser(verb: str) -> LineParser:
    """The parser of the verb."""
    made = LineParser(
        verb,
        "Sampled paths of each series beyond its last time step: a table, a CSV and a picture.",
        "tsrnn forecast runs/latest --horizon 20 --levels 80 95",
    )
    add_checkpoint(made)
    made.add_argument(
        "file", metavar="FILE", nargs="?", help="prices or series to forecast from; default: those in CKPT"
    )
    made.add_argument(
        "--horizon", type=positive, help="time steps ahead; default: those that CKPT was trained for"
    )
    made.add_argument(
        "--levels", type=_level, nargs="+", default=[80, 95], help="central intervals, in percent"
    )
    made.add_argument(
        "--conformal",
        choices=("split", "rolling"),
        help="correct the intervals by their coverage in the time steps that the model has not seen",
    )
    made.add_argument("--paths", type=positive, default=1000, help="sampled paths a series")
    made.add_argument("--seed", type=int, default=0, help="of the paths")
    made.add_argument(
        "--past", type=int, default=5, help="origins in the test span to draw in the picture as well"
    )
    made.add_argument("--out", help="a folder for forecast.csv and forecast.png; default: a new one in runs/")
    add_reading(made)
    return made


def check(options: argparse.Namespace) -> None:
    """Look for the files.

    Raises:
        TsrnnError: if one is not there, or an option is about a file and none is named.
    """
    check_checkpoint(options)
    check_file(options)


def _level(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not between 0 and 100 percent")
    return value
