"""Vectors, and what is said of each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from tsrnn.codecs import Tokenizer, Vocabulary, Words
from tsrnn.data.loaders.pairs import Pairs, Rows
from tsrnn.data.pairs.base import PairData, shares_of
from tsrnn.data.pairs.generated import english_number, korean_number
from tsrnn.data.pairs.sentences import sentence_ids, vocabulary_of_texts
from tsrnn.data.pairs.vectors import read_vectors
from tsrnn.data.tables.texts import read_columns
from tsrnn.data.text.files import read_lines
from tsrnn.errors import ConfigError, DataError

_SAYS = {"digits": english_number, "digits_ko": korean_number}


class Described(NamedTuple):
    """Vectors and their texts.

    Attributes:
        vectors: (N, F).
        texts: N.
    """

    vectors: npt.NDArray[np.float32]
    texts: list[str]


class DescribedVectors(PairData):
    """Rows of numbers, and a text for each: image features and captions, attributes and sentences.

    Without a path they are the 1,797 handwritten digits of scikit-learn, 8 × 8 pixels each, and their names.
    A row that occurs with several texts (several captions of one picture) has all of them as references in
    a test, and is in one split.

    Args:
        path: a matrix (.npy, float) with a row a text of `texts`; or a table (.csv, .tsv, Parquet) with the
            texts in one column and numbers in all others.
        texts: a text file with a line for each row of a matrix.
        text_column: the column of the text in a table.
        corpus: digits, or digits_ko, whose names are Korean.
        split: shares of train, valid and test.
        tokenizer: what makes tokens of the texts. Default: Words.
        minimum_count: a token that the training texts have less often becomes `<unk>`.
        batch_size: rows per batch.
        seed: of the order of the training rows.

    Raises:
        ConfigError: if the arguments do not fit one another.
    """

    def __init__(
        self,
        path: str | None = None,
        texts: str | None = None,
        text_column: str = "text",
        corpus: Literal["digits", "digits_ko"] | None = None,
        split: tuple[float, float, float] = (0.7, 0.15, 0.15),
        tokenizer: Tokenizer | None = None,
        minimum_count: int = 1,
        batch_size: int = 32,
        seed: int = 0,
    ) -> None:
        super().__init__(batch_size, seed)
        if path is not None and corpus is not None:
            raise ConfigError("give path or corpus: one of them")
        if path is not None and path.endswith(".npy") and texts is None:
            raise ConfigError("a matrix needs texts, a file with a line for each of its rows")
        shares_of([], split)
        self.path, self.texts, self.text_column = path, texts, text_column
        self.corpus = corpus if corpus or path else "digits"
        self.split = split
        self.tokenizer = tokenizer or Words()
        self.minimum_count = minimum_count

    @property
    def source(self) -> str:
        """The data's name, in the words of a message."""
        return str(self.path or self.corpus)

    @cached_property
    def splits(self) -> dict[str, Described]:
        """Vectors and texts by split."""
        every = self._read()
        rows = shares_of([vector.tobytes().hex() for vector in every.vectors], self.split)
        if "train" not in rows:
            raise DataError("there are too few rows to train on", path=self.source)
        return {
            name: Described(every.vectors[places], [every.texts[place] for place in places])
            for name, places in rows.items()
        }

    def _read(self) -> Described:
        if self.path is None:
            from sklearn.datasets import load_digits

            digits = load_digits()
            say = _SAYS[str(self.corpus)]
            return Described(digits.data.astype(np.float32), [say(int(digit)) for digit in digits.target])
        path = Path(self.path)
        vectors = read_vectors(path, self.text_column)
        if path.suffix == ".npy":
            texts = list(read_lines(Path(str(self.texts))))
            lines = list(range(1, len(texts) + 1))
        else:
            (texts,), lines = read_columns(path, [[self.text_column]])
        if len(vectors) != len(texts):
            raise DataError(
                f"{len(texts)} texts for {len(vectors)} vectors: one for each is needed", path=path
            )
        if not np.isfinite(vectors).all():
            row = int(np.flatnonzero(~np.isfinite(vectors).all(1))[0])
            raise DataError("a number is missing or infinite", path=path, line=lines[row])
        for text, line in zip(texts, lines, strict=True):
            if not text.strip():
                raise DataError("the text is empty", path=self.texts or path, line=line)
        return Described(vectors, texts)

    @property
    def source_location(self) -> list[float]:
        """(F,) means of the training rows."""
        return [float(mean) for mean in self.splits["train"].vectors.mean(0)]

    @property
    def source_scale(self) -> list[float]:
        """(F,) standard deviations of the training rows; 1 where a number never changes."""
        return [float(spread) or 1.0 for spread in self.splits["train"].vectors.std(0)]

    @cached_property
    def codec(self) -> Vocabulary:
        """The vocabulary of the training texts."""
        return vocabulary_of_texts(self.splits["train"].texts, self.tokenizer, self.minimum_count)

    def adopt_from(self, model: Any) -> None:
        """Write with the vocabulary of a trained model, if it reads such vectors.

        Raises:
            ConfigError: if it does not.
        """
        wanted = getattr(getattr(model, "encoder", None), "input_size", None)
        found = self.splits["train"].vectors.shape[1]
        if wanted != found:
            raise ConfigError(f"the data have vectors of {found} numbers, and the model reads {wanted}")
        self.adopt(model.codec)

    def pairs(self, split: str) -> Pairs:
        """Vectors and token ids of a split."""
        found = self.splits[split]
        rows = [sentence_ids(self.codec, text) for text in found.texts]
        return Pairs(torch.from_numpy(found.vectors), Rows.of(rows), self.codec)

    def keys(self, split: str) -> Sequence[str]:
        """Each vector and its text."""
        found = self.splits[split]
        return [f"{vector.tobytes().hex()}\t{text}" for vector, text in zip(*found, strict=True)]

    def references(self, split: str) -> tuple[npt.NDArray[np.float32], list[list[str]]]:
        """The different vectors of a split, and all texts of each."""
        found = self.splits[split]
        texts: dict[bytes, list[str]] = {}
        first: dict[bytes, int] = {}
        for row, (vector, text) in enumerate(zip(*found, strict=True)):
            texts.setdefault(vector.tobytes(), []).append(text)
            first.setdefault(vector.tobytes(), row)
        return found.vectors[list(first.values())], list(texts.values())
