"""Texts from a language model, drawn word by word."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tsrnn.decoding.prompt import read_prompt
from tsrnn.errors import ConfigError
from tsrnn.heads.categorical import CategoricalDistribution, LinearCategorical
from tsrnn.models import AutoregressiveModel, vocabulary_of
from tsrnn.models.autoregressive import ModelState
from tsrnn.protocols import Context

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
        state, prepared = read_prompt(model, prompt_ids, context)
        token = None
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


def _scores(distribution: Any) -> Tensor:
    """Logits where the distribution holds them: they save a log-softmax over all words."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.logits
    scores: Tensor = distribution.log_probs()
    return scores
