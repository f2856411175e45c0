"""The one place that makes a training: seeds, trainer, folder, and what comes of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from lightning_fabric.utilities.rank_zero import rank_zero_only
from pytorch_lightning.utilities.exceptions import SIGTERMException

from tsrnn.errors import CheckpointError, first_line
from tsrnn.training.checkpoints.contents import (
    AtomicCheckpointIO,
    random_states,
    restore_random_states,
)
from tsrnn.training.runtime.earlier_metrics import EarlierMetrics
from tsrnn.training.runtime.run_folder import new_run_folder
from tsrnn.training.runtime.run_keeper import RunKeeper

_SHARED_FOLDER = "TSRNN_RUN_FOLDER"
"""Tells the processes that Lightning starts for a distributed run which folder it has."""


@dataclass(frozen=True)
class Result:
    """What came of a training.

    Attributes:
        checkpoint: the best one, or the last where none was chosen; None where nothing was kept.
        monitor: what the best was chosen by, or None.
        score: the best's, or None.
        steps: optimizer steps that were made in all.
    """

    checkpoint: Path | None
    monitor: str | None
    score: float | None
    steps: int


def is_main_process() -> bool:
    """Whether this is the process that makes folders and says what was found: rank 0 of a distributed run."""
    rank = int(getattr(rank_zero_only, "rank", 0) or 0)
    # The first process of a further machine has no rank yet: there Lightning counts the machines.
    return rank == 0 and os.environ.get("NODE_RANK", "0") == "0"


def run_folder(root: str | Path, name: str) -> Path:
    """A new folder for a run; in the other processes of a distributed run, the folder of the first."""
    if is_main_process():
        folder = new_run_folder(root, name)
        os.environ[_SHARED_FOLDER] = str(folder.resolve())
        return folder
    return Path(os.environ.get(_SHARED_FOLDER, root))


def make_trainer(folder: Path, *, root: Path | None = None, **settings: Any) -> pl.Trainer:
    """Lightning's trainer as every training has it: whole checkpoints, and an end that is kept.

    Args:
        folder: of the run.
        root: where `latest` points to the run; None: nowhere.
        **settings: of `pl.Trainer`; its default_root_dir is the folder.
    """
    own = {
        "default_root_dir": str(folder),
        "callbacks": [*(settings.get("callbacks") or []), RunKeeper(folder, root), EarlierMetrics()],
        "plugins": [*(settings.get("plugins") or []), AtomicCheckpointIO()],
    }
    return pl.Trainer(**{**settings, **own})


def seed_everything(seed: int) -> None:
    """Seed the generators that weights, dropout and a user's own code draw from."""
    pl.seed_everything(seed, verbose=False)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside, the generators start from the seed; outside they go on as if nothing had been drawn."""
    states, environment = random_states(), dict(os.environ)
    seed_everything(seed)
    try:
        yield
    finally:
        restore_random_states(states)
        for name in ("PL_GLOBAL_SEED", "PL_SEED_WORKERS"):  # what Lightning tells its workers
            os.environ.pop(name, None)
            if name in environment:
                os.environ[name] = environment[name]


def train(
    task: pl.LightningModule,
    data: pl.LightningDataModule,
    trainer: pl.Trainer,
    *,
    checkpoint: str | Path | None = None,
) -> Result:
    """Train a task on data, from its beginning or from a checkpoint.

    Args:
        task: what is trained.
        data: what it is trained on.
        trainer: of `make_trainer`.
        checkpoint: where to resume; None: from the beginning.

    Raises:
        Interrupted: after SIGTERM or Ctrl-C, the run saved.
        CheckpointError: if the checkpoint is none that this training can resume.
    """
    (keeper,) = (callback for callback in trainer.callbacks if isinstance(callback, RunKeeper))  # type: ignore[attr-defined]
    try:
        trainer.fit(task, datamodule=data, ckpt_path=checkpoint, weights_only=True)
    except SIGTERMException:  # before the first step, when Lightning still listens
        raise keeper.interrupted() from None
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        if checkpoint is None or keeper.begun:
            raise
        # Lightning, optimizers and callbacks each take their part of it, and complain in their own way.
        raise CheckpointError(f"{checkpoint}: training cannot resume from it: {first_line(error)}") from error
    # Every process saves, or none: the one that writes may be ahead of those that look.
    kept = trainer.strategy.broadcast(keeper.last.is_file()) or bool(getattr(trainer, "fast_dev_run", False))
    if keeper.asked or not kept:
        trainer.save_checkpoint(keeper.last)
    if keeper.asked:
        raise keeper.interrupted()
    best: Any = trainer.checkpoint_callback
    path = getattr(best, "best_model_path", "")
    score = getattr(best, "best_model_score", None)
    return Result(
        Path(path) if path else keeper.last if keeper.last.is_file() else None,
        None if score is None else best.monitor,
        None if score is None else float(score),
        trainer.global_step,
    )
