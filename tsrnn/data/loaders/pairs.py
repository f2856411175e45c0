"""Batches of pairs: a source, and a sequence, a class or a number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from tsrnn.codecs import Codec
from tsrnn.data.loaders.windows import RandomBatches
from tsrnn.protocols import Encoding, PairBatch

_POOL = 50
"""Batches whose rows are sorted by length together: few enough that an epoch is still in random order."""


class Rows(NamedTuple):
    """Rows of different lengths, one after another.

    Attributes:
        flat: their entries, (Σ lengths, ...).
        ends: (N,) where each row ends.
    """

    flat: Tensor
    ends: Tensor

    @classmethod
    def of(cls, rows: Sequence[Tensor]) -> Rows:
        """Of the rows themselves."""
        lengths = torch.tensor([len(row) for row in rows], dtype=torch.int64)
        return cls(torch.cat(list(rows)) if rows else torch.empty(0), lengths.cumsum(0))

    @property
    def lengths(self) -> Tensor:
        """(N,)."""
        return torch.diff(self.ends, prepend=self.ends.new_zeros(1))

    def padded(self, places: Tensor) -> tuple[Tensor, Tensor]:
        """Some rows, (B, L, ...), zeros beyond the end of each, and their lengths, (B,)."""
        lengths = self.lengths[places]
        steps = torch.arange(int(lengths.max()))
        held = steps < lengths.unsqueeze(-1)
        index = torch.where(held, (self.ends[places] - lengths).unsqueeze(-1) + steps, 0)
        rows = self.flat[index]
        return rows.masked_fill(~held.view(*held.shape, *(1,) * (rows.dim() - 2)), 0), lengths


class Pairs(NamedTuple):
    """Sources and their targets, row by row.

    Attributes:
        source: `Rows` of sequences; or a tensor (N, ...) of sources that are all as large.
        target: `Rows` of token ids, `<eos>` included; or a class (int64) or a number of each, (N,).
        codec: of targets that are sequences.
    """

    source: Rows | Tensor
    target: Rows | Tensor
    codec: Codec | None = None

    def __len__(self) -> int:
        return len(self.target.ends if isinstance(self.target, Rows) else self.target)

    def batch(self, rows: Tensor) -> PairBatch:
        """The batch of some rows."""
        if isinstance(self.source, Rows):
            source, lengths = self.source.padded(rows)
            # Without padding a kernel runs on the batch as it is.
            lengths_or_none = None if bool((lengths == source.shape[1]).all()) else lengths
        else:
            source, lengths_or_none = self.source[rows], None
        target: Encoding | Tensor
        if isinstance(self.target, Rows):
            assert self.codec is not None
            raw, lengths = self.target.padded(rows)
            encoding, _ = self.codec.encode(raw)
            held = torch.arange(raw.shape[1]) < lengths.unsqueeze(-1)
            target = encoding._replace(observed=encoding.observed & held)
        else:
            target = self.target[rows]
        return PairBatch(source, lengths_or_none, target, rows)

    def by_length(self, rows: Tensor) -> Tensor:
        """Some rows, the shortest source first and among equal ones the shortest target."""
        for part in (self.target, self.source):
            if isinstance(part, Rows):
                rows = rows[part.lengths[rows].argsort(stable=True)]
        return rows


class RandomPairs(RandomBatches):
    """A loader of all pairs once an epoch, in random batches of about equal lengths.

    Rows are shuffled, those of 50 batches sorted by length and cut into batches, and the batches shuffled,
    so that little of a batch is padding.

    Args:
        pairs: what is drawn from.
        batch_size: pairs per batch; the last may have fewer.
        seed: of the order.
        rank: which of the processes this is.
        world_size: processes that share the pairs; each has as many batches as the others.
    """

    def __init__(
        self, pairs: Pairs, *, batch_size: int, seed: int = 0, rank: int = 0, world_size: int = 1
    ) -> None:
        batches = -(-len(pairs) // batch_size)
        # The processes of a run share one order, of which each takes its part.
        super().__init__(batch_size=batch_size, batches_per_epoch=-(-batches // world_size), seed=seed)
        self._pairs = pairs
        self._place, self._world_size = rank, world_size

    def draw(self, shape: tuple[int, int], generator: torch.Generator) -> Tensor:
        """The rows of each batch, −1 where there are fewer."""
        batches, size = shape
        order = torch.randperm(len(self._pairs), generator=generator)
        pool = _POOL * size
        parts = [order[start : start + pool] for start in range(0, len(order), pool)]
        order = torch.cat([self._pairs.by_length(part) for part in parts])
        every = batches * self._world_size
        drawn = torch.full((every * size,), -1)
        drawn[: len(order)] = order
        # A batch that another process has and this one lacks is the order's beginning again.
        drawn = drawn.view(every, size)
        drawn[-(-len(order) // size) :] = drawn[0]
        return drawn[torch.randperm(every, generator=generator)][self._place :: self._world_size]

    def batch(self, drawn: Tensor) -> PairBatch:  # type: ignore[override]
        """The batch of the rows that were drawn."""
        return self._pairs.batch(drawn[drawn >= 0])


class EveryPair:
    """A loader of every pair once, those of like length together.

    Args:
        pairs: what is read.
        batch_size: pairs per batch.
    """

    def __init__(self, pairs: Pairs, batch_size: int) -> None:
        self._pairs, self._batch_size = pairs, batch_size

    def __len__(self) -> int:
        return -(-len(self._pairs) // self._batch_size)

    def __iter__(self) -> Iterator[PairBatch]:
        rows: Any = self._pairs.by_length(torch.arange(len(self._pairs)))
        for part in rows.split(self._batch_size):
            yield self._pairs.batch(part)
