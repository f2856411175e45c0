"""Texts from a language model: drawn word by word, or the most probable one that a beam search finds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from tsrnn.errors import ConfigError
from tsrnn.heads.categorical import CategoricalDistribution, LinearCategorical
from tsrnn.models import AutoregressiveModel, vocabulary_of
from tsrnn.models.autoregressive import ModelState
from tsrnn.ops import state as state_ops
from tsrnn.protocols import Context

_CHUNK_LENGTH = 512
"""Words of a prompt that are read at once."""

_PLAIN_DRAWS = 16
"""Draws that may be `<unk>` before its probability is taken out of the distribution instead."""


@dataclass(frozen=True)
class Decoding:
    """How the next word is drawn from the model's distribution.

    Args:
        temperature: logits are divided by it; 1 is the model's own distribution, 0 always takes the most
            probable word.
        top_k: draw among the k most probable words alone (Fan, Lewis and Dauphin 2018, section 5.4);
            None: among all.
        top_p: draw among the fewest words whose probabilities reach p together, the nucleus (Holtzman
            et al. 2020, section 3.1), after temperature and top_k; None: among all.
        allow_unknown: whether `<unk>` may be drawn.

    Raises:
        ConfigError: for a value out of range.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    allow_unknown: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < math.inf:
            raise ConfigError(f"temperature must be 0 or more, not {self.temperature}")
        if self.top_k is not None and self.top_k < 1:
            raise ConfigError(f"top_k must be at least 1, not {self.top_k}")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise ConfigError(f"top_p must be above 0 and at most 1, not {self.top_p}")

    @property
    def is_plain(self) -> bool:
        """Whether words are drawn from the model's own distribution."""
        return self.temperature == 1 and self.top_k is None and self.top_p in (None, 1)


class Hypothesis(NamedTuple):
    """A continuation that a beam search found.

    Attributes:
        ids: its words, `<eos>` included where the sentence ended.
        log_prob: the log probability of all of them given the prompt, in nats: the chain rule's sum.
    """

    ids: list[int]
    log_prob: float


def restrict(
    scores: Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    banned: int | None = None,
) -> CategoricalDistribution:
    """The distribution over the words that remain, their probabilities in the old proportions.

    Args:
        scores: (..., V) log probabilities, or logits: a constant added to all of them changes nothing.
        temperature: see `Decoding`; 0 leaves the most probable word alone.
        top_k: exactly k words remain; of equally probable words at the boundary any may be left out.
        top_p: the fewest words whose mass, after temperature and top_k, reaches p remain.
        banned: the id of a word that gets probability 0 before anything else; None: no word.
    """
    scores = scores / (temperature or 1.0)  # a new tensor, which may be written to
    if banned is not None:
        scores[..., banned] = -math.inf
    if temperature == 0:
        top_k = 1
    top_p = None if top_p == 1 else top_p
    if top_k is None and top_p is None:
        return CategoricalDistribution(scores)
    kept, ids = scores.topk(min(top_k or scores.shape[-1], scores.shape[-1]), dim=-1)
    if top_p is not None:
        probability = kept.double().softmax(-1)
        mass_before = probability.cumsum(-1) - probability
        kept = kept.masked_fill(mass_before >= top_p, -math.inf)
    return CategoricalDistribution(torch.full_like(scores, -math.inf).scatter(-1, ids, kept))


def generate(
    model: AutoregressiveModel,
    prompt_ids: Sequence[int],
    words: int,
    decoding: Decoding | None = None,
    *,
    generator: torch.Generator | None = None,
    stop_at_end: bool = False,
    context: Context | None = None,
) -> Iterator[int]:
    """Words that continue a prompt, one after another as they are drawn; O(1) each.

    Args:
        model: a language model on the CPU, in evaluation mode.
        prompt_ids: what is read before, from a fresh state; empty: the beginning of a sentence.
        words: how many words, `<eos>` counted.
        decoding: how they are drawn; None: from the model's own distribution, without `<unk>`.
        generator: the source of randomness; None for torch's own.
        stop_at_end: end after the first `<eos>`.
        context: one row; `known` is of the prompt's words and then of those to come.

    Returns:
        An iterator over token ids.

    Raises:
        ConfigError: at once, if words is negative or the model is not one of words.
    """
    vocabulary = vocabulary_of(model)
    if words < 0:
        raise ConfigError(f"the number of words must not be negative, as {words} is")
    decoding = decoding or Decoding()
    last = vocabulary.end_of_sentence if stop_at_end else None
    unknown = None if decoding.allow_unknown else vocabulary.unknown
    sampler = _Sampler(model, decoding, unknown, generator)

    def stream() -> Iterator[int]:
        prepared = _prepared(model, context)
        state, token = _read(model, prompt_ids, prepared), None
        for place in range(len(prompt_ids), len(prompt_ids) + words):
            token, state = sampler.next_word(token, state, prepared.steps(place, place + 1))
            word = int(token)
            yield word
            if word == last:
                return

    return stream()


