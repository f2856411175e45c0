"""What `tsrnn classify` can be told."""

from __future__ import annotations

import argparse

from tsrnn.cli.parser import LineParser, add_checkpoint, check_checkpoint
from tsrnn.errors import ConfigError
from tsrnn.files import existing


def parser(verb: str) -> LineParser:
    """The parser of the verb."""
    made = LineParser(
        verb,
        "The class of each text, and the probability of each class.",
        'tsrnn classify runs/latest "a fine film"',
    )
    add_checkpoint(made)
    made.add_argument("texts", metavar="TEXT", nargs="*", help="each is classified by itself")
    made.add_argument("--file", help="a text a line; - reads standard input")
    return made


def check(options: argparse.Namespace) -> None:
    """Look for the files, and at what does not go together.

    Raises:
        TsrnnError: in one line.
    """
    if bool(options.texts) == (options.file is not None):
        raise ConfigError("give texts or --file FILE" + (": one of them" if options.file else ""))
    check_checkpoint(options)
    if options.file not in (None, "-"):
        existing(options.file)
