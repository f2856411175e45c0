"""What the scores of a backtest are called, and what each is."""

from __future__ import annotations

from collections.abc import Mapping

POINT, DISTRIBUTION, DENSITY = "squared error", "CRPS", "log score"

CAPTIONS: Mapping[str, str] = {
    "mae": "MAE",
    "rmse": "RMSE",
    "mase": "MASE",
    "rmsse": "RMSSE",
    "smape": "sMAPE, %",
    "owa": "OWA",
    "wql": "wQL",
    "crps": "CRPS",
    "log_prob": "Log score, nats",
    "coverage_80": "80 % coverage",
    "coverage_95": "95 % coverage",
    "direction": "Direction, %",
    "direction_p": "Direction, p",
}
DEFINITIONS: Mapping[str, str] = {
    "mae": "Mean absolute error of the median, in the unit of the series, all series together.",
    "rmse": "Root mean squared error of the median, in the unit of the series, all series together.",
    "mase": "Mean absolute error of the median, each in units of the naive forecast's mean absolute error "
    "over the 250 time steps before the forecast (after Hyndman and Koehler 2006).",
    "rmsse": "Root mean squared error of the median, each error in those units.",
    "smape": "Mean of 200 |y − ŷ| / (|y| + |ŷ|), from 0 to 200 (M4).",
    "owa": "Mean of sMAPE and MASE, each over the reference's (M4, where the reference is Naive 2).",
    "wql": "Pinball loss of the deciles, relative to the size of the observed values.",
    "crps": "Mean continuous ranked probability score, in the units of MASE; less is better.",
    "log_prob": "Mean log density of the observed values, in nats per unit of the series, over the steps of "
    "which every model that has a density has one; more is better.",
    "coverage_80": "Share of observed values inside the central 80 % interval.",
    "coverage_95": "Share of observed values inside the central 95 % interval.",
    "direction": "Share of the first steps whose direction from the last value was that of the median.",
    "direction_p": "One-sided p-value of the covariance of the two signs, by the means of each origin, "
    "against none (after Pesaran and Timmermann 1992), which allows for series that move together.",
}
