"""A run that ends anywhere, by its number of steps or by a signal, ends well."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from tsrnn.errors import Interrupted
from tsrnn.training.runtime.run_folder import link_latest

_SIGNALS = {signal.SIGTERM: "terminated", signal.SIGINT: "interrupted"}


class RunKeeper(pl.Callback):
    """Keeps a run where it stops: after its last step it is validated, after a signal it can be resumed.

    Lightning ends a run of fewer steps than an epoch without validating it, and one that is told to stop
    (SIGTERM, Ctrl-C) without a checkpoint. Here the last step of `max_steps` ends in a validation, as the end
    of an epoch does. A signal lets the current step finish: the run is saved as `checkpoints/last.ckpt`, and
    `Interrupted` says how it is resumed. A second signal stops at once.

    Args:
        folder: of the run.
        root: where `latest` points to the run, once all its processes are there; None: nowhere.
    """

    def __init__(self, folder: Path, root: Path | None = None) -> None:
        self.folder, self.root = folder, root
        self.received: int | None = None
        self._before: dict[int, Any] = {}

    @property
    def last(self) -> Path:
        """The checkpoint that a run is resumed from."""
        return self.folder / "checkpoints" / "last.ckpt"

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Point to the run: here every process of it has read which one it resumes."""
        if stage == "fit" and self.root is not None and trainer.is_global_zero:
            link_latest(self.root, self.folder)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Listen to signals, in place of Lightning, which has its own handlers by now."""
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in _SIGNALS}

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Validate after the last step; save and stop where that is asked for in mid-epoch."""
        if 0 <= trainer.max_steps <= trainer.global_step:
            trainer.should_stop = True
        elif not trainer.is_last_batch and self._asked(trainer):
            trainer.save_checkpoint(self.last)
            raise self.interrupted()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """At the end of an epoch the callbacks that keep checkpoints have their turn first."""
        if self._asked(trainer):
            trainer.should_stop = True

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Listen no more."""
        self._restore()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Listen no more."""
        self._restore()

    def interrupted(self) -> Interrupted:
        """The error of a run that was told to stop, with the command that resumes it."""
        number = self.received or signal.SIGTERM
        said, config = _SIGNALS[signal.Signals(number)], self.folder / "config.yaml"
        if config.is_file():
            said += f"; to resume: tsrnn fit --config {config} --ckpt_path {self.folder}"
        return Interrupted(number, said)

    def _note(self, number: int, frame: Any) -> None:
        self.received = number
        self._restore()

    def _asked(self, trainer: pl.Trainer) -> bool:
        asked = self.received is not None
        if trainer.world_size > 1:  # all processes stop at the same step
            asked = trainer.strategy.reduce_boolean_decision(asked, all=False)
        return asked

    def _restore(self) -> None:
        while self._before:
            number, handler = self._before.popitem()
            signal.signal(number, handler)
