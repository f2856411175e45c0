"""What a backbone is, and what the recurrent cells of `torch.nn` share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from tsrnn.errors import ConfigError, argument
from tsrnn.ops import state as state_ops
from tsrnn.ops.dropout import dropout
from tsrnn.protocols import State

_STEPS: dict[str, Callable[..., Any]] = {
    "LSTM": torch.lstm_cell,
    "GRU": torch.gru_cell,
    "RNN_TANH": torch.rnn_tanh_cell,
    "RNN_RELU": torch.rnn_relu_cell,
}
"""torch's step of one layer, by the mode of its kernel."""

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
    """What RNN, LSTM and GRU share: layers, dropout, initialisation and lengths over torch's kernels.

    A cell names its kernel and the NamedTuple of its state, whose fields are tensors (B, L, H) for the
    L layers, in the kernel's order.

    Dropout falls on each layer's output, the last included, and never on the recurrence
    (Zaremba, Sutskever and Vinyals 2014, "Recurrent Neural Network Regularization", equation 3). Locked,
    a row's mask is the same at every step of a call (Gal and Ghahramani 2016, "A Theoretically Grounded
    Application of Dropout in Recurrent Neural Networks", section 4, on the inputs and outputs of layers).
    Weight dropout falls on the recurrent matrices W themselves, one mask for all rows and steps of a call
    (Merity, Keskar and Socher 2018, "Regularizing and Optimizing LSTM Language Models", section 2).

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
        locked_dropout: bool,
        weight_dropout: float,
        recurrent_init: RecurrentInit,
        **kernel_arguments: Any,
    ) -> None:
        super().__init__()
        if min(input_size, hidden_size, num_layers) < 1:
            raise ConfigError(f"{type(self).__name__} needs sizes and layers of at least 1")
        for probability in (dropout, weight_dropout):
            if not 0 <= probability < 1:
                raise ConfigError(
                    f"{argument('model.backbone.dropout')} must be a probability below 1, not {probability}"
                )
        if recurrent_init not in ("orthogonal", "uniform"):
            raise ConfigError(
                f"{argument('model.backbone.recurrent_init')} must be orthogonal or uniform, "
                f"not {recurrent_init!r}"
            )
        self.input_size = input_size
        self.hidden_size = self.output_size = hidden_size
        self.num_layers = num_layers
        self.dropout = dropout
        self.locked_dropout = locked_dropout
        self.weight_dropout = weight_dropout
        self.recurrent_init = recurrent_init
        # One kernel a layer: torch's own stack has no locked dropout between its layers.
        self.layers = nn.ModuleList(
            self.kernel_class(
                hidden_size if layer else input_size, hidden_size, batch_first=True, **kernel_arguments
            )
            for layer in range(num_layers)
        )
        if recurrent_init == "orthogonal":
            self._initialize()

    @torch.no_grad()
    def _initialize(self) -> None:
        for name, parameter in self.layers.named_parameters():
            if "bias" in name:
                nn.init.zeros_(parameter)
                continue
            for block in parameter.chunk(self.num_gates):
                if "weight_hh" in name:
                    nn.init.orthogonal_(block)
                else:
                    nn.init.xavier_uniform_(block)

    def initial_state(self, batch_size: int) -> State:
        """Zeros."""
        weight = next(self.layers.parameters())
        shape = (batch_size, self.num_layers, self.hidden_size)
        return self.state_class(
            *(torch.zeros(shape, dtype=weight.dtype, device=weight.device) for _ in self.state_class._fields)
        )

    def forward(
        self, x_BTD: Tensor, state: State = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Outputs (B, T, H) and the state after each row's last step: see `Backbone.forward`."""
        before = self.initial_state(x_BTD.shape[0]) if state is None else state
        true_lengths = present = None
        if lengths is not None:
            if lengths.numel() and not 0 <= int(lengths.min()) <= int(lengths.max()) <= x_BTD.shape[1]:
                raise ConfigError(f"lengths must lie between 0 and {x_BTD.shape[1]}, the number of steps")
            # Packing refuses rows of length 0: they are run for one step of zeros, which is taken back.
            present = (lengths > 0).to(x_BTD.device)
            x_BTD = torch.where(present[:, None, None], x_BTD, 0.0)
            true_lengths = lengths.clamp_min(1).cpu()
        y_BTH, hidden = x_BTD, []
        kernel: Any
        for layer, kernel in enumerate(self.layers):
            initial = tuple(tensor[:, layer].unsqueeze(0).contiguous() for tensor in before)
            weights = {}
            if self.training and self.weight_dropout > 0:
                weights = {"weight_hh_l0": nn.functional.dropout(kernel.weight_hh_l0, self.weight_dropout)}
            y_BTH, last = _run(kernel, weights, y_BTH, initial, true_lengths)
            y_BTH = dropout(y_BTH, self.dropout, self.training, locked=self.locked_dropout)
            hidden.append(last)
        after = self.state_class(*(torch.cat(parts).transpose(0, 1) for parts in zip(*hidden, strict=True)))
        if present is not None:
            y_BTH = torch.where(present[:, None, None], y_BTH, 0.0)
            after = state_ops.where(present, after, before)
        return y_BTH, after


def _run(
    kernel: Any,
    weights: dict[str, Tensor],
    x_BTD: Tensor,
    initial: tuple[Tensor, ...],
    lengths: Tensor | None,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """A kernel's outputs (B, T, H), and its last state, a tuple of (1, B, H), at each row's true end.

    `weights` stand in for the kernel's own of the same names.
    """
    state = initial if len(initial) > 1 else initial[0]
    if lengths is None and x_BTD.shape[1] == 1:
        # A step alone: the same product without the sequence's preparations, 1.1 to 4 times faster.
        one = tuple(tensor[0] for tensor in initial)
        after = _STEPS[kernel.mode](
            x_BTD[:, 0],
            one if len(one) > 1 else one[0],
            kernel.weight_ih_l0,
            weights.get("weight_hh_l0", kernel.weight_hh_l0),
            kernel.bias_ih_l0,
            kernel.bias_hh_l0,
        )
        last = tuple(tensor.unsqueeze(0) for tensor in (after if isinstance(after, tuple) else (after,)))
        y_BTH = last[0].transpose(0, 1)
    elif lengths is None:
        y_BTH, last = _call(kernel, weights, x_BTD, state)
    else:
        packed = pack_padded_sequence(x_BTD, lengths, batch_first=True, enforce_sorted=False)
        packed_y, last = _call(kernel, weights, packed, state)
        y_BTH, _ = pad_packed_sequence(packed_y, batch_first=True, total_length=x_BTD.shape[1])
    return y_BTH, last if isinstance(last, tuple) else (last,)


def _call(kernel: Any, weights: dict[str, Tensor], *arguments: Any) -> Any:
    return torch.func.functional_call(kernel, weights, arguments) if weights else kernel(*arguments)
