"""Batches of windows, by index, from what stays in memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tsrnn.codecs import Codec
from tsrnn.protocols import Batch, Encoding


class RandomBatches(ABC):
    """A loader of windows that are drawn at random, each from a fresh state.

    What is drawn depends on the seed, the epoch and the place in it, which are in `state_dict`: training
    that is resumed anywhere sees the batches that it would have seen.

    Args:
        batch_size: windows per batch.
        batches_per_epoch: an epoch's batches, since windows are drawn without end.
        seed: of the draws.
        rank: which of the processes of a distributed run this is; each draws windows of its own.
    """

    def __init__(self, *, batch_size: int, batches_per_epoch: int, seed: int = 0, rank: int = 0) -> None:
        self.batch_size = batch_size
        self.batches_per_epoch = batches_per_epoch
        self._seed, self._rank = seed, rank
        self._epoch = self._position = 0

    @abstractmethod
    def draw(self, shape: tuple[int, int], generator: torch.Generator) -> Tensor:
        """An epoch's windows, (batches, windows, ...): whatever `batch` makes one of."""

    @abstractmethod
    def batch(self, drawn: Tensor) -> Batch:
        """The batch of one row of what was drawn."""

    @property
    def sampler(self) -> RandomBatches:
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
        # One word of 32 bits is made of the three, for torch's generator reads no more of a seed.
        (word,) = np.random.SeedSequence([self._seed, self._epoch, self._rank]).generate_state(1)
        generator = torch.Generator().manual_seed(int(word))
        drawn = self.draw((self.batches_per_epoch, self.batch_size), generator)
        while self._position < self.batches_per_epoch:
            self._position += 1
            yield self.batch(drawn[self._position - 1])

    def state_dict(self) -> dict[str, Any]:
        """The epoch, and the place in it."""
        return {"epoch": self._epoch, "position": self._position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resume at the place that `state_dict` returned."""
        self._epoch, self._position = state["epoch"], state["position"]


class RandomWindows(RandomBatches):
    """Random windows over series that are encoded once and stay in memory.

    A window starts anywhere in its series, drawn evenly over all places where it would score at least
    one step. Its first `warm_up` steps are read and not scored: they give the state its memory.

    Args:
        encoding: (N, T, ...) series in model steps.
        span: windows lie within the first `span` steps: the training span.
        window_length: steps of a window.
        warm_up: how many of them are not scored.
        **draws: see `RandomBatches`.
    """

    def __init__(
        self, encoding: Encoding, *, span: int, window_length: int, warm_up: int, **draws: int
    ) -> None:
        super().__init__(**draws)
        self._encoding = encoding.map(lambda tensor: tensor.flatten(0, 1).contiguous())
        self._steps = torch.arange(window_length)
        self._scored = self._steps >= warm_up
        series, steps = encoding.observed.shape
        counts = torch.zeros(series, span + 1, dtype=torch.int64)
        torch.cumsum(encoding.observed[:, :span], dim=1, out=counts[:, 1:])
        scored = counts[:, window_length:] - counts[:, warm_up : span + 1 - window_length + warm_up]
        rows, starts = torch.nonzero(scored > 0, as_tuple=True)
        self._starts = rows * steps + starts

    def draw(self, shape: tuple[int, int], generator: torch.Generator) -> Tensor:
        """The places of the windows' first steps."""
        return self._starts[torch.randint(len(self._starts), (*shape, 1), generator=generator)]

    def batch(self, drawn: Tensor) -> Batch:
        """The steps from each place on."""
        window = self._encoding.take(drawn + self._steps)
        return Batch(window._replace(observed=window.observed & self._scored), begins=True)


class BlockWindows(RandomBatches):
    """Random windows over raw values, encoded as they are drawn, for a codec of bounded memory.

    A window has `codec.context` steps. Every series is equally likely; a window ends at any time step that
    has the codec's memory and a block behind it (the last one, where a series is shorter), so that blocks
    are met at every phase, as they are when forecasts are made from anywhere. For a codec with a `history`
    that is enough of a past, and the last block of a window may reach beyond the series: of its targets
    those are scored that are there, so that the newest values are the first steps of many blocks.

    Args:
        values: (N, T) raw values of the training span, NaN where there is none.
        codec: a codec with `memory` and `context`.
        **draws: see `RandomBatches`.
    """

    def __init__(self, values: Tensor, codec: Codec, **draws: int) -> None:
        super().__init__(**draws)
        self._values, self._codec = values, codec
        assert codec.memory is not None
        (block_size,) = codec.event_shape
        present = ~values.isnan()
        first = present.int().argmax(1)
        last = after = values.shape[1] - present.flip(1).int().argmax(1)
        if codec.history is None:
            self._first, shortest = torch.minimum(first + codec.memory + block_size, after), block_size
        else:
            self._first, shortest = first + codec.history + 1, codec.history
            self._values = torch.nn.functional.pad(values, (0, block_size - 1), value=torch.nan)
            last = after + block_size - 1
        self._ends = last - self._first + 1
        self._rows = torch.nonzero(present.any(1) & (after - first > shortest)).squeeze(1)

    def draw(self, shape: tuple[int, int], generator: torch.Generator) -> Tensor:
        """The series and the ends of the windows, (batches, windows, 2)."""
        rows = self._rows[torch.randint(len(self._rows), shape, generator=generator)]
        share = torch.rand(shape, generator=generator, dtype=torch.float64)
        ends = self._first[rows] + (share * self._ends[rows]).long()
        return torch.stack([rows, ends], -1)

    def batch(self, drawn: Tensor) -> Batch:
        """The windows of the series that end there."""
        return Batch(encoded_windows(self._values, self._codec, *drawn.unbind(-1)), begins=True)


class BlocksBefore:
    """A loader of every series' blocks in one span, counted back from its end, each scored once.

    A span that is longer than half a window is read in several windows, of which the later half is scored.

    Args:
        values: (N, T) raw values.
        codec: a codec with `memory` and `context`.
        end: one past the last time step of the span.
        scored: how many time steps it has.
    """

    _ROWS = 256

    def __init__(self, values: Tensor, codec: Codec, end: int, scored: int) -> None:
        assert codec.context is not None
        self._values, self._codec = values, codec
        self._end, self._first = end, end - scored
        (size,) = codec.event_shape
        self._stride = max(codec.context // 2, 1) * size
        self._windows = max(-(-scored // self._stride), 1)

    def __len__(self) -> int:
        return -(-len(self._values) // self._ROWS) * self._windows

    def __iter__(self) -> Iterator[Batch]:
        for rows in torch.split(torch.arange(len(self._values)), self._ROWS):
            for back in range(0, self._windows * self._stride, self._stride):
                end = self._end - back
                window = encoded_windows(self._values, self._codec, rows, torch.full_like(rows, end))
                _, steps, size = window.observed.shape
                places = torch.arange(end - steps * size, end)
                scored = places >= max(self._first, end - self._stride)
                yield Batch(window._replace(observed=window.observed & scored.view(steps, size)), begins=True)


def encoded_windows(values: Tensor, codec: Codec, rows: Tensor, ends: Tensor) -> Encoding:
    """The last `codec.context` steps before each end, (B, T, ...), floats in float32.

    Args:
        values: (N, T) raw values; before the first time step there is nothing.
        codec: a codec with `memory` and `context`.
        rows: (B,) series.
        ends: (B,) one past the last time step of each window.
    """
    assert codec.memory is not None
    assert codec.context is not None
    window = windows(values, codec.memory + codec.context * codec.event_shape[0], rows, ends)
    state = codec.state_after(window[:, : codec.memory])
    encoding, _ = codec.encode(window[:, codec.memory :], state)
    return encoding.map(lambda tensor: tensor.float() if tensor.is_floating_point() else tensor)


def windows(values: Tensor, length: int, rows: Tensor, ends: Tensor) -> Tensor:
    """The `length` values before each end, (B, length), NaN before a series' first time step."""
    places = ends.unsqueeze(1) + torch.arange(-length, 0)
    window = values[rows.unsqueeze(1), places.clamp_min(0)]
    return window.masked_fill(places < 0, torch.nan)
