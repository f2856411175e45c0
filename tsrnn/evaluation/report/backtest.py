"""A backtest as the contents of a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

import tsrnn
from tsrnn.evaluation.backtests.comparison import Comparison
from tsrnn.evaluation.backtests.measures import CAPTIONS, DEFINITIONS, DISTRIBUTION
from tsrnn.evaluation.report.page import ReportContents
from tsrnn.protocols import Panel

_MOST_FANS = 20 * 250 * 20 * 3
"""Quantile rows whose fans fit in a page of 5 MB: series × origins × steps × models."""
_MOST_SERIES, _MOST_MODELS = 20, 3


def backtest_report(
    frame: pd.DataFrame,
    comparison: Comparison,
    panel: Panel,
    settings: Mapping[str, str],
    *,
    title: str,
    created: str,
) -> ReportContents:
    """What a report says of a backtest.

    The page shows the forecasts themselves of at most 20 series, spread over the panel, and of the first two
    models and the reference, from origins spread over time, as many as a page of 5 MB holds; everything else
    is of all of them.

    Args:
        frame: of `tsrnn.backtest`.
        comparison: of the same frame.
        panel: the series that were forecast.
        settings: what was run, by name.
        title: the headline.
        created: when the report was made.
    """
    left_out = {} if not comparison.left_out else {"rows left out for all": f"{comparison.left_out:,}"}
    shown = _shown(frame, comparison)
    fans = {
        "models": shown["model"].nunique(),
        "series": shown["unique_id"].nunique(),
        "origins": shown["origin"].nunique(),
    }
    return ReportContents(
        title=title,
        created=f"{created} by tsrnn {tsrnn.__version__}",
        reference=comparison.reference,
        loss=DISTRIBUTION,
        confidence=comparison.level,
        verdicts=comparison.verdicts,
        settings={
            **settings,
            "series": f"{comparison.series:,}",
            "origins": f"{comparison.origins:,}",
            "rows compared": f"{comparison.rows:,}",
            **left_out,
            "forecasts shown": ", ".join(f"{count:,} {what}" for what, count in fans.items()),
        },
        scores=comparison.scores,
        captions=CAPTIONS,
        definitions=DEFINITIONS,
        significance=comparison.significance,
        by_horizon=comparison.by_horizon if comparison.horizon > 1 else pd.DataFrame(),
        coverage=comparison.coverage,
        pit=comparison.pit(),
        cumulative=comparison.cumulative,
        fans=shown,
        panel=panel,
    )


def _shown(frame: pd.DataFrame, comparison: Comparison) -> pd.DataFrame:
    """The rows whose forecasts the page shows."""
    models = [*comparison.rivals[: _MOST_MODELS - 1], comparison.reference]
    series = _spread(frame["unique_id"].unique(), _MOST_SERIES)
    rows = len(models) * len(series) * comparison.horizon
    origins = _spread(np.sort(frame["origin"].unique()), max(_MOST_FANS // rows, 1))
    chosen = frame["model"].isin(models) & frame["unique_id"].isin(series) & frame["origin"].isin(origins)
    shown = frame[chosen].copy()
    for name in ("model", "unique_id"):
        shown[name] = shown[name].astype(str)
    # The page lists the models in the order in which they come.
    return shown.sort_values("model", key=lambda column: column.map(models.index), kind="stable")


def _spread(values: Any, most: int) -> npt.NDArray[Any]:
    """At most that many, evenly spread from the first to the last."""
    every: npt.NDArray[Any] = np.asarray(values)
    places = np.unique(np.linspace(0, len(every) - 1, min(most, len(every))).round().astype(int))
    chosen: npt.NDArray[Any] = every[places]
    return chosen
