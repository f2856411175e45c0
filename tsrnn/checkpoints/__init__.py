"""Checkpoints: found, read and made models again, without the library that trained them."""

from typing import TYPE_CHECKING

from tsrnn.exports import publish as _publish

if TYPE_CHECKING:
    from tsrnn.checkpoints.loaded import LoadedModel as LoadedModel
    from tsrnn.checkpoints.loaded import load_model as load_model

_publish(__name__)
