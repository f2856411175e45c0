"""Codecs: the causal map between raw observations and model steps."""

from typing import TYPE_CHECKING

from tsrnn.exports import publish as _publish

if TYPE_CHECKING:
    from tsrnn.codecs.base import Codec as Codec
    from tsrnn.codecs.base import Known as Known
    from tsrnn.codecs.blocks import Blocks as Blocks
    from tsrnn.codecs.log_returns import LogReturns as LogReturns
    from tsrnn.codecs.tokenizers import Characters as Characters
    from tsrnn.codecs.tokenizers import Subwords as Subwords
    from tsrnn.codecs.tokenizers import Tokenizer as Tokenizer
    from tsrnn.codecs.tokenizers import Whitespace as Whitespace
    from tsrnn.codecs.tokenizers import Words as Words
    from tsrnn.codecs.trend_blocks import TrendBlocks as TrendBlocks
    from tsrnn.codecs.vocabulary import Vocabulary as Vocabulary

_publish(__name__)
