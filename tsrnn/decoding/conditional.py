"""Texts for sources: sentences translated, vectors described, classes told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tsrnn.codecs import Vocabulary
from tsrnn.conditioning import Attention, Both, Conditioning
from tsrnn.data.loaders.pairs import Rows
from tsrnn.data.pairs.sentences import sentence_ids
from tsrnn.decoding.beam import Hypothesis, beam_search_rows
from tsrnn.encoders import VectorEncoder
from tsrnn.errors import ConfigError, DataError
from tsrnn.models import EncoderDecoder, SequenceToVector, vocabulary_of

_ROWS = 128
"""Sources that are read together."""


@torch.inference_mode()
def translate(
    model: EncoderDecoder,
    sentences: Sequence[str],
    *,
    beam: int = 1,
    length_penalty: float = 1.0,
    maximum_length: int = 100,
) -> list[str]:
    """The best target of each sentence that a beam search finds, in their order.

    Args:
        model: text to text, in evaluation mode.
        sentences: texts of the source.
        beam: hypotheses that are kept; 1 takes the most probable word each time.
        length_penalty: α of the score log p / n^α of n words.
        maximum_length: words of a target at most, `<eos>` counted.

    Raises:
        DataError: if a sentence is empty.
        ConfigError: if the model does not read text, or for a value out of range.
    """
    vocabulary = model.source_codec
    if not isinstance(vocabulary, Vocabulary):
        raise ConfigError("the model does not read text: it cannot translate")
    texts = [""] * len(sentences)
    for places, source, lengths in _batches(vocabulary, sentences):
        found = beam_search_rows(
            model.decoder,
            model.context(source.to(_device(model)), lengths),
            maximum_length,
            width=beam,
            length_penalty=length_penalty,
        )
        for place, hypotheses in zip(places, found, strict=True):
            texts[place] = text_of(model, hypotheses[0])
    return texts


@torch.inference_mode()
def caption(
    model: EncoderDecoder,
    vectors: npt.ArrayLike,
    *,
    beam: int = 1,
    length_penalty: float = 1.0,
    maximum_length: int = 100,
) -> list[str]:
    """The best text for each vector that a beam search finds.

    Args:
        model: vector to text, in evaluation mode.
        vectors: (N, F).
        beam, length_penalty, maximum_length: see `translate`.

    Raises:
        DataError: if a vector has another length, or a number that is missing.
        ConfigError: if the model does not read vectors, or for a value out of range.
    """
    encoder = model.encoder
    if not isinstance(encoder, VectorEncoder):
        raise ConfigError("the model does not read vectors: it cannot describe them")
    rows = np.atleast_2d(np.asarray(vectors, dtype=np.float32))
    if rows.shape[1] != encoder.input_size:
        raise DataError(f"a vector has {rows.shape[1]} numbers, where the model reads {encoder.input_size}")
    if not np.isfinite(rows).all():
        row = int(np.flatnonzero(~np.isfinite(rows).all(1))[0])
        raise DataError(f"vector {row + 1} has a number that is missing or infinite")
    texts = []
    for start in range(0, len(rows), _ROWS):
        source = torch.from_numpy(rows[start : start + _ROWS]).to(_device(model))
        found = beam_search_rows(
            model.decoder, model.context(source), maximum_length, width=beam, length_penalty=length_penalty
        )
        texts += [text_of(model, hypotheses[0]) for hypotheses in found]
    return texts


@torch.inference_mode()
def classify(model: SequenceToVector, texts: Sequence[str]) -> Tensor:
    """The probability of each class for each text, (N, K), classes in the order of `model.labels`.

    Args:
        model: text to class, in evaluation mode.
        texts: N.

    Raises:
        DataError: if a text is empty.
        ConfigError: if the model does not classify texts.
    """
    if not isinstance(model.codec, Vocabulary) or model.labels is None:
        raise ConfigError("the model does not classify texts")
    probabilities = torch.empty(len(texts), len(model.labels))
    for places, source, lengths in _batches(model.codec, texts):
        distribution: Any = model(source.to(_device(model)), lengths)
        probabilities[places] = distribution.log_probs().exp().cpu()
    return probabilities


@torch.inference_mode()
def attention_map(model: EncoderDecoder, source: str, target: str) -> tuple[Tensor, list[str], list[str]]:
    """How much of each token of the source each token of the target reads, teacher-forced.

    Args:
        model: text to text, with attention.
        source: a sentence.
        target: its translation.

    Returns:
        (T, S) weights, rows that add up to 1; the T tokens of the target and the S of the source.

    Raises:
        ConfigError: if the model has no attention.
    """
    attention = _attention(model.decoder.conditioning)
    vocabulary, own = model.source_codec, vocabulary_of(model.decoder)
    if attention is None or not isinstance(vocabulary, Vocabulary):
        raise ConfigError("the model has no attention over a text: there is no map of it")
    source_ids, ids = sentence_ids(vocabulary, source), sentence_ids(own, target)
    context = model.context(source_ids.unsqueeze(0))
    weights: list[Tensor] = []
    hook = attention.weights.register_forward_hook(lambda module, given, found: weights.append(found[0]))
    try:
        model.decoder.log_prob(ids.unsqueeze(0), context=context)
    finally:
        hook.remove()
    return torch.cat(weights), own.words(ids), vocabulary.words(source_ids)


def text_of(model: EncoderDecoder, hypothesis: Hypothesis) -> str:
    """What a hypothesis says, without its end."""
    vocabulary = vocabulary_of(model.decoder)
    ids = [word for word in hypothesis.ids if word != vocabulary.end_of_sentence]
    return vocabulary.tokenizer.join(vocabulary.words(torch.tensor(ids, dtype=torch.int64))).strip()


def _attention(conditioning: Conditioning | None) -> Attention | None:
    if isinstance(conditioning, Both):
        return _attention(conditioning.first) or _attention(conditioning.second)
    return conditioning if isinstance(conditioning, Attention) else None


def _batches(vocabulary: Vocabulary, texts: Sequence[str]) -> list[tuple[list[int], Tensor, Tensor]]:
    """Texts of like lengths together: their places, token ids (B, S) and lengths (B,)."""
    for number, text in enumerate(texts, 1):
        if not text.strip():
            raise DataError(f"text {number} is empty")
    rows = [sentence_ids(vocabulary, text) for text in texts]
    order = sorted(range(len(rows)), key=lambda place: len(rows[place]))
    batches = []
    for start in range(0, len(order), _ROWS):
        places = order[start : start + _ROWS]
        batches.append(
            (places, *Rows.of([rows[place] for place in places]).padded(torch.arange(len(places))))
        )
    return batches


def _device(model: torch.nn.Module) -> torch.device:
    return next(model.parameters()).device
