"""What every task on the autoregressive model shares: maximum likelihood, in nats per step."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor, nn

from tsrnn.models import AutoregressiveModel
from tsrnn.ops import state as state_ops
from tsrnn.protocols import Batch, State
from tsrnn.training.tasks.base import OptimizerFactory, SchedulerFactory, Task


class AutoregressiveTask(Task):
    """Trains p(x_1, ..., x_T) = Π_t p(x_t | x_{<t}) by maximum likelihood: L = −Σ_t log p(x_t | x_{<t}).

    Teacher forcing is what this is: every factor is conditional on the observed past, never on samples.
    A batch says whether its rows begin or continue; where they continue, the state of the batch before is
    used, detached from its graph (truncated back-propagation through time). The task holds that state, in
    one field.

    Args:
        model: the density.
        optimizer: makes the optimizer from the parameters. None: AdamW.
        scheduler: makes the learning-rate schedule from the optimizer; see `Task`.
    """

    model_class: ClassVar[type[nn.Module]] = AutoregressiveModel
    model: AutoregressiveModel

    def __init__(
        self,
        model: AutoregressiveModel,
        optimizer: OptimizerFactory | None,
        scheduler: SchedulerFactory | None,
    ) -> None:
        super().__init__(model, optimizer, scheduler)
        self._carried: dict[str, State] = {}

    @property
    def name(self) -> str:
        """The name in tables: the backbone's."""
        return type(self.model.backbone).__name__

    @property
    def criterion(self) -> str:
        """What the loss measures: nats, or pinball."""
        return self.model.head.criterion

    def losses(self, batch: Batch, stage: str) -> tuple[Tensor, Tensor]:
        """The head's loss of every target, 0 where none is observed, and which are."""
        losses, state = self.model.loss(batch.encoding, self.carried(batch, stage), batch.context)
        self.carry(state, stage)
        return losses, batch.encoding.observed

    def carried(self, batch: Batch, stage: str) -> State:
        """The state that the batch continues from; each stage carries its own."""
        return None if batch.begins else self._carried[stage]

    def carry(self, state: State, stage: str) -> None:
        """Keep the state for the stage's next batch, detached from the graph that made it."""
        self._carried[stage] = state_ops.detach(state)

    def progress(self) -> dict[str, Any]:
        """The sums so far, and the carried state."""
        return {**super().progress(), "carried": state_ops.to_plain(self._carried.get("train"))}

    def restore_progress(self, progress: dict[str, Any]) -> None:
        """Resume an epoch from what `progress` returned."""
        super().restore_progress(progress)
        if progress["carried"] is not None:
            template = self.model.backbone.initial_state(1)
            state = state_ops.from_plain(progress["carried"], template)
            self._carried["train"] = state_ops.map_state(lambda tensor: tensor.to(self.device), state)
