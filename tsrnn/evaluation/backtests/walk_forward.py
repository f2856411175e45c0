"""Walk-forward backtests: forecasts from many origins, each by what was learned before it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from tsrnn.data.panels.identity import panel_hash
from tsrnn.errors import ConfigError, DataError
from tsrnn.evaluation.backtests.scored_forecast import score_forecast
from tsrnn.evaluation.backtests.seen import refuse_seen
from tsrnn.files import atomic_file
from tsrnn.protocols import Fittable, Panel, Predictor, time_text

_LARGEST_FORECAST = 1 << 25
"""Values of all paths that are asked for at once: 256 MiB of them in double precision."""
_FEWEST_PATHS = 2
_FRAME = "frame 2"
"""The columns that are kept in parts: those of another version are another backtest's."""


@dataclass(frozen=True)
class Origins:
    """From which time steps a backtest forecasts, and from which it learns before that.

    The origins are `first`, `first` + `stride`, ... up to `last`; each has all H targets inside the panel.
    What is fitted for origin o learns from the panel cut so that its last target lies at or before o:

        cut = o + 1 − (purge − (H − 1)) − embargo

    is one past the last time step that it sees.

    Args:
        first: index of the first origin, or a date ("2016-01-04"): the last time step at or before that.
        last: index or date of the last origin; a day means all of its hours. Default: the last one
            with all targets in the panel.
        stride: time steps from an origin to the next.
        length: time steps that are learned from, a rolling window. Default: all up to the cut, an expanding
            one.
        purge: how many of the origins before o may not be learned from, as the targets of an origin within
            H − 1 time steps of o overlap those that are forecast. Default: H − 1, so that every target up
            to o is used; larger leaves further ones out.
        embargo: further time steps that are left out between the last target learned from and o.

    Source: López de Prado (2018), Advances in Financial Machine Learning, section 7.4, for the words purge
    and embargo.
    """

    first: int | str
    last: int | str | None = None
    stride: int = 1
    length: int | None = None
    purge: int | None = None
    embargo: int = 0

    def __post_init__(self) -> None:
        if self.stride < 1 or self.embargo < 0 or (self.length is not None and self.length < 2):
            raise ConfigError(
                "stride must be at least 1, embargo at least 0, and length at least 2 time steps"
            )

    def indices(self, panel: Panel, horizon: int) -> npt.NDArray[np.int64]:
        """(O,) indices of the origins in the panel, increasing.

        Raises:
            DataError: if there is none.
        """
        first = _index(self.first, panel)
        latest = panel.num_steps - 1 - horizon
        last = latest if self.last is None else min(_index(self.last, panel, whole_day=True), latest)
        if not 0 <= first <= last:
            raise DataError(
                f"there is no origin with {horizon} time steps to forecast from index {first} to {last}, in "
                f"a panel that ends at index {panel.num_steps - 1}"
            )
        return np.arange(first, last + 1, self.stride)

    def training_span(self, origin: int, horizon: int) -> slice:
        """The time steps that may be learned from before an origin.

        Raises:
            ConfigError: if the purge is smaller than H − 1.
            DataError: if fewer than two time steps are left.
        """
        purge = horizon - 1 if self.purge is None else self.purge
        if purge < horizon - 1:
            raise ConfigError(
                f"a purge of {purge} lets targets after the origin in: {horizon} steps ahead need at least "
                f"{horizon - 1}"
            )
        stop = origin + 1 - (purge - (horizon - 1)) - self.embargo
        start = 0 if self.length is None else max(stop - self.length, 0)
        if stop - start < 2:
            raise DataError(f"nothing lies before index {origin} to learn from: begin later")
        return slice(start, stop)


