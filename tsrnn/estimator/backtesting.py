"""Backtests of a trained network, or of networks that are retrained on the way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pandas as pd

from tsrnn.errors import ConfigError, DataError, nearest
from tsrnn.estimator.asking import Asked, unseen_network
from tsrnn.estimator.fitting import Trained, over, trained
from tsrnn.evaluation import Comparison, Origins, Reference, backtest, choose_reference
from tsrnn.predictors.by_name import baselines
from tsrnn.protocols import Panel
from tsrnn.training.tasks.forecaster import Forecaster


class Backtest(NamedTuple):
    """What a backtest found.

    Attributes:
        frame: one row a model, origin, series and step: see `tsrnn.backtest`.
        comparison: scores, tests and verdicts of the models.
        reference: what skill is over, and why.
    """

    frame: pd.DataFrame
    comparison: Comparison
    reference: Reference


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
    reference: str | None,
    num_samples: int,
    folder: str | Path | None,
    progress: bool,
) -> Backtest:
    """See `RNNForecaster.backtest`."""
    if origins is None:
        if asked.unseen is None:
            raise ConfigError("what the network has seen of these series is not known: give origins")
        origins = Origins(max(asked.unseen - 1, 0), stride=5)
    season, origin = network.season, int(origins.indices(asked.panel, horizon)[0])
    base = _reference(network, asked, horizon, origin, reference)
    own: Any = Refitted(network) if refit != "never" else unseen_network(network, asked, origin)
    models = [own, base.predictor]
    for other in others:
        model = _predictor(other, season, network.kind)
        if model.name not in [one.name for one in models]:
            models.append(model)
    frame = backtest(
        models,
        asked.panel,
        horizon,
        origins,
        refit=refit,
        warm_start=warm_start,
        num_samples=num_samples,
        season=season,
        folder=folder,
        progress=progress,
    )
    frame = frame[frame["unique_id"].isin(asked.shown)]
    comparison = Comparison(frame, base.name, stride=origins.stride)
    return Backtest(asked.labels.put_on(frame), comparison, base)


def _reference(network: Trained, asked: Asked, horizon: int, origin: int, given: Any) -> Reference:
    """What is given, or what is chosen on the validation span."""
    if given is not None and not isinstance(given, str):
        return Reference(given, "as asked")
    train, valid, _ = network.data.spans
    first = None if asked.unseen is None else asked.unseen - (valid - train)
    return choose_reference(asked.panel, horizon, network.data.codec.seasons, first, origin + 1, given)


def _predictor(given: Any, season: int, kind: str) -> Any:
    """The predictor itself, or the baseline of a name."""
    if not isinstance(given, str):
        return given
    known = baselines(season, kind)
    if given not in known:
        raise ConfigError(
            f"there is no baseline {given!r}{nearest(given, known)}: it is one of {', '.join(known)}"
        )
    return known[given]()
