"""Conditioning: how a context enters a model, one way a file."""

from tsrnn.conditioning.base import Conditioning
from tsrnn.conditioning.known_inputs import KnownInputs

__all__ = ["Conditioning", "KnownInputs"]
