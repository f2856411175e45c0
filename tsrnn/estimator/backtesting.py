"""Backtests of a trained network, or of networks that are retrained on the way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pandas as pd

from tsrnn.errors import ConfigError, DataError, nearest
from tsrnn.estimator.asking import Asked, unseen_network
from tsrnn.estimator.fitting import Trained, over, trained
from tsrnn.evaluation import Comparison, Origins, backtest
from tsrnn.predictors.by_name import baselines
from tsrnn.protocols import Panel
from tsrnn.training.tasks.forecaster import Forecaster


class Backtest(NamedTuple):
    """What a backtest found.

    Attributes:
        frame: one row a model, origin, series and step: see `tsrnn.backtest`.
        comparison: scores, tests and verdicts of the models.
    """

    frame: pd.DataFrame
    comparison: Comparison


class Refitted:
    """A network that is trained on each past that it is given: `tsrnn.protocols.Fittable`.

    The last time steps of a past, as many as the validation span has, choose the best epoch.
    """

    def __init__(self, first: Trained) -> None:
        self.first = first
        self.name = first.task.name
        settings = {name: str(value) for name, value in first.settings.items() if name != "progress"}
        self.identity = str(sorted(settings.items()))

    def fit(self, panel: Panel, *, previous: Any = None) -> Forecaster:
        """The network that is trained on a panel, from the weights of a previous one if there is one."""
        train, valid, _ = self.first.data.spans
        span = panel.num_steps - (valid - train)
        if span < 2:
            raise DataError(f"{panel.num_steps} time steps are too few to train on: begin later")
        spans = (span, panel.num_steps, panel.num_steps)
        data = over(self.first.kind, self.first.settings, panel, spans)
        weights = None if previous is None else dict(previous.model.state_dict())
        settings = {**self.first.settings, "progress": False}
        return trained(self.first.kind, data, settings, weights=weights).task


def backtested(
    network: Trained,
    asked: Asked,
    horizon: int,
    origins: Origins | None,
    refit: int | Literal["never"],
    warm_start: bool,
    others: Sequence[Any],
    reference: Any,
    num_samples: int,
    folder: str | Path | None,
    progress: bool,
) -> Backtest:
    """See `RNNForecaster.backtest`."""
    if origins is None:
        if asked.unseen is None:
            raise ConfigError("what the network has seen of these series is not known: give origins")
        origins = Origins(max(asked.unseen - 1, 0), stride=5)
    season = network.season
    base = _predictor(reference or ("random-walk" if network.kind == "prices" else "seasonal-naive"), season)
    own: Any = Refitted(network)
    if refit == "never":
        own = unseen_network(network, asked, int(origins.indices(asked.panel, horizon)[0]))
    models = [own, base]
    for other in others:
        model = _predictor(other, season)
        if model.name not in [one.name for one in models]:
            models.append(model)
    frame = backtest(
        models,
        asked.panel.rows([name in asked.shown for name in asked.panel.unique_ids]),
        horizon,
        origins,
        refit=refit,
        warm_start=warm_start,
        num_samples=num_samples,
        season=season,
        folder=folder,
        progress=progress,
    )
    comparison = Comparison(frame, base.name, stride=origins.stride)
    return Backtest(asked.labels.put_on(frame), comparison)


def _predictor(given: Any, season: int) -> Any:
    """The predictor itself, or the baseline of a name."""
    if not isinstance(given, str):
        return given
    known = baselines(season)
    if given not in known:
        raise ConfigError(
            f"there is no baseline {given!r}{nearest(given, known)}: it is one of {', '.join(known)}"
        )
    return known[given]()
