"""The best texts of a language model that a beam search finds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from tsrnn.codecs import Vocabulary
from tsrnn.decoding.prompt import read_prompt
from tsrnn.errors import ConfigError
from tsrnn.models import AutoregressiveModel, vocabulary_of
from tsrnn.models.autoregressive import ModelState
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
    state, prepared = read_prompt(model, prompt_ids, context)
    search = _Search(vocabulary_of(model), words, width, length_penalty, allow_unknown)
    (found,) = search.run(model, state, prepared, 1, len(prompt_ids))
    return found


def beam_search_rows(
    model: AutoregressiveModel,
    context: Context,
    words: int,
    *,
    width: int,
    length_penalty: float = 1.0,
    allow_unknown: bool = False,
) -> list[list[Hypothesis]]:
    """What `beam_search` finds for each row of a context, the rows searched side by side.

    Args:
        model: a language model on the CPU, in evaluation mode, with a conditioning.
        context: of B rows, without `known`.
        words: the longest sequence, at least 1.
        width, length_penalty, allow_unknown: see `beam_search`.

    Returns:
        For each row its sequences, best first.

    Raises:
        ConfigError: for a value out of range, or if the model is not one of words.
    """
    search = _Search(vocabulary_of(model), words, width, length_penalty, allow_unknown)
    with torch.inference_mode():
        prepared = model.prepare(context)
        rows = len(state_ops.tensors(prepared)[0])
        return search.run(model, model.initial_state(rows, context=prepared), prepared, rows, 0)


class _Search:
    """A beam for each of some rows."""

    def __init__(
        self, vocabulary: Vocabulary, words: int, width: int, length_penalty: float, allow_unknown: bool
    ) -> None:
        if words < 1 or width < 1:
            raise ConfigError(f"a beam search needs words and a width of at least 1, not {words} and {width}")
        if not 0 <= length_penalty < math.inf:
            raise ConfigError(f"length_penalty must be 0 or more, not {length_penalty}")
        self._end = vocabulary.end_of_sentence
        self._unknown = None if allow_unknown else vocabulary.unknown
        self._words, self._width, self._penalty = words, width, length_penalty

    @torch.inference_mode()
    def run(
        self, model: AutoregressiveModel, state: ModelState, prepared: Context, rows: int, place: int
    ) -> list[list[Hypothesis]]:
        """The sequences of each row.

        Args:
            model: of words.
            state: of the rows, which awaits nothing.
            prepared: the context, a row a row.
            rows: B.
            place: where in `known` the first word is.
        """
        finished: list[list[Hypothesis]] = [[] for _ in range(rows)]
        alive = list(range(rows))
        ids = torch.empty(rows, 1, 0, dtype=torch.int64)
        log_prob = torch.zeros(rows, 1, dtype=torch.float64)
        tokens = None
        for length in range(1, self._words + 1):
            step = place + length - 1
            distribution: Any
            distribution, state = model.step(tokens, state, prepared.steps(step, step + 1))
            totals = log_prob.unsqueeze(-1) + distribution.log_probs().double().view(*log_prob.shape, -1)
            if self._unknown is not None:
                totals[..., self._unknown] = -math.inf
            classes = totals.shape[-1]
            totals = totals.flatten(1)
            # At most one candidate of each beam ends: among twice the width enough remain unfinished.
            best, flat = totals.topk(min(2 * self._width, totals.shape[1]), dim=1)
            beams, drawn = flat // classes, flat % classes
            longer = torch.cat([_of_beams(ids, beams), drawn.unsqueeze(-1)], dim=-1)
            ends = (drawn == self._end) | (length == self._words)
            self._finish(finished, alive, best, ends, longer, length)
            going_on = best.masked_fill(ends, -math.inf)
            log_prob, order = going_on.topk(min(self._width, going_on.shape[1]), dim=1)
            kept = [
                place_
                for place_, (row, ahead) in enumerate(zip(alive, log_prob[:, 0].tolist(), strict=True))
                if ahead > -math.inf and not self._decided(finished[row], ahead, length)
            ]
            if not kept:
                break
            some = torch.tensor(kept)
            sources = torch.arange(len(alive)).unsqueeze(1) * totals.shape[1] // classes
            rows_ = (beams.gather(1, order) + sources)[some].flatten()
            ids, log_prob = _of_beams(longer, order)[some], log_prob[some]
            tokens = ids[..., -1].flatten()
            alive = [alive[place_] for place_ in kept]
            state, prepared = state_ops.select(state, rows_), state_ops.select(prepared, rows_)
        return finished

    def _finish(
        self,
        finished: list[list[Hypothesis]],
        alive: list[int],
        best: Tensor,
        ends: Tensor,
        longer: Tensor,
        length: int,
    ) -> None:
        """Add what has ended among a row's best to its finished sequences, of which the best are kept."""
        ended = ends[:, : self._width] & (best[:, : self._width] > -math.inf)
        for place, candidate in ended.nonzero().tolist():
            total = float(best[place, candidate])
            score = total / length**self._penalty
            finished[alive[place]].append(Hypothesis(longer[place, candidate].tolist(), total, score))
        for place in set(ended.nonzero()[:, 0].tolist()):
            row = alive[place]
            finished[row] = sorted(finished[row], key=lambda found: -found.score)[: self._width]

    def _decided(self, finished: list[Hypothesis], ahead: float, length: int) -> bool:
        """Whether nothing in a row's beam is better, at its present length, than all that has finished."""
        return len(finished) == self._width and finished[-1].score >= ahead / length**self._penalty


def _of_beams(ids: Tensor, beams: Tensor) -> Tensor:
    """The words (R, K, L) of the beams (R, K) of each row, of all of its (R, N, L)."""
    return ids.gather(1, beams.unsqueeze(-1).expand(-1, -1, ids.shape[-1]))
