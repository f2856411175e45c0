"""Backbones: causal sequence maps with a carried state, one cell a file."""

from tsrnn.backbones.base import Backbone as Backbone
from tsrnn.backbones.gru import GRU as GRU
from tsrnn.backbones.lstm import LSTM as LSTM
from tsrnn.backbones.rnn import RNN as RNN
from tsrnn.exports import publish as _publish

_publish(__name__)
