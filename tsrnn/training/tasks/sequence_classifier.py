"""The classifier of sequences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, final

import torch
from torch import Tensor

from tsrnn.backbones import LSTM, Backbone
from tsrnn.codecs import Vocabulary
from tsrnn.embeddings import TokenEmbedding
from tsrnn.encoders import SequenceEncoder
from tsrnn.errors import ConfigError
from tsrnn.evaluation import classification_scores
from tsrnn.heads import Categorical
from tsrnn.models import SequenceToVector
from tsrnn.models.sequence_to_vector import Pooling, pooled_size
from tsrnn.protocols import PairBatch
from tsrnn.training.tasks.base import OptimizerFactory, SchedulerFactory
from tsrnn.training.tasks.sequence_to_vector import SequenceToVectorTask


@final
class SequenceClassifier(SequenceToVectorTask):
    """P(class | words): a recurrent network over a text, pooling over its steps, a softmax.

    Args:
        codec: the vocabulary; on the command line it comes from the data.
        labels: names of the classes; likewise.
        label_counts: how many training texts each class has, for class_weights; likewise.
        embedding: makes the embedding from the size of the vocabulary.
        backbone: makes the network, of each direction, from the embedding's size.
        bidirectional: whether a second network reads the text backwards.
        pooling: last, mean, max or attention.
        dropout: on what the softmax reads.
        class_weights: balanced weighs the training loss of a text of class k by N / (K n_k), so that each
            class counts the same; null: each text does.
        optimizer: makes the optimizer from the parameters. Default: AdamW.
        scheduler: makes the learning-rate schedule from the optimizer; it counts steps. None: constant.

    Raises:
        ConfigError: if the parts do not fit one another.
    """

    def __init__(
        self,
        codec: Vocabulary,
        labels: Sequence[str],
        label_counts: Sequence[int] | None = None,
        embedding: Callable[[int], TokenEmbedding] = TokenEmbedding,
        backbone: Callable[[int], Backbone] = LSTM,
        bidirectional: bool = True,
        pooling: Pooling = "max",
        dropout: float = 0.5,
        class_weights: Literal["balanced"] | None = None,
        optimizer: OptimizerFactory | None = None,
        scheduler: SchedulerFactory | None = None,
    ) -> None:
        if not isinstance(codec, Vocabulary):
            raise ConfigError("a SequenceClassifier reads text: give it --data LabelledText")
        tokens = embedding(codec.input_size)
        encoder = SequenceEncoder.of(tokens, tokens.output_size, backbone, bidirectional)
        head = Categorical(pooled_size(encoder, pooling), len(labels))
        super().__init__(
            SequenceToVector(encoder, head, pooling, dropout, codec, labels), optimizer, scheduler
        )
        self._weights: Tensor | None = None
        if class_weights is not None:
            if class_weights != "balanced" or label_counts is None:
                raise ConfigError(f"class_weights is balanced, with label_counts, or null: {class_weights!r}")
            counts = torch.tensor(label_counts, dtype=torch.float32)
            self._weights = counts.sum() / (len(counts) * counts)

    def losses(self, batch: PairBatch, stage: str) -> tuple[Tensor, Tensor]:
        """−log P of each text's class, weighted in training where classes have weights."""
        losses, observed = super().losses(batch, stage)
        weights = getattr(self, "_weights", None)
        if stage == "train" and weights is not None:
            losses = losses * weights.to(losses)[batch.target]
        return losses, observed

    def on_test_epoch_end(self) -> None:
        """Score the test set: accuracy, macro-F1, AUROC, calibration error and nats."""
        if self._log_mean("test") is None:
            return
        probabilities = torch.cat([found.log_probs().exp() for found, _ in self._tested])
        classes = torch.cat([target for _, target in self._tested])
        self._tested.clear()
        scores = classification_scores(probabilities.double().cpu().numpy(), classes.cpu().numpy())
        self.scores = {"texts": len(classes), **scores}
