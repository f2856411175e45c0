"""The gated recurrent unit."""

from __future__ import annotations

from typing import ClassVar, NamedTuple, final

from torch import Tensor, nn

from tsrnn.backbones.base import RecurrentInit, TorchRecurrence


class GRUState(NamedTuple):
    """hidden: (B, L, H), h of each layer."""

    hidden: Tensor


@final
class GRU(TorchRecurrence):
    """The gated recurrent unit: an LSTM's memory with two gates and no separate cell.

        r_t = σ(W_r h_{t−1} + U_r x_t + b_r)                        (reset gate)
        z_t = σ(W_z h_{t−1} + U_z x_t + b_z)                        (update gate)
        n_t = tanh(U_n x_t + b_n + r_t ⊙ (W_n h_{t−1} + c_n))
        h_t = (1 − z_t) ⊙ n_t + z_t ⊙ h_{t−1}

    Source: Cho et al. (2014), "Learning Phrase Representations using RNN Encoder-Decoder", equations
    5 to 8; as in `torch.nn.GRU`, the kernel, the reset gate acts after the product with W_n.

    Args:
        input_size: D.
        hidden_size: H.
        num_layers: L, each reading the outputs of the one below.
        dropout: on each layer's output.
        locked_dropout: one mask for all steps of a row.
        weight_dropout: on the recurrent matrices.
        recurrent_init: "orthogonal", or torch's "uniform".
    """

    kernel_class = nn.GRU
    state_class = GRUState
    num_gates: ClassVar[int] = 3

    def __init__(
        self,
        input_size: int,
        hidden_size: int = 64,
        num_layers: int = 1,
        dropout: float = 0.0,
        locked_dropout: bool = False,
        weight_dropout: float = 0.0,
        recurrent_init: RecurrentInit = "orthogonal",
    ) -> None:
        super().__init__(
            input_size, hidden_size, num_layers, dropout, locked_dropout, weight_dropout, recurrent_init
        )
