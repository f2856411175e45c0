"""The predictors that need nothing but a panel, by the names that the command line has for them.

None is imported before it is made, so that the names can be offered and checked at once.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from tsrnn import predictors
from tsrnn.exports import offered

_NAMED: dict[str, tuple[str, dict[str, Any]]] = {
    "random-walk": ("RandomWalk", {"volatility": "constant"}),
    "random-walk-ewma": ("RandomWalk", {"volatility": "ewma"}),
    "naive": ("SeasonalNaive", {"season": 1}),
    "seasonal-naive": ("SeasonalNaive", {}),
    "drift": ("Drift", {}),
    "historical": ("HistoricalSimulation", {}),
    "ewma-t": ("EWMAStudentT", {}),
    "ridge": ("RidgeLags", {}),
    "garch": ("GARCH", {}),
    "gjr-garch": ("GARCH", {"leverage": True}),
    "ets": ("AutoETS", {}),
    "arima": ("AutoARIMA", {}),
    "theta": ("Theta", {}),
}
"""The class of `tsrnn.predictors`, and what it is made with."""
_NO_BASELINES = ("PanelPredictor", "NetworkPredictor", "Conformal")


def named_predictors() -> dict[str, tuple[str, dict[str, Any]]]:
    """Every baseline's class and arguments by its name.

    A predictor that `tsrnn.predictors` exports and that has no name above goes by that of its class,
    `MyDrift` by `my-drift`.
    """
    known = {*_NO_BASELINES, *(made for made, _ in _NAMED.values())}
    others = [name for name in offered("tsrnn.predictors") if name not in known]
    return {**_NAMED, **{_dashed(name): (name, {}) for name in others}}


def _dashed(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name).lower()


def baselines(season: int, kind: str = "prices") -> dict[str, Callable[[], Any]]:
    """Every baseline by its name; `drift` is that of log prices, or, for other series, of the values.

    Args:
        season: m, steps in a season, for those that take one.
        kind: of the panel, prices or series.
    """
    named = named_predictors()
    if kind != "prices":
        named["drift"] = ("LinearDrift", {})
    return {name: partial(_make, made, season, arguments) for name, (made, arguments) in named.items()}


def naive_forecasts(kind: str, seasons: Sequence[int]) -> list[Any]:
    """The naive forecasts that stand in every table of scores.

    Args:
        kind: of the panel. Prices: the random walk, whose volatility is constant or follows the past. Other
            series: the last value, the drift, and the value of a season ago for each season.
        seasons: their lengths.
    """
    if kind == "prices":
        return [predictors.RandomWalk("constant"), predictors.RandomWalk("ewma")]
    seasonal = [predictors.SeasonalNaive(season) for season in seasons if season > 1]
    return [*seasonal, predictors.SeasonalNaive(1), predictors.LinearDrift()]


def _make(name: str, season: int, arguments: dict[str, Any]) -> Any:
    made = getattr(predictors, name)
    if "season" in inspect.signature(made).parameters:
        arguments = {"season": season, **arguments}
    return made(**arguments)
