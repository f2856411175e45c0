"""Models: what the parts are put together to."""

from tsrnn.exports import publish as _publish
from tsrnn.models.autoregressive import AutoregressiveModel as AutoregressiveModel
from tsrnn.models.autoregressive import ModelState as ModelState
from tsrnn.models.vocabulary import vocabulary_of as vocabulary_of

_publish(__name__)
