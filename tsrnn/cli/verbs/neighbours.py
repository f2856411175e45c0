"""tsrnn neighbours CKPT WORD: the words whose vectors are most alike."""

from __future__ import annotations

import argparse

import pandas as pd

from tsrnn.cli.checkpoints import load_language_model
from tsrnn.cli.output import show
from tsrnn.evaluation import neighbours


def run(options: argparse.Namespace) -> int:
    """Print the nearest words, by the cosine of their vectors."""
    model = load_language_model(options.checkpoint, options.modules).model
    nearest_words = neighbours(model, options.word, options.count)
    frame = pd.DataFrame(nearest_words, columns=["word", "cosine"])
    frame["cosine"] = [f"{cosine:.4f}" for cosine in frame["cosine"]]
    show(frame, f"nearest to {options.word}")
    return 0
