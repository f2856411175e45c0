"""Models: what the parts are put together to."""

from tsrnn.models.autoregressive import AutoregressiveModel, ModelState
from tsrnn.models.vocabulary import vocabulary_of

__all__ = ["AutoregressiveModel", "ModelState", "vocabulary_of"]
