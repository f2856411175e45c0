"""tsrnn score CKPT "a sentence": what a language model says of sentences and texts."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence

import torch

from tsrnn.cli.checkpoints import load_language_model
from tsrnn.cli.output import say, show
from tsrnn.cli.texts import lines_of, unknown_words, warn_of_unknown
from tsrnn.codecs import Vocabulary
from tsrnn.codecs.sentences import sentences_in
from tsrnn.errors import DataError
from tsrnn.evaluation import SentenceScore, rank_sentences, score_sentences, score_stream
from tsrnn.models import AutoregressiveModel, vocabulary_of


def run(options: argparse.Namespace) -> int:
    """Score sentences one by one, or a file as one running text."""
    torch.set_num_threads(options.threads)
    model = load_language_model(options.checkpoint, options.modules).model
    if options.stream is not None:
        _stream(model, options.stream)
        return 0
    vocabulary = vocabulary_of(model)
    scores = score_sentences(model, _sentences(options, vocabulary))
    warn_of_unknown(unknown_words(vocabulary, (token for score in scores for token in score.tokens)))
    if options.compare:
        _table(rank_sentences(scores), "rank")
    elif options.file is not None:
        _table(scores, "number")
    else:
        for score in scores:
            _words(score)
    return 0


def _sentences(options: argparse.Namespace, vocabulary: Vocabulary) -> list[str]:
    if options.file is None:
        return list(options.sentences)
    found = sentences_in(lines_of(options.file, vocabulary), vocabulary.sentences)
    sentences = [sentence for sentence in found if sentence.strip()]
    if not sentences:
        raise DataError("there is no sentence", path=options.file)
    return sentences


def _stream(model: AutoregressiveModel, file: str) -> None:
    score = score_stream(model, lines_of(file, vocabulary_of(model)))
    say("tokens", score.tokens)
    say("nats", f"{score.nats:.4f}")
    say("perplexity", f"{score.perplexity:.2f}")
    say("unknown_percent", f"{score.unknown_percent:.2f}")


def _words(score: SentenceScore) -> None:
    columns = {
        "step": range(1, len(score.tokens) + 1),
        "word": score.tokens,
        "log_prob": [f"{log_prob:.4f}" for log_prob in score.log_probs],
        "probability": [f"{math.exp(log_prob):.4g}" for log_prob in score.log_probs],
    }
    show(columns, score.sentence)
    say("log_prob", f"{score.log_prob:.4f}")
    say("perplexity", f"{score.perplexity:.2f}")


def _table(scores: Sequence[SentenceScore], count: str) -> None:
    columns = {
        count: range(1, len(scores) + 1),
        "sentence": [score.sentence for score in scores],
        "tokens": [len(score.tokens) for score in scores],
        "log_prob": [f"{score.log_prob:.4f}" for score in scores],
        "perplexity": [f"{score.perplexity:.2f}" for score in scores],
    }
    show(columns, "log-probabilities in nats, the sentence's end counted")
