"""Models: what the parts are put together to."""

from tsrnn.models.autoregressive import AutoregressiveModel, ModelState

__all__ = ["AutoregressiveModel", "ModelState"]
