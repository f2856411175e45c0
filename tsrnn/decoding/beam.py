"""The best texts of a language model that a beam search finds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from tsrnn.decoding.prompt import read_prompt
from tsrnn.errors import ConfigError
from tsrnn.models import AutoregressiveModel, vocabulary_of
from tsrnn.ops import state as state_ops
from tsrnn.protocols import Context


class Hypothesis(NamedTuple):
    """A continuation that a beam search found.

    Attributes:
        ids: its words, `<eos>` included where the sentence ended.
        log_prob: the log probability of all of them given the prompt, in nats: the chain rule's sum.
        score: what it is ranked by, log_prob / n^α for n words; with α = 1, nats per word.
    """

    ids: list[int]
    log_prob: float
    score: float


@torch.inference_mode()
def beam_search(
    model: AutoregressiveModel,
    prompt_ids: Sequence[int],
    words: int,
    *,
    width: int,
    length_penalty: float = 1.0,
    allow_unknown: bool = False,
    context: Context | None = None,
) -> list[Hypothesis]:
    """The best continuations that a beam of `width` finds, best first, `width` at most.

    A continuation ends at `<eos>`, which is one of its words, or after `words` words. With n of them its
    score is

        log p / n^α,   α = length_penalty.

    α = 1 is the mean log probability of a word. α = 0 is the log probability itself, by which short
    continuations win: every further word makes one less probable (Murray and Chiang 2018).

    At each step the continuations in the beam are extended by every word. Of the results, those among the
    `width` most probable that end are finished, and the `width` most probable that do not end are the next
    beam. The search stops once `width` have finished and none in the beam has, at its present length, a
    better score than the worst of the best `width` finished. These are the rules of fairseq (Ott et al. 2019)
    and Transformers (Wolf et al. 2020). So a beam of width 1 finds the greedy sentence, and one that holds
    every prefix finds them all.

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
    finished: list[Hypothesis] = []
    distribution: Any
    state, prepared = read_prompt(model, prompt_ids, context)
    tokens = None
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
        best = ends.nonzero().squeeze(1)
        best = best[best < width]
        finished += [
            Hypothesis(words_, total, total / length**length_penalty)
            for words_, total in zip(ids[best].tolist(), log_prob[best].tolist(), strict=True)
        ]
        finished = sorted(finished, key=lambda hypothesis: -hypothesis.score)[:width]
        going_on = (~ends).nonzero().squeeze(1)[:width]
        if len(going_on) == 0:
            break
        ahead = float(log_prob[going_on[0]]) / length**length_penalty
        if len(finished) == width and finished[-1].score >= ahead:
            break
        ids, log_prob, tokens = ids[going_on], log_prob[going_on], tokens[going_on]
        state = state_ops.select(state, rows[going_on])
        prepared = state_ops.select(prepared, rows[going_on])
    return finished
