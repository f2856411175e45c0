"""What `tsrnn forecast` can be told."""

from __future__ import annotations

import argparse

from tsrnn.cli.parser import LineParser, add_checkpoint, check_checkpoint, positive
from tsrnn.errors import ConfigError
from tsrnn.files import existing

READING = ("column", "symbols", "on_missing", "decimal", "thousands", "dates", "on_units", "comment")
"""The options that are arguments of `read_prices`."""


def parser(verb: str) -> LineParser:
    """The parser of the verb."""
    made = LineParser(
        verb,
        "Sampled paths of each series beyond its last time step: a table, a CSV and a picture.",
        "tsrnn forecast runs/latest --horizon 20 --levels 80 95",
    )
    add_checkpoint(made)
    made.add_argument(
        "file", metavar="FILE", nargs="?", help="prices to forecast from; default: those in CKPT"
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
    made.add_argument("--column", help="the column of the price in FILE")
    made.add_argument("--symbols", nargs="+", help="the symbols to take from FILE; default: all")
    made.add_argument(
        "--on-missing", choices=("error", "drop"), default="error", help="at a missing price in FILE"
    )
    made.add_argument("--calendar", default="auto", help="of FILE: auto, XNYS, week, 24/7, none, ...")
    made.add_argument(
        "--decimal", choices=(".", ","), default=".", help="the mark before decimals in a FILE of CSV"
    )
    made.add_argument(
        "--thousands", choices=(",", ".", " ", "'"), help="the mark between thousands there; default: none"
    )
    made.add_argument(
        "--dates",
        choices=("auto", "epoch", "dmy", "mdy"),
        default="auto",
        help="of FILE: day or month first, or seconds since 1970",
    )
    made.add_argument(
        "--on-units", choices=("error", "drop"), default="error", help="at a currency sign in FILE"
    )
    made.add_argument("--comment", help="what begins a line to skip in a FILE of CSV, such as #")
    return made


def check(options: argparse.Namespace) -> None:
    """Look for the files.

    Raises:
        TsrnnError: if one is not there, or an option is about a file and none is named.
    """
    check_checkpoint(options)
    if options.file is not None:
        existing(options.file)
        return
    for name in (*READING, "calendar"):
        if getattr(options, name) != parser(options.verb).get_default(name):
            raise ConfigError(f"--{name.replace('_', '-')} is about a FILE, and none is named")


def _level(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not between 0 and 100 percent")
    return value
