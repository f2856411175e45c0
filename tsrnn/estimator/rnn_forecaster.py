"""The forecaster in ten lines, by the conventions of scikit-learn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pytorch_lightning as pl
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from tsrnn.backbones import Backbone
from tsrnn.checks import whole
from tsrnn.codecs import Codec
from tsrnn.data.panels.base import PanelData
from tsrnn.errors import ConfigError
from tsrnn.estimator.asking import asked, plotted, score
from tsrnn.estimator.backtesting import Backtest, backtested
from tsrnn.estimator.fitting import Trained, data_module, trained
from tsrnn.estimator.reading import checked_source, kind_of_source, say_what_was_chosen
from tsrnn.estimator.saving import restored, save
from tsrnn.estimator.settings import checked, checked_levels, settled, told_kind
from tsrnn.evaluation import Origins
from tsrnn.forecasts import Forecast, QuantileForecast
from tsrnn.heads import Head
from tsrnn.training.tasks.forecaster import Forecaster


class RNNForecaster(BaseEstimator):  # type: ignore[misc]
    """Fit a recurrent network to prices or to any other series, and forecast them with its uncertainty.

    Prices become log returns, of which the network says the density, and paths are sampled. Other series,
    of values of any sign and frequency, are forecast by blocks, with quantiles. Each has the settings of its
    configuration (configs/forecast/prices_lstm.yaml, panel.yaml), which stand for None below.

    The time steps are split in three spans: the weights are trained on the first, the best epoch is chosen
    on the second, and the third is kept for `score_frame` and `backtest`.

    It follows the conventions of scikit-learn: `clone`, `cross_val_score` and `GridSearchCV` work, with
    `TimeSeriesSplit` on a wide frame, or on a long one whose rows are in order of time.

    Args:
        cell: "LSTM", "GRU", "RNN", or a `Backbone` class of your own.
        head: "StudentT" (of prices), "Quantiles" (of series), "Normal", ..., or a `Head` class of your own.
        kind: "prices" or "series"; "auto" chooses by the frame, and says why.
        horizon: time steps that a forecast has unless told otherwise. Default: 20, or by the frequency.
        hidden_size: units of a layer. Default: 48, of series 64.
        num_layers: layers.
        dropout: on each layer's output. Default: 0.2, of series 0.3.
        embedding_size: the backbone's input size. Default: 32, of series 64.
        learning_rate: of AdamW at the start; it falls to 0 along a cosine. Default: 0.001, of series 0.003.
        weight_decay: of AdamW. Default: 0.01, of series 1.
        max_epochs: at most so many. Default: 40, of series 12.
        patience: epochs without a better validation score after which training stops. Default: 10, of series
            as many as there are.
        batch_size: windows a batch. Default: 32, of series 64.
        batches_per_epoch: batches between two validations. Default: 25, of series 50.
        codec: how values become steps. Default: `LogReturns`, of series `Blocks` by the frequency.
        split: of prices, shares of the sessions for training, validation and test. Default: 0.7, 0.15, 0.15.
        window_length, warm_up, on_missing: of prices: see `PriceSeries`.
        frequency, valid_size, test_size: of series: see `SeriesPanel`.
        calendar: an exchange's code (XNYS, ...), 24/7, 24/5, none, or auto.
        gradient_clip: largest norm of a step's gradient, the remedy for exploding gradients; None: no bound.
        seed: of the weights, the windows and the paths. The caller's random generators are left as they are.
        threads: CPU threads; a second gains little on a small network. None: as torch has it.
        progress: "auto" shows a progress bar on a terminal; True, False.

    Attributes:
        kind_: "prices" or "series".
        data_: the data module, `PriceSeries` or `SeriesPanel`.
        task_: the `Forecaster`.
        trainer_: Lightning's `Trainer`.
        valid_loss_: of the best epoch on the validation span, in nats a time step, or pinball of `Quantiles`.
    """

    def __init__(
        self,
        cell: str | type[Backbone] = "LSTM",
        head: str | type[Head] | None = None,
        *,
        kind: Literal["auto", "prices", "series"] = "auto",
        horizon: int | None = None,
        hidden_size: int | None = None,
        num_layers: int = 1,
        dropout: float | None = None,
        embedding_size: int | None = None,
        learning_rate: float | None = None,
        weight_decay: float | None = None,
        max_epochs: int | None = None,
        patience: int | None = None,
        batch_size: int | None = None,
        batches_per_epoch: int | None = None,
        codec: Codec | None = None,
        split: tuple[float, float, float] | None = None,
        window_length: int | None = None,
        warm_up: int | None = None,
        on_missing: Literal["error", "drop"] | None = None,
        frequency: str | None = None,
        valid_size: int | None = None,
        test_size: int | None = None,
        calendar: str = "auto",
        gradient_clip: float | None = 1.0,
        seed: int = 0,
        threads: int | None = 1,
        progress: bool | Literal["auto"] = "auto",
    ) -> None:
        self.cell = cell
        self.head = head
        self.kind = kind
        self.horizon = horizon
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.dropout = dropout
        self.embedding_size = embedding_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.max_epochs = max_epochs
        self.patience = patience
        self.batch_size = batch_size
        self.batches_per_epoch = batches_per_epoch
        self.codec = codec
        self.split = split
        self.window_length = window_length
        self.warm_up = warm_up
        self.on_missing = on_missing
        self.frequency = frequency
        self.valid_size = valid_size
        self.test_size = test_size
        self.calendar = calendar
        self.gradient_clip = gradient_clip
        self.seed = seed
        self.threads = threads
        self.progress = progress

    def fit(self, X: Any, y: None = None) -> RNNForecaster:
        """Train on series.

        Args:
            X: a frame of pandas or polars, long (unique_id, ds, y; without names one series) or wide (dates,
                and a column a series), or a `pandas.Series`; or the path of a file. Dates may be numbers.
            y: nothing; the values are in the frame.

        Raises:
            ConfigError: if an argument has another type or value than it can have, before anything is read.
            DataError: if the data cannot be used, naming where.
        """
        if y is not None:
            raise ConfigError("the values are in the frame, in its column y or its columns: fit(frame)")
        given = checked(self.get_params(deep=False))
        source = checked_source(X)
        found = told_kind(given)
        kind, why = kind_of_source(source) if found is None else found
        settings = settled(given, kind)
        data = data_module(kind, source, settings)
        say_what_was_chosen(kind, why, data)
        self.trained_ = trained(kind, data, settings)
        return self

    @property
    def _trained(self) -> Trained:
        check_is_fitted(self)
        return self.trained_

    @property
    def kind_(self) -> str:
        """ "prices" or "series"."""
        return self._trained.kind

    @property
    def data_(self) -> PanelData:
        """The data module, a `PriceSeries` or a `SeriesPanel`."""
        return self._trained.data

    @property
    def task_(self) -> Forecaster:
        """The task, with the best weights."""
        return self._trained.task

    @property
    def trainer_(self) -> pl.Trainer:
        """The trainer."""
        return self._trained.trainer

    @property
    def valid_loss_(self) -> float:
        """Of the best weights on the validation span, in nats a time step, or pinball of `Quantiles`."""
        return self._trained.loss

    def forecast(
        self, horizon: int | None = None, frame: Any = None, *, num_samples: int | None = None
    ) -> Forecast | QuantileForecast:
        """The distribution of the future as arrays, for which `predict` has a frame: see `tsrnn.Forecast`."""
        series = asked(self._trained, frame, own_ends=True)
        return self._trained.forecast(series.panel, self._horizon(horizon), None, num_samples)

    def predict(
        self,
        horizon: int | None = None,
        frame: Any = None,
        *,
        levels: Sequence[float] = (80, 95),
        num_samples: int | None = None,
    ) -> pd.DataFrame:
        """The forecast as a tidy frame: unique_id, cutoff, ds, mean and quantiles of each time step.

        The risk of each step is there too, where there are paths. Names and dates are those of the frame:
        numbers stay numbers, and dates have their time zone.

        Args:
            horizon: time steps ahead. Default: the `horizon` that was fitted.
            frame: what to forecast from, in the forms that `fit` takes: time steps that have come since, of
                the fitted series; or the past of these or of others. Default: the series that were fitted.
            levels: percent that each central interval holds.
            num_samples: paths a series, where there are paths. Default: 1000, of series 200.

        Raises:
            ConfigError: if an argument has another type or value than it can have.
            DataError: if the frame cannot be used.
        """
        horizon, levels = self._horizon(horizon), checked_levels(levels)
        series = asked(self._trained, frame, own_ends=True)
        table = self._trained.forecast(series.panel, horizon, None, num_samples).to_frame(levels)
        table = table[table["unique_id"].isin(series.shown)].reset_index(drop=True)
        return series.labels.put_on(table)

    def score(self, X: Any, y: None = None) -> float:
        """How well a frame is forecast, − mean (CRPS / s); greater is better, and 0 is perfect.

        It is minus the scaled CRPS of `score_frame`, with s the mean absolute error of the seasonal naive
        forecast over the 250 time steps before, and judges the whole distribution.

        Args:
            X: time steps that follow those that were fitted, as the splits of `TimeSeriesSplit` do: all of
                them are forecast, from the last fitted one. Any other frame has a past of its own: its last
                `horizon` time steps are forecast from those before.
            y: nothing; the values are in the frame.

        Raises:
            ConfigError: if the network has seen what it would be scored on.
            DataError: if the frame cannot be used.
        """
        if y is not None:
            raise ConfigError("the values are in the frame, in its column y or its columns: score(frame)")
        return score(self._trained, X)

    def score_frame(self, reference: str | None = None) -> pd.DataFrame:
        """The scores of the test span, beside those of naive forecasts of the same values.

        `task_.scores` then has them by plain names, and `task_.verdict` is over `reference`, the name of a
        baseline; default as in `backtest`.
        """
        return self._trained.tested(reference)

    def backtest(
        self,
        frame: Any = None,
        horizon: int | None = None,
        *,
        origins: Origins | None = None,
        refit: int | Literal["never"] = "never",
        warm_start: bool = False,
        baselines: Sequence[Any] = (),
        reference: str | None = None,
        num_samples: int = 200,
        folder: str | Path | None = None,
        progress: bool = False,
    ) -> Backtest:
        """Forecasts from many origins beside the observed values: see `tsrnn.backtest`.

        Args:
            frame: as in `predict`. Default: the series that were fitted.
            horizon: time steps ahead. Default: the `horizon` that was fitted.
            origins: from where. Default: every fifth time step after those that the network has seen.
            refit: "never": the fitted network forecasts; k: one is trained again before each k-th origin.
            warm_start: start each training from the weights of the one before.
            baselines: further predictors, or their names: "drift", "ridge", ...
            reference: what skill is over, a predictor or its name. Default: see `choose_reference`.
            num_samples: paths a series, where there are paths.
            folder: keeps the scored forecasts, so that an interrupted backtest resumes.
            progress: whether a progress bar is shown.

        Returns:
            The tidy frame, its `Comparison` (`.comparison.scores`, `.comparison.verdicts`), the `.reference`.

        Raises:
            ConfigError: if the network has seen what it would forecast, or an argument does not fit.
            DataError: if the frame cannot be used, or there are no origins.
        """
        return backtested(
            self._trained,
            asked(self._trained, frame),
            self._horizon(horizon),
            origins,
            refit,
            warm_start,
            baselines,
            reference,
            num_samples,
            folder,
            progress,
        )

    def plot(
        self,
        horizon: int | None = None,
        frame: Any = None,
        *,
        levels: Sequence[float] = (80, 95),
        past_origins: int = 5,
        num_samples: int | None = None,
    ) -> Any:
        """A fan chart: the forecast beyond the data, and earlier ones with the values then observed.

        Args:
            horizon: time steps ahead. Default: the `horizon` that was fitted.
            frame: as in `predict`. Default: the series that were fitted.
            levels: percent that each central interval holds.
            past_origins: earlier forecasts, at most, from time steps that the network has not seen.
            num_samples: paths a series, where there are paths.

        Returns:
            A matplotlib figure; `.savefig(path)` writes it.
        """
        horizon, levels = self._horizon(horizon), checked_levels(levels)
        count = whole("past_origins", past_origins, 0)
        series = asked(self._trained, frame, own_ends=True)
        return plotted(self._trained, series, horizon, levels, count, num_samples)

    def save(self, path: str | Path) -> None:
        """Write a checkpoint that `tsrnn.load` makes this estimator of again, and `tsrnn forecast` reads."""
        save(self, self._trained, path)

    @classmethod
    def restored(cls, task: Forecaster, modules: Iterable[str] = ()) -> RNNForecaster:
        """The estimator of a task that `save` wrote: see `tsrnn.load`."""
        estimator: RNNForecaster
        estimator, trained_ = restored(task, cls, modules)
        estimator.trained_ = trained_
        return estimator

    def _horizon(self, horizon: Any) -> int:
        """The steps ahead that are asked for, or those that were fitted."""
        if horizon is None:
            return self._trained.horizon
        if isinstance(horizon, pd.DataFrame | pd.Series):
            raise ConfigError("the first argument is the horizon: give the frame by its name, frame=...")
        return whole("horizon", horizon, 1)
