"""The predictors that need nothing but a panel, by the names that the command line has for them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from tsrnn import predictors
from tsrnn.predictors.names import named_predictors


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
