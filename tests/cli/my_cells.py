"""A cell of one's own: h_t = a h_{t-1} + (1 - a) tanh(U x_t), a leaky average."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from tsrnn.backbones import Backbone


class LeakyState(NamedTuple):
    hidden: Tensor


class Leaky(Backbone):
    def __init__(self, input_size: int, hidden_size: int = 8, decay: float = 0.9) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.decay = input_size, hidden_size, decay
        self.output_size = hidden_size
        self.input = nn.Linear(input_size, hidden_size)

    def initial_state(self, batch_size: int) -> LeakyState:
        return LeakyState(torch.zeros(batch_size, self.hidden_size))

    def forward(self, x_BTD, state=None, lengths=None):
        h = (state or self.initial_state(len(x_BTD))).hidden
        outputs = []
        for x_BH in self.input(x_BTD).tanh().unbind(1):
            h = self.decay * h + (1 - self.decay) * x_BH
            outputs.append(h)
        return torch.stack(outputs, 1), LeakyState(h)
