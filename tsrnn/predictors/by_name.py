"""The predictors that need nothing but a panel, by the names that the command line has for them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from tsrnn import predictors
from tsrnn.exports import import_all
from tsrnn.protocols import Predictor

_NAMED: dict[str, tuple[type, dict[str, Any]]] = {
    "random-walk": (predictors.RandomWalk, {"volatility": "constant"}),
    "random-walk-ewma": (predictors.RandomWalk, {"volatility": "ewma"}),
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


def baselines(season: int) -> dict[str, Callable[[], Any]]:
    """Every baseline by its name.

    A predictor that `tsrnn.predictors` exports and that has no name above goes by that of its class,
    `MyDrift` by `my-drift`, if it can be made without arguments other than `season`.

    Args:
        season: m, steps in a season, for those that take one.
    """
    named = dict(_NAMED)
    known = {made for made, _ in named.values()}
    for exported in import_all(predictors.__name__):
        if inspect.isclass(exported) and exported not in known and _needs_nothing(exported):
            named[_dashed(exported.__name__)] = (exported, {})
    return {name: partial(_make, made, season, arguments) for name, (made, arguments) in named.items()}


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
