"""A sequence as a context: a vector for the whole, and a memory of its steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self, final

import torch
from torch import Tensor, nn

from tsrnn.backbones.base import Backbone
from tsrnn.encoders.base import Encoder
from tsrnn.errors import ConfigError
from tsrnn.ops import state as state_ops
from tsrnn.protocols import Context, State


@final
class SequenceEncoder(Encoder):
    """A sequence read by a recurrent network, in one direction or in both.

        static = the state after the last step, of every layer      (the context vector)
        memory = the outputs of all steps                           (annotations, for attention)

    With `backward` a second network reads the rows from their true ends to their beginnings, and both are
    put side by side: each m_s then says what is before and after it (Schuster and Paliwal 1997; Bahdanau,
    Cho and Bengio 2015, section 3.2). Padding changes nothing.

    Args:
        embedding: token ids (B, S), or values (B, S, D), to vectors (B, S, E).
        backbone: reads them forwards.
        backward: reads them backwards; None: nothing does.

    Raises:
        ConfigError: if the two networks read inputs of different sizes.
    """

    def __init__(self, embedding: nn.Module, backbone: Backbone, backward: Backbone | None = None) -> None:
        super().__init__()
        if backward is not None and backward.input_size != backbone.input_size:
            raise ConfigError("both directions read the same embedding: give them one input_size")
        self.embedding = embedding
        self.backbone = backbone
        self.backward = backward
        self.static_size = sum(_flat(part, 1).shape[1] for part in self._initial())
        self.memory_size: int = backbone.output_size + (0 if backward is None else backward.output_size)

    @classmethod
    def of(
        cls, embedding: nn.Module, size: int, backbone: Callable[[int], Backbone], bidirectional: bool
    ) -> Self:
        """The encoder whose networks `backbone` makes for vectors with `size` entries."""
        return cls(embedding, backbone(size), backbone(size) if bidirectional else None)

    def _initial(self) -> list[State]:
        return [part.initial_state(1) for part in (self.backbone, self.backward) if part is not None]

    def forward(self, source: Tensor, lengths: Tensor | None = None) -> Context:
        """The context of sources (B, S) or (B, S, D): see the class."""
        rows, steps = source.shape[:2]
        if lengths is not None and bool((lengths == steps).all()):
            lengths = None  # nothing is padding, and the kernel runs on the batch as it is
        x_BSE = self.embedding(source)
        memory, last = self.backbone(x_BSE, None, lengths)
        static = _flat(last, rows)
        if self.backward is not None:
            back, last = self.backward(reverse(x_BSE, lengths), None, lengths)
            memory = torch.cat([memory, reverse(back, lengths)], dim=-1)
            static = torch.cat([static, _flat(last, rows)], dim=-1)
        mask = None
        if lengths is not None:
            mask = torch.arange(steps, device=source.device) < lengths.to(source.device).unsqueeze(-1)
        return Context(static=static, memory=memory, mask=mask)


def reverse(x_BSE: Tensor, lengths: Tensor | None) -> Tensor:
    """The rows from their true ends to their beginnings; what is padding stays behind them."""
    if lengths is None:
        return x_BSE.flip(1)
    places = torch.arange(x_BSE.shape[1], device=x_BSE.device)
    ends = lengths.to(x_BSE.device).unsqueeze(-1)
    mirrored = torch.where(places < ends, ends - 1 - places, places)
    return x_BSE.gather(1, mirrored.unsqueeze(-1).expand_as(x_BSE))


def _flat(state: State, rows: int) -> Tensor:
    """All entries of a state side by side, (B, C)."""
    return torch.cat([tensor.reshape(rows, -1) for tensor in state_ops.tensors(state)], dim=-1)
