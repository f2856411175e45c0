"""The reference that a verdict is over: the naive forecast that was best before the test span."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tsrnn.errors import ConfigError, nearest
from tsrnn.evaluation.backtests.comparison import Comparison
from tsrnn.evaluation.backtests.walk_forward import Origins, backtest
from tsrnn.predictors.by_name import baselines, naive_forecasts
from tsrnn.protocols import Panel, first_season


@dataclass(frozen=True)
class Reference:
    """What skill is measured over, and why.

    Attributes:
        predictor: the forecast.
        reason: of the choice, half a line.
    """

    predictor: Any
    reason: str

    @property
    def name(self) -> str:
        """The name in tables."""
        return str(self.predictor.name)

    def __str__(self) -> str:
        return f"{self.name}, {self.reason}"


def choose_reference(
    panel: Panel,
    horizon: int,
    seasons: Sequence[int],
    first: int | None,
    stop: int,
    named: str | None = None,
) -> Reference:
    """The reference: for prices the random walk, for other series the naive forecast with the smallest MASE.

    The candidates are the last value, the drift, and the value of a season ago. Each forecasts the span from
    the time step before it, and again after every horizon. Where no series has a MASE, the mean absolute
    error decides. Nothing from `stop` on is read.

    Args:
        panel: the series.
        horizon: time steps ahead.
        seasons: lengths of the seasons; the first above 1 scales MASE.
        first: index of the span's first time step. None, or an empty span: the last horizon before `stop`.
        stop: one past its last time step, the first one that is tested.
        named: another reference, by the name that the command line has for it.

    Raises:
        ConfigError: if there is no baseline of that name.
    """
    season = first_season(seasons)
    if named is not None:
        known = baselines(season, panel.kind)
        if named not in known:
            raise ConfigError(f"there is no reference {named!r}{nearest(named, list(known))}")
        return Reference(known[named](), "as asked")
    candidates = naive_forecasts(panel.kind, seasons)
    if panel.kind == "prices":
        return Reference(candidates[0], "the reference of prices")
    where = "on the validation span"
    if first is None or not 0 < first < stop:
        where, first = "on the last time steps before the test span", max(stop - horizon, 1)
    if np.isnan(panel.values[:, first:stop]).all():
        return Reference(candidates[-2], "as nothing was observed before the first origin to choose on")
    ahead = min(horizon, stop - first)
    origins = Origins(first - 1, stride=ahead)
    rows = []
    for one in candidates:  # one at a time: a large panel's frames are large
        frame = backtest([one], panel.part(0, stop), ahead, origins, season=season)
        rows.append(Comparison(frame, one.name).scores.iloc[0])
    measure, word = ("mase", "MASE") if np.isfinite([row["mase"] for row in rows]).all() else ("mae", "MAE")
    best, *others = np.argsort([row[measure] for row in rows], kind="stable")
    beside = ", ".join(f"{candidates[place].name} {rows[place][measure]:.4g}" for place in others)
    reason = f"the best naive forecast {where}: {word} {rows[best][measure]:.4g} ({beside})"
    return Reference(candidates[best], reason)
