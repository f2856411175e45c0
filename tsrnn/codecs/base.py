"""What a codec is: the causal map between raw observations and model steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple, Self

import torch
from torch import Tensor

from tsrnn.protocols import Encoding, State


class Known(NamedTuple):
    """What a codec's state says of the next observation before it is seen.

    Attributes:
        inputs: (..., D) floats or (...) token ids.
        location: (...) or None.
        scale: (...) or None.
    """

    inputs: Tensor
    location: Tensor | None
    scale: Tensor | None


class Codec(ABC):
    """Raw observations (prices, words) to model steps and back; causal, its state explicit.

    A codec has no learned parameters. Three functions of one step define it: `known` (what the state
    says before the next observation), `update` (the state after it) and `decode` (a model step in raw
    units). `encode` is the same over a whole sequence, and may be vectorised: one shared test says that
    both agree.

    Batch axes come first. A codec may read across the last of them, the axis of the series of one panel,
    and then needs it; how many stand before is free. A sequence has at least one step.
    """

    is_component: ClassVar[bool] = True
    input_size: int
    """D, the number of input features; V, the size of the vocabulary, for tokens."""

    def fit(self, raw: Tensor) -> Self:
        """The codec with its constants taken from the training span, raw: (..., T). Most have none."""
        return self

    @abstractmethod
    def initial_state(self, *batch: int) -> State:
        """The state before the first observation."""

    @abstractmethod
    def known(self, state: State) -> Known:
        """What the state says of the next observation."""

    @abstractmethod
    def update(self, raw: Tensor, state: State) -> State:
        """The state after the next observation, raw: (...)."""

    @abstractmethod
    def target(self, raw: Tensor, state: State) -> tuple[Tensor, Tensor]:
        """The next observation as a model step (...), and whether it has a density (...) bool."""

    @abstractmethod
    def decode(self, step: Tensor, state: State) -> Tensor:
        """The model step (...) in raw units, given the state before it."""

    def log_jacobian(self, raw: Tensor) -> Tensor:
        """log |d step / d raw| for each observation: what turns nats of steps into nats of raw values."""
        return torch.zeros_like(raw, dtype=torch.float64)

    def encode(self, raw: Tensor, state: State = None) -> tuple[Encoding, State]:
        """A sequence in model steps.

        Args:
            raw: (..., T) raw observations.
            state: the state before the first of them; None for a fresh one.

        Returns:
            The encoding, and the state after the last observation.
        """
        if state is None:
            state = self.initial_state(*raw.shape[:-1])
        steps = []
        for raw_t in raw.unbind(-1):
            known = self.known(state)
            steps.append((known, *self.target(raw_t, state)))
            state = self.update(raw_t, state)
        known_steps, targets, observed = zip(*steps, strict=True)
        time = raw.dim() - 1
        inputs, location, scale = (
            None if parts[0] is None else torch.stack(parts, dim=time)
            for parts in zip(*known_steps, strict=True)
        )
        assert inputs is not None
        return Encoding(inputs, torch.stack(targets, -1), location, scale, torch.stack(observed, -1)), state
