"""What tasks of a sequence and one value share: its likelihood, and what is kept of a test."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Self

import pandas as pd
import torch
from torch import Tensor, nn

from tsrnn.models import SequenceToVector
from tsrnn.protocols import PairBatch
from tsrnn.training.tasks.base import OptimizerFactory, SchedulerFactory, Task


class SequenceToVectorTask(Task):
    """Trains p(y | x_1, ..., x_S) by maximum likelihood.

    Args:
        model: sequence → vector → distribution of y.
        optimizer: makes the optimizer from the parameters. None: AdamW.
        scheduler: makes the learning-rate schedule from the optimizer; see `Task`.
    """

    model_class: ClassVar[type[nn.Module]] = SequenceToVector
    model: SequenceToVector

    def __init__(
        self,
        model: SequenceToVector,
        optimizer: OptimizerFactory | None,
        scheduler: SchedulerFactory | None,
    ) -> None:
        super().__init__(model, optimizer, scheduler)
        self.scores: dict[str, Any] = {}
        self._tested: list[tuple[Any, Tensor]] = []

    @classmethod
    def of_model(cls, model: SequenceToVector) -> Self:
        """The task of an existing model."""
        task = cls.__new__(cls)
        SequenceToVectorTask.__init__(task, model, None, None)
        return task

    @property
    def name(self) -> str:
        """The name in tables: the backbone's."""
        return type(self.model.encoder.backbone).__name__

    @property
    def criterion(self) -> str:
        """Nats per row."""
        return "nats"

    def losses(self, batch: PairBatch, stage: str) -> tuple[Tensor, Tensor]:
        """−log p of each row's value, (B,); all are there."""
        assert isinstance(batch.target, Tensor)
        distribution = self.model(batch.source, batch.lengths)
        if stage == "test":
            self._tested.append((distribution, batch.target))
        losses = self.model.head.loss(distribution, batch.target)
        return losses, torch.ones_like(losses, dtype=torch.bool)

    @abstractmethod
    def on_test_epoch_end(self) -> None:
        """Score what was kept of the test."""

    def score_frame(self) -> pd.DataFrame:
        """The scores of the last test."""
        return pd.DataFrame([{"model": self.name, **self.scores}])
