"""The language model in a few lines, by the conventions of scikit-learn."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import torch
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted
from torch.optim import AdamW

from tsrnn import backbones
from tsrnn.backbones import Backbone
from tsrnn.checks import one_of, real, whole
from tsrnn.codecs import Tokenizer, Vocabulary
from tsrnn.codecs.sentences import SENTENCES
from tsrnn.data import TextCorpus
from tsrnn.decoding import Decoding
from tsrnn.embeddings import TokenEmbedding
from tsrnn.errors import ConfigError
from tsrnn.estimator.fitting import bare_trainer, trained_task
from tsrnn.estimator.saving import faults, made, write
from tsrnn.estimator.settings import class_of, shape_of, shares
from tsrnn.evaluation import SentenceScore, perplexity
from tsrnn.evaluation.language.sentences import score_text
from tsrnn.models import vocabulary_of
from tsrnn.training.experiment import seeded
from tsrnn.training.runtime.quiet import quiet
from tsrnn.training.runtime.schedules import WarmupCosine
from tsrnn.training.runtime.threads import cpu_threads
from tsrnn.training.tasks.language_model import LanguageModel

_WARMUP_STEPS = 100
_LEAST = {
    **{"hidden_size": 1, "num_layers": 1, "max_epochs": 1, "max_steps": 1, "patience": 1, "batch_size": 1},
    **{"chunk_length": 1, "minimum_count": 1, "maximum_size": 2, "threads": 1},
}
_MAY_BE_NONE = ("max_steps", "patience", "maximum_size", "threads", "gradient_clip")
_OF_THE_CORPUS = (
    *("split", "sentences", "tokenizer", "minimum_count", "maximum_size"),
    *("batch_size", "chunk_length"),
)


class RNNLanguageModel(BaseEstimator):  # type: ignore[misc]
    """Train a recurrent network to predict the words of a text; score and continue texts with it.

    P(w_1, ..., w_m) = Π_t P(w_t | w_{<t}). The defaults are the settings of configs/language/my_text.yaml,
    which suit a text of 100 kB to a few MB. Its first 90 % train, the best epoch is chosen on the next 5 %,
    and the last 5 % are kept for `score_frame`.

    It follows the conventions of scikit-learn: `clone`, `cross_val_score` and `GridSearchCV` work on a list
    of strings.

    Args:
        cell: "LSTM", "GRU", "RNN", or a `Backbone` class of your own.
        hidden_size: units of a layer, and the size of a word's vector, which embedding and softmax share.
        num_layers: layers.
        dropout: on each layer's output.
        embedding_dropout: on the entries of the words' vectors.
        learning_rate: of AdamW at its peak, after 100 steps; from there it falls to 0 along a cosine.
        weight_decay: of AdamW.
        max_epochs: at most so many.
        max_steps: at most so many; None: as many as the epochs have.
        patience: epochs without a better validation score after which training stops; None: never.
        batch_size: columns in which the text is read.
        chunk_length: steps of truncated back-propagation through time.
        sentences: "line": every line is a sentence; "paragraph": lines up to a blank one are joined, and
            split where sentences end.
        tokenizer: what makes tokens of sentences. Default: `Words`.
        minimum_count: words that the training text has less often become `<unk>`.
        maximum_size: of the vocabulary; None: no bound.
        split: shares of the tokens for training, validation and test.
        gradient_clip: largest norm of a step's gradient, the remedy for exploding gradients; None: no bound.
        seed: of the weights and dropout. The caller's random generators are left as they are.
        threads: CPU threads; a second gains little on a small network. None: as torch has it.
        progress: "auto" shows a progress bar on a terminal; True, False.

    Attributes:
        task_: the `LanguageModel`.
        data_: the `TextCorpus`; None after `tsrnn.load`, since a checkpoint does not hold the text.
        trainer_: Lightning's `Trainer`.
        vocabulary_: the words, and what finds them in a text.
        valid_loss_: of the best epoch on the validation part, nats per token.
    """

    def __init__(
        self,
        cell: str | type[Backbone] = "LSTM",
        *,
        hidden_size: int = 200,
        num_layers: int = 1,
        dropout: float = 0.5,
        embedding_dropout: float = 0.4,
        learning_rate: float = 0.003,
        weight_decay: float = 0.05,
        max_epochs: int = 30,
        max_steps: int | None = 2500,
        patience: int | None = 5,
        batch_size: int = 16,
        chunk_length: int = 35,
        sentences: Literal["line", "paragraph"] = "line",
        tokenizer: Tokenizer | None = None,
        minimum_count: int = 2,
        maximum_size: int | None = 10_000,
        split: tuple[float, float, float] = (0.9, 0.05, 0.05),
        gradient_clip: float | None = 1.0,
        seed: int = 0,
        threads: int | None = 1,
        progress: bool | Literal["auto"] = "auto",
    ) -> None:
        self.cell = cell
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.dropout = dropout
        self.embedding_dropout = embedding_dropout
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.max_epochs = max_epochs
        self.max_steps = max_steps
        self.patience = patience
        self.batch_size = batch_size
        self.chunk_length = chunk_length
        self.sentences = sentences
        self.tokenizer = tokenizer
        self.minimum_count = minimum_count
        self.maximum_size = maximum_size
        self.split = split
        self.gradient_clip = gradient_clip
        self.seed = seed
        self.threads = threads
        self.progress = progress

    def fit(self, X: str | Path | Iterable[str], y: None = None) -> RNNLanguageModel:
        """Train on a text.

        Args:
            X: the path of a UTF-8 file or a folder of them, or strings: the lines, or documents of several.
            y: nothing; every word is predicted from those before.

        Raises:
            ConfigError: if an argument has another type or value than it can have, before anything is read.
            DataError: if the text cannot be used, naming where.
        """
        if y is not None:
            raise ConfigError("a language model predicts the words of its text: fit(text)")
        settings = _checked(self.get_params(deep=False))
        data = _corpus(X, {name: settings[name] for name in _OF_THE_CORPUS})
        if not data.val_dataloader():
            raise ConfigError(f"there is no text to choose an epoch by: {data.advice_without_validation()}")

        make = partial(_task, data.codec, settings)
        self.task_, self.trainer_, self.valid_loss_ = trained_task(make, data, settings, True)
        self.data_: TextCorpus | None = data
        return self

    @property
    def vocabulary_(self) -> Vocabulary:
        """The words, and what finds them in a text."""
        return vocabulary_of(self._fitted.model)

    @property
    def _fitted(self) -> LanguageModel:
        check_is_fitted(self, "task_")
        return self.task_

    def generate(
        self,
        prompt: str = "",
        words: int = 100,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        stop_at_end: bool = False,
        seed: int | None = None,
    ) -> str:
        """The text that continues a prompt, without the prompt; the same seed draws the same text.

        Args:
            prompt: words that the vocabulary lacks are read as `<unk>`. Default: a sentence begins.
            words: how many, the ends of sentences counted.
            temperature, top_k, top_p: see `tsrnn.decoding.Decoding`; temperature 0 always takes the most
                probable word.
            stop_at_end: whether the end of the sentence ends the text.
            seed: of the draws. Default: that of the estimator.

        Raises:
            ConfigError: if an argument is out of range.
        """
        task, decoding = self._fitted, Decoding(temperature, top_k, top_p)
        generator = torch.Generator().manual_seed(whole("seed", self.seed if seed is None else seed, 0))
        with cpu_threads(self.threads):
            return task.generate(
                str(prompt),
                whole("words", words, 0),
                decoding,
                generator=generator,
                stop_at_end=stop_at_end,
            )

    def score(self, X: str | Path | Iterable[str], y: None = None) -> float:
        """The mean log probability of the tokens of a text, in nats; greater is better.

        The text is read as one, the state carried from sentence to sentence; the ends of sentences count.

        Args:
            X: as in `fit`.
            y: nothing.
        """
        task = self._fitted
        sentences = (text.lines() for text in _corpus(X, {"sentences": self.sentences}).texts.values())
        with cpu_threads(self.threads):
            return -score_text(task.model, itertools.chain.from_iterable(sentences)).nats

    def perplexity(self, X: str | Path | Iterable[str]) -> float:
        """exp(−score) of a text: less is better."""
        return perplexity(-self.score(X))

    def score_sentences(self, sentences: Iterable[str]) -> list[SentenceScore]:
        """What the model says of sentences, each by itself: see `tsrnn.evaluation.score_sentences`."""
        with cpu_threads(self.threads):
            return self._fitted.score(list(sentences))

    def score_frame(self) -> pd.DataFrame:
        """The scores of the test part: tokens, nats per token, perplexity.

        Raises:
            ConfigError: after `tsrnn.load`, since a checkpoint does not hold the text.
        """
        task = self._fitted
        if self.data_ is None:
            raise ConfigError("a checkpoint does not hold its text: score(text) scores any")
        with quiet(), cpu_threads(self.threads), seeded(self.seed):
            self.trainer_.test(task, datamodule=self.data_, verbose=False)
        return task.score_frame()

    def neighbours(self, word: str, count: int = 10) -> list[tuple[str, float]]:
        """The words whose vectors are nearest, and their cosines: see `tsrnn.evaluation.neighbours`."""
        return self._fitted.neighbours(word, count)

    def save(self, path: str | Path) -> None:
        """Write a checkpoint that `tsrnn.load` makes this estimator of again, and the commands read."""
        write(self, self._fitted, None, {"loss": self.valid_loss_}, path)

    @classmethod
    def restored(cls, task: LanguageModel, modules: Iterable[str] = ()) -> RNNLanguageModel:
        """The estimator of a task that `save` wrote: see `tsrnn.load`.

        Raises:
            CheckpointError: if it cannot be made again.
        """
        with faults():
            estimator: RNNLanguageModel = made(task, cls, modules)
            estimator.trainer_ = bare_trainer(_checked(estimator.get_params(deep=False)))
            estimator.valid_loss_ = float(task.contents["estimator"]["loss"])
        estimator.task_, estimator.data_ = task, None
        return estimator


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, each of its type; the cell as a class.

    Raises:
        ConfigError: if one is of another type, or out of bounds.
    """
    found = dict(given)
    one_of("progress", found["progress"], ("auto", True, False))
    one_of("sentences", found["sentences"], SENTENCES)
    found["seed"] = whole("seed", found["seed"], 0, 2**32 - 1)
    for name, least in _LEAST.items():
        if found[name] is not None or name not in _MAY_BE_NONE:
            found[name] = whole(name, found[name], least)
    for name, bounds in _BOUNDS.items():
        if found[name] is not None or name not in _MAY_BE_NONE:
            found[name] = real(name, found[name], **bounds)
    if found["tokenizer"] is not None and not isinstance(found["tokenizer"], Tokenizer):
        raise ConfigError(f"tokenizer must be one, such as tsrnn.Characters(), not {found['tokenizer']!r}")
    found["split"] = shares(found["split"])
    found["cell"] = class_of(found["cell"], backbones, Backbone)
    return found


