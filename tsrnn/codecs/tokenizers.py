"""Lines of text as tokens, and tokens as text again."""

from __future__ import annotations

import re
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Iterable
from functools import cached_property
from typing import Any, ClassVar

from tsrnn.errors import ConfigError, argument

END_OF_SENTENCE = "<eos>"
UNKNOWN = "<unk>"

# Python's \w leaves out the marks that many scripts write vowels and accents with.
_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0670"
    "\u0900-\u0963\u0966-\u0dff\u0e31-\u0e3a\u0e47-\u0e4e\u200c\u200d"
)
_LETTER = rf"[\w{_MARKS}]"
_WORD = re.compile(rf"\d+(?:[.,]\d+)+|{_LETTER}+(?:['’]{_LETTER}+)*|\S")

_NO_SPACE_BEFORE = frozenset([*",.;:!?)]}", *"%…’”、。，．；：！？）］｝」』》〉"])
_NO_SPACE_AFTER = frozenset([*"([{", *"‘“（［｛「『《〈"])


class Tokenizer(ABC):
    """Splits a line of text into tokens and puts tokens together as text.

    A tokenizer keeps every constructor argument as an attribute of that name, so that a checkpoint holds it.
    """

    is_component: ClassVar[bool] = True
    fitted: ClassVar[tuple[str, ...]] = ()
    """Constructor arguments that `fit` sets; see `Codec.fitted`."""
    needs_fit: bool = False
    """Whether `fit` must be called before `split`."""

    def fit(self, lines: Iterable[str]) -> Tokenizer:
        """The tokenizer with what it learns from the training text, line by line. Most learn nothing."""
        return self

    @abstractmethod
    def split(self, line: str) -> list[str]:
        """The tokens of one line, without `<eos>`."""

    @abstractmethod
    def piece(self, token: str, previous: str | None) -> str:
        """The text that `token` adds after `previous`, which is None or `<eos>` where a line begins.

        `<eos>` adds a line feed. Text that is written while it is sampled is the pieces one after another.
        """

    def join(self, tokens: Iterable[str]) -> str:
        """The text of the tokens: their pieces one after another."""
        pieces = []
        previous = None
        for token in tokens:
            pieces.append(self.piece(token, previous))
            previous = token
        return "".join(pieces)


def _begins_line(previous: str | None) -> bool:
    return previous is None or previous == END_OF_SENTENCE


class Whitespace(Tokenizer):
    """Tokens are what stands between white space: for corpora that are tokenised already.

    `<unk>` and `<eos>` in the text are the vocabulary's special tokens.
    """

    def split(self, line: str) -> list[str]:
        """The parts of the line between white space."""
        return line.split()

    def piece(self, token: str, previous: str | None) -> str:
        """The token, after a space where it does not begin a line."""
        if token == END_OF_SENTENCE:
            return "\n"
        return token if _begins_line(previous) else f" {token}"


class Words(Tokenizer):
    """Tokens are words, numbers and punctuation marks, in any script.

    A word is a run of letters, digits and underscores; an apostrophe inside it stays (don't). A number
    keeps its inner points and commas (3.14, 1,000). Each other mark is a token by itself. A Korean eojeol
    stays whole. Text is brought to Unicode's composed form (NFC) first, because a file may hold one and
    the same Korean word as syllables or as letters (NFD, as macOS writes it), and they are the same word.

    `join` does not know what white space a text had: it leaves out the space before a closing mark
    and after an opening bracket, and puts one everywhere else.

    Args:
        lowercase: whether words are in lower case.
    """

    def __init__(self, lowercase: bool = False) -> None:
        self.lowercase = lowercase

    def split(self, line: str) -> list[str]:
        """The words, numbers and marks of the line."""
        if not line.isascii():
            line = unicodedata.normalize("NFC", line)
        return _WORD.findall(line.lower() if self.lowercase else line)

    def piece(self, token: str, previous: str | None) -> str:
        """The token, after a space where one belongs."""
        if token == END_OF_SENTENCE:
            return "\n"
        if _begins_line(previous) or token in _NO_SPACE_BEFORE or previous in _NO_SPACE_AFTER:
            return token
        return f" {token}"


