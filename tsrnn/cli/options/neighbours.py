"""What `tsrnn neighbours` can be told."""

from __future__ import annotations

from tsrnn.cli.parser import LineParser, add_checkpoint, check_checkpoint, positive

check = check_checkpoint


def parser(verb: str) -> LineParser:
    """The parser of the verb."""
    made = LineParser(
        verb, "The words most like one, by their vectors' cosine.", "tsrnn neighbours runs/latest class"
    )
    add_checkpoint(made)
    made.add_argument("word", metavar="WORD", help="as the vocabulary has it")
    made.add_argument("--count", type=positive, default=10, help="how many")
    return made
