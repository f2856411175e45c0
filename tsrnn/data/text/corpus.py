"""Text: from files to batches."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pytorch_lightning as pl
import torch
from torch import Tensor

from tsrnn.checks import check_split, one_of, whole
from tsrnn.codecs import Codec, Tokenizer, Vocabulary, Whitespace, Words
from tsrnn.codecs.sentences import SENTENCES, looks_wrapped
from tsrnn.codecs.tokenizers import UNKNOWN
from tsrnn.components import describe
from tsrnn.data.loaders.streams import TokenStreams
from tsrnn.data.source import SEEN, DataSource, refuse_own_parts, warn_of_other_data
from tsrnn.data.text.cache import LINE_END, TokenisedText, tokenised
from tsrnn.data.text.files import Text, texts_of_folder
from tsrnn.data.text.known import KNOWN_TEXTS, known_text, python_docs
from tsrnn.data.text.parts import SPLITS, advice_without_validation, hashes_of_parts, spans_of
from tsrnn.errors import ConfigError, DataError, Notice, argument
from tsrnn.files import cache_folder

_SCORED_CHUNK = 2048
_BLOCK = 1 << 17


class TextCorpus(pl.LightningDataModule, DataSource):
    """A text, tokenised once, memory-mapped, read as contiguous streams.

    The text is in three parts: training, validation and test. Every sentence ends in `<eos>`. Training
    reads the first part in `batch_size` columns, cut into chunks for truncated back-propagation through time.
    Validation and test read theirs in one column from `<eos>`, so that a perplexity depends on neither size.
    The vocabulary is that of the training part alone.

    The numbers of the tokens are kept in a cache, named by the content of the files and the tokenizer.

    Args:
        path: a UTF-8 text file (.txt, .txt.gz, .md, .tokens), or a folder of them and of folders of them. One
            that holds one file or folder each whose name has train, valid (val, dev) and test holds these
            parts (one of the latter two may be missing); the files of another one are one text, in order of
            their names.
        corpus: a known corpus. python_docs: the help topics of the Python that runs, which differ between
            its versions; ptb: the Penn Treebank of Mikolov et al. (2010); wikitext2: Merity et al. (2016).
            The latter two are looked for in `path`, in $TSRNN_BENCHMARK_DATA/text and in the cache, and
            downloaded otherwise. Default: python_docs where no file is given.
        train_path: the training text, where the parts are files.
        valid_path: the validation text.
        test_path: the test text.
        sentences: line: every line is a sentence, a blank one too. paragraph: lines up to a blank one are
            joined, and split where sentences end (`tsrnn.codecs.sentences`), for text that is wrapped.
        split: shares of the tokens for the three parts, cut at the end of a sentence, where the text is one.
        tokenizer: what makes tokens of lines. Default: Whitespace for ptb and wikitext2, else Words. A
            tokenizer that learns does so from the training text alone, which is then the text's first
            `split[0]` in characters.
        minimum_count: a token that the training text has less often becomes `<unk>`.
        maximum_size: size of the vocabulary at most, `<eos>` and `<unk>` included.
        batch_size: columns of the training stream.
        chunk_length: steps of truncated back-propagation.
        cache_dir: the folder of the cache. Default: `text` in $TSRNN_CACHE, else in the user's cache.

    Raises:
        ConfigError: if the arguments do not fit one another.
    """

    def __init__(
        self,
        path: str | None = None,
        corpus: Literal["python_docs", "ptb", "wikitext2"] | None = None,
        train_path: str | None = None,
        valid_path: str | None = None,
        test_path: str | None = None,
        sentences: Literal["line", "paragraph"] = "line",
        split: tuple[float, float, float] = (0.9, 0.05, 0.05),
        tokenizer: Tokenizer | None = None,
        minimum_count: int = 1,
        maximum_size: int | None = None,
        batch_size: int = 20,
        chunk_length: int = 35,
        cache_dir: str | None = None,
    ) -> None:
        super().__init__()
        check_split(split)
        sizes = {"batch_size": batch_size, "chunk_length": chunk_length, "minimum_count": minimum_count}
        for name, size in sizes.items():
            whole(argument(f"data.{name}"), size, 1)
        if maximum_size is not None:
            whole(argument("data.maximum_size"), maximum_size, 2)  # for <eos> and <unk>
        one_of(argument("data.sentences"), sentences, SENTENCES)
        if corpus is not None:
            one_of(argument("data.corpus"), corpus, ("python_docs", *KNOWN_TEXTS))
        if train_path is None and (valid_path is not None or test_path is not None):
            raise ConfigError(
                f"{argument('data.valid_path')} and {argument('data.test_path')} are given with "
                f"{argument('data.train_path')}"
            )
        if train_path is not None and (path is not None or corpus is not None):
            names = (argument(f"data.{name}") for name in ("train_path", "path", "corpus"))
            raise ConfigError(f"give {', or '.join(names)}: one of them")
        if corpus == "python_docs" and path is not None:
            raise ConfigError(
                f"python_docs come with Python: to read {path}, give {argument('data.corpus', None)} too, or "
                "use configs/language/my_text.yaml"
            )
        self.path = path
        self.corpus = corpus if corpus or path or train_path else "python_docs"
        self.train_path, self.valid_path, self.test_path = train_path, valid_path, test_path
        self.given: Text | None = None
        self.sentences: str = sentences
        self.split = split
        self.tokenizer = tokenizer or (Whitespace() if self.corpus in KNOWN_TEXTS else Words())
        self.minimum_count = minimum_count
        self.maximum_size = maximum_size
        self.batch_size = batch_size
        self.chunk_length = chunk_length
        self.cache_dir = cache_dir

    @classmethod
    def of_texts(cls, texts: Iterable[str], **arguments: Any) -> TextCorpus:
        """A corpus of strings, one after another, each read as the lines of a file are.

        Args:
            texts: the strings.
            arguments: as of the class, without those that name a file or a corpus.
        """
        made = cls(**arguments)
        between = "\n" if made.sentences == "line" else "\n\n"
        made.given, made.corpus = Text("the given text", contents=between.join(texts)), None
        return made

    @property
    def source(self) -> str:
        """The text's name, in the words of a message."""
        return str(self.given.name if self.given else self.path or self.train_path or self.corpus)

    @property
    def cache_folder(self) -> Path:
        """The folder of the cache."""
        if self.cache_dir is not None:
            return Path(self.cache_dir)
        return cache_folder("text")

    @cached_property
    def texts(self) -> dict[str, Text]:
        """The texts by the part that they are: train, valid, test; or one of them all, by the name `all`."""
        return {name: replace(text, sentences=self.sentences) for name, text in self._found().items()}

    def _found(self) -> dict[str, Text]:
        if self.given is not None:
            return {"all": self.given}
        if self.corpus == "python_docs":
            return {"all": python_docs()}
        if self.corpus is not None:
            return known_text(self.corpus, self.path, self.cache_folder)
        if self.path is not None and Path(self.path).is_dir():
            return texts_of_folder(Path(self.path))
        if self.path is not None:
            return {"all": Text(self.path, (Path(self.path),))}
        paths = zip(SPLITS, (self.train_path, self.valid_path, self.test_path), strict=True)
        return {split: Text(path, (Path(path),)) for split, path in paths if path is not None}

    @cached_property
    def text(self) -> TokenisedText:
        """The tokens of all parts, one after another, on the disk."""
        share = self.split[0] if "all" in self.texts else 1.0
        texts = list(self.texts.values())
        found = tokenised(texts, self.tokenizer, share, self.cache_folder)
        if self.sentences == "line" and self.corpus is None and looks_wrapped(islice(texts[0].lines(), 2000)):
            notice = f"{self.source}: its lines look wrapped, and each is read as a sentence: to join them"
            warnings.warn(Notice(f"{notice}, {argument('data.sentences', 'paragraph')}"), stacklevel=2)
        return found

    @cached_property
    def spans(self) -> tuple[int, int, int]:
        """One past the last token of the training, the validation and the test part."""
        return spans_of(self.text, list(self.texts), self.split)

    @cached_property
    def codec(self) -> Vocabulary:
        """The vocabulary of the training part, with the tokenizer."""
        counts: dict[str, int] = {}
        for token, count in zip(self.text.types, self._counts["train"].tolist(), strict=True):
            if count:
                counts[token] = counts.get(token, 0) + count
        return Vocabulary.from_counts(
            counts,
            minimum_count=self.minimum_count,
            maximum_size=self.maximum_size,
            tokenizer=self.text.tokenizer,
            sentences=self.sentences,
        )

    def adopt(self, codec: Codec) -> None:
        """Encode with the vocabulary of a trained model; the text is read again where it reads it otherwise.

        Raises:
            ConfigError: if the codec is no vocabulary.
        """
        if not isinstance(codec, Vocabulary):
            raise ConfigError(f"the model reads {type(codec).__name__}, not text: give it data of that kind")
        same = codec.sentences == self.sentences and describe(codec.tokenizer) == describe(
            self.text.tokenizer
        )
        if not same:
            self.tokenizer, self.sentences = codec.tokenizer, codec.sentences
            for name in ("texts", "text", "spans", "_counts", "_lines", "_hashes"):
                self.__dict__.pop(name, None)
        self.__dict__.pop("table", None)
        self.codec = codec

    @cached_property
    def table(self) -> npt.NDArray[np.int64]:
        """(types,) the id in the vocabulary of each type of the text."""
        return self.codec.ids(self.text.types).numpy()

    def ids(self, place: slice) -> Tensor:
        """The vocabulary ids of some tokens, (T,) int64."""
        return torch.from_numpy(self.table[self.text.tokens[place]])

    def train_dataloader(self) -> TokenStreams:
        """The training part in columns; each process of a distributed run reads columns of its own.

        Raises:
            DataError: if the part has fewer than two tokens a column.
        """
        train = self.spans[0]
        if train < 2 * self.batch_size:
            raise DataError(
                f"the training text has {train} tokens, but {self.batch_size} columns need "
                f"{2 * self.batch_size}: give more text, or lower {argument('data.batch_size')}",
                path=self.source,
            )
        return TokenStreams(
            self.codec,
            self.ids,
            0,
            train,
            columns=self.batch_size,
            chunk_length=self.chunk_length,
            rank=self.trainer.global_rank if self.trainer else 0,
            world_size=self.trainer.world_size if self.trainer else 1,
        )

    def val_dataloader(self) -> TokenStreams | list[Any]:
        """The validation part in one column; no loader where it is empty."""
        train, valid, _ = self.spans
        return self._one_column(train, valid) if train < valid else []

    def test_dataloader(self) -> TokenStreams:
        """The test part in one column.

        Raises:
            DataError: if it is empty.
        """
        _, valid, test = self.spans
        if valid == test:
            raise DataError(
                f"the test part is empty: give {argument('data.split')} a third share, or "
                f"{argument('data.test_path')}",
                path=self.source,
            )
        return self._one_column(valid, test)

    def _one_column(self, first: int, last: int) -> TokenStreams:
        return TokenStreams(self.codec, self.ids, first, last, columns=1, chunk_length=_SCORED_CHUNK)

    def description(self) -> dict[str, Any]:
        """What a checkpoint says of the data: source, hashes, tokens and unknown words, in plain types.

        `unknown_percent` is the share of a part's tokens that are `<unk>` to the model, those included
        that are literally `<unk>` in a corpus that was tokenised before.
        """
        unknown = np.array([token == UNKNOWN for token in self.codec.tokens])[self.table]
        return {
            "source": self.source,
            "sha256": self._hashes["all"],
            "sha256_of_parts": {split: self._hashes[split] for split in SPLITS},
            "tokens": {split: int(self._counts[split].sum()) for split in SPLITS},
            "sentences": self.sentences,
            "lines": {split: self._lines[split] for split in SPLITS},
            "vocabulary": self.codec.input_size,
            "unknown_percent": {
                split: round(100 * int(counts[unknown].sum()) / max(int(counts.sum()), 1), 4)
                for split, counts in self._counts.items()
            },
        }

    def advice_without_validation(self) -> str:
        """What to do where the validation part is empty."""
        count = sum(self._lines.values())
        return advice_without_validation(list(self.texts), self.path, self.split[1], count, self.sentences)

    def history(self) -> None:
        """None: a checkpoint of a language model needs no text to generate."""
        return

    def refuse_seen(self, verb: str, trained: dict[str, Any] | None) -> None:
        """Stop where text would be scored that the weights were trained or chosen on.

        Args:
            verb: validate or test; anything else scores nothing.
            trained: the `description` of the data in a checkpoint, or None if it has none.

        Raises:
            ConfigError: if that is so.
        """
        if trained is None or verb not in SEEN:
            return
        seen = SEEN[verb]
        refuse_own_parts(verb, self._hashes, trained, "text")
        if self._hashes["all"] != trained.get("sha256"):
            warn_of_other_data()
        elif sum(self._lines[split] for split in seen) < (end := sum(trained["lines"][s] for s in seen)):
            raise ConfigError(f"{verb} would score text up to line {end}, which the checkpoint has seen")

    def _parts(self) -> dict[str, slice]:
        begins = (0, *self.spans[:2])
        return {name: slice(*ends) for name, *ends in zip(SPLITS, begins, self.spans, strict=True)}

    @cached_property
    def _counts(self) -> dict[str, npt.NDArray[np.int64]]:
        """How often each part has each type."""
        counts = {}
        for split, part in self._parts().items():
            counts[split] = np.zeros(len(self.text.types), dtype=np.int64)
            for begin in range(part.start, part.stop, _BLOCK):
                block = self.text.tokens[begin : min(begin + _BLOCK, part.stop)]
                counts[split] += np.bincount(block, minlength=len(self.text.types))
        return counts

    @cached_property
    def _lines(self) -> dict[str, int]:
        return {split: int(counts[LINE_END]) for split, counts in self._counts.items()}

    @cached_property
    def _hashes(self) -> dict[str, str | None]:
        return hashes_of_parts(self.texts.values(), self._lines)
