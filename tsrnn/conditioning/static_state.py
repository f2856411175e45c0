"""A vector that the initial state is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self, final

import torch
from torch import Tensor, nn

from tsrnn.backbones.base import Backbone
from tsrnn.conditioning.base import Conditioning
from tsrnn.ops import state as state_ops
from tsrnn.protocols import Context, State


@final
class StaticState(Conditioning):
    """A vector s for the whole sequence becomes the state before its first step.

        h_0 = tanh(W s + b),   for every layer and every tensor of the state

    With s the last state of an encoder that is the first encoder-decoder, whose decoder sees of the source
    what fits one vector (Cho et al. 2014, section 2.2; Sutskever, Vinyals and Le 2014).

    Args:
        static_size: C.
        state_sizes: entries of each tensor of the backbone's state, of one row: `state_sizes_of`.
    """

    needs: ClassVar[tuple[str, ...]] = ("static",)

    def __init__(self, static_size: int, state_sizes: Sequence[int]) -> None:
        super().__init__()
        self.static_size, self.state_sizes = static_size, tuple(state_sizes)
        self.projection = nn.Linear(static_size, sum(self.state_sizes))

    @classmethod
    def of(cls, backbone: Backbone, static_size: int) -> Self:
        """The conditioning of a backbone by a vector."""
        return cls(static_size, state_sizes_of(backbone))

    def initial_state(self, state: State, context: Context) -> State:
        """The state that the vector says, in the form of the backbone's own."""
        assert context.static is not None
        entries: Tensor = self.projection(context.static).tanh()
        parts = iter(torch.split(entries, list(self.state_sizes), dim=-1))
        return state_ops.map_state(lambda tensor: next(parts).reshape(tensor.shape), state)


def state_sizes_of(backbone: Backbone) -> tuple[int, ...]:
    """How many entries each tensor of a backbone's state has, of one row."""
    return tuple(tensor.numel() for tensor in state_ops.tensors(backbone.initial_state(1)))
