"""What a backbone is, and what the recurrent cells of `torch.nn` share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from tsrnn.errors import ConfigError
from tsrnn.ops import state as state_ops
from tsrnn.protocols import State

RecurrentInit = Literal["orthogonal", "uniform"]


class Backbone(nn.Module, ABC):
    """A causal map of sequences, (B, T, D) to (B, T, H), that carries its state from call to call.

    The state is an argument and a return value, never an attribute. Full pass, step by step and chunks
    with a carried state give the same outputs and the same states: one shared test holds every cell to it.
    """

    is_component: ClassVar[bool] = True
    input_size: int
    output_size: int

    @abstractmethod
    def initial_state(self, batch_size: int) -> State:
        """The state before the first step: a NamedTuple of tensors, batch first in each."""

    @abstractmethod
    def forward(
        self, x_BTD: Tensor, state: State = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Outputs (B, T, H) and the state after the last step.

        Args:
            x_BTD: inputs, (B, T, D).
            state: the state before the first step; None for the initial one.
            lengths: (B,) the rows' true lengths, 0 to T. Outputs beyond a row's length are 0, and its
                state is that at its true end. None: every row has T steps.
        """


class TorchRecurrence(Backbone):
    """The part that RNN, LSTM and GRU share: layers, initialisation and lengths over one torch kernel.

    A cell names its kernel and the NamedTuple of its state, whose fields are tensors (B, L, H) for the
    L layers, in the kernel's order.

    Dropout falls on each layer's output, the last included, and never on the recurrence
    (Zaremba, Sutskever and Vinyals 2014, "Recurrent Neural Network Regularization", equation 3).

    Initialisation "orthogonal": every H × H block of the recurrent matrix is a random orthogonal matrix,
    whose eigenvalues have modulus 1, so that W^n x neither explodes nor vanishes at the start (Saxe,
    McClelland and Ganguli 2014, section 3); input matrices are Xavier-uniform by block, biases 0.
    "uniform" is torch's own, U(−1/√H, 1/√H) everywhere.
    """

    kernel_class: ClassVar[Callable[..., nn.RNNBase]]
    state_class: ClassVar[Any]
    num_gates: ClassVar[int]

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        dropout: float,
        recurrent_init: RecurrentInit,
        **kernel_arguments: Any,
    ) -> None:
        super().__init__()
        if min(input_size, hidden_size, num_layers) < 1:
            raise ConfigError(f"{type(self).__name__} needs sizes and layers of at least 1")
        if not 0 <= dropout < 1:
            raise ConfigError(f"dropout is a probability below 1, not {dropout}")
        if recurrent_init not in ("orthogonal", "uniform"):
            raise ConfigError(f"recurrent_init is orthogonal or uniform, not {recurrent_init!r}")
        self.input_size = input_size
        self.hidden_size = self.output_size = hidden_size
        self.num_layers = num_layers
        self.dropout = dropout
        self.recurrent_init = recurrent_init
        self.kernel = self.kernel_class(
            input_size,
            hidden_size,
            num_layers,
            batch_first=True,
            dropout=dropout if num_layers > 1 else 0.0,
            **kernel_arguments,
        )
        if recurrent_init == "orthogonal":
            self._initialize()

    @torch.no_grad()
    def _initialize(self) -> None:
        for name, parameter in self.kernel.named_parameters():
            if name.startswith("bias"):
                nn.init.zeros_(parameter)
                continue
            for block in parameter.chunk(self.num_gates):
                if name.startswith("weight_hh"):
                    nn.init.orthogonal_(block)
                else:
                    nn.init.xavier_uniform_(block)

    def initial_state(self, batch_size: int) -> State:
        """Zeros."""
        weight = next(self.kernel.parameters())
        shape = (batch_size, self.num_layers, self.hidden_size)
        return self.state_class(
            *(torch.zeros(shape, dtype=weight.dtype, device=weight.device) for _ in self.state_class._fields)
        )

    def forward(
        self, x_BTD: Tensor, state: State = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Outputs (B, T, H) and the state after each row's last step: see `Backbone.forward`."""
        batch_size, steps, _ = x_BTD.shape
        before = self.initial_state(batch_size) if state is None else state
        if lengths is None:
            y_BTH, hidden = self.kernel(x_BTD, self._to_kernel(before))
            after = self._from_kernel(hidden)
        else:
            if lengths.numel() and not 0 <= int(lengths.min()) <= int(lengths.max()) <= steps:
                raise ConfigError(f"lengths must lie between 0 and the {steps} steps that there are")
            # Packing refuses rows of length 0: they are run for one step of zeros, which is taken back.
            present = (lengths > 0).to(x_BTD.device)
            x_BTD = torch.where(present[:, None, None], x_BTD, 0.0)
            true_lengths = lengths.clamp_min(1).cpu()
            packed = pack_padded_sequence(x_BTD, true_lengths, batch_first=True, enforce_sorted=False)
            packed_y, hidden = self.kernel(packed, self._to_kernel(before))
            y_BTH, _ = pad_packed_sequence(packed_y, batch_first=True, total_length=steps)
            y_BTH = torch.where(present[:, None, None], y_BTH, 0.0)
            after = state_ops.where(present, self._from_kernel(hidden), before)
        return nn.functional.dropout(y_BTH, self.dropout, self.training), after

    def _to_kernel(self, state: State) -> Any:
        tensors = tuple(tensor.transpose(0, 1).contiguous() for tensor in state)
        return tensors if len(tensors) > 1 else tensors[0]

    def _from_kernel(self, hidden: Any) -> State:
        tensors = hidden if isinstance(hidden, tuple) else (hidden,)
        return self.state_class(*(tensor.transpose(0, 1) for tensor in tensors))