_BOUNDS: dict[str, dict[str, Any]] = {
    "dropout": {"least": 0, "below": 1},
    "embedding_dropout": {"least": 0, "below": 1},
    "learning_rate": {"least": 0, "open_": True},
    "weight_decay": {"least": 0},
    "gradient_clip": {"least": 0, "open_": True},
}


def _corpus(X: Any, arguments: Mapping[str, Any]) -> TextCorpus:
    """The text of a path, or of strings.

    Raises:
        ConfigError: if it is neither.
    """
    if isinstance(X, str) and "\n" in X:
        raise ConfigError("a string is the path of a text: give the text itself as a list of strings")
    if isinstance(X, str | Path):
        return TextCorpus(path=str(X), **arguments)
    strings = isinstance(X, Iterable) and not isinstance(X, bytes | Mapping | pd.DataFrame)
    texts = list(X) if strings else [X]
    if others := [text for text in texts if not isinstance(text, str)]:
        raise ConfigError(f"a text is a path or a list of strings, not of {type(others[0]).__name__}")
    return TextCorpus.of_texts(texts, **arguments)


def _task(vocabulary: Vocabulary, settings: Mapping[str, Any]) -> LanguageModel:
    size = settings["hidden_size"]
    embedding = partial(
        TokenEmbedding, output_size=size, dropout=settings["embedding_dropout"], locked_dropout=True
    )
    return LanguageModel(
        codec=vocabulary,
        embedding=embedding,
        backbone=partial(settings["cell"], **shape_of(settings, locked_dropout=True)),
        tied=True,
        optimizer=partial(AdamW, lr=settings["learning_rate"], weight_decay=settings["weight_decay"]),
        scheduler=partial(WarmupCosine, warmup_steps=_WARMUP_STEPS),
    )
