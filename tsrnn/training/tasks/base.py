"""What every task shares: optimizer, schedule, sums on the device, resuming, a checkpoint's contents."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Self

import pandas as pd
import pytorch_lightning as pl
import torch
from torch import Tensor, distributed, nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LRScheduler

from tsrnn.components import class_path, describe
from tsrnn.errors import ConfigError, TrainingError, argument
from tsrnn.protocols import Panel
from tsrnn.training.checkpoints.contents import contents, restore_random_states
from tsrnn.training.runtime.schedules import WarmupCosine, total_steps

OptimizerFactory = Callable[[Iterable[Any]], Optimizer]
SchedulerFactory = Callable[[Optimizer], LRScheduler]


class Task(pl.LightningModule, ABC):
    """A model, trained to make the mean loss of what is observed small.

    A subclass says what a batch's losses are. Logged: `train_<criterion>` and `valid_<criterion>` once an
    epoch, means over all observed targets. They are summed on the device meanwhile: logging at every step
    would cost more than a small step does.

    Args:
        model: what is trained.
        optimizer: makes the optimizer from the parameters. None: AdamW.
        scheduler: makes the learning-rate schedule from the optimizer; it counts steps. None: constant.
            A `WarmupCosine` learns from the trainer how many steps there are.
    """

    model_class: ClassVar[type[nn.Module]]
    """Of the model that a checkpoint of this task holds."""
    model: Any

    def __init__(
        self,
        model: nn.Module,
        optimizer: OptimizerFactory | None,
        scheduler: SchedulerFactory | None,
    ) -> None:
        super().__init__()
        self.model = model
        # No default in the signature: a command line would hand its weight decay on to another optimizer.
        self._optimizer = AdamW if optimizer is None else optimizer
        self._scheduler = scheduler
        self._totals: dict[str, Tensor] = {}
        self._resumed: dict[str, Any] | None = None
        self.history: Panel | None = None
        self.contents: dict[str, Any] = {}

    @classmethod
    @abstractmethod
    def of_model(cls, model: Any) -> Self:
        """The task of an existing model."""

    @property
    @abstractmethod
    def criterion(self) -> str:
        """What the loss measures: nats, or pinball."""

    @abstractmethod
    def losses(self, batch: Any, stage: str) -> tuple[Tensor, Tensor]:
        """The loss of every target of a batch, 0 where none is observed, and which are (bool)."""

    @abstractmethod
    def score_frame(self) -> pd.DataFrame:
        """The scores of the last test as a table, the model first."""

    @property
    def name(self) -> str:
        """The name in tables."""
        return type(self.model).__name__

    @property
    def settings(self) -> dict[str, Any]:
        """Arguments of the task that a checkpoint keeps besides its model, in plain types."""
        return {}

    def _score(self, batch: Any, stage: str) -> tuple[Tensor, Tensor]:
        """The sum of the losses of the batch's observed targets, and their number; both join the mean."""
        losses, observed = self.losses(batch, stage)
        total, count = losses.sum(), observed.sum()
        # Many small numbers are added up: in float64, which Apple's GPUs lack.
        precise = torch.float32 if total.device.type == "mps" else torch.float64
        sums = torch.stack([total.detach().to(precise), count.to(precise)])
        self._totals[stage] = self._totals[stage] + sums if stage in self._totals else sums
        return total, count

    def _log_mean(self, stage: str) -> tuple[float, int] | None:
        """Log the mean over the stage's observed steps; it and their number, or None if there were none."""
        if stage not in self._totals:
            return None
        gathered: Any = self.all_gather(self._totals.pop(stage))
        total, count = gathered.view(-1, 2).sum(0).tolist()
        if not math.isfinite(total):
            raise TrainingError(
                f"{stage}_{self.criterion} is {total:g} in epoch {self.current_epoch}: training diverged; "
                "lower the learning rate"
            )
        mean = total / max(count, 1)
        self.log(f"{stage}_{self.criterion}", mean, prog_bar=True)
        if stage == "valid":
            self.log("valid_loss", mean)  # the same, by a name that callbacks can monitor whatever the head
        return mean, int(count)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Mean loss of the batch's observed targets: −log p in nats, or what the head has in its place.

        Distributed processes average their gradients with equal weight, however many targets each has
        observed. So each divides by the mean count of all: every observed target then weighs the same.
        """
        if batch_idx == 0:  # a checkpoint of an epoch's end holds that epoch's sums
            self._totals.pop("train", None)
        total, count = self._score(batch, "train")
        if distributed.is_available() and distributed.is_initialized():
            distributed.all_reduce(count)
            return total * distributed.get_world_size() / count.clamp_min(1)
        return total / count.clamp_min(1)

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Add the batch's observed steps to the epoch's mean."""
        self._score(batch, "valid")

    def test_step(self, batch: Any, batch_idx: int) -> None:
        """Add the batch's observed steps to the mean."""
        self._score(batch, "test")

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
        """Make the checkpoint complete: see `tsrnn.training.checkpoints.contents`."""
        checkpoint["tsrnn"] = contents(self, self.trainer)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Remember what a resumed training must start from."""
        self._resumed = checkpoint.get("tsrnn")

    def on_train_start(self) -> None:
        """Resume where the checkpoint stopped; tell the schedule how long training is.

        The random states are set here, after everything that draws from them during the set-up.
        """
        if self._resumed is not None:
            restore_random_states(self._resumed["random"])
            self.restore_progress(self._resumed["progress"])
            self._resumed = None
        for configured in self.trainer.lr_scheduler_configs:
            if isinstance(configured.scheduler, WarmupCosine):
                steps = total_steps(self.trainer)
                if steps is None:
                    raise ConfigError(
                        f"a schedule that ends needs {argument('trainer.max_epochs')} or "
                        f"{argument('trainer.max_steps')}"
                    )
                configured.scheduler.set_total_steps(steps)

    def progress(self) -> dict[str, Any]:
        """How far the current epoch has come, in plain types: the sums so far."""
        return {"totals": self._totals.get("train")}

    def restore_progress(self, progress: dict[str, Any]) -> None:
        """Resume an epoch from what `progress` returned."""
        if progress["totals"] is not None:
            self._totals["train"] = progress["totals"].to(self.device)

    def description(self) -> dict[str, Any]:
        """The task and its model in plain types, from which a checkpoint builds them again."""
        return {
            "task": class_path(type(self)),
            "model": describe(self.model),
            "settings": self.settings,
        }