class Characters(Tokenizer):
    """Every character is a token, spaces included; `join` gives the line back exactly.

    The line is given back in Unicode's composed form (NFC), in which a Korean syllable is one character:
    text that was composed already, as almost all is, comes back as it was.
    """

    def split(self, line: str) -> list[str]:
        """The characters of the line."""
        return list(line if line.isascii() else unicodedata.normalize("NFC", line))

    def piece(self, token: str, previous: str | None) -> str:
        """The character."""
        return "\n" if token == END_OF_SENTENCE else token


class Subwords(Tokenizer):
    """Tokens are pieces of words, by byte-pair encoding: frequent words whole, rare ones in parts.

    A space is written ▁ and belongs to the piece after it, so `join` gives the line back exactly, in
    Unicode's composed form (NFC), except characters that the training text does not have: they are `<unk>`.

    Source: Sennrich, Haddow and Birch (2016), Neural Machine Translation of Rare Words with Subword Units.

    Args:
        vocabulary_size: number of different pieces at most, `<unk>` included; `<eos>` comes on top.
        model: what `fit` learned, the JSON of a Hugging Face tokenizer. None: `fit` comes first.
        marks: whether punctuation marks are pieces of their own, so that a word is the same before a comma.

    Raises:
        ConfigError: if vocabulary_size is below 2, or the library `tokenizers` is not installed.
    """

    fitted: ClassVar[tuple[str, ...]] = ("model",)

    def __init__(self, vocabulary_size: int = 8000, model: str | None = None, marks: bool = False) -> None:
        if vocabulary_size < 2:
            raise ConfigError(
                f"{argument('data.tokenizer.vocabulary_size')} must be at least 2, not {vocabulary_size}"
            )
        self.vocabulary_size = vocabulary_size
        self.model = model
        self.marks = marks
        self.needs_fit = model is None
        _library()

    def fit(self, lines: Iterable[str]) -> Subwords:
        """A tokenizer whose pieces are learned from the lines; one that has learned stays as it is."""
        if not self.needs_fit:
            return self
        library = _library()
        learner = library.Tokenizer(library.models.BPE(unk_token=UNKNOWN))
        learner.normalizer = library.normalizers.NFC()
        parts = library.pre_tokenizers
        learner.pre_tokenizer = parts.Metaspace(prepend_scheme="never")
        if self.marks:
            learner.pre_tokenizer = parts.Sequence([learner.pre_tokenizer, parts.Punctuation()])
        trainer = library.trainers.BpeTrainer(
            vocab_size=self.vocabulary_size, special_tokens=[UNKNOWN], show_progress=False
        )
        learner.train_from_iterator(lines, trainer)
        return Subwords(self.vocabulary_size, learner.to_str(), self.marks)

    def split(self, line: str) -> list[str]:
        """The pieces of the line.

        Raises:
            ConfigError: if nothing was learned yet.
        """
        tokens: list[str] = self._learned.encode(line).tokens
        return tokens

    def piece(self, token: str, previous: str | None) -> str:
        """The piece, its ▁ a space."""
        return "\n" if token == END_OF_SENTENCE else token.replace("▁", " ")

    @cached_property
    def _learned(self) -> Any:
        if self.model is None:
            raise ConfigError("Subwords have learned nothing yet: call fit(lines) first")
        return _library().Tokenizer.from_str(self.model)


def _library() -> Any:
    # Imported where it is used: it is an extra, and takes a moment.
    try:
        import tokenizers
    except ImportError:
        raise ConfigError("Subwords need the library tokenizers: pip install tsrnn[subwords]") from None
    return tokenizers
