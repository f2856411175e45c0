"""Encoders: what makes a context of a source, one kind a file."""

from typing import TYPE_CHECKING

from tsrnn.exports import publish as _publish

if TYPE_CHECKING:
    from tsrnn.encoders.base import Encoder as Encoder
    from tsrnn.encoders.sequence import SequenceEncoder as SequenceEncoder
    from tsrnn.encoders.vector import VectorEncoder as VectorEncoder

_publish(__name__)
