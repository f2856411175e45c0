"""Whole sequences in chunks, for a state that is carried from one to the next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from tsrnn.codecs import Vocabulary
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


class TokenStreams:
    """A loader of one long text for truncated back-propagation through time.

    N tokens are cut into columns × world_size contiguous columns of ceil(N / (columns · world_size)) steps.
    Every batch holds the next `chunk_length` steps of each column, and continues the batch before.
    The input of a column's first step is the true token before it; that of the very first is `<eos>`.
    The last columns are shorter where the text does not fill them: steps that are missing are not
    observed, so that every token counts once.

    A loop over the loader starts at the first batch, or, once, at the place given to `load_state_dict`.

    Args:
        codec: the vocabulary.
        ids: vocabulary ids of the text: a tensor, an array, or a function of a slice.
        first: the first token of the span.
        last: one past its last token.
        columns: B, rows of a batch on this process.
        chunk_length: T, steps of a batch; the last batch may be shorter.
        rank: which of the processes this is; it reads the columns rank · B to (rank + 1) · B - 1.
        world_size: number of processes that share the text.
    """

    def __init__(
        self,
        codec: Vocabulary,
        ids: Any,
        first: int,
        last: int,
        *,
        columns: int,
        chunk_length: int,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self._codec = codec
        self._ids = ids if callable(ids) else ids.__getitem__
        self._first, self._last = first, last
        self._columns = columns
        self._chunk_length = chunk_length
        self._length = -(-(last - first) // (columns * world_size))
        self._starts = [first + (rank * columns + column) * self._length for column in range(columns)]
        self._lengths = (last - torch.tensor(self._starts)).clamp(0, self._length)
        self._position = self._resumed = 0

    def __len__(self) -> int:
        return -(-self._length // self._chunk_length)

    def __iter__(self) -> Iterator[Batch]:
        # Lightning stops asking after the last batch, so a finished epoch is noticed only here.
        self._position = self._resumed if self._resumed < len(self) else 0
        self._resumed = 0
        while self._position < len(self):
            batch = self._batch(self._position)
            self._position += 1
            yield batch

    def _batch(self, position: int) -> Batch:
        begin = position * self._chunk_length
        steps = torch.arange(begin, min(begin + self._chunk_length, self._length))
        # Each row: the token before the chunk, then the chunk's tokens.
        window = torch.zeros(self._columns, 1 + len(steps), dtype=torch.int64)
        window[:, 0] = self._codec.end_of_sentence
        for row, (start, length) in enumerate(zip(self._starts, self._lengths.tolist(), strict=True)):
            place = start + begin
            count = min(len(steps), length - begin)
            if count > 0:
                before = int(place > self._first)
                ids = self._ids(slice(place - before, place + count))
                window[row, 1 - before : 1 + count] = torch.as_tensor(ids)
        state = self._codec.update(window[:, 0], self._codec.initial_state(self._columns))
        encoding, _ = self._codec.encode(window[:, 1:], state)
        present = encoding.observed & (steps < self._lengths.unsqueeze(-1))
        return Batch(encoding._replace(observed=present), begins=position == 0)

    def state_dict(self) -> dict[str, Any]:
        """The place in the epoch: how many of its batches were read."""
        return {"position": self._position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Let the next loop resume at the place that `state_dict` returned."""
        self._position = self._resumed = state["position"]
