"""Conditioning: how a context enters a model, one way a file."""

from tsrnn.conditioning.base import Conditioning as Conditioning
from tsrnn.conditioning.known_inputs import KnownInputs as KnownInputs
from tsrnn.exports import publish as _publish

_publish(__name__)
