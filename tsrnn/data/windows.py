"""Batches of windows, by index, from sequences that are encoded once and stay in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from tsrnn.protocols import Batch, Encoding


class RandomWindows:
    """A loader of random windows over encoded series, each window from a fresh state.

    A window starts anywhere in its series, drawn evenly over all places where it would score at least
    one step. Its first `warm_up` steps are read and not scored: they give the state its memory.

    What is drawn depends on the seed, the epoch and the place in it, which are in `state_dict`: training
    that is resumed anywhere sees the batches that it would have seen.

    Args:
        encoding: (N, T, ...) series in model steps.
        sessions: windows lie within the first `sessions` steps: the training span.
        window_length: steps of a window.
        warm_up: how many of them are not scored.
        batch_size: windows a batch.
        batches_per_epoch: an epoch's batches, since windows are drawn without end.
        seed: of the draws.
        rank: which of the processes of a distributed run this is; each draws windows of its own.
    """

    def __init__(
        self,
        encoding: Encoding,
        *,
        sessions: int,
        window_length: int,
        warm_up: int,
        batch_size: int,
        batches_per_epoch: int,
        seed: int = 0,
        rank: int = 0,
    ) -> None:
        self.batch_size = batch_size
        self.batches_per_epoch = batches_per_epoch
        self._encoding = encoding.map(lambda tensor: tensor.flatten(0, 1).contiguous())
        self._steps = torch.arange(window_length)
        self._scored = self._steps >= warm_up
        series, steps = encoding.observed.shape
        counts = torch.zeros(series, sessions + 1, dtype=torch.int64)
        torch.cumsum(encoding.observed[:, :sessions], dim=1, out=counts[:, 1:])
        scored = counts[:, window_length:] - counts[:, warm_up : sessions + 1 - window_length + warm_up]
        rows, starts = torch.nonzero(scored > 0, as_tuple=True)
        self._starts = rows * steps + starts
        self._seed, self._rank = seed, rank
        self._epoch = self._position = 0

    @property
    def sampler(self) -> RandomWindows:
        """What Lightning tells the epoch to: this loader itself."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Draw the windows of an epoch, from its first batch, unless that epoch is under way."""
        if epoch != self._epoch:
            self._epoch, self._position = epoch, 0

    def __len__(self) -> int:
        return self.batches_per_epoch

    def __iter__(self) -> Iterator[Batch]:
        # Lightning stops asking after the last batch, so a finished epoch is noticed only here.
        if self._position >= self.batches_per_epoch:
            self.set_epoch(self._epoch + 1)
        # The draws are a function of seed, epoch and rank alone: a run resumed at any place sees the same.
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + self._epoch + (self._rank << 40))
        shape = (self.batches_per_epoch, self.batch_size, 1)
        chosen = self._starts[torch.randint(len(self._starts), shape, generator=generator)]
        while self._position < self.batches_per_epoch:
            window = self._encoding.take(chosen[self._position] + self._steps)
            self._position += 1
            yield Batch(window._replace(observed=window.observed & self._scored), begins=True)

    def state_dict(self) -> dict[str, Any]:
        """The epoch, and the place in it."""
        return {"epoch": self._epoch, "position": self._position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from the place that `state_dict` returned."""
        self._epoch, self._position = state["epoch"], state["position"]
