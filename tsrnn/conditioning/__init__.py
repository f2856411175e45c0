"""Conditioning: how a context enters a model, one way a file."""

from typing import TYPE_CHECKING

from tsrnn.exports import publish as _publish

if TYPE_CHECKING:
    from tsrnn.conditioning.base import Conditioning as Conditioning
    from tsrnn.conditioning.known_inputs import KnownInputs as KnownInputs

_publish(__name__)
