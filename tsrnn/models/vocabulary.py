"""The vocabulary of a language model."""

from __future__ import annotations

from tsrnn.codecs.vocabulary import Vocabulary
from tsrnn.errors import ConfigError
from tsrnn.models.autoregressive import AutoregressiveModel


def vocabulary_of(model: AutoregressiveModel) -> Vocabulary:
    """The vocabulary of a language model.

    Raises:
        ConfigError: if the model is not one of words.
    """
    if not isinstance(model.codec, Vocabulary):
        raise ConfigError(f"the model reads {type(model.codec).__name__}, not words")
    return model.codec
