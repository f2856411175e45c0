"""What a language model's word vectors say is alike."""

from __future__ import annotations

import torch
from torch import Tensor

from tsrnn.codecs.tokenizers import END_OF_SENTENCE, UNKNOWN
from tsrnn.errors import ConfigError, nearest
from tsrnn.models import AutoregressiveModel, vocabulary_of


@torch.no_grad()
def neighbours(model: AutoregressiveModel, word: str, count: int = 10) -> list[tuple[str, float]]:
    """The words whose vectors point most nearly in the direction of `word`'s, nearest first.

        cos(u, v) = u · v / (‖u‖ ‖v‖)

    of the rows of the embedding, between −1 and 1. `<eos>`, `<unk>` and the word itself are left out.

    Source: Mikolov, Yih and Zweig (2013), "Linguistic Regularities in Continuous Space Word
    Representations", section 4, on the vectors of a recurrent language model.

    Args:
        model: a language model.
        word: as the vocabulary has it.
        count: how many, fewer where the vocabulary is smaller.

    Raises:
        ConfigError: if the word is not in the vocabulary, with the nearest spelling; if count is below 1
            or the model is not one of words.
    """
    vocabulary = vocabulary_of(model)
    if count < 1:
        raise ConfigError(f"the number of neighbours must be at least 1, not {count}")
    if word not in vocabulary.tokens:
        raise ConfigError(f"the word {word!r} is not in the vocabulary{nearest(word, vocabulary.tokens)}")
    index = vocabulary.tokens.index(word)
    weight = model.embedding.weight
    assert isinstance(weight, Tensor)
    vectors = torch.nn.functional.normalize(weight.double(), dim=-1)
    cosines = vectors @ vectors[index]
    left_out = {word, END_OF_SENTENCE, UNKNOWN}
    ranked = cosines.argsort(descending=True, stable=True).tolist()
    words = [place for place in ranked if vocabulary.tokens[place] not in left_out]
    return [(vocabulary.tokens[place], float(cosines[place])) for place in words[:count]]
