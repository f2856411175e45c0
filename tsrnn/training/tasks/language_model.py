"""The language model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, final

import pandas as pd
import torch
from torch import nn

from tsrnn.backbones import LSTM, Backbone
from tsrnn.codecs import Vocabulary
from tsrnn.data.text.word_vectors import WordVectors, read_word_vectors
from tsrnn.decoding import Decoding, generate
from tsrnn.embeddings import TokenEmbedding
from tsrnn.errors import ConfigError
from tsrnn.evaluation import SentenceScore, captioned, neighbours, perplexity, score_sentences
from tsrnn.heads import Categorical, Head
from tsrnn.models import AutoregressiveModel, vocabulary_of
from tsrnn.training.tasks.autoregressive import AutoregressiveTask
from tsrnn.training.tasks.base import OptimizerFactory, SchedulerFactory


@final
class LanguageModel(AutoregressiveTask):
    """P(w_1, ..., w_m) = Π_t P(w_t | w_{<t}) over words, trained by maximum likelihood.

    Logged once an epoch, besides nats per token: perplexity, exp(nats), the end of each line included.

    Args:
        codec: the vocabulary; on the command line it comes from the data.
        embedding: makes the embedding from the size of the vocabulary.
        backbone: makes the backbone from the embedding's size.
        head: makes the head from the backbone's output size and the size of the vocabulary.
        tied: the head's class vectors are the embedding's.
        initial_range: r, to start every weight and bias uniform in (−r, r) (Zaremba et al. 2014, section
            4.1); None: as each part has it.
        word_vectors: a GloVe or word2vec text file that the embedding starts from, for the words in it.
        freeze_word_vectors: leave the words that were found there as they are.
        optimizer: makes the optimizer from the parameters. Default: AdamW.
        scheduler: makes the learning-rate schedule from the optimizer; it counts steps. None: constant.

    Raises:
        ConfigError: if the parts do not fit one another.
        DataError: if the file of word vectors cannot be read, or its vectors have another size.
    """

    def __init__(
        self,
        codec: Vocabulary,
        embedding: Callable[[int], TokenEmbedding] = TokenEmbedding,
        backbone: Callable[[int], Backbone] = LSTM,
        head: Callable[[int, int], Head] = Categorical,
        tied: bool = False,
        initial_range: float | None = None,
        word_vectors: str | None = None,
        freeze_word_vectors: bool = False,
        optimizer: OptimizerFactory | None = None,
        scheduler: SchedulerFactory | None = None,
    ) -> None:
        if not isinstance(codec, Vocabulary):
            raise ConfigError("a LanguageModel reads words: give it text (--data TextCorpus)")
        tokens = embedding(codec.input_size)
        recurrent = backbone(tokens.output_size)
        model = AutoregressiveModel(
            codec, tokens, recurrent, head(recurrent.output_size, codec.input_size), tied
        )
        super().__init__(model, optimizer, scheduler)
        self.scores: dict[str, float] = {}
        if initial_range is not None:
            for parameter in model.parameters():
                nn.init.uniform_(parameter, -initial_range, initial_range)
        self.vector_coverage: float | None = None
        self._frozen: WordVectors | None = None
        if word_vectors is not None:
            self._start_from(word_vectors, freeze_word_vectors)

    @classmethod
    def of_model(cls, model: AutoregressiveModel) -> LanguageModel:
        """The task of an existing model."""
        parts: Any = model
        task = cls(
            codec=parts.codec,
            embedding=lambda input_size: parts.embedding,
            backbone=lambda input_size: parts.backbone,
            head=lambda input_size, num_classes: parts.head,
        )
        task.model = model  # not one rebuilt from its parts, which would lack its conditioning
        return task

    def _start_from(self, path: str, freeze: bool) -> None:
        """Take the vectors of the words that the file has; the others keep their random start."""
        vocabulary: Any = self.model.codec
        weight: Any = self.model.embedding.weight
        vectors = read_word_vectors(path, vocabulary.tokens, weight.shape[1])
        with torch.no_grad():
            weight[vectors.ids] = vectors.values.to(weight)
        self.vector_coverage = len(vectors.ids) / len(vocabulary.tokens)
        if freeze:
            self._frozen = vectors

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Put frozen vectors back: weight decay moves what has no gradient, too."""
        if self._frozen is not None:
            weight: Any = self.model.embedding.weight
            with torch.no_grad():
                weight[self._frozen.ids] = self._frozen.values.to(weight)

    def _log_mean(self, stage: str) -> tuple[float, int] | None:
        mean = super()._log_mean(stage)
        if mean is not None:
            self.log(f"{stage}_perplexity", perplexity(mean[0]), prog_bar=stage == "valid")
        return mean

    def on_test_epoch_end(self) -> None:
        """Keep the scores of the text: see `scores`."""
        mean = self._log_mean("test")
        if mean is not None:
            nats, tokens = mean
            tokens //= self.trainer.world_size  # each process read the whole text
            self.scores = {"tokens": tokens, "nats": nats, "perplexity": perplexity(nats)}

    def score(self, sentences: Sequence[str]) -> list[SentenceScore]:
        """What the model says of sentences, each by itself: see `tsrnn.evaluation.score_sentences`."""
        return score_sentences(self.model, sentences)

    def generate(
        self,
        prompt: str = "",
        words: int = 100,
        decoding: Decoding | None = None,
        *,
        generator: torch.Generator | None = None,
        stop_at_end: bool = False,
    ) -> str:
        """The text that continues a prompt, without the prompt: see `tsrnn.decoding.generate`.

        Words of the prompt that the vocabulary lacks are read as `<unk>`.
        """
        vocabulary = vocabulary_of(self.model)
        ids = vocabulary.ids(vocabulary.prompt(prompt)).tolist()
        drawn = generate(self.model, ids, words, decoding, generator=generator, stop_at_end=stop_at_end)
        return vocabulary.tokenizer.join(vocabulary.words(torch.tensor(list(drawn), dtype=torch.int64)))

    def neighbours(self, word: str, count: int = 10) -> list[tuple[str, float]]:
        """The words whose vectors are nearest, and their cosines: see `tsrnn.evaluation.neighbours`."""
        return neighbours(self.model, word, count)

    def score_frame(self) -> pd.DataFrame:
        """The scores of the last test: tokens, nats per token, perplexity; for a program, see `scores`."""
        return captioned(pd.DataFrame([{"model": self.name, **self.scores}]), "text")
