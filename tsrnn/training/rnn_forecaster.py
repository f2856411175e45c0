"""The forecaster in ten lines, by the conventions of scikit-learn."""

from __future__ import annotations

import sys
import tempfile
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import torch
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted
from torch.optim import AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR

from tsrnn import backbones, heads
from tsrnn.backbones import Backbone
from tsrnn.data import PriceSeries
from tsrnn.errors import ConfigError, Interrupted, nearest
from tsrnn.evaluation.report.plots import fan_chart, spaced_origins
from tsrnn.forecasts import Forecast
from tsrnn.heads import Head
from tsrnn.training.experiment import make_trainer, seed_everything, train
from tsrnn.training.runtime.quiet import quiet
from tsrnn.training.runtime.threads import cpu_threads
from tsrnn.training.tasks.forecaster import Forecaster


class RNNForecaster(BaseEstimator):  # type: ignore[misc]
    """Fit a recurrent network to prices and forecast them, with its uncertainty.

    The layer below is a `PriceSeries`, a `Forecaster` and Lightning's `Trainer`; after `fit` they are
    `data_`, `task_` and `trainer_`. The sessions are split in time (`split`): the weights are trained on
    the first span, the best epoch is chosen on the second, and the third is kept for `score_frame`.

    Args:
        cell: "LSTM", "GRU", "RNN", or a `Backbone` class of your own.
        head: "StudentT", "Normal", or a `Head` class of your own.
        hidden_size: units of a layer.
        num_layers: layers.
        dropout: on each layer's output.
        embedding_size: the backbone's input size.
        learning_rate: of AdamW at the start; it falls to 0 along a cosine.
        weight_decay: of AdamW.
        max_epochs: at most so many.
        patience: epochs without a better validation score after which training stops.
        window_length, warm_up, batch_size, batches_per_epoch, split, calendar: see `PriceSeries`.
        gradient_clip: largest norm of a step's gradient, the remedy for exploding gradients.
        seed: of the weights, the windows and the paths.
        threads: CPU threads; a second gains little on a small network. None: as torch has it.
        progress: "auto" shows a progress bar on a terminal; True, False.
    """

    def __init__(
        self,
        cell: str | type[Backbone] = "LSTM",
        head: str | type[Head] = "StudentT",
        hidden_size: int = 48,
        num_layers: int = 1,
        dropout: float = 0.2,
        embedding_size: int = 32,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.01,
        max_epochs: int = 40,
        patience: int = 10,
        window_length: int = 256,
        warm_up: int = 64,
        batch_size: int = 32,
        batches_per_epoch: int = 25,
        split: tuple[float, float, float] = (0.7, 0.15, 0.15),
        calendar: str = "auto",
        gradient_clip: float = 1.0,
        seed: int = 0,
        threads: int | None = 1,
        progress: bool | Literal["auto"] = "auto",
    ) -> None:
        self.cell = cell
        self.head = head
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.dropout = dropout
        self.embedding_size = embedding_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.max_epochs = max_epochs
        self.patience = patience
        self.window_length = window_length
        self.warm_up = warm_up
        self.batch_size = batch_size
        self.batches_per_epoch = batches_per_epoch
        self.split = split
        self.calendar = calendar
        self.gradient_clip = gradient_clip
        self.seed = seed
        self.threads = threads
        self.progress = progress

    def fit(self, X: pd.DataFrame | str | Path, y: None = None) -> RNNForecaster:
        """Train on a frame with the columns unique_id, ds, y, or on a CSV file.

        Raises:
            DataError: if the prices cannot be used, naming where.
        """
        arguments = {
            name: getattr(self, name)
            for name in (
                "window_length",
                "warm_up",
                "batch_size",
                "batches_per_epoch",
                "split",
                "calendar",
                "seed",
            )
        }
        frame = isinstance(X, pd.DataFrame)
        data = PriceSeries(X if frame else str(X), **arguments)
        with quiet(), cpu_threads(self.threads), tempfile.TemporaryDirectory(prefix="tsrnn-") as folder:
            seed_everything(self.seed)
            cell = _class_of(self.cell, backbones, Backbone)
            head = _class_of(self.head, heads, Head)
            steps = self.max_epochs * self.batches_per_epoch
            task = Forecaster(
                codec=data.codec,
                backbone=partial(
                    cell, hidden_size=self.hidden_size, num_layers=self.num_layers, dropout=self.dropout
                ),
                head=head,
                embedding_size=self.embedding_size,
                optimizer=partial(AdamW, lr=self.learning_rate, weight_decay=self.weight_decay),
                scheduler=partial(CosineAnnealingLR, T_max=steps),
            )
            best = ModelCheckpoint(folder, filename="best", monitor="valid_nats", save_weights_only=True)
            trainer = make_trainer(
                Path(folder),
                accelerator="auto",
                devices=1,
                max_epochs=self.max_epochs,
                gradient_clip_val=self.gradient_clip,
                callbacks=[best, EarlyStopping("valid_nats", patience=self.patience)],
                logger=False,
                num_sanity_val_steps=0,
                enable_progress_bar=sys.stdout.isatty() if self.progress == "auto" else self.progress,
                enable_model_summary=False,
            )
            try:
                result = train(task, data, trainer)
            except Interrupted:
                raise KeyboardInterrupt from None
            self.valid_nats_ = float("nan") if result.score is None else result.score
            task.load_state_dict(torch.load(best.best_model_path, weights_only=True)["state_dict"])
        task.history = data.panel
        self.task_, self.data_, self.trainer_ = task, data, trainer
        return self

    def forecast(self, horizon: int = 20, *, num_samples: int = 1000) -> Forecast:
        """Sampled paths of every series beyond the last session: see `tsrnn.Forecast`."""
        check_is_fitted(self, "task_")
        return self._forecast(horizon, None, num_samples)

    def _forecast(self, horizon: int, origins: list[int] | None, num_samples: int) -> Forecast:
        panel = self.data_.panel
        with cpu_threads(self.threads):
            forecast = self.task_.forecast(
                panel, horizon, origins=origins, num_samples=num_samples, seed=self.seed
            )
        assert isinstance(forecast, Forecast)  # prices have paths, whatever the head
        return forecast

    def predict(
        self, horizon: int = 20, *, levels: Sequence[float] = (80, 95), num_samples: int = 1000
    ) -> pd.DataFrame:
        """The forecast as a tidy frame: unique_id, cutoff, ds, mean, quantiles and risk of each session."""
        return self.forecast(horizon, num_samples=num_samples).to_frame(levels)

    def score_frame(self) -> pd.DataFrame:
        """One-step scores on the test span, beside the random walk's on the same steps."""
        check_is_fitted(self, "task_")
        with quiet(), cpu_threads(self.threads):
            self.trainer_.test(self.task_, datamodule=self.data_, verbose=False)
        return self.task_.score_frame()

    def plot(
        self,
        horizon: int = 20,
        *,
        levels: Sequence[float] = (80, 95),
        past_origins: int = 5,
        num_samples: int = 1000,
    ) -> Any:
        """A fan chart: the forecast beyond the data, and earlier ones with the values then observed.

        Returns:
            A matplotlib figure; `.savefig(path)` writes it.
        """
        check_is_fitted(self, "task_")
        panel = self.data_.panel
        origins = spaced_origins(panel.num_steps, self.data_.spans[1], horizon, past_origins)
        past = self._forecast(horizon, origins, num_samples) if origins else None
        future = self._forecast(horizon, None, num_samples)
        return fan_chart(panel, future, past=past, levels=tuple(levels))

    def save(self, path: str | Path) -> None:
        """Write a checkpoint that `tsrnn.load`, and `tsrnn forecast`, can read."""
        check_is_fitted(self, "task_")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.trainer_.save_checkpoint(path)


def _class_of(given: Any, package: Any, base: type) -> Any:
    if isinstance(given, type) and issubclass(given, base):
        return given
    found = getattr(package, str(given), None)
    if not (isinstance(found, type) and issubclass(found, base)):
        known = [name for name in package.__all__ if name != base.__name__]
        raise ConfigError(f"{given!r} is not a {base.__name__.lower()}{nearest(str(given), known)}")
    return found
