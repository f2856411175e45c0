"""Sentences as numbers, one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import torch

from tsrnn.codecs import Tokenizer, Vocabulary


def vocabulary_of_texts(
    texts: Sequence[str], tokenizer: Tokenizer, minimum_count: int = 1, maximum_size: int | None = None
) -> Vocabulary:
    """The vocabulary of texts, whose tokenizer learns from them if it learns."""
    tokenizer = tokenizer.fit(texts)
    counts = Counter(token for text in texts for token in tokenizer.split(text))
    return Vocabulary.from_counts(
        counts, minimum_count=minimum_count, maximum_size=maximum_size, tokenizer=tokenizer
    )


def sentence_ids(vocabulary: Vocabulary, text: str) -> torch.Tensor:
    """The ids of a sentence's tokens and of `<eos>`."""
    ids = vocabulary.ids(vocabulary.tokenizer.split(text))
    return torch.cat([ids, ids.new_full((1,), vocabulary.end_of_sentence)])
