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

    Lightning ends a run between two validations without one, and a run that is told to stop (SIGTERM,
    Ctrl-C) without a checkpoint. Here the last step of `max_steps` or `max_epochs` ends in a validation. A
    signal lets the current step, and a validation after it, finish: the run is saved as
    `checkpoints/last.ckpt`, and `Interrupted` says how it is resumed. A second signal stops at once.

    Args:
        folder: of the run; that of the first process, once all its processes are there.
        root: where `latest` then points to the run; None: nowhere.

    Attributes:
        begun: whether an epoch has begun: the checkpoint that is resumed has been read by then.
        asked: whether a process of the run was told to stop; all of them agree on it at each step.
    """

    def __init__(self, folder: Path, root: Path | None = None) -> None:
        self.folder, self.root = folder, root
        self.received: int | None = None
        self.begun = self.asked = False
        self._before: dict[int, Any] = {}

    @property
    def last(self) -> Path:
        """The checkpoint that a run is resumed from."""
        return self.folder / "checkpoints" / "last.ckpt"

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Share the folder, and point to it: here every process of the run has read which one it resumes."""
        self.folder = Path(trainer.strategy.broadcast(str(self.folder)))
        if stage == "fit" and self.root is not None and trainer.is_global_zero:
            link_latest(self.root, self.folder)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Listen to signals, in place of Lightning, which has its own handlers by now."""
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in _SIGNALS}

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note that training is under way."""
        self.begun = True

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Validate after the last step; save and stop where that is asked for in mid-epoch."""
        epochs = trainer.max_epochs if trainer.max_epochs is not None else -1
        at_the_end = trainer.is_last_batch and 0 <= epochs <= trainer.current_epoch + 1
        if at_the_end or 0 <= trainer.max_steps <= trainer.global_step:
            trainer.should_stop = True
            if trainer.check_val_every_n_epoch is not None:
                trainer.check_val_every_n_epoch = 1
        elif not trainer.is_last_batch and not self._validates(trainer) and self._asked(trainer):
            trainer.save_checkpoint(self.last)
            raise self.interrupted()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """At the end of an epoch the callbacks that keep checkpoints have their turn first."""
        if self._asked(trainer):
            trainer.should_stop = True

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Listen no more; a signal since the last step counts."""
        self._restore()
        self._asked(trainer)

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

    @staticmethod
    def _validates(trainer: pl.Trainer) -> bool:
        """Whether a validation follows this step: a run that is resumed from before it would go without."""
        loop = trainer.fit_loop
        return loop._data_fetcher is not None and loop.epoch_loop._should_check_val_fx(loop._data_fetcher)

    def _asked(self, trainer: pl.Trainer) -> bool:
        self.asked = self.received is not None
        if trainer.world_size > 1:  # all processes stop at the same step
            self.asked = trainer.strategy.reduce_boolean_decision(self.asked, all=False)
        return self.asked

    def _restore(self) -> None:
        while self._before:
            number, handler = self._before.popitem()
            signal.signal(number, handler)
