"""What `tsrnn score` can be told."""

from __future__ import annotations

import argparse

from tsrnn.cli.parser import LineParser, add_checkpoint, check_checkpoint
from tsrnn.errors import ConfigError
from tsrnn.files import existing


def parser(verb: str) -> LineParser:
    """The parser of the verb."""
    made = LineParser(
        verb,
        "Log-probabilities in nats of words, sentences and texts, the sentence's end included.",
        'tsrnn score runs/latest "The class is an object." --compare "class The is object an."',
    )
    add_checkpoint(made)
    made.add_argument("sentences", metavar="SENTENCE", nargs="*", help="each is scored by itself")
    made.add_argument(
        "--file", help="its sentences, found as in training, each scored by itself; - reads standard input"
    )
    made.add_argument("--compare", action="store_true", help="the sentences, the most probable first")
    made.add_argument("--stream", metavar="FILE", help="one running text; - reads standard input")
    return made


def check(options: argparse.Namespace) -> None:
    """Look for the files, and at what does not go together.

    Raises:
        TsrnnError: in one line.
    """
    given = [bool(options.sentences), options.file is not None, options.stream is not None]
    if sum(given) != 1:
        raise ConfigError(
            "give sentences, --file FILE or --stream FILE" + (": one of them" if any(given) else "")
        )
    if options.compare and options.stream is not None:
        raise ConfigError("--compare is about sentences: use --file instead of --stream")
    check_checkpoint(options)
    for file in (options.file, options.stream):
        if file not in (None, "-"):
            existing(file)
