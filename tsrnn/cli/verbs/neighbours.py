"""tsrnn neighbours CKPT WORD: the words whose vectors are most alike."""

from __future__ import annotations

import argparse

from tsrnn.cli.checkpoints import load_language_model
from tsrnn.cli.output import show
from tsrnn.evaluation import neighbours


def run(options: argparse.Namespace) -> int:
    """Print the nearest words, by the cosine of their vectors."""
    model = load_language_model(options.checkpoint, options.modules).model
    nearest_words = neighbours(model, options.word, options.count)
    columns = {
        "word": [word for word, _ in nearest_words],
        "cosine": [f"{cosine:.4f}" for _, cosine in nearest_words],
    }
    show(columns, f"nearest to {options.word}")
    return 0
