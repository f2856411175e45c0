"""Models: the parts assembled."""

from typing import TYPE_CHECKING

from tsrnn.exports import publish as _publish

if TYPE_CHECKING:
    from tsrnn.models.autoregressive import AutoregressiveModel as AutoregressiveModel
    from tsrnn.models.autoregressive import ModelState as ModelState
    from tsrnn.models.encoder_decoder import EncoderDecoder as EncoderDecoder
    from tsrnn.models.sequence_to_vector import SequenceToVector as SequenceToVector
    from tsrnn.models.vocabulary import vocabulary_of as vocabulary_of

_publish(__name__)
