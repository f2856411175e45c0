"""Word vectors from the text files of GloVe and word2vec."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from tsrnn.data.tables.files import reading
from tsrnn.errors import DataError


class WordVectors(NamedTuple):
    """The vectors of the words that a file has.

    Attributes:
        ids: (F,) int64, the words' places in the vocabulary.
        values: (F, E) float32.
    """

    ids: Tensor
    values: Tensor


def read_word_vectors(path: str | Path, tokens: Sequence[str], size: int) -> WordVectors:
    """The vectors of a vocabulary's words, read line by line: a word, and its numbers, separated by spaces.

    That is the format of GloVe (Pennington, Socher and Manning 2014), and of word2vec's text files, whose
    first line holds the number of words and the size. A word that stands twice keeps its first vector; a
    word that is not there as it is written is looked for in lower case.

    Args:
        path: the file, plain or .gz.
        tokens: the vocabulary.
        size: E, the size that the vectors must have.

    Raises:
        DataError: if there is no such file, a line cannot be read, or the vectors have another size.
    """
    path = Path(path)
    places = {token: index for index, token in enumerate(tokens)}
    wanted = {token.lower() for token in tokens} | places.keys()
    vectors: dict[str, Tensor] = {}
    with reading(path), gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        for number, line in enumerate(file, 1):
            entry = _entry(line, number, size, wanted, path)
            if entry is not None:
                vectors.setdefault(*entry)
    chosen = {
        index: vectors[word]
        for token, index in places.items()
        for word in [token if token in vectors else token.lower()]
        if word in vectors
    }
    if not chosen:
        raise DataError("the file has none of the vocabulary's words", path=path)
    return WordVectors(torch.tensor(list(chosen)), torch.stack(list(chosen.values())))


def _entry(line: bytes, number: int, size: int, wanted: set[str], path: Path) -> tuple[str, Tensor] | None:
    """The word of a line and its vector; None for the header of word2vec, or a word that is not wanted."""
    word, *numbers = line.rstrip().rsplit(b" ", size)
    if number == 1 and len(line.split()) == 2 and line.replace(b" ", b"").strip().isdigit():
        own = int(line.split()[1])
        if own != size:
            raise DataError(f"the vectors have {own} entries, the embedding {size}", path=path)
        return None
    if len(numbers) != size or (number == 1 and b" " in word):
        entries = len(line.split()) - 1
        raise DataError(f"the vector has {entries} entries, the embedding {size}", path=path, line=number)
    try:
        text = word.decode()
    except UnicodeDecodeError:
        raise DataError("the line is not UTF-8", path=path, line=number) from None
    if text not in wanted:
        return None
    try:
        vector = torch.tensor([float(part) for part in numbers])
    except ValueError:
        raise DataError(
            f"the vector of {text!r} holds something that is no number", path=path, line=number
        ) from None
    if not vector.isfinite().all():
        raise DataError(f"the vector of {text!r} is not finite", path=path, line=number)
    return text, vector
