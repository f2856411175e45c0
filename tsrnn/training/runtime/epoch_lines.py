"""What a training says where no progress bar is shown: a line an epoch."""

from __future__ import annotations

import sys
import time
from typing import Any

import pytorch_lightning as pl

from tsrnn.training.runtime.schedules import epoch_steps, total_steps

_LONGEST_SILENCE = 60.0
"""Seconds within an epoch after which a line says how far it is."""


class EpochLines(pl.Callback):
    """Says on standard error, after each epoch, its scores and how long the rest takes at most.

    The scores are those that a progress bar would show. An epoch that takes more than a minute says in
    between how far it is. In a distributed run the first process speaks.
    """

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note where training starts: a resumed one starts in the middle."""
        self._begun = self._said = time.monotonic()
        self._first_step = self._last_step = trainer.global_step
        self._epoch = trainer.current_epoch

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Say how good the epoch before was: only now its training score is known too."""
        self._say_epoch(trainer)
        self._epoch = trainer.current_epoch

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Say how far a long epoch is."""
        if time.monotonic() - self._said > _LONGEST_SILENCE:
            batch = trainer.fit_loop.batch_idx + 1
            self._say(trainer, [f"batch {batch}/{trainer.num_training_batches}", *self._left(trainer)])

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Say how good the last epoch was, and how long training took."""
        self._say_epoch(trainer, ended=True)

    def _say_epoch(self, trainer: pl.Trainer, ended: bool = False) -> None:
        if trainer.global_step == self._last_step:
            return
        self._last_step = trainer.global_step
        scores = [
            f"{name} {float(value):.4f}" for name, value in sorted(trainer.progress_bar_metrics.items())
        ]
        took = f"{_duration(time.monotonic() - self._begun)} in all"
        self._say(trainer, [*scores, *([took] if ended else self._left(trainer))])

    def _left(self, trainer: pl.Trainer) -> list[str]:
        steps, done = total_steps(trainer), trainer.global_step
        if steps is None or done == self._first_step:
            return []
        pace = (time.monotonic() - self._begun) / (done - self._first_step)
        return [f"{_duration(pace * max(steps - done, 0))} left"]

    def _say(self, trainer: pl.Trainer, parts: list[str]) -> None:
        self._said = time.monotonic()
        if not trainer.is_global_zero:
            return
        steps, each, number = total_steps(trainer), epoch_steps(trainer), self._epoch + 1
        epochs = f"/{max(-(-steps // each), number)}" if steps is not None and each else ""
        print(f"epoch {number}{epochs}", *parts, sep="  ", file=sys.stderr, flush=True)


def _duration(seconds: float) -> str:
    """A time to wait, as exact as it is of use."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5970 else f"{seconds / 3600:.1f} h"
