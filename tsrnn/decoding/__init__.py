"""Texts from a language model: drawn word by word, or found by a beam search."""

from typing import TYPE_CHECKING

from tsrnn.exports import publish as _publish

if TYPE_CHECKING:
    from tsrnn.decoding.beam import Hypothesis as Hypothesis
    from tsrnn.decoding.beam import beam_search as beam_search
    from tsrnn.decoding.drawing import Decoding as Decoding
    from tsrnn.decoding.drawing import generate as generate
    from tsrnn.decoding.drawing import restrict as restrict

_publish(__name__)
