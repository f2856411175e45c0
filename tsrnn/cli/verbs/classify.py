"""tsrnn classify CKPT "a text": the class of each text, with its probability."""

from __future__ import annotations

import argparse

import torch

from tsrnn.cli.checkpoints import load_classifier
from tsrnn.cli.output import show
from tsrnn.cli.texts import texts_of
from tsrnn.codecs import Vocabulary
from tsrnn.decoding import classify


def run(options: argparse.Namespace) -> int:
    """Classify texts."""
    torch.set_num_threads(options.threads)
    model = load_classifier(options.checkpoint, options.modules)
    vocabulary, labels = model.codec, model.labels or []
    assert isinstance(vocabulary, Vocabulary)
    texts = texts_of(options.texts, options.file, vocabulary)
    probabilities = classify(model, texts)
    classes = [labels[place] for place in probabilities.argmax(1).tolist()]
    columns = {"text": texts, "class": classes}
    for label, shares in zip(labels, probabilities.T.tolist(), strict=True):
        columns[f"p({label})"] = [f"{share:.4f}" for share in shares]
    show(columns, "class of each text, and the probability of each class")
    return 0
