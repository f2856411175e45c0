"""Learning-rate schedules, in steps."""

from __future__ import annotations

import math
from typing import final

import pytorch_lightning as pl
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler


@final
class WarmupCosine(LRScheduler):
    """Up on a line over the first steps, then down along half a cosine to `final` of the peak.

        lr_t = lr · (t + 1) / w                                              for t < w
        lr_t = lr · (f + (1 − f) · ½ (1 + cos(π (t − w) / (T − w))))         from then on

    T, the steps of the whole training, comes from the trainer when training starts, so that a shorter run
    of the same configuration ends as low as a longer one.

    Source: Loshchilov and Hutter (2017), "SGDR", equation 5, without restarts; Goyal et al. (2017), section
    2.2, for the warm-up.

    Args:
        optimizer: whose learning rates, at their start, are the peak.
        warmup_steps: w.
        final: f, the share of the peak at the end.
    """

    def __init__(self, optimizer: Optimizer, warmup_steps: int = 0, final: float = 0.0) -> None:
        self.warmup_steps = warmup_steps
        self.final = final
        self.total_steps: int | None = None
        super().__init__(optimizer)

    def set_total_steps(self, total_steps: int) -> None:
        """Say T."""
        self.total_steps = total_steps

    def get_lr(self) -> list[float]:  # type: ignore[override]
        """The learning rate of each group at the present step."""
        step = self.last_epoch
        if step < self.warmup_steps:
            factor = (step + 1) / self.warmup_steps
        elif self.total_steps is None:  # before training starts
            factor = 1.0
        else:
            span = max(self.total_steps - self.warmup_steps, 1)
            place = min((step - self.warmup_steps) / span, 1.0)
            factor = self.final + (1 - self.final) * 0.5 * (1 + math.cos(math.pi * place))
        return [float(base) * factor for base in self.base_lrs]


def epoch_steps(trainer: pl.Trainer) -> int | None:
    """Optimizer steps of an epoch; None where its loader does not know how long it is."""
    batches = trainer.num_training_batches
    # Rounded up: an epoch's last batches make a step, though they are fewer.
    return -(-int(batches) // trainer.accumulate_grad_batches) if math.isfinite(batches) else None


def total_steps(trainer: pl.Trainer) -> int | None:
    """Optimizer steps of the whole training, as `max_epochs` and `max_steps` allow; None: without an end."""
    limits = [trainer.max_steps] if trainer.max_steps >= 0 else []
    steps = epoch_steps(trainer)
    if steps is not None and trainer.max_epochs is not None and trainer.max_epochs >= 0:
        limits.append(trainer.max_epochs * steps)
    return min(limits, default=None)
