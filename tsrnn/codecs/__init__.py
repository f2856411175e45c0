"""Codecs: the causal map between raw observations and model steps."""

from tsrnn.codecs.base import Codec, Known
from tsrnn.codecs.log_returns import LogReturns
from tsrnn.codecs.vocabulary import Vocabulary

__all__ = ["Codec", "Known", "LogReturns", "Vocabulary"]
