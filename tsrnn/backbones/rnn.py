"""The plain recurrent network."""

from __future__ import annotations

from typing import ClassVar, Literal, NamedTuple, final

from torch import Tensor, nn

from tsrnn.backbones.base import RecurrentInit, TorchRecurrence
from tsrnn.errors import ConfigError, argument


class RNNState(NamedTuple):
    """hidden: (B, L, H), h of each layer."""

    hidden: Tensor


@final
class RNN(TorchRecurrence):
    """The plain recurrence, h_t = tanh(W h_{t−1} + U x_t + b).

    The gradient through n steps holds W^n: it explodes or vanishes with the eigenvalues of W, which
    clipping, an orthogonal start, or gates (LSTM, GRU) answer (Pascanu, Mikolov and Bengio 2013,
    "On the difficulty of training recurrent neural networks", section 2.1).

    Source: Elman (1990), "Finding Structure in Time"; the kernel is `torch.nn.RNN`, whose two biases
    add up to b.

    Args:
        input_size: D.
        hidden_size: H.
        num_layers: L, each reading the outputs of the one below.
        dropout: on each layer's output.
        locked_dropout: one mask for all steps of a row.
        weight_dropout: on the recurrent matrices.
        nonlinearity: "tanh" or "relu".
        recurrent_init: "orthogonal", or torch's "uniform".
    """

    kernel_class = nn.RNN
    state_class = RNNState
    num_gates: ClassVar[int] = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int = 64,
        num_layers: int = 1,
        dropout: float = 0.0,
        locked_dropout: bool = False,
        weight_dropout: float = 0.0,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
        recurrent_init: RecurrentInit = "orthogonal",
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ConfigError(
                f"{argument('model.backbone.nonlinearity')} must be tanh or relu, not {nonlinearity!r}"
            )
        super().__init__(
            input_size,
            hidden_size,
            num_layers,
            dropout,
            locked_dropout,
            weight_dropout,
            recurrent_init,
            nonlinearity=nonlinearity,
        )
        self.nonlinearity = nonlinearity