def backtest(
    predictors: Sequence[Predictor | Fittable] | Mapping[str, Predictor | Fittable],
    panel: Panel,
    horizon: int,
    origins: Origins,
    *,
    refit: int | Literal["never"] = "never",
    warm_start: bool = False,
    num_samples: int = 200,
    season: int = 1,
    folder: str | Path | None = None,
    progress: bool = False,
) -> pd.DataFrame:
    """Forecasts of a panel from many origins, each beside the observed value, in one tidy frame.

    What can be fitted (`Fittable`) is fitted on what lies before an origin alone, as `origins` has it; what
    cannot is used as it is, and the caller vouches for what it has seen. A predictor is
    asked once for all origins of a fit, or for as many as memory allows, and is given the panel up to the
    last of them only.

    Args:
        predictors: what is compared, each with a `name` of its own; or by names that are given,
            {name: predictor}, as two networks of one class need them.
        panel: the series.
        horizon: H, steps ahead.
        origins: the origins, and what is learned from before each.
        refit: "never": fitted once, before the first origin; k: again before each k-th origin.
        warm_start: hand each fit the one before it (`previous`), to start from.
        num_samples: S, paths a series, of those that need paths to be scored.
        season: of the naive forecast whose errors are the columns `naive_error` and `scale`.
        folder: keeps the scored forecasts of each fit as Parquet files; with them, an interrupted backtest
            resumes where it stopped. `backtest.parquet` there is the whole frame.
        progress: whether a progress bar is shown.

    Returns:
        The columns of `tsrnn.evaluation.score_forecast`, one row a model, origin, series and step.

    Raises:
        ConfigError: if two predictors have one name, a network from a checkpoint has seen what it would
            forecast, or the folder holds another backtest.
        DataError: if there are no origins, or nothing to learn from before them.
    """
    if horizon < 1 or num_samples < 1 or (refit != "never" and refit < 1):
        raise ConfigError("horizon, num_samples and refit must be at least 1")
    if isinstance(predictors, Mapping):
        names, predictors = [str(name) for name in predictors], list(predictors.values())
    else:
        names = [_name(predictor) for predictor in predictors]
    if not names or len(set(names)) < len(names):
        problem = f"a backtest needs predictors of different names, not {names}"
        raise ConfigError(f"{problem}: give them as {{name: predictor}}")
    if not panel.unique_ids:
        raise DataError("the panel has no series to forecast")
    places = origins.indices(panel, horizon)
    fits = _blocks(places, len(places) if refit == "never" else refit)
    for predictor, name in zip(predictors, names, strict=True):
        refuse_seen(predictor, name, panel, int(places[0]))
    for block in fits:
        origins.training_span(int(block[0]), horizon)  # what is wrong is said before an hour of fitting
    parts = None if folder is None else Path(folder) / "parts"
    if parts is not None:
        plan = [str(origins), str(refit), warm_start, horizon, num_samples, season, panel_hash(panel), _FRAME]
        _claim(
            parts, {"plan": plan, "models": {n: _identity(p) for n, p in zip(names, predictors, strict=True)}}
        )
    from tqdm.auto import tqdm

    frames = []
    with tqdm(total=len(places) * len(names), unit="origin", disable=not progress) as bar:
        for predictor, name in zip(predictors, names, strict=True):
            bar.set_description(name)
            walk = _Walk(predictor, name, panel, horizon, origins, warm_start, num_samples, season)
            for place, block in enumerate(fits):
                part = None if parts is None else parts / f"{_file_name(name)}-{place:05d}.parquet"
                frames.append(walk.scored(block, part))
                bar.update(len(block))
    frame = pd.concat(frames, ignore_index=True)
    frame["model"] = pd.Categorical(frame["model"], categories=names)
    if folder is not None:
        _write(frame, Path(folder) / "backtest.parquet")
    return frame


