"""The only functions that walk a state or a context: a (nested) NamedTuple of tensors, batch first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from tsrnn.protocols import State


def map_state(function: Callable[[Tensor], Tensor], state: State) -> State:
    """The state with `function` applied to each of its tensors."""
    if isinstance(state, Tensor):
        return function(state)
    if state is None:
        return None
    return type(state)(*(map_state(function, part) for part in state))


def tensors(state: State) -> list[Tensor]:
    """The state's tensors, in the order of its fields."""
    if isinstance(state, Tensor):
        return [state]
    return [] if state is None else [tensor for part in state for tensor in tensors(part)]


def detach(state: State) -> State:
    """The same numbers, cut from the graph that made them (truncated back-propagation through time)."""
    return map_state(Tensor.detach, state)


def select(state: State, rows: Tensor) -> State:
    """The state of some rows of the batch, in the given order; a row may stand several times."""
    return map_state(lambda tensor: tensor.index_select(0, rows), state)


def repeat(state: State, copies: int) -> State:
    """The state with its batch repeated: row b of copy s stands at s · B + b."""
    return map_state(lambda tensor: tensor.repeat(copies, *(1,) * (tensor.dim() - 1)), state)


def expand(state: State, copies: int) -> State:
    """The state with a new leading axis of `copies`, without copying anything."""
    return map_state(lambda tensor: tensor.expand(copies, *tensor.shape), state)


def combine(function: Callable[[list[Tensor]], Tensor], states: Sequence[State]) -> State:
    """One state of several that are alike: `function`, such as torch.stack, of each of their tensors."""
    first = states[0]
    if first is None:
        return None
    if isinstance(first, Tensor):
        return function(list(states))
    return type(first)(*(combine(function, parts) for parts in zip(*states, strict=True)))


def where(condition: Tensor, state: State, other: State) -> State:
    """Row b of `state` where `condition[b]`, else row b of `other`."""
    if state is None:
        return None
    if isinstance(state, Tensor):
        return torch.where(condition.view(-1, *(1,) * (state.dim() - 1)), state, other)
    return type(state)(*(where(condition, *parts) for parts in zip(state, other, strict=True)))


def to_plain(state: State) -> Any:
    """The state as nested dicts of tensors: what a checkpoint may hold."""
    if state is None or isinstance(state, Tensor):
        return state
    return {name: to_plain(part) for name, part in zip(state._fields, state, strict=True)}


def from_plain(plain: Any, template: State) -> State:
    """The state whose fields `to_plain` wrote, in the classes of `template`."""
    if plain is None or isinstance(plain, Tensor):
        return plain
    return type(template)(
        **{name: from_plain(plain[name], getattr(template, name)) for name in template._fields}
    )
