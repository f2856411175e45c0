"""Whole sequences in chunks, for a state that is carried from one to the next."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from tsrnn.protocols import Batch, Encoding

_STEPS_PER_BATCH = 1 << 18
_CHUNK_LENGTH = 4096


class SeriesChunks:
    """A loader of whole series from their first step, of which one span is scored.

    Every series is read once from its beginning, in chunks whose state is carried, so that each scored
    step is conditional on all of its past and counts once, whatever the sizes of the chunks.

    Args:
        encoding: (N, T, ...) series in model steps.
        first: the first step that is scored.
        last: one past the last step that is scored, and that is read.
    """

    def __init__(self, encoding: Encoding, first: int, last: int) -> None:
        self._encoding = encoding
        self._first, self._last = first, last
        self._length = min(_CHUNK_LENGTH, max(last, 1))
        self._rows = max(_STEPS_PER_BATCH // self._length, 1)

    def __len__(self) -> int:
        series = self._encoding.observed.shape[0]
        return -(-series // self._rows) * -(-self._last // self._length)

    def __iter__(self) -> Iterator[Batch]:
        steps = torch.arange(self._last)
        for row in range(0, self._encoding.observed.shape[0], self._rows):
            rows = slice(row, row + self._rows)
            for start in range(0, self._last, self._length):
                span = slice(start, min(start + self._length, self._last))
                chunk = self._encoding.take(rows, span)
                scored = chunk.observed & (steps[span] >= self._first)
                yield Batch(chunk._replace(observed=scored), begins=start == 0)
