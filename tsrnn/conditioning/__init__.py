"""Conditioning: how a context enters a model, one way a file."""

from typing import TYPE_CHECKING

from tsrnn.exports import publish as _publish

if TYPE_CHECKING:
    from tsrnn.conditioning.attention import Attention as Attention
    from tsrnn.conditioning.base import Conditioning as Conditioning
    from tsrnn.conditioning.both import Both as Both
    from tsrnn.conditioning.known_inputs import KnownInputs as KnownInputs
    from tsrnn.conditioning.static_inputs import StaticInputs as StaticInputs
    from tsrnn.conditioning.static_state import StaticState as StaticState

_publish(__name__)