class _Sampler:
    """What draws word after word."""

    def __init__(
        self,
        model: AutoregressiveModel,
        decoding: Decoding,
        unknown: int | None,
        generator: torch.Generator | None,
    ) -> None:
        self._model, self._decoding = model, decoding
        self._unknown, self._generator = unknown, generator
        self._weight: Tensor | None = None
        self._weight_HV = torch.empty(0)

    @torch.inference_mode()
    def next_word(
        self, token: Tensor | None, state: ModelState, context: Context
    ) -> tuple[Tensor, ModelState]:
        """The next word (1,) and the state that awaits it."""
        distribution: Any
        distribution, state = self._model.step(token, state, context)
        if isinstance(distribution, LinearCategorical):
            distribution = CategoricalDistribution(self._logits(distribution))
        return self._draw(distribution), state

    def _logits(self, distribution: LinearCategorical) -> Tensor:
        # One row of features times (V, H) is a dot product for each word, which a processor does in about
        # twice the time of the same product with (H, V).
        if distribution.weight is not self._weight:
            self._weight, self._weight_HV = distribution.weight, distribution.weight.t().contiguous()
        return torch.addmm(distribution.bias, distribution.features, self._weight_HV)

    def _draw(self, distribution: Any) -> Tensor:
        decoding = self._decoding
        if decoding.is_plain:
            # To draw again until it is another word is to draw from the distribution without that word,
            # and needs no look at all words, which an adaptive softmax never has together.
            for _ in range(_PLAIN_DRAWS):
                drawn: Tensor = distribution.sample(self._generator)
                if int(drawn) != self._unknown:
                    return drawn
        scores = _scores(distribution)
        if decoding.temperature == 0:
            return restrict(scores, banned=self._unknown).logits.argmax(-1)
        kept = restrict(scores, decoding.temperature, decoding.top_k, decoding.top_p, self._unknown)
        return kept.sample(self._generator)


@torch.inference_mode()
def _prepared(model: AutoregressiveModel, context: Context | None) -> Context:
    return model.prepare(context)


@torch.inference_mode()
def _read(model: AutoregressiveModel, prompt_ids: Sequence[int], context: Context) -> ModelState:
    """The state after a prompt, for one row."""
    state = model.initial_state(1, context=context)
    prompt = torch.as_tensor(prompt_ids, dtype=torch.int64).view(1, -1)
    for start in range(0, prompt.shape[1], _CHUNK_LENGTH):
        chunk = prompt[:, start : start + _CHUNK_LENGTH]
        state = model.read(chunk, state, context.steps(start, start + chunk.shape[1]))
    return state


@torch.inference_mode()
def beam_search(
    model: AutoregressiveModel,
    prompt_ids: Sequence[int],
    words: int,
    *,
    width: int,
    length_penalty: float = 0.0,
    allow_unknown: bool = False,
    context: Context | None = None,
) -> list[Hypothesis]:
    """The most probable continuations that a beam of `width` finds, best first, `width` at most.

    A continuation ends at `<eos>` or after `words` words. They are compared by log p / lp(n) for n words,

        lp(n) = ((5 + n) / 6)^α,   α = length_penalty,

    (Wu et al. 2016, equation 14). With α = 0 that is the log probability, which favours short ones. The
    search ends early only when nothing better can come.

    Args:
        model: a language model on the CPU, in evaluation mode.
        prompt_ids: what is read before, from a fresh state; empty: the beginning of a sentence.
        words: the longest continuation, at least 1.
        width: how many unfinished continuations are kept. With V^words of them the search is exact.
        length_penalty: α, at least 0.
        allow_unknown: whether `<unk>` may occur.
        context: one row; `known` is of the prompt's words and then of those to come.

    Raises:
        ConfigError: for a value out of range, or if the model is not one of words.
    """
    vocabulary = vocabulary_of(model)
    if words < 1 or width < 1:
        raise ConfigError(f"a beam search needs words and a width of at least 1, not {words} and {width}")
    if not 0 <= length_penalty < math.inf:
        raise ConfigError(f"length_penalty must be 0 or more, not {length_penalty}")
    unknown = None if allow_unknown else vocabulary.unknown

    def rank(log_prob: float, length: int) -> float:
        return log_prob / math.pow((5 + length) / 6, length_penalty)

    finished: list[tuple[float, Hypothesis]] = []
    distribution: Any
    prepared = model.prepare(context)
    state, tokens = _read(model, prompt_ids, prepared), None
    ids = torch.empty(1, 0, dtype=torch.int64)
    log_prob = torch.zeros(1, dtype=torch.float64)
    for length in range(1, words + 1):
        place = len(prompt_ids) + length - 1
        distribution, state = model.step(tokens, state, prepared.steps(place, place + 1))
        totals = log_prob.unsqueeze(1) + distribution.log_probs().double()
        if unknown is not None:
            totals[:, unknown] = -math.inf
        # At most one candidate of each row ends: among twice the width enough remain unfinished.
        log_prob, flat = totals.view(-1).topk(min(2 * width, totals.numel()))
        possible = log_prob > -math.inf
        log_prob, flat = log_prob[possible], flat[possible]
        rows, tokens = flat // totals.shape[1], flat % totals.shape[1]
        ids = torch.cat([ids.index_select(0, rows), tokens.unsqueeze(1)], dim=1)
        ends = (tokens == vocabulary.end_of_sentence) | (length == words)
        finished += [
            (rank(total, length), Hypothesis(words_, total))
            for words_, total in zip(ids[ends].tolist(), log_prob[ends].tolist(), strict=True)
        ]
        finished = sorted(finished, key=lambda entry: -entry[0])[:width]
        going_on = (~ends).nonzero().squeeze(1)[:width]
        if len(going_on) == 0:
            break
        # log p only falls as words are added, and lp only rises.
        if len(finished) == width and finished[-1][0] >= rank(float(log_prob[going_on[0]]), words):
            break
        ids, log_prob, tokens = ids[going_on], log_prob[going_on], tokens[going_on]
        state = state_ops.select(state, rows[going_on])
        prepared = state_ops.select(prepared, rows[going_on])
    return [hypothesis for _, hypothesis in finished]


def _scores(distribution: Any) -> Tensor:
    """Logits where the distribution holds them: they save a log-softmax over all words."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.logits
    scores: Tensor = distribution.log_probs()
    return scores
