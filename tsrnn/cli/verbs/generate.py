"""tsrnn generate CKPT "a prompt": a text, written word by word as it is drawn."""

from __future__ import annotations

import argparse
import sys

import torch

from tsrnn.cli.checkpoints import load_language_model
from tsrnn.cli.output import show
from tsrnn.cli.texts import listed, unknown_words, warn_of_unknown
from tsrnn.codecs import Vocabulary
from tsrnn.codecs.tokenizers import END_OF_SENTENCE
from tsrnn.decoding import Decoding, beam_search, generate
from tsrnn.errors import ConfigError
from tsrnn.models import AutoregressiveModel, vocabulary_of

_BETWEEN_TEXTS = "---"


def run(options: argparse.Namespace) -> int:
    """Continue a prompt."""
    torch.set_num_threads(options.threads)
    model = load_language_model(options.checkpoint, options.modules).model
    prompt = _prompt(vocabulary_of(model), options.prompt)
    if options.beam is None:
        _draw(model, prompt, _decoding(options), options)
    else:
        _search(model, prompt, options)
    return 0


def _decoding(options: argparse.Namespace) -> Decoding:
    temperature = 0.0 if options.greedy else options.temperature
    return Decoding(temperature, options.top_k, options.top_p, options.allow_unknown)


def _prompt(vocabulary: Vocabulary, text: str) -> list[str]:
    """The prompt's tokens; a warning names those that the model does not know, if it knows any."""
    tokens = vocabulary.prompt(text)
    unknown = unknown_words(vocabulary, tokens)
    if tokens and len(unknown) == len({*tokens} - {END_OF_SENTENCE}):
        raise ConfigError(f"no word of the prompt is in the vocabulary: {listed(unknown)}")
    if unknown:
        vocabulary.ids(unknown)  # without <unk> in the vocabulary that is an error
        warn_of_unknown(unknown)
    return tokens


def _draw(
    model: AutoregressiveModel, prompt: list[str], decoding: Decoding, options: argparse.Namespace
) -> None:
    """Write the texts, a line between two of them where each may have several."""
    generator = torch.Generator().manual_seed(options.seed)
    for number in range(options.samples):
        if number and not options.sentence:
            _put(f"{_BETWEEN_TEXTS}\n")
        _write(model, prompt, decoding, generator, options)


def _write(
    model: AutoregressiveModel,
    prompt: list[str],
    decoding: Decoding,
    generator: torch.Generator,
    options: argparse.Namespace,
) -> None:
    vocabulary = vocabulary_of(model)
    _put(vocabulary.tokenizer.join(prompt))
    previous = prompt[-1] if prompt else None
    for index in generate(
        model,
        vocabulary.ids(prompt).tolist(),
        options.words,
        decoding,
        generator=generator,
        stop_at_end=options.sentence,
    ):
        token = vocabulary.tokens[index]
        _put(vocabulary.tokenizer.piece(token, previous))
        previous = token
    if previous != END_OF_SENTENCE:
        _put("\n")


def _put(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _search(model: AutoregressiveModel, prompt: list[str], options: argparse.Namespace) -> None:
    vocabulary = vocabulary_of(model)
    found = beam_search(
        model,
        vocabulary.ids(prompt).tolist(),
        options.words,
        width=options.beam,
        length_penalty=options.length_penalty,
        allow_unknown=options.allow_unknown,
    )
    texts = [
        vocabulary.tokenizer.join([*prompt, *(vocabulary.tokens[index] for index in hypothesis.ids)])
        for hypothesis in found
    ]
    columns = {
        "rank": range(1, len(found) + 1),
        "score": [f"{hypothesis.score:.4f}" for hypothesis in found],
        "log_prob": [f"{hypothesis.log_prob:.4f}" for hypothesis in found],
        "text": [text.removesuffix("\n") for text in texts],
    }
    show(columns, "the best continuations: log p / n^A, and log p in nats given the prompt")
