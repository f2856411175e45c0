"""What `tsrnn generate` can be told."""

from __future__ import annotations

import argparse
import math

from tsrnn.cli.parser import LineParser, add_checkpoint, check_checkpoint, not_negative, positive
from tsrnn.errors import ConfigError


def parser(verb: str) -> LineParser:
    """The parser of the verb."""
    made = LineParser(
        verb,
        "A text that continues a prompt. Words of the prompt that the model does not know "
        "are read as <unk>, with a warning; a prompt without a known word is an error.",
        'tsrnn generate runs/latest "The class" --words 40 --temperature 0.8',
    )
    add_checkpoint(made)
    made.add_argument(
        "prompt", metavar="PROMPT", nargs="?", default="", help="default: the beginning of a sentence"
    )
    made.add_argument("--words", type=positive, default=100, help="how many, the ends of sentences counted")
    made.add_argument("--temperature", type=not_negative, default=1.0, help="divides the logits")
    made.add_argument("--greedy", action="store_true", help="always the most probable word: temperature 0")
    made.add_argument("--top-k", type=positive, help="draw among the k most probable words")
    made.add_argument("--top-p", type=_share, help="draw among the fewest words with probability p together")
    made.add_argument("--samples", type=positive, default=1, help="how many texts are drawn")
    made.add_argument(
        "--beam",
        type=positive,
        metavar="W",
        help="search for the best sentences with a beam of width W; 1 finds that of --greedy --sentence",
    )
    made.add_argument(
        "--length-penalty",
        type=not_negative,
        default=1.0,
        metavar="A",
        help="of --beam: n words are ranked by log p / n^A; 0: by log p, which favours short sentences",
    )
    made.add_argument("--seed", type=int, default=0, help="the same seed draws the same text")
    made.add_argument("--sentence", action="store_true", help="stop at the sentence's end")
    made.add_argument("--allow-unknown", action="store_true", help="<unk> may be drawn")
    return made


def check(options: argparse.Namespace) -> None:
    """Look for the checkpoint, and at what does not go together.

    Raises:
        TsrnnError: in one line.
    """
    check_checkpoint(options)
    if options.greedy and options.temperature != 1:
        raise ConfigError("--greedy is temperature 0: leave --temperature out")
    plain = not options.greedy and options.temperature == 1 and options.top_k is None
    if options.beam is not None and not (plain and options.top_p in (None, 1) and options.samples == 1):
        drawing = "--greedy, --temperature, --top-k, --top-p and --samples"
        raise ConfigError(f"--beam draws nothing: leave {drawing} out")
    if options.beam is None and options.length_penalty != 1:
        raise ConfigError("--length-penalty ranks the sentences of --beam: give --beam W too")
    if options.samples > 1 and (options.greedy or options.temperature == 0):
        raise ConfigError("the greedy text is always the same: leave --samples out")


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"must be above 0 and at most 1, not {text}")
    return value
