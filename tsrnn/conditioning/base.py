"""What a conditioning is: where a context meets the recurrence."""

from __future__ import annotations

from abc import ABC
from typing import ClassVar

from torch import Tensor, nn

from tsrnn.errors import DataError
from tsrnn.protocols import Context, State


class Conditioning(nn.Module, ABC):
    """How a context enters an autoregressive density, p(x_t | x_<t, context).

    A model calls four functions, each of which changes nothing unless it is overridden: `prepare` once for
    a context, `initial_state` where a sequence starts, `inputs` before the recurrence and `outputs` after
    it, the last two on all steps of a call at once. None of them keeps anything on the module, so that a
    whole pass, single steps and chunks with a carried state agree.
    """

    is_component: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ()
    """The fields of a context without which there is nothing to enter."""

    def prepare(self, context: Context) -> Context:
        """The context with what can be computed once for all steps (`keys`); again, it changes nothing."""
        return context

    def initial_state(self, state: State, context: Context) -> State:
        """The backbone's state before the first step of a sequence, from its own initial one."""
        return state

    def inputs(self, x_BTD: Tensor, context: Context) -> Tensor:
        """The backbone's inputs (B, T, D), from the embedding's outputs (B, T, D)."""
        return x_BTD

    def outputs(self, y_BTH: Tensor, context: Context) -> Tensor:
        """The head's features (B, T, H), from the backbone's outputs (B, T, H)."""
        return y_BTH

    def check(self, context: Context | None) -> Context:
        """The context, if it has what is needed.

        Raises:
            DataError: if it lacks a field, by its name.
        """
        for name in self.needs:
            if context is None or getattr(context, name) is None:
                raise DataError(f"the model is conditioned on `{name}`, which the context lacks")
        return Context() if context is None else context
