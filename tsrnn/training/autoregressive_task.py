"""What every task on the autoregressive model shares: maximum likelihood, in nats per step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, Self

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from tsrnn.components import class_path, describe
from tsrnn.errors import TrainingError
from tsrnn.models import AutoregressiveModel
from tsrnn.ops import state as state_ops
from tsrnn.protocols import Batch, Panel, State
from tsrnn.training.checkpoint import contents, restore_random_states

OptimizerFactory = Callable[[Iterable[Any]], Optimizer]
SchedulerFactory = Callable[[Optimizer], LRScheduler]


class AutoregressiveTask(pl.LightningModule, ABC):
    """Trains p(x_1, ..., x_T) = Π_t p(x_t | x_{<t}) by maximum likelihood: L = −Σ_t log p(x_t | x_{<t}).

    Teacher forcing is what this is: every factor is conditional on the observed past, never on samples.
    A batch says whether its rows begin or go on; where they go on, the state of the batch before is used,
    cut from its graph (truncated back-propagation through time). The task holds that state, in one field.

    Logged: `train_nats` and `valid_nats` once an epoch, means over all observed steps in nats per step.
    They are summed on the device meanwhile: logging at every step would cost more than a small step does.

    Args:
        model: the density.
        optimizer: makes the optimizer from the parameters.
        scheduler: makes the learning-rate schedule from the optimizer; it counts steps. None: constant.
    """

    def __init__(
        self, model: AutoregressiveModel, optimizer: OptimizerFactory, scheduler: SchedulerFactory | None
    ) -> None:
        super().__init__()
        self.model = model
        self._optimizer = optimizer
        self._scheduler = scheduler
        self._carried: dict[str, State] = {}
        self._totals: dict[str, Tensor] = {}
        self._resumed_random: dict[str, Any] | None = None
        self.history: Panel | None = None
        self.contents: dict[str, Any] = {}

    @classmethod
    @abstractmethod
    def of_model(cls, model: AutoregressiveModel) -> Self:
        """The task of a model that is there already."""

    def carried(self, batch: Batch, stage: str) -> State:
        """The state that the batch goes on from; each stage carries its own."""
        return None if batch.begins else self._carried[stage]

    def carry(self, state: State, stage: str) -> None:
        """Keep the state for the stage's next batch, cut from the graph that made it."""
        self._carried[stage] = state_ops.detach(state)

    def _score(self, batch: Batch, stage: str) -> tuple[Tensor, Tensor]:
        """The sum of log p over the batch's observed steps, and their number; both join the epoch's mean."""
        nats, state = self.model.score(batch.encoding, self.carried(batch, stage))
        self.carry(state, stage)
        total, count = nats.sum(), batch.encoding.observed.sum()
        # Many small numbers are added up: in float64, which Apple's GPUs lack.
        precise = torch.float32 if total.device.type == "mps" else torch.float64
        sums = torch.stack([total.detach().to(precise), count.to(precise)])
        self._totals[stage] = self._totals[stage] + sums if stage in self._totals else sums
        return total, count

    def _log_mean(self, stage: str) -> None:
        if stage in self._totals:
            gathered: Any = self.all_gather(self._totals.pop(stage))
            total, count = gathered.view(-1, 2).sum(0)
            if not torch.isfinite(total):
                raise TrainingError(
                    f"{stage}_nats is {-float(total):g} in epoch {self.current_epoch}: training diverged; "
                    "lower the learning rate"
                )
            self.log(f"{stage}_nats", (-total / count.clamp_min(1)).float(), prog_bar=True)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Mean −log p over the batch's observed steps, in nats."""
        total, count = self._score(batch, "train")
        return -total / count.clamp_min(1)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Add the batch's observed steps to the epoch's mean."""
        self._score(batch, "valid")

    def on_train_epoch_end(self) -> None:
        """Log the epoch's training mean."""
        self._log_mean("train")

    def on_validation_epoch_end(self) -> None:
        """Log the epoch's validation mean."""
        self._log_mean("valid")

    def configure_optimizers(self) -> Any:
        """The optimizer, and its schedule by steps."""
        optimizer = self._optimizer(self.parameters())
        if self._scheduler is None:
            return optimizer
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": self._scheduler(optimizer), "interval": "step"},
        }

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Make the checkpoint complete: see `tsrnn.training.checkpoint.contents`."""
        checkpoint["tsrnn"] = contents(self, self.trainer)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Remember the random states, which training that goes on must start from."""
        self._resumed_random = checkpoint.get("tsrnn", {}).get("random")

    def on_train_start(self) -> None:
        """Set the random states here, after everything that draws from them during the set-up."""
        if self._resumed_random is not None:
            restore_random_states(self._resumed_random)
            self._resumed_random = None

    def description(self) -> dict[str, Any]:
        """The task and its model in plain types, from which a checkpoint builds them again."""
        return {"task": class_path(type(self)), "model": describe(self.model)}
