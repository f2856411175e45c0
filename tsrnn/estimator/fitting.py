"""From settled arguments to a trained task: the data module, the network and its training."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint
from torch.optim import AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR

from tsrnn.checks import whole
from tsrnn.data import PriceSeries, SeriesPanel
from tsrnn.data.panels.base import PanelData
from tsrnn.data.tables.frames import Labels
from tsrnn.errors import Interrupted
from tsrnn.estimator.settings import Kind, shape_of
from tsrnn.forecasts import Forecast, QuantileForecast
from tsrnn.protocols import Panel
from tsrnn.training.checkpoints.contents import contents
from tsrnn.training.experiment import make_trainer, seeded, train
from tsrnn.training.runtime.quiet import quiet
from tsrnn.training.runtime.threads import cpu_threads
from tsrnn.training.tasks.base import Task
from tsrnn.training.tasks.forecaster import Forecaster

_TaskT = TypeVar("_TaskT", bound=Task)
_MODULES: Mapping[Kind, tuple[type[PanelData], tuple[str, ...]]] = {
    "prices": (PriceSeries, ("split", "window_length", "warm_up", "on_missing")),
    "series": (SeriesPanel, ("frequency", "valid_size", "test_size")),
}
NOT_KEPT = ("history", "random", "progress")
"""What a checkpoint holds and a loaded task does not say of itself."""
_SHARED = ("horizon", "codec", "batch_size", "batches_per_epoch", "calendar", "seed")


@dataclass(frozen=True)
class Trained:
    """A trained network, and what it was trained on.

    Args:
        kind: of the data.
        settings: of `settled`.
        data: the data module.
        labels: what the frame calls its series and time steps.
        task: with its best weights, and what a checkpoint says of it in `contents`.
        trainer: that trained it, or can test it where it was loaded.
        loss: of the best weights on the validation span; NaN where that is empty.
    """

    kind: Kind
    settings: dict[str, Any]
    data: PanelData
    labels: Labels
    task: Forecaster
    trainer: pl.Trainer
    loss: float

    @property
    def horizon(self) -> int:
        """Time steps that a forecast has unless told otherwise."""
        return self.task.horizon

    @property
    def season(self) -> int:
        """Time steps of the shortest season above one, or 1."""
        return int(getattr(self.data, "season", 1))

    @property
    def unseen(self) -> int:
        """Index of the first time step that the weights were neither trained nor chosen on."""
        return self.data.spans[1]

    def forecast(
        self, panel: Panel, horizon: int, origins: list[int] | None, num_samples: int | None
    ) -> Forecast | QuantileForecast:
        """The distribution of every series' future: see `Forecaster.forecast`."""
        paths = self.settings["num_samples"] if num_samples is None else whole("num_samples", num_samples, 1)
        with cpu_threads(self.settings["threads"]):
            return self.task.forecast(
                panel, horizon, origins=origins, num_samples=paths, seed=self.settings["seed"]
            )

    def tested(self, reference: str | None = None) -> pd.DataFrame:
        """The scores of the test span."""
        self.task.reference = reference
        with quiet(), cpu_threads(self.settings["threads"]), seeded(self.settings["seed"]):
            self.trainer.test(self.task, datamodule=self.data, verbose=False)
        return self.task.score_frame()


def data_module(kind: Kind, source: Any, settings: Mapping[str, Any]) -> PanelData:
    """The data module of a frame or a file; arguments that are None have its defaults."""
    module, own = _MODULES[kind]
    given = {name: settings[name] for name in (*_SHARED, *own) if settings[name] is not None}
    return module(source, **given)


def over(kind: Kind, settings: Mapping[str, Any], panel: Panel, spans: tuple[int, int, int]) -> PanelData:
    """The data module of a panel, with spans of its own."""
    data = data_module(kind, None, settings)
    data.given = panel
    return data.over(panel, spans)


def trained(
    kind: Kind, data: PanelData, settings: dict[str, Any], *, weights: dict[str, Any] | None = None
) -> Trained:
    """A network trained on data.

    Args:
        kind: of the data.
        data: what is trained on.
        settings: of `settled`.
        weights: of the model, to start from; None: from nothing.

    Raises:
        KeyboardInterrupt: after Ctrl-C.
    """
    _ = data.spans  # what is wrong with the data is said before a network is made

    def make() -> Forecaster:
        task = _task(data, settings)
        if weights is not None:
            task.model.load_state_dict(weights)
        return task

    task, trainer, loss = trained_task(make, data, settings, data.spans[0] < data.spans[1])
    task.history = data.panel
    settings = {**settings, "horizon": task.horizon}  # of the data as a whole, where it followed from them
    return Trained(kind, settings, data, data.labels, task, trainer, loss)


def trained_task(
    make: Callable[[], _TaskT], data: pl.LightningDataModule, settings: Mapping[str, Any], chosen: bool
) -> tuple[_TaskT, pl.Trainer, float]:
    """A task with its best weights, the trainer, and the best validation loss.

    Args:
        make: makes the task, once the generators are seeded.
        data: what it is trained on.
        settings: seed, threads, patience, and those of the trainer.
        chosen: whether there is a validation part; without one the last weights are it, and the loss is NaN.

    Raises:
        KeyboardInterrupt: after Ctrl-C.
    """
    with (
        quiet(),
        cpu_threads(settings["threads"]),
        tempfile.TemporaryDirectory(prefix="tsrnn-") as folder,
        seeded(settings["seed"]),
    ):
        task = make()
        best = ModelCheckpoint(
            folder, filename="best", monitor="valid_loss" if chosen else None, save_weights_only=True
        )
        callbacks: list[pl.Callback] = [best]
        if chosen and settings["patience"] is not None:
            callbacks.append(EarlyStopping("valid_loss", patience=settings["patience"]))
        trainer = _trainer(Path(folder), settings, callbacks)
        try:
            result = train(task, data, trainer)
        except Interrupted:
            raise KeyboardInterrupt from None
        saved = contents(task, trainer)
        if chosen:
            task.load_state_dict(torch.load(best.best_model_path, weights_only=True)["state_dict"])
    task.contents = {name: saved[name] for name in saved if name not in NOT_KEPT}
    return task.eval(), trainer, float("nan") if result.score is None else result.score


def bare_trainer(settings: Mapping[str, Any]) -> pl.Trainer:
    """A trainer that has not trained: it can test what was loaded."""
    with quiet():
        return _trainer(Path(tempfile.gettempdir()), settings, [])


def _task(data: PanelData, settings: Mapping[str, Any]) -> Forecaster:
    steps = settings["max_epochs"] * settings["batches_per_epoch"]
    return Forecaster(
        codec=data.codec,
        backbone=partial(settings["cell"], **shape_of(settings)),
        head=settings["head"],
        embedding_size=settings["embedding_size"],
        optimizer=partial(AdamW, lr=settings["learning_rate"], weight_decay=settings["weight_decay"]),
        scheduler=partial(CosineAnnealingLR, T_max=steps),
        num_samples=settings["num_samples"],
    )


def _trainer(folder: Path, settings: Mapping[str, Any], callbacks: list[pl.Callback]) -> pl.Trainer:
    progress = settings["progress"]
    return make_trainer(
        folder,
        accelerator="auto",
        devices=1,
        max_epochs=settings["max_epochs"],
        max_steps=settings.get("max_steps") or -1,
        gradient_clip_val=settings["gradient_clip"],
        callbacks=callbacks,
        logger=False,
        num_sanity_val_steps=0,
        enable_progress_bar=sys.stdout.isatty() if progress == "auto" else progress,
        enable_model_summary=False,
    )
