"""Lines of text for the verbs, and the words in them that a model does not know."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from tsrnn.codecs import Vocabulary
from tsrnn.data.text.files import read_lines


def lines_of(file: str, vocabulary: Vocabulary) -> Iterator[str]:
    """The lines of a UTF-8 file, or of standard input for `-`, without their ends, for a model to read.

    Raises:
        DataError: if the file is not there or is no text.
    """
    if file == "-":
        return (line.removesuffix("\n") for line in sys.stdin)
    return read_lines(Path(file), cut=vocabulary.sentences != "line")


def unknown_words(vocabulary: Vocabulary, tokens: Iterable[str]) -> list[str]:
    """The tokens that the model reads as `<unk>`, each once."""
    known = set(vocabulary.tokens)
    return list(dict.fromkeys(token for token in tokens if token not in known))


def listed(words: list[str], most: int = 5) -> str:
    """The first of the words, as a list in a sentence."""
    return ", ".join(words[:most]) + (f" and {len(words) - most} more" if len(words) > most else "")
