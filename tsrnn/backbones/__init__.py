"""Backbones: causal sequence maps with a carried state, one cell a file."""

from tsrnn.backbones.base import Backbone
from tsrnn.backbones.gru import GRU
from tsrnn.backbones.lstm import LSTM
from tsrnn.backbones.rnn import RNN

__all__ = ["GRU", "LSTM", "RNN", "Backbone"]
