"""Words as numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from tsrnn.codecs.base import Codec, Known
from tsrnn.codecs.sentences import open_sentences
from tsrnn.codecs.tokenizers import END_OF_SENTENCE, UNKNOWN, Tokenizer, Whitespace
from tsrnn.errors import ConfigError
from tsrnn.protocols import Encoding


class VocabularyState(NamedTuple):
    """The last token's id, (...) int64."""

    token: Tensor


class Vocabulary(Codec):
    """Model steps are token ids; the input of a step is the token before it.

    A sequence starts as if a sentence had just ended: the input of its first step is `<eos>`, so that
    P(w_1) is the probability of w_1 at the beginning of a sentence.

    Args:
        tokens: the V distinct tokens; a token's place is its id. `<eos>` must be among them.
        tokenizer: what makes these tokens of text, and text of them. Default: Whitespace.
        sentences: how sentences are found in a text, by line or by paragraph: see `sentences_in`.

    Raises:
        ConfigError: if a token stands twice, or `<eos>` is not there.
    """

    kind = "text"
    fitted: ClassVar[tuple[str, ...]] = ("tokens",)

    def __init__(
        self, tokens: Sequence[str], tokenizer: Tokenizer | None = None, sentences: str = "line"
    ) -> None:
        self.tokens = tuple(tokens)
        self.tokenizer = tokenizer if tokenizer is not None else Whitespace()
        self.sentences = sentences
        self._ids = {token: index for index, token in enumerate(self.tokens)}
        if len(self._ids) != len(self.tokens):
            twice = Counter(self.tokens).most_common(1)[0][0]
            raise ConfigError(f"the token {twice!r} occurs twice in the vocabulary")
        if END_OF_SENTENCE not in self._ids:
            raise ConfigError(f"a vocabulary needs the token {END_OF_SENTENCE}")
        self.input_size = len(self.tokens)
        self.end_of_sentence = self._ids[END_OF_SENTENCE]
        self.unknown = self._ids.get(UNKNOWN)  # None where the vocabulary has no such token

    @classmethod
    def from_tokens(
        cls,
        tokens: Iterable[str],
        *,
        minimum_count: int = 1,
        maximum_size: int | None = None,
        tokenizer: Tokenizer | None = None,
    ) -> Vocabulary:
        """The vocabulary of a text that is given token by token; see `from_counts`."""
        return cls.from_counts(
            Counter(tokens), minimum_count=minimum_count, maximum_size=maximum_size, tokenizer=tokenizer
        )

    @classmethod
    def from_counts(
        cls,
        counts: Mapping[str, int],
        *,
        minimum_count: int = 1,
        maximum_size: int | None = None,
        tokenizer: Tokenizer | None = None,
        sentences: str = "line",
    ) -> Vocabulary:
        """The vocabulary of a text: `<eos>`, `<unk>`, then the most frequent token first, ties by alphabet.

        Where the text has `<eos>` or `<unk>` as a word, it is that special token.

        Args:
            counts: how often each token occurs in the training text.
            minimum_count: a token seen less often becomes `<unk>`.
            maximum_size: V at most, `<eos>` and `<unk>` included.
            tokenizer: what made these tokens of text. Default: Whitespace.
            sentences: how sentences were found in it.

        Raises:
            ConfigError: if maximum_size leaves no room for those two.
        """
        special = [END_OF_SENTENCE, UNKNOWN]
        if maximum_size is not None and maximum_size < len(special):
            raise ConfigError(f"a vocabulary holds {' and '.join(special)}: maximum_size must be at least 2")
        words = [word for word, count in counts.items() if count >= minimum_count and word not in special]
        words.sort(key=lambda word: (-counts[word], word))
        limit = None if maximum_size is None else maximum_size - len(special)
        return cls([*special, *words[:limit]], tokenizer, sentences)

    def ids(self, tokens: Iterable[str]) -> Tensor:
        """The tokens' ids, (T,) int64; a token that is not in the vocabulary has the id of `<unk>`.

        Raises:
            ConfigError: for an unknown token when the vocabulary has no `<unk>`.
        """
        ids = []
        for token in tokens:
            index = self._ids.get(token, self.unknown)
            if index is None:
                raise ConfigError(f"the token {token!r} is not in the vocabulary, which has no {UNKNOWN}")
            ids.append(index)
        return torch.tensor(ids, dtype=torch.int64)

    def prompt(self, text: str) -> list[str]:
        """The tokens of a text that is to be continued, its sentences found as in training.

        Each sentence that has ended has its `<eos>`; the last stays open, unless a line end, or a blank line
        where paragraphs are read, follows it.
        """
        ended, begun = open_sentences(text, self.sentences)
        tokens = [token for sentence in ended for token in (*self.tokenizer.split(sentence), END_OF_SENTENCE)]
        return [*tokens, *self.tokenizer.split(begun)]

    def words(self, ids: Tensor) -> list[str]:
        """The tokens of (T,) ids."""
        return [self.tokens[index] for index in ids.tolist()]

    def initial_state(self, *batch: int) -> VocabularyState:
        """The state after `<eos>`."""
        return VocabularyState(torch.full(batch, self.end_of_sentence, dtype=torch.int64))

    def known(self, state: VocabularyState) -> Known:
        """The token before."""
        return Known(state.token, None, None)

    def target(self, raw: Tensor, state: VocabularyState) -> tuple[Tensor, Tensor]:
        """The token's id, which always has a probability."""
        return raw, torch.ones_like(raw, dtype=torch.bool)

    def update(self, raw: Tensor, state: VocabularyState) -> VocabularyState:
        """The state after the token."""
        return VocabularyState(raw)

    def decode(self, step: Tensor, state: VocabularyState) -> Tensor:
        """The token's id: raw and model step are the same."""
        return step

    def last(self, state: VocabularyState) -> Tensor:
        """The last token's id."""
        return state.token

    def encode(self, raw: Tensor, state: VocabularyState | None = None) -> tuple[Encoding, VocabularyState]:
        """The tokens shifted by one, without a loop."""
        if state is None:
            state = self.initial_state(*raw.shape[:-1])
        inputs = torch.cat([state.token.unsqueeze(-1), raw[..., :-1]], dim=-1)
        observed = torch.ones_like(raw, dtype=torch.bool)
        return Encoding(inputs, raw, None, None, observed), VocabularyState(raw[..., -1])
