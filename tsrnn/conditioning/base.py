"""What a conditioning is: where a context meets the recurrence."""

from __future__ import annotations

from abc import ABC
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from tsrnn.backbones.base import Backbone
from tsrnn.errors import DataError
from tsrnn.protocols import Context, State


class FedState(NamedTuple):
    """The state of a recurrence that reads its own features: input feeding.

    Attributes:
        backbone: the backbone's state.
        features: the features of the step before, (B, H).
    """

    backbone: State
    features: Tensor


class Conditioning(nn.Module, ABC):
    """How a context enters an autoregressive density, p(x_t | x_<t, context).

    A model calls functions that each change nothing unless they are overridden: `prepare` once for a
    context, `initial_state` where a sequence starts, `inputs` before the recurrence and `outputs` after
    it, the last two on all steps of a call at once. None of them keeps anything on the module, so that a
    whole pass, single steps and chunks with a carried state agree. One that `feeds` reads the features of
    the step before as an input of the next, and is called step by step.
    """

    is_component: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ()
    """The fields of a context without which there is nothing to enter."""
    features_size: int | None = None
    """Size of the head's features; None: as large as the backbone's output."""

    @property
    def feeds(self) -> bool:
        """Whether `feed` is to be called, which makes the recurrence a loop over steps."""
        return False

    def prepare(self, context: Context) -> Context:
        """The context with what can be computed once for all steps (`keys`); again, it changes nothing."""
        return context

    def initial_state(self, state: State, context: Context) -> State:
        """The backbone's state before the first step of a sequence, from its own initial one."""
        return state

    def inputs(self, x_BTD: Tensor, context: Context) -> Tensor:
        """The backbone's inputs (B, T, D), from the embedding's outputs (B, T, D)."""
        return x_BTD

    def feed(self, x_BTD: Tensor, features: Tensor) -> Tensor:
        """A step's input (B, 1, D) with the features (B, H) of the step before."""
        return x_BTD

    def outputs(self, y_BTH: Tensor, context: Context) -> Tensor:
        """The head's features (B, T, H), from the backbone's outputs (B, T, H)."""
        return y_BTH

    def begin(self, backbone: Backbone, rows: int, context: Context) -> State:
        """The state before the first step of `rows` sequences."""
        state = self.initial_state(backbone.initial_state(rows), context)
        if not self.feeds:
            return state
        weight = next(backbone.parameters())
        return FedState(state, weight.new_zeros(rows, self.features_size or backbone.output_size))

    def recur(
        self, backbone: Backbone, x_BTD: Tensor, state: State, context: Context
    ) -> tuple[Tensor, State]:
        """The head's features (B, T, H) and the state after the last step.

        Args:
            backbone: the model's.
            x_BTD: the embedding's outputs, (B, T, D).
            state: of `begin`, or of an earlier call.
            context: prepared.
        """
        x_BTD = self.inputs(x_BTD, context)
        if not self.feeds:
            y_BTH, state = backbone(x_BTD, state)
            return self.outputs(y_BTH, context), state
        steps = []
        for place in range(x_BTD.shape[1]):
            fed = self.feed(x_BTD[:, place : place + 1], state.features)
            y_B1H, inner = backbone(fed, state.backbone)
            features = self.outputs(y_B1H, context)
            state = FedState(inner, features[:, 0])
            steps.append(features)
        return torch.cat(steps, dim=1), state

    def check(self, context: Context | None) -> Context:
        """The context, if it has what is needed.

        Raises:
            DataError: if it lacks a field, by its name.
        """
        for name in self.needs:
            if context is None or getattr(context, name) is None:
                raise DataError(f"the model is conditioned on `{name}`, which the context lacks")
        return Context() if context is None else context
