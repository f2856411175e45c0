"""The predictors that need nothing but a panel, by the names that the command line has for them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from tsrnn import predictors
from tsrnn.exports import import_all
from tsrnn.protocols import Predictor

_NAMED: dict[str, tuple[type, dict[str, Any]]] = {
    "random-walk": (predictors.RandomWalk, {"volatility": "constant"}),
    "random-walk-ewma": (predictors.RandomWalk, {"volatility": "ewma"}),
    "naive": (predictors.SeasonalNaive, {"season": 1}),
    "seasonal-naive": (predictors.SeasonalNaive, {}),
    "drift": (predictors.Drift, {}),
    "historical": (predictors.HistoricalSimulation, {}),
    "ewma-t": (predictors.EWMAStudentT, {}),
    "ridge": (predictors.RidgeLags, {}),
    "garch": (predictors.GARCH, {}),
    "gjr-garch": (predictors.GARCH, {"leverage": True}),
    "ets": (predictors.AutoETS, {}),
    "arima": (predictors.AutoARIMA, {}),
    "theta": (predictors.Theta, {}),
}


def baselines(season: int, kind: str = "prices") -> dict[str, Callable[[], Any]]:
    """Every baseline by its name; `drift` is that of log prices, or, for other series, of the values.

    A predictor that `tsrnn.predictors` exports and that has no name above goes by that of its class,
    `MyDrift` by `my-drift`, if it can be made without arguments other than `season`.

    Args:
        season: m, steps in a season, for those that take one.
        kind: of the panel, prices or series.
    """
    named = dict(_NAMED)
    known = {made for made, _ in named.values()}
    for exported in import_all(predictors.__name__):
        if inspect.isclass(exported) and exported not in known and _needs_nothing(exported):
            named[_dashed(exported.__name__)] = (exported, {})
    if kind != "prices":
        named["drift"] = (predictors.LinearDrift, {})
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


def _make(made: type, season: int, arguments: dict[str, Any]) -> Any:
    if "season" in inspect.signature(made).parameters:
        arguments = {"season": season, **arguments}
    return made(**arguments)


def _needs_nothing(made: type) -> bool:
    parameters = inspect.signature(made).parameters.values()
    return (
        issubclass(made, Predictor)
        and not inspect.isabstract(made)
        and all(
            parameter.name == "season" or parameter.default is not parameter.empty for parameter in parameters
        )
    )


def _dashed(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name).lower()
