"""Texts, and a class of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from tsrnn.codecs import Tokenizer, Vocabulary, Words
from tsrnn.data.loaders.pairs import Pairs, Rows
from tsrnn.data.pairs.base import PairData, shares_of
from tsrnn.data.pairs.sentences import sentence_ids, vocabulary_of_texts
from tsrnn.data.tables.source import listed, shown
from tsrnn.data.tables.texts import read_columns
from tsrnn.errors import ConfigError, DataError, argument

_TEXTS = ("text", "sentence", "document", "review")
_LABELS = ("label", "class", "sentiment", "target")


class LabelledText(PairData):
    """Texts with a label, from a table or from one for each split.

    Args:
        path: a table (.tsv without quotes, .csv, Parquet; the first two also .gz) of text and label.
        train_path: the training table, where the splits are files.
        valid_path: the validation table.
        test_path: the test table.
        text_column: the column of the text. Default: text, sentence, document or review.
        label_column: the column of the label. Default: label, class, sentiment or target.
        split: shares of train, valid and test where no files say it; rows of one text are in one split.
        tokenizer: what makes tokens of a text. Default: Words.
        minimum_count: a token that the training texts have less often becomes `<unk>`.
        maximum_size: size of the vocabulary at most.
        maximum_length: tokens of a text that are read; the rest is cut off. None: all.
        batch_size: texts per batch.
        seed: of the order of the training texts.

    Raises:
        ConfigError: if the arguments do not fit one another.
    """

    def __init__(
        self,
        path: str | None = None,
        train_path: str | None = None,
        valid_path: str | None = None,
        test_path: str | None = None,
        text_column: str | None = None,
        label_column: str | None = None,
        split: tuple[float, float, float] = (0.8, 0.1, 0.1),
        tokenizer: Tokenizer | None = None,
        minimum_count: int = 1,
        maximum_size: int | None = None,
        maximum_length: int | None = None,
        batch_size: int = 64,
        seed: int = 0,
    ) -> None:
        super().__init__(batch_size, seed)
        if path is not None and (train_path or valid_path or test_path):
            raise ConfigError("give path, or train_path with valid_path and test_path")
        if path is None and train_path is None:
            raise ConfigError(
                f"labelled texts need {argument('data.path')} or {argument('data.train_path')}, a table of "
                "text and label"
            )
        shares_of([], split)
        self.path = path
        self.paths = dict(zip(("train", "valid", "test"), (train_path, valid_path, test_path), strict=True))
        self.text_column, self.label_column = text_column, label_column
        self.split = split
        self.tokenizer = tokenizer or Words()
        self.minimum_count, self.maximum_size = minimum_count, maximum_size
        self.maximum_length = maximum_length

    @property
    def source(self) -> str:
        """The table's name, in the words of a message."""
        return str(self.path or self.paths["train"])

    def _read(self, path: str) -> tuple[list[str], list[str]]:
        wanted = (
            (self.text_column,) if self.text_column else _TEXTS,
            (self.label_column,) if self.label_column else _LABELS,
        )
        (texts, labels), lines = read_columns(Path(path), wanted)
        for name, cells in (("text", texts), ("label", labels)):
            for cell, line in zip(cells, lines, strict=True):
                if not cell.strip():
                    raise DataError(f"the {name} is empty", path=path, line=line)
        return texts, [label.strip() for label in labels]

    @cached_property
    def splits(self) -> dict[str, tuple[list[str], list[str]]]:
        """Texts and labels by split.

        Raises:
            DataError: if a table cannot be read, has one class alone, or a class that training lacks.
        """
        if self.path is not None:
            texts, labels = self._read(self.path)
            found = {
                split: ([texts[row] for row in rows], [labels[row] for row in rows])
                for split, rows in shares_of(texts, self.split).items()
            }
            if "train" not in found:
                raise DataError("there are too few texts to train on", path=self.source)
        else:
            found = {split: self._read(path) for split, path in self.paths.items() if path is not None}
        counts = Counter(found["train"][1])
        if len(counts) < 2:
            problem = f"every training text has the label {shown(next(iter(counts)))}: two classes are needed"
            raise DataError(problem, path=self.source)
        for split, (_, labels) in found.items():
            for label in labels:
                if label not in counts:
                    problem = f"the {split} texts have the label {shown(label)}, which no training text has"
                    raise DataError(f"{problem}; {listed(sorted(counts), 'labels')}", path=self.source)
        return found

    @cached_property
    def labels(self) -> list[str]:
        """The names of the classes, in alphabetical order."""
        return sorted(set(self.splits["train"][1]))

    @property
    def label_counts(self) -> list[int]:
        """How many training texts each class has."""
        counts = Counter(self.splits["train"][1])
        return [counts[label] for label in self.labels]

    @cached_property
    def codec(self) -> Vocabulary:
        """The vocabulary of the training texts."""
        texts = self.splits["train"][0]
        return vocabulary_of_texts(texts, self.tokenizer, self.minimum_count, self.maximum_size)

    def adopt_from(self, model: Any) -> None:
        """Read with the vocabulary of a trained model, and count its classes.

        Raises:
            ConfigError: if the model has no such classes.
        """
        labels = getattr(model, "labels", None)
        if labels is None or not set(self.labels) <= set(labels):
            raise ConfigError("the classes of the data are not those of the model")
        self.adopt(model.codec)
        self.labels = list(labels)

    def pairs(self, split: str) -> Pairs:
        """Token ids and classes of a split."""
        texts, labels = self.splits[split]
        rows = [sentence_ids(self.codec, text) for text in texts]
        if self.maximum_length is not None:
            rows = [row[: self.maximum_length] for row in rows]
        places = {label: place for place, label in enumerate(self.labels)}
        return Pairs(Rows.of(rows), torch.tensor([places[label] for label in labels]))

    def keys(self, split: str) -> Sequence[str]:
        """Each text and its label."""
        return [f"{text}\t{label}" for text, label in zip(*self.splits[split], strict=True)]
