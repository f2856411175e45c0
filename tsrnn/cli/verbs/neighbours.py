"""tsrnn neighbours CKPT WORD: the words whose vectors are most alike."""

from __future__ import annotations

import pandas as pd

from tsrnn.cli.checkpoints import load_language_model
from tsrnn.cli.output import one_line_warnings, show
from tsrnn.cli.parser import LineParser, add_checkpoint, positive
from tsrnn.evaluation import neighbours


def run(verb: str, arguments: list[str]) -> int:
    """Print the nearest words, by the cosine of their vectors."""
    parser = LineParser(
        prog=f"tsrnn {verb}", description="The words most like one, by their vectors' cosine."
    )
    add_checkpoint(parser)
    parser.add_argument("word", metavar="WORD", help="as the vocabulary has it")
    parser.add_argument("--count", type=positive, default=10, help="how many")
    options = parser.parse(arguments)
    with one_line_warnings():
        model = load_language_model(options.checkpoint, options.modules).model
        nearest_words = neighbours(model, options.word, options.count)
    frame = pd.DataFrame(nearest_words, columns=["word", "cosine"])
    frame["cosine"] = [f"{cosine:.4f}" for cosine in frame["cosine"]]
    show(frame, f"nearest to {options.word}")
    return 0
