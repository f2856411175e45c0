"""The measures of every table of scores: what each is called, what it is, and how it is computed.

The one place for all three. A caption has the unit, and ↓ where less is better, ↑ where more is, or → and the
number that is best.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsrnn.evaluation.backtests.scored_forecast import quantile_column
from tsrnn.evaluation.scores.accuracy import mae, rmse, scaled_mae, smape, weighted_quantile_loss
from tsrnn.evaluation.scores.probabilistic import coverage

Floats = npt.NDArray[np.float64]

POINT, DISTRIBUTION, DENSITY = "squared error", "CRPS", "nats"
"""The losses that are tested."""

_DECILES = tuple(place / 10 for place in range(1, 10))


class Measure(NamedTuple):
    """A measure as a table has it.

    Attributes:
        caption: its name, unit and direction.
        digits: decimals at a terminal.
        definition: one sentence.
    """

    caption: str
    digits: int
    definition: str


MEASURES: Mapping[str, Measure] = {
    "values": Measure("values", 0, "How many values were forecast by every model and observed."),
    "mae": Measure(
        "MAE, own unit ↓",
        4,
        "Mean absolute error of the median, in the unit of the series, all values together.",
    ),
    "rmse": Measure(
        "RMSE, own unit ↓",
        4,
        "Root mean squared error of the median, in the unit of the series, all values together.",
    ),
    "mase": Measure(
        "MASE ↓",
        4,
        "Mean absolute error of the median in units of the seasonal naive forecast's in the history up to "
        "the origin, one season ahead (Hyndman and Koehler 2006); the mean over series and origins.",
    ),
    "smape": Measure(
        "sMAPE, % ↓",
        3,
        "Mean of 200 |y − ŷ| / (|y| + |ŷ|), ŷ the median, from 0 to 200 (M4): of prices, which move little "
        "in a step, the mean absolute error in percent.",
    ),
    "owa": Measure(
        "OWA ↓", 4, "Mean of sMAPE and MASE, each over the reference's (M4, where the reference is Naive 2)."
    ),
    "wql": Measure(
        "wQL ↓",
        5,
        "Weighted quantile loss: twice the mean pinball loss of the deciles over the mean size of the "
        "observed values, all values together.",
    ),
    "scaled_crps": Measure(
        "scaled CRPS ↓",
        4,
        "Mean continuous ranked probability score, each in units of the seasonal naive forecast's mean "
        "absolute error over the 250 time steps before the origin.",
    ),
    "nats": Measure(
        "nats per step ↓",
        4,
        "Mean of −log p of the step: of the log return for prices, of the value for other series; over the "
        "steps of which every model that has a density has one.",
    ),
    "coverage_80": Measure(
        "covers, % → 80", 1, "Share of observed values inside the central 80 % interval, bounds included."
    ),
    "coverage_95": Measure(
        "covers, % → 95", 1, "Share of observed values inside the central 95 % interval, bounds included."
    ),
    "direction": Measure(
        "direction, % ↑",
        1,
        "Share of the first steps whose direction from the last value was that of the median.",
    ),
    "direction_p": Measure(
        "direction, p",
        3,
        "One-sided p-value of the covariance of the two signs, by the means of each origin, against none "
        "(after Pesaran and Timmermann 1992), which allows for series that move together.",
    ),
}
CAPTIONS: Mapping[str, str] = {name: measure.caption for name, measure in MEASURES.items()}
DEFINITIONS: Mapping[str, str] = {name: measure.definition for name, measure in MEASURES.items()}
_OF_TOKENS: Mapping[str, Measure] = {
    "tokens": Measure("tokens", 0, "How many tokens were scored, the ends of lines included."),
    "nats": Measure("nats per token ↓", 4, "Mean of −log p of the token."),
    "perplexity": Measure("perplexity ↓", 2, "The exponential of the nats per token."),
}
_SHOWN = {
    "prices": ("values", "nats", "smape", "scaled_crps", "coverage_80", "coverage_95"),
    "series": ("values", "mase", "smape", "wql", "scaled_crps", "nats", "coverage_80", "coverage_95"),
    "text": tuple(_OF_TOKENS),
}
"""What is shown of the scores of a kind of data; a report has them all."""


def measured(part: Mapping[str, Floats]) -> dict[str, float]:
    """The scores of one model by the definitions above, but for those that need another model or a test.

    Args:
        part: (F, H) of each column of a scored forecast, a row a series and origin; NaN where no value is
            compared. `naive_error` and `scale` are the same along a row.
    """
    y, median = part["y"], part["median"]
    together = y.reshape(1, -1), median.reshape(1, -1)
    columns = [part["median" if level == 0.5 else quantile_column(level)] for level in _DECILES]
    return {
        "values": int((~np.isnan(y)).sum()),
        "mae": float(mae(*together)[0]),
        "rmse": float(rmse(*together)[0]),
        "mase": _mean(scaled_mae(y, median, _of_rows(part["naive_error"]))),
        "smape": _mean(smape(y, median)),
        "wql": weighted_quantile_loss(y, np.stack(columns), _DECILES),
        "scaled_crps": _mean(part["crps"] / part["scale"]),
        "nats": _mean(part["nats"]),
        **{
            f"coverage_{level}": coverage(y, *(part[quantile_column(bound)] for bound in central(level)))
            for level in (80, 95)
        },
    }


def central(level: float) -> tuple[float, float]:
    """The quantiles that bound the central interval of so many percent."""
    return 0.5 - level / 200, 0.5 + level / 200


def captioned(scores: pd.DataFrame, kind: str) -> pd.DataFrame:
    """The scores that a table shows, under their captions.

    A measure that the first model has not is left out.

    Args:
        scores: of `Comparison`, or of a text.
        kind: of the data, prices, series or text.
    """
    measures = _OF_TOKENS if kind == "text" else MEASURES
    names = [name for name in _SHOWN[kind] if name in scores and not pd.isna(scores[name].iloc[0])]
    return scores[["model", *names]].rename(columns={name: measures[name].caption for name in names})


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """A captioned table as texts, each number with the decimals of its measure."""
    every = [*MEASURES.values(), *_OF_TOKENS.values()]
    digits = {measure.caption: measure.digits for measure in every}
    texts = {
        name: [f"{value:.{digits[name]}f}" if value == value else "–" for value in table[name]]
        for name in table.columns
        if name in digits
    }
    return table.assign(**texts)


def _of_rows(column: Floats) -> Floats:
    """(F,) of a column that is the same along a row: its first number in each."""
    first: Floats = column[np.arange(len(column)), (~np.isnan(column)).argmax(axis=1)]
    return first


def _mean(values: Sequence[float] | Floats) -> float:
    """Of what is not NaN; NaN where there is nothing."""
    seen = np.asarray(values)[~np.isnan(values)]
    return float(seen.mean()) if len(seen) else float("nan")
