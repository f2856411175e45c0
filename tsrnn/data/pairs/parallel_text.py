"""Parallel texts: sentences, and what each is in another language or another notation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from tsrnn.codecs import Tokenizer, Vocabulary, Words
from tsrnn.codecs.tokenizers import Characters
from tsrnn.data.loaders.pairs import Pairs, Rows
from tsrnn.data.pairs.base import PairData, shares_of
from tsrnn.data.pairs.files import Texts, read_parallel
from tsrnn.data.pairs.generated import dates, numerals
from tsrnn.data.pairs.sentences import sentence_ids, vocabulary_of_texts
from tsrnn.errors import ConfigError, DataError, argument

_GENERATED = {
    "dates": lambda: dates(10_000, seed=0),
    "numerals": lambda: numerals(10_000, seed=0),
    "numerals_ko": lambda: numerals(10_000, seed=0, language="ko"),
}


class ParallelText(PairData):
    """Sentences of one language and of another, side by side.

    A source is its tokens and `<eos>`; a target is its tokens and `<eos>`, which ends what a model writes.
    Vocabularies are those of the training texts.

    Args:
        path: a folder with train, val and test files of each language (train.en, train.de, also .gz), a
            table (.tsv, .csv, Parquet) with a column for each, or what two aligned files have in common:
            `corpus` for corpus.en and corpus.de.
        source: the language translated from: what ends the names of its files, or its column.
        target: the language translated to.
        corpus: without a path, pairs that are made: dates, as people write them, to ISO 8601; numerals, in
            digits, to English words; or numerals_ko, to Korean ones.
        split: shares of train, valid and test where no files say it; rows of one source are in one split.
        test_name: what the name of the test file contains, where a folder has several.
        tokenizer: what makes tokens of both texts. Default: Words; Characters for the pairs that are made.
        joint: whether both languages have one vocabulary, and a tokenizer that learns does so from both.
        minimum_count: a token that the training texts have less often becomes `<unk>`.
        maximum_size: size of a vocabulary at most.
        maximum_length: training pairs with more tokens on a side are left out. None: all are used.
        batch_size: pairs per batch.
        seed: of the order of the training pairs.

    Raises:
        ConfigError: if the arguments do not fit one another.
    """

    def __init__(
        self,
        path: str | None = None,
        source: str = "en",
        target: str = "de",
        corpus: Literal["dates", "numerals", "numerals_ko"] | None = None,
        split: tuple[float, float, float] = (0.8, 0.1, 0.1),
        test_name: str | None = None,
        tokenizer: Tokenizer | None = None,
        joint: bool = False,
        minimum_count: int = 1,
        maximum_size: int | None = None,
        maximum_length: int | None = None,
        batch_size: int = 64,
        seed: int = 0,
    ) -> None:
        super().__init__(batch_size, seed)
        if path is not None and corpus is not None:
            raise ConfigError("give path or corpus: one of them")
        if corpus is not None and corpus not in _GENERATED:
            raise ConfigError(f"corpus is one of {', '.join(_GENERATED)}, not {corpus!r}")
        shares_of([], split)
        self.path = path
        self.languages = (source, target)
        self.corpus = corpus if corpus or path else "dates"
        self.split = split
        self.test_name = test_name
        self.tokenizer = tokenizer or (Words() if path else Characters())
        self.joint = joint
        self.minimum_count, self.maximum_size = minimum_count, maximum_size
        self.maximum_length = maximum_length

    @property
    def source(self) -> str:
        """The text's name, in the words of a message."""
        return str(self.path or self.corpus)

    @cached_property
    def splits(self) -> dict[str, Texts]:
        """The texts by split."""
        if self.path is not None:
            source, target = self.languages
            texts, said = read_parallel(Path(self.path), source, target, self.test_name)
            if said:
                return texts
            every = texts["all"]
        else:
            every = _GENERATED[str(self.corpus)]()
        rows = shares_of(every.source, self.split)
        if "train" not in rows:
            raise DataError("there are too few pairs to train on", path=self.source)
        return {
            split: Texts([every.source[row] for row in places], [every.target[row] for row in places])
            for split, places in rows.items()
        }

    @cached_property
    def source_codec(self) -> Vocabulary:
        """The vocabulary of the source."""
        return self._vocabularies[0]

    @cached_property
    def codec(self) -> Vocabulary:
        """The vocabulary of the target."""
        return self._vocabularies[1]

    @cached_property
    def _vocabularies(self) -> tuple[Vocabulary, Vocabulary]:
        train = self.splits["train"]
        if self.joint:
            one = self._vocabulary([*train.source, *train.target])
            return one, one
        return self._vocabulary(train.source), self._vocabulary(train.target)

    def _vocabulary(self, texts: Sequence[str]) -> Vocabulary:
        return vocabulary_of_texts(texts, self.tokenizer, self.minimum_count, self.maximum_size)

    def adopt_from(self, model: Any) -> None:
        """Read and write with the vocabularies of a trained model.

        Raises:
            ConfigError: if the model does not read text.
        """
        source = getattr(model, "source_codec", None)
        if not isinstance(source, Vocabulary):
            raise ConfigError("the model does not read text: give it data of its kind")
        self.adopt(model.codec)
        self.source_codec = source

    def pairs(self, split: str) -> Pairs:
        """The pairs of a split as token ids, `<eos>` at the end of both sides."""
        texts = self.splits[split]
        rows = [
            (sentence_ids(self.source_codec, source), sentence_ids(self.codec, target))
            for source, target in zip(*texts, strict=True)
        ]
        if split == "train" and self.maximum_length is not None:
            rows = [row for row in rows if max(map(len, row)) <= self.maximum_length + 1]
            if not rows:
                problem = f"no training pair is short enough: raise {argument('data.maximum_length')}"
                raise DataError(problem, path=self.source)
        return Pairs(Rows.of([row[0] for row in rows]), Rows.of([row[1] for row in rows]), self.codec)

    def keys(self, split: str) -> list[str]:
        """Each pair as a text."""
        return [f"{source}\t{target}" for source, target in zip(*self.splits[split], strict=True)]

    def references(self, split: str) -> tuple[list[str], list[list[str]]]:
        """The sources of a split, and each one's right targets."""
        texts = self.splits[split]
        return texts.source, [[target] for target in texts.target]