@dataclass
class _Walk:
    """One predictor's way through the fits."""

    predictor: Predictor | Fittable
    name: str
    panel: Panel
    horizon: int
    origins: Origins
    warm_start: bool
    num_samples: int
    season: int

    def __post_init__(self) -> None:
        self._previous: Predictor | None = None

    def scored(self, origins: npt.NDArray[np.int64], part: Path | None) -> pd.DataFrame:
        """The scored forecasts of one fit's origins, from their file where there is one."""
        there = part is not None and part.is_file()
        if there and not self.warm_start:
            return pd.read_parquet(part)
        fitted = self._fitted(int(origins[0]))  # a chain of warm starts needs each of its links
        if there:
            return pd.read_parquet(part)
        frame = pd.concat(self._forecasts(fitted, origins), ignore_index=True)
        if part is not None:
            _write(frame, part)
        return frame

    def _fitted(self, origin: int) -> Predictor:
        if not isinstance(self.predictor, Fittable):
            return self.predictor
        span = self.origins.training_span(origin, self.horizon)
        previous = self._previous if self.warm_start else None
        self._previous = self.predictor.fit(self.panel.part(span.start, span.stop), previous=previous)
        return self._previous

    def _forecasts(self, fitted: Predictor, origins: npt.NDArray[np.int64]) -> Iterator[pd.DataFrame]:
        paths = _FEWEST_PATHS if getattr(fitted, "exact", False) else self.num_samples
        values = len(self.panel.unique_ids) * paths * self.horizon
        for some in _blocks(origins, max(_LARGEST_FORECAST // values, 1)):
            known = self.panel.part(0, int(some[-1]) + 1)
            forecast = fitted.forecast(known, self.horizon, origins=some.tolist(), num_samples=paths)
            ds = self.panel.ds[some[:, None] + np.arange(1, self.horizon + 1)]
            # The time steps that came, where the calendar foresaw others.
            forecast = replace(
                forecast,
                ds=ds,
                origins=self.panel.ds[some],
                ends=self.panel.ends,
                dates=self.panel.dates,
            )
            yield score_forecast(self.name, forecast, self.panel, season=self.season)


def _blocks(origins: npt.NDArray[np.int64], size: int) -> list[npt.NDArray[np.int64]]:
    return [origins[start : start + size] for start in range(0, len(origins), size)]


def _index(step: int | str, panel: Panel, *, whole_day: bool = False) -> int:
    """The index of a time step: the last one at or before a date; of a whole day, at or before its end."""
    if isinstance(step, int):
        return step
    if not np.issubdtype(panel.ds.dtype, np.datetime64):
        raise ConfigError(f"the time steps are numbers, and {step!r} is a date: give an index")
    try:
        moment = pd.Timestamp(step)
    except ValueError:
        raise ConfigError(f"{step!r} is not a date: write YYYY-MM-DD") from None
    if whole_day and moment == moment.normalize():
        moment += pd.Timedelta(days=1) - pd.Timedelta(nanoseconds=1)
    index = int(np.searchsorted(panel.ds, moment.to_datetime64(), side="right")) - 1
    if index < 0:
        raise ConfigError(f"{step} lies before the first time step, {time_text(panel.ds[0])}")
    return index


def _name(predictor: Any) -> str:
    return str(getattr(predictor, "name", None) or type(predictor).__name__)


def _identity(predictor: Any) -> str:
    """What tells a predictor from another of its name: what it says itself, its weights, its settings."""
    if hasattr(predictor, "identity"):
        return str(predictor.identity)
    if isinstance(predictor, torch.nn.Module):
        digest = hashlib.sha256()
        for key, tensor in sorted(predictor.state_dict().items()):
            digest.update(key.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()
    if isinstance(predictor, np.ndarray):
        return hashlib.sha256(np.ascontiguousarray(predictor).tobytes()).hexdigest()
    if predictor is None or isinstance(predictor, str | int | float | tuple | list):
        return repr(predictor)
    settings = sorted(getattr(predictor, "__dict__", {}).items())
    named = ", ".join(f"{name}={_identity(value)}" for name, value in settings)
    return f"{type(predictor).__name__}({named})"


def _file_name(name: str) -> str:
    """A name that any file system takes, and no other model has."""
    plain = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")[:40]
    return f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _claim(parts: Path, settings: dict[str, Any]) -> None:
    """Note whose parts these are, or stop where they are another backtest's.

    Models may be added: the parts of the others stay.
    """
    file = parts / "settings.json"
    if file.is_file():
        found = json.loads(file.read_text(encoding="utf-8"))
        both = found["models"].keys() & settings["models"].keys()
        changed = [name for name in sorted(both) if found["models"][name] != settings["models"][name]]
        if found["plan"] != settings["plan"] or changed:
            what = f"another {changed[0]}" if changed else "a backtest of other data or settings"
            raise ConfigError(f"{parts.parent} holds {what}: name another folder, or delete that one")
        settings = {**settings, "models": {**found["models"], **settings["models"]}}
    parts.mkdir(parents=True, exist_ok=True)
    with atomic_file(file) as partial:
        partial.write_text(json.dumps(settings, indent=2), encoding="utf-8")


def _write(frame: pd.DataFrame, path: Path) -> None:
    """Beside its place, and then moved there: a killed run leaves whole files only."""
    try:
        with atomic_file(path) as partial:
            frame.to_parquet(partial, index=False)
    except OSError as error:
        raise DataError(f"could not be written; is the disk full? ({error})", path=path) from error
