"""Lines of text for the verbs, and the words in them that a model does not know."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tsrnn.codecs import Vocabulary
from tsrnn.data.text.files import read_lines
from tsrnn.errors import DataError, DataWarning


def lines_of(file: str, vocabulary: Vocabulary) -> Iterator[str]:
    """The lines of a UTF-8 file, or of standard input for `-`, without their ends, for a model to read.

    Raises:
        DataError: if the file is not there or is no text.
    """
    if file == "-":
        return (line.removesuffix("\n") for line in sys.stdin)
    return read_lines(Path(file), cut=vocabulary.sentences != "line")


def texts_of(given: Sequence[str], file: str | None, vocabulary: Vocabulary) -> list[str]:
    """The texts that a verb was given, or the lines of its file: each is read by itself, none is left out.

    A warning names the words that the model does not know.

    Raises:
        DataError: if there is no text, one is empty, or the model knows no word of one.
    """
    texts = list(given) if file is None else list(lines_of(file, vocabulary))
    if not texts:
        raise DataError("there is no text", path=file)
    known = set(vocabulary.tokens)
    unknown: list[str] = []
    for number, text in enumerate(texts, 1):
        tokens = vocabulary.tokenizer.split(text)
        missing = [token for token in tokens if token not in known]
        if not text.strip() or len(missing) == len(tokens):
            shown = listed(list(dict.fromkeys(missing)))
            problem = f"no word of it is in the vocabulary: {shown}" if missing else "the text is empty"
            if file is None:
                raise DataError(problem if len(texts) == 1 else f"text {number}: {problem}")
            raise DataError(problem, path=file, line=number)
        unknown += missing
    warn_of_unknown(list(dict.fromkeys(unknown)))
    return texts


def unknown_words(vocabulary: Vocabulary, tokens: Iterable[str]) -> list[str]:
    """The tokens that the model reads as `<unk>`, each once."""
    known = set(vocabulary.tokens)
    return list(dict.fromkeys(token for token in tokens if token not in known))


def warn_of_unknown(words: list[str]) -> None:
    """Name the words that the model does not know, if there are any."""
    if words:
        warnings.warn(DataWarning(f"not in the vocabulary, read as <unk>: {listed(words)}"), stacklevel=3)


def listed(words: list[str], most: int = 5) -> str:
    """The first of the words, as a list in a sentence."""
    return ", ".join(words[:most]) + (f" and {len(words) - most} more" if len(words) > most else "")
