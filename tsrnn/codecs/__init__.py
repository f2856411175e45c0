"""Codecs: the causal map between raw observations and model steps."""

from tsrnn.codecs.base import Codec, Known
from tsrnn.codecs.blocks import Blocks
from tsrnn.codecs.log_returns import LogReturns
from tsrnn.codecs.tokenizers import Characters, Subwords, Tokenizer, Whitespace, Words
from tsrnn.codecs.vocabulary import Vocabulary

__all__ = [
    "Blocks",
    "Characters",
    "Codec",
    "Known",
    "LogReturns",
    "Subwords",
    "Tokenizer",
    "Vocabulary",
    "Whitespace",
    "Words",
]
