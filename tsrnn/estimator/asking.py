"""What is asked of a trained network: forecasts of series that it was fitted on, that go on, or of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from tsrnn.data.calendars import check_calendar
from tsrnn.data.panels.ends import at_own_ends
from tsrnn.data.panels.seasons import FREQUENCIES, frequency_of
from tsrnn.data.tables.frames import FRAME, Labels, is_frame
from tsrnn.errors import ConfigError, DataError
from tsrnn.estimator.continuing import at_own_numbers, continued
from tsrnn.estimator.fitting import Trained
from tsrnn.estimator.reading import read
from tsrnn.evaluation import Comparison, Origins, backtest
from tsrnn.evaluation.backtests.seen import first_unseen
from tsrnn.evaluation.report.plots import fan_chart, spaced_origins
from tsrnn.predictors import NetworkPredictor
from tsrnn.protocols import Panel, Predictor, time_text


class Asked(NamedTuple):
    """Series to forecast.

    Attributes:
        panel: their values.
        labels: what the frame calls them.
        shown: the names that are asked for.
        known: how many of the time steps were fitted, where the series are those that were; else None.
        unseen: index of the first time step that the network was neither trained nor chosen on, if known.
    """

    panel: Panel
    labels: Labels
    shown: tuple[str, ...]
    known: int | None
    unseen: int | None


def asked(trained: Trained, given: Any, *, own_ends: bool = False) -> Asked:
    """The series of a frame or a file: those that were fitted, these with what has come since, or others.

    A frame that begins where the fitted series end, and has their names, goes on after them. Any other one
    stands for itself.

    Args:
        trained: the network.
        given: a frame or the path of a file; None: the series that were fitted.
        own_ends: let series that go on, and end at different time steps, stand at their own last values, as
            those do that are fitted: to be forecast from there, and not from one origin.

    Raises:
        DataError: if it cannot be used, or its values come in another frequency.
    """
    fitted = trained.data.panel
    if given is None:
        return Asked(fitted, trained.labels, fitted.unique_ids, fitted.num_steps, trained.unseen)
    reading: dict[str, Any] = {"on_missing": trained.settings["on_missing"] or "error"}
    panel, labels = read(given, trained.kind, like=trained.labels, **reading)
    source = FRAME if is_frame(given) else str(given)
    if (joined := continued(fitted, panel)) is not None:
        names = set(panel.unique_ids)
        shown = tuple(name for name in fitted.unique_ids if name in names)
        unseen = trained.unseen + joined.added
        if not own_ends or trained.kind == "prices":
            return Asked(joined.panel, trained.labels, shown, joined.known, unseen)
        own = at_own_numbers(at_own_ends(joined.panel, source))
        if own is not joined.panel and own.ends is not None:
            unseen += own.num_steps - joined.panel.num_steps + int(own.ends.max() - own.ends.min())
        return Asked(own, trained.labels, shown, joined.known, unseen)
    if trained.labels.zone is not None:
        panel, labels = read(given, trained.kind, **reading)
    panel = replace(panel, calendar=check_calendar(panel.ds, trained.settings["calendar"], source))
    _refuse_frequency(fitted, panel, source)
    if trained.kind == "series":
        panel = at_own_ends(panel, source)
    return Asked(panel, labels, panel.unique_ids, None, first_unseen(panel, trained.task.seen))


def score(trained: Trained, given: Any) -> float:
    """Minus the mean CRPS, in units of the naive forecast's error: see `RNNForecaster.score`."""
    wanted = asked(trained, given)
    panel, horizon = wanted.panel, trained.horizon
    origin = panel.num_steps - 1 - horizon
    if wanted.known is not None:
        origin = wanted.known - 1
        horizon = panel.num_steps - wanted.known
    if origin < 1:
        raise DataError(
            f"{panel.num_steps} time steps are too few to be scored {horizon} ahead: give the series their "
            "past as well, or time steps that follow those that were fitted"
        )
    paths, one = trained.settings["num_samples"], Origins(origin, origin)
    try:
        network = unseen_network(trained, wanted, origin)
        frame = backtest([network], panel, horizon, one, num_samples=paths, season=trained.season)
    except ConfigError as error:
        hint = "rows of a long frame are split in time where they are in its order: sort_values('ds')"
        raise ConfigError(f"{error}; {hint}") from None
    frame = frame[frame["unique_id"].isin(wanted.shown)]
    scaled = float("nan") if frame.empty else Comparison(frame, trained.task.name).scores["scaled_crps"][0]
    if not np.isfinite(scaled):
        raise DataError("there is no value to be scored, or none of the series moves")
    return -float(scaled)


def unseen_network(trained: Trained, wanted: Asked, origin: int) -> Predictor:
    """The network, to be asked from an origin on; a backtest asks what it has seen of other series.

    Raises:
        ConfigError: if it was trained or chosen on time steps after the origin.
    """
    shared = not set(wanted.shown).isdisjoint(trained.data.panel.unique_ids)
    if wanted.unseen is None or (wanted.known is None and not shared):
        return trained.task
    if origin + 1 < wanted.unseen:
        seen, begin = (time_text(wanted.panel.ds[place]) for place in (wanted.unseen - 1, origin))
        problem = f"{trained.task.name} was trained or chosen on data up to {seen}"
        raise ConfigError(f"{problem}, and would forecast from {begin}: begin later")
    return trained.task if wanted.known is None else NetworkPredictor(trained.task.model, trained.task.name)


def plotted(
    trained: Trained,
    wanted: Asked,
    horizon: int,
    levels: Sequence[float],
    past_origins: int,
    num_samples: int | None,
) -> Any:
    """The fan chart of `RNNForecaster.plot`."""
    panel, past = wanted.panel, None
    if wanted.unseen is not None:
        origins = spaced_origins(panel.num_steps, wanted.unseen, horizon, past_origins)
        past = trained.forecast(panel, horizon, origins, num_samples) if origins else None
    future = trained.forecast(panel, horizon, None, num_samples)
    return fan_chart(panel, future, past=past, levels=tuple(levels))


def _refuse_frequency(fitted: Panel, panel: Panel, source: str) -> None:
    """A network knows one frequency: what a step is, and what a season."""
    own, other = frequency_of(fitted), frequency_of(panel)
    if "unknown" not in (own, other) and FREQUENCIES[own] != FREQUENCIES[other]:
        raise DataError(f"the values are {other}, and the network was trained on {own} ones", path=source)
