"""Two ways for a context to enter, together."""

from __future__ import annotations

from typing import final

from torch import Tensor

from tsrnn.conditioning.base import Conditioning
from tsrnn.errors import ConfigError
from tsrnn.protocols import Context, State


@final
class Both(Conditioning):
    """The one conditioning, then the other: a state from a vector and attention over a memory, for one.

    Args:
        first: what changes state, inputs and outputs first.
        second: what changes them after it.

    Raises:
        ConfigError: if both attend, which keys for one memory do not allow, or both feed.
    """

    def __init__(self, first: Conditioning, second: Conditioning) -> None:
        super().__init__()
        if "memory" in first.needs and "memory" in second.needs:
            raise ConfigError("one memory has the keys of one attention: give the model one of them")
        self.first, self.second = first, second
        self.features_size = second.features_size or first.features_size

    @property
    def needs(self) -> tuple[str, ...]:  # type: ignore[override]
        """What either needs."""
        return tuple(dict.fromkeys((*self.first.needs, *self.second.needs)))

    @property
    def feeds(self) -> bool:
        """Whether one of them reads the features of the step before."""
        return self.first.feeds or self.second.feeds

    def prepare(self, context: Context) -> Context:
        """The context as both have prepared it."""
        return self.second.prepare(self.first.prepare(context))

    def initial_state(self, state: State, context: Context) -> State:
        """The state that both have changed."""
        return self.second.initial_state(self.first.initial_state(state, context), context)

    def inputs(self, x_BTD: Tensor, context: Context) -> Tensor:
        """The inputs that both have changed."""
        return self.second.inputs(self.first.inputs(x_BTD, context), context)

    def feed(self, x_BTD: Tensor, features: Tensor) -> Tensor:
        """A step's input with what either reads of the step before."""
        return self.second.feed(self.first.feed(x_BTD, features), features)

    def outputs(self, y_BTH: Tensor, context: Context) -> Tensor:
        """The features that both have changed."""
        return self.second.outputs(self.first.outputs(y_BTH, context), context)
