"""The names of the baselines, which the command line offers before anything is imported."""

from __future__ import annotations

import re
from typing import Any

from tsrnn.exports import offered

NAMED: dict[str, tuple[str, dict[str, Any]]] = {
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
    known = {*_NO_BASELINES, *(made for made, _ in NAMED.values())}
    others = [name for name in offered("tsrnn.predictors") if name not in known]
    return {**NAMED, **{_dashed(name): (name, {}) for name in others}}


def _dashed(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name).lower()
