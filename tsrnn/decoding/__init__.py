"""Texts from a language model: drawn word by word, or found by a beam search."""

from typing import TYPE_CHECKING

from tsrnn.exports import publish as _publish

if TYPE_CHECKING:
    from tsrnn.decoding.beam import Hypothesis as Hypothesis
    from tsrnn.decoding.beam import beam_search as beam_search
    from tsrnn.decoding.beam import beam_search_rows as beam_search_rows
    from tsrnn.decoding.conditional import attention_map as attention_map
    from tsrnn.decoding.conditional import caption as caption
    from tsrnn.decoding.conditional import classify as classify
    from tsrnn.decoding.conditional import translate as translate
    from tsrnn.decoding.drawing import Decoding as Decoding
    from tsrnn.decoding.drawing import generate as generate
    from tsrnn.decoding.drawing import restrict as restrict

_publish(__name__)
