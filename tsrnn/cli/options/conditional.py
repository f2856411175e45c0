"""What `tsrnn translate` and `tsrnn caption` can be told."""

from __future__ import annotations

import argparse
from pathlib import Path

from tsrnn.cli.parser import LineParser, add_checkpoint, check_checkpoint, not_negative, positive
from tsrnn.errors import ConfigError
from tsrnn.files import existing

_WHAT = {
    "translate": "The best translation of each sentence, one a line.",
    "caption": "The best text for each vector of a file, one a line.",
}
_EXAMPLES = {
    "translate": 'tsrnn translate runs/latest "Saturday, March 3, 1984" --attention map.png',
    "caption": "tsrnn caption runs/latest my_vectors.npy",
}


def parser(verb: str) -> LineParser:
    """The parser of a verb."""
    made = LineParser(verb, _WHAT[verb], _EXAMPLES[verb])
    add_checkpoint(made)
    if verb == "translate":
        made.add_argument("sentences", metavar="SENTENCE", nargs="*", help="in the language of the source")
        made.add_argument("--file", help="a sentence a line; - reads standard input")
        made.add_argument("--attention", metavar="PNG", help="draw what was read for each word")
    else:
        made.add_argument(
            "file", metavar="FILE", help="a matrix (.npy), or a table of numbers (.csv, .tsv, Parquet)"
        )
        made.add_argument(
            "--text-column", default="text", help="a column of the table that holds texts, and is left out"
        )
    made.add_argument(
        "--beam", type=positive, metavar="W", help="hypotheses kept; 1: greedy; default: as trained"
    )
    made.add_argument(
        "--length-penalty",
        type=not_negative,
        metavar="A",
        help="n words are ranked by log p / n^A; default: as trained",
    )
    return made


def check(options: argparse.Namespace) -> None:
    """Look for the files, and at what does not go together.

    Raises:
        TsrnnError: in one line.
    """
    if options.verb == "translate":
        if bool(options.sentences) == (options.file is not None):
            raise ConfigError("give sentences or --file FILE" + (": one of them" if options.file else ""))
        if options.attention is not None and len(options.sentences) != 1:
            raise ConfigError("--attention draws one sentence: give one")
        if options.attention is not None:
            existing(Path(options.attention).parent, "folder")
    check_checkpoint(options)
    if options.file not in (None, "-"):
        existing(options.file)
