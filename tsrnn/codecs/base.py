"""What a codec is: the causal map between raw observations and model steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal, NamedTuple, Self

import torch
from torch import Tensor

from tsrnn.errors import DataError
from tsrnn.forecasts import Density
from tsrnn.protocols import Encoding, State


class Known(NamedTuple):
    """What a codec's state says of the next observation before it is seen.

    Attributes:
        inputs: (..., D) floats or (...) token ids.
        location: (..., *event_shape) or None; a codec with several `candidates` has them on a last axis.
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

    A step is one observation, or, where `event_shape` is (P,), a block of P of them: T is then a multiple
    of P, and "the next observation" is the next block (..., P).

    Batch axes come first. A codec may read across the last of them, the axis of the series of one panel,
    and then needs it; how many stand before is free. A sequence has at least one step.
    """

    is_component: ClassVar[bool] = True
    kind: ClassVar[Literal["prices", "series", "text"]] = "prices"
    """What the raw observations are: positive prices, values of any kind, or tokens of a text."""
    fitted: ClassVar[tuple[str, ...]] = ()
    """Constructor arguments that `fit`, or the reading of the training span, sets. A configuration that
    differs from a checkpoint in these alone describes the same model, and the checkpoint's are used. A
    tokenizer has the same attribute."""
    input_size: int
    """D, the number of input features; V, the size of the vocabulary, for tokens."""
    event_shape: tuple[int, ...] = ()
    """The axes of one step's observation: () for a token or a price, (P,) for a block of P values."""
    seasons: tuple[int, ...] = (1,)
    """Lengths of the seasons that it knows of, in observations; 1 is the last value."""
    candidates: int = 1
    """K, how many locations the codec offers a step, between which the model learns to choose."""
    memory: int | None = None
    """How many observations before a step its inputs depend on at most. None: on all of them."""
    history: int | None = None
    """How many observations there are at least before a step that is trained on. None: the memory's, or, of a
    series that is shorter than that, those before its last step."""
    context: int | None = None
    """How many steps the network reads before a forecast, and in training. None: all that there are."""

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
        """The state after the next observation, raw: (..., *event_shape)."""

    @abstractmethod
    def target(self, raw: Tensor, state: State) -> tuple[Tensor, Tensor]:
        """The next observation as a model step, and whether it has a density (bool), both as `raw`."""

    @abstractmethod
    def decode(self, step: Tensor, state: State) -> Tensor:
        """The model step in raw units, given the state before it."""

    @abstractmethod
    def last(self, state: State) -> Tensor:
        """The last observation that the state holds, (...) in raw units; NaN where there is none."""

    def density(self, distribution: Any, state: State) -> Density | None:
        """The closed form of the next observation in raw units, where there is one.

        Args:
            distribution: of the next model step, (O, N).
            state: the state before it, (O, N, ...).
        """
        return None

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
        time = raw.dim() - 1
        blocks = self.blocks(raw)
        if state is None:
            state = self.initial_state(*raw.shape[:-1])
        steps = []
        for raw_t in blocks.unbind(time):
            known = self.known(state)
            steps.append((known, *self.target(raw_t, state)))
            state = self.update(raw_t, state)
        known_steps, targets, observed = zip(*steps, strict=True)
        inputs, location, scale = (
            None if parts[0] is None else torch.stack(parts, dim=time)
            for parts in zip(*known_steps, strict=True)
        )
        assert inputs is not None
        return Encoding(
            inputs, torch.stack(targets, time), location, scale, torch.stack(observed, time)
        ), state

    def state_after(self, raw: Tensor) -> State:
        """The state after the observations (..., T), which are not to be scored."""
        return self.encode(raw)[1]

    def blocks(self, raw: Tensor) -> Tensor:
        """The sequence (..., T) cut into steps: (..., T) itself, or (..., T / P, P).

        Raises:
            DataError: if T is no multiple of P.
        """
        if not self.event_shape:
            return raw
        (size,) = self.event_shape
        if raw.shape[-1] % size:
            raise DataError(f"{raw.shape[-1]} observations are not a whole number of blocks of {size}")
        return raw.reshape(*raw.shape[:-1], -1, size)
