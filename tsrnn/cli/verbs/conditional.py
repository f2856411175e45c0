"""tsrnn translate CKPT "a sentence" and tsrnn caption CKPT FILE: the best text for each source."""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import Any

import torch

from tsrnn.cli.checkpoints import load_encoder_decoder
from tsrnn.cli.output import say
from tsrnn.cli.texts import texts_of
from tsrnn.codecs import Vocabulary
from tsrnn.data.pairs.vectors import read_vectors
from tsrnn.decoding import attention_map, caption, translate
from tsrnn.errors import DataWarning
from tsrnn.files import atomic_file


def run(options: argparse.Namespace) -> int:
    """Translate sentences, or describe vectors, one a line."""
    torch.set_num_threads(options.threads)
    model, settings = load_encoder_decoder(options.checkpoint, options.verb, options.modules)
    changes = {"beam": options.beam, "length_penalty": options.length_penalty}
    settings |= {name: value for name, value in changes.items() if value is not None}
    if options.verb == "caption":
        for text in caption(model, read_vectors(Path(options.file), options.text_column), **settings):
            print(text)
        return 0
    vocabulary = model.source_codec
    assert isinstance(vocabulary, Vocabulary)
    sentences = texts_of(options.sentences, options.file, vocabulary)
    written = translate(model, sentences, **settings)
    drawn = None if options.attention is None else attention_map(model, sentences[0], written[0])
    for text in written:
        print(text)
    if drawn is not None:
        _draw(*drawn, path=Path(options.attention))
    return 0


def _draw(weights: torch.Tensor, *words: list[str], path: Path) -> None:
    # Matplotlib is imported for a picture alone.
    from tsrnn.evaluation.report.attention import attention_chart, missing_glyphs

    if missing := missing_glyphs([letter for side in words for letter in side]):
        problem = f"no font here can draw {' '.join(missing[:5])}: install one that can"
        warnings.warn(DataWarning(f"{problem} (fonts-nanum for Hangul)"), stacklevel=2)
    figure: Any = attention_chart(weights, *words)
    with atomic_file(path) as partial:
        figure.savefig(partial, dpi=150, format="png")
    say("attention", path)
