"""Probabilities of sentences and of texts, in nats, by the chain rule."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch

from tsrnn.codecs import Vocabulary
from tsrnn.codecs.sentences import sentences_in
from tsrnn.codecs.tokenizers import END_OF_SENTENCE
from tsrnn.errors import ConfigError, DataError
from tsrnn.models import AutoregressiveModel, vocabulary_of


@dataclass(frozen=True)
class SentenceScore:
    """What a model says of a sentence that stands alone.

    Attributes:
        sentence: as it was given.
        tokens: its T tokens, the last `<eos>`.
        log_probs: T factors log P(w_t | w_1, ..., w_{t−1}) in nats, that of `<eos>` included.
        unknown: for each token, whether the model reads it as `<unk>`; its factor is then that of
            meeting any unknown word.
    """

    sentence: str
    tokens: tuple[str, ...]
    log_probs: tuple[float, ...]
    unknown: tuple[bool, ...]

    @property
    def log_prob(self) -> float:
        """log P(w_1, ..., w_T) = Σ_t log P(w_t | w_1, ..., w_{t−1}), in nats."""
        return math.fsum(self.log_probs)

    @property
    def perplexity(self) -> float:
        """exp(−log P / T), `<eos>` counted in T."""
        return perplexity(-self.log_prob / len(self.tokens))


@dataclass(frozen=True)
class StreamScore:
    """What a model says of a running text.

    Attributes:
        tokens: how many were scored, every line's `<eos>` counted.
        nats: mean of −log P(w_t | all before), in nats per token; less is better.
        unknown_percent: share of the tokens that the model reads as `<unk>`.
    """

    tokens: int
    nats: float
    unknown_percent: float

    @property
    def perplexity(self) -> float:
        """exp(nats)."""
        return perplexity(self.nats)


@torch.inference_mode()
def score_sentences(
    model: AutoregressiveModel, sentences: Sequence[str], batch_tokens: int = 2048
) -> list[SentenceScore]:
    """The score of each sentence by itself, read from a fresh state, in the order they were given.

    Every sentence begins as if one had just ended, and its own end is scored, so that the probabilities
    of all sentences sum to one. Sentences of similar length are read together; the model is causal, so
    padding behind a sentence changes none of its factors.

    Args:
        model: a language model on the CPU, in evaluation mode.
        sentences: texts of one line.
        batch_tokens: most tokens that are read at once: the head may write V numbers for each.

    Raises:
        DataError: if a sentence has no token, with its place, counting from 1.
        ConfigError: if batch_tokens is below 1, or the model is not one of words.
    """
    vocabulary = vocabulary_of(model)
    if batch_tokens < 1:
        raise ConfigError(f"batch_tokens must be at least 1, not {batch_tokens}")
    split = [vocabulary.tokenizer.split(sentence) for sentence in sentences]
    for number, tokens in enumerate(split, start=1):
        if not tokens:
            raise DataError(f"sentence {number} of {len(split)} has no words")
        tokens.append(END_OF_SENTENCE)
    unknown = vocabulary.unknown
    scores: dict[int, SentenceScore] = {}
    for batch in _batches([len(tokens) for tokens in split], batch_tokens):
        rows = [vocabulary.ids(split[index]) for index in batch]
        ids = torch.nn.utils.rnn.pad_sequence(
            rows, batch_first=True, padding_value=vocabulary.end_of_sentence
        )
        steps = max(batch_tokens // len(batch), 1)  # a sentence longer than batch_tokens is read in parts
        state, parts = None, []
        for start in range(0, ids.shape[1], steps):
            nats, state = model.log_prob(ids[:, start : start + steps], state)
            parts.append(nats)
        log_probs = torch.cat(parts, dim=1)
        for row, index in enumerate(batch):
            tokens = split[index]
            scores[index] = SentenceScore(
                sentences[index],
                tuple(tokens),
                tuple(log_probs[row, : len(tokens)].tolist()),
                tuple((rows[row] == unknown).tolist()) if unknown is not None else (False,) * len(tokens),
            )
    return [scores[index] for index in range(len(split))]


def score_stream(model: AutoregressiveModel, lines: Iterable[str], chunk_length: int = 2048) -> StreamScore:
    """The score of lines as one running text, the state carried from sentence to sentence.

    Sentences are found in it as in training; where each line is one, a blank one is too. Each ends in
    `<eos>`, which is scored. Of a long text only `chunk_length` tokens and one sentence are in memory.

    Args:
        model: a language model on the CPU, in evaluation mode.
        lines: the text.
        chunk_length: how many tokens are read at once; the numbers do not depend on it.

    Raises:
        DataError: if there is no line.
        ConfigError: if chunk_length is below 1, or the model is not one of words.
    """
    return score_text(model, sentences_in(lines, vocabulary_of(model).sentences), chunk_length)


@torch.inference_mode()
def score_text(model: AutoregressiveModel, sentences: Iterable[str], chunk_length: int = 2048) -> StreamScore:
    """The score of sentences as one running text: see `score_stream`, which finds them in lines."""
    vocabulary = vocabulary_of(model)
    if chunk_length < 1:
        raise ConfigError(f"chunk_length must be at least 1, not {chunk_length}")
    unknown = vocabulary.unknown
    state, tokens, unknown_tokens, nats = None, 0, 0, 0.0
    for chunk in _chunks(vocabulary, sentences, chunk_length):
        ids = vocabulary.ids(chunk)
        log_probs, state = model.log_prob(ids.unsqueeze(0), state)
        nats -= float(log_probs.double().sum())
        tokens += len(chunk)
        unknown_tokens += 0 if unknown is None else int((ids == unknown).sum())
    if tokens == 0:
        raise DataError("the text is empty: there is nothing to score")
    return StreamScore(tokens, nats / tokens, 100 * unknown_tokens / tokens)


def rank_sentences(scores: Iterable[SentenceScore]) -> list[SentenceScore]:
    """The sentences by their log probability, the most probable first; equal ones in the order given.

    Every further word makes a sentence less probable, so this is a comparison of whole sentences; to
    compare texts of different lengths, look at the perplexity.
    """
    return sorted(scores, key=lambda score: -score.log_prob)


def _chunks(vocabulary: Vocabulary, sentences: Iterable[str], chunk_length: int) -> Iterable[list[str]]:
    """The text's tokens, `chunk_length` at a time."""
    waiting: list[str] = []
    for sentence in sentences:
        waiting += [*vocabulary.tokenizer.split(sentence), END_OF_SENTENCE]
        whole = len(waiting) - len(waiting) % chunk_length
        for start in range(0, whole, chunk_length):
            yield waiting[start : start + chunk_length]
        del waiting[:whole]
    if waiting:
        yield waiting


def _batches(lengths: Sequence[int], batch_tokens: int) -> Iterable[list[int]]:
    """Places of similar lengths together, so that rows × longest row stays within batch_tokens."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: lengths[index]):
        if batch and (len(batch) + 1) * lengths[index] > batch_tokens:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def perplexity(nats: float) -> float:
    """exp(nats per token); infinite where that is beyond the numbers there are."""
    try:
        return math.exp(nats)
    except OverflowError:
        return math.inf
