"""Long short-term memory."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple, final

import torch
from torch import Tensor, nn

from tsrnn.backbones.base import RecurrentInit, TorchRecurrence


class LSTMState(NamedTuple):
    """hidden, cell: (B, L, H), h and c of each layer."""

    hidden: Tensor
    cell: Tensor


@final
class LSTM(TorchRecurrence):
    """Long short-term memory: a cell whose content is added to, not multiplied over.

        i_t = σ(W_i h_{t−1} + U_i x_t + b_i)        (input gate)
        f_t = σ(W_f h_{t−1} + U_f x_t + b_f)        (forget gate)
        g_t = tanh(W_g h_{t−1} + U_g x_t + b_g)
        o_t = σ(W_o h_{t−1} + U_o x_t + b_o)        (output gate)
        c_t = f_t ⊙ c_{t−1} + i_t ⊙ g_t
        h_t = o_t ⊙ tanh(c_t)

    Along c the gradient is multiplied by f_t alone, so a forget gate near 1 keeps it alive over long
    spans: hence the forget bias of 1 at the start (Jozefowicz, Zaremba and Sutskever 2015, section 2.2).

    Source: Hochreiter and Schmidhuber (1997); forget gate: Gers, Schmidhuber and Cummins (2000). The
    kernel is `torch.nn.LSTM`.

    Args:
        input_size: D.
        hidden_size: H.
        num_layers: L, each reading the outputs of the one below.
        dropout: on each layer's output.
        locked_dropout: one mask for all steps of a row.
        weight_dropout: on the recurrent matrices.
        forget_bias: b_f at the start; None leaves it as `recurrent_init` has it.
        recurrent_init: "orthogonal", or torch's "uniform".
    """

    kernel_class = nn.LSTM
    state_class = LSTMState
    num_gates: ClassVar[int] = 4

    def __init__(
        self,
        input_size: int,
        hidden_size: int = 64,
        num_layers: int = 1,
        dropout: float = 0.0,
        locked_dropout: bool = False,
        weight_dropout: float = 0.0,
        forget_bias: float | None = 1.0,
        recurrent_init: RecurrentInit = "orthogonal",
    ) -> None:
        super().__init__(
            input_size, hidden_size, num_layers, dropout, locked_dropout, weight_dropout, recurrent_init
        )
        self.forget_bias = forget_bias
        if forget_bias is not None:
            forget = slice(hidden_size, 2 * hidden_size)  # torch's order of the gates: i, f, g, o
            with torch.no_grad():
                kernel: Any
                for kernel in self.layers:
                    kernel.bias_ih_l0[forget] = forget_bias
                    kernel.bias_hh_l0[forget] = 0.0  # torch adds its two biases
