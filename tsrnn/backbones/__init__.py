"""Backbones: causal sequence maps with a carried state, one cell a file."""

from typing import TYPE_CHECKING

from tsrnn.exports import publish as _publish

if TYPE_CHECKING:
    from tsrnn.backbones.base import Backbone as Backbone
    from tsrnn.backbones.gru import GRU as GRU
    from tsrnn.backbones.lstm import LSTM as LSTM
    from tsrnn.backbones.rnn import RNN as RNN

_publish(__name__)
