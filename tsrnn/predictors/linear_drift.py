"""The drift method for series of any values: the line through the first value and the last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from tsrnn.data.calendars import forecast_sessions
from tsrnn.forecasts import Density, Forecast
from tsrnn.heads.normal import NormalDistribution
from tsrnn.predictors.base import PanelPredictor
from tsrnn.protocols import Context, Panel

Floats = npt.NDArray[np.float64]

_STRAIGHT = 1e-9
"""Of the mean size of the moves: a smaller deviation from the line is rounding."""


class _Line(NamedTuple):
    """What a history says, (N,) each: its last value and how many steps ago it was, the slope, the deviation
    of one step, and how many steps the slope is known from."""

    last: Floats
    ago: Floats
    slope: Floats
    deviation: Floats
    steps: Floats


@dataclass(frozen=True)
class LinearDrift(PanelPredictor[Forecast]):
    """The random walk with drift, in the values themselves: `Drift` is that of log prices.

        y_{T+h} ~ N(y_T + h b, h s² (1 + h/(T − 1))),   b = (y_T − y_1) / (T − 1)

    s² is the variance of the moves between neighbouring values around b. Where the last value is missing, h
    counts from the last observed one. A series of one value is forecast as that value, without spread; one
    without values as NaN.

    Source: Hyndman and Athanasopoulos (2021), Forecasting: principles and practice, 3rd edition, sections 5.2
    and 5.5 (table 5.2).
    """

    exact: ClassVar[bool] = True
    """Its density is that of every step: to be scored it needs no paths."""

    @property
    def name(self) -> str:
        """The name in tables."""
        return "drift"

    def _forecast(
        self,
        panel: Panel,
        horizon: int,
        origins: list[int],
        num_samples: int,
        seed: int,
        context: Context | None,
    ) -> Forecast:
        """Paths of every series from every origin: see `tsrnn.protocols.Predictor`."""
        shape = (len(panel.unique_ids), num_samples, horizon)
        samples, lasts = np.empty((len(origins), *shape)), np.empty((len(origins), shape[0]))
        means, deviations = np.empty((2, len(origins), shape[0], horizon))
        for place, origin in enumerate(origins):
            line = _line(panel.values[:, : origin + 1])
            ahead = line.ago[:, None] + np.arange(1, horizon + 1)
            lasts[place] = line.last
            means[place] = line.last[:, None] + ahead * line.slope[:, None]
            deviations[place] = line.deviation[:, None] * np.sqrt(ahead * (1 + ahead / line.steps[:, None]))
            generator = np.random.default_rng([seed, origin])
            # One slope a path, drawn from what is known of it.
            slopes = (line.deviation / np.sqrt(line.steps))[:, None] * generator.standard_normal(shape[:2])
            noise = generator.standard_normal(shape)
            noise[:, :, 0] *= np.sqrt(ahead[:, :1])
            errors = (
                line.deviation[:, None, None] * noise.cumsum(axis=2) + slopes[:, :, None] * ahead[:, None]
            )
            np.add(errors, means[place][:, None], out=samples[place])
        deviations[deviations == 0] = np.nan  # a straight line has no density
        normal = NormalDistribution(torch.from_numpy(means), torch.from_numpy(deviations))
        ds, density = forecast_sessions(panel, origins, horizon), Density(normal, means)
        return Forecast(panel.unique_ids, panel.ds[origins], ds, samples, lasts, panel.ends, density)


def _line(history: Floats) -> _Line:
    """The line through the first value and the last of each series (N, T)."""
    seen = ~np.isnan(history)
    rows, length = np.arange(len(history)), history.shape[1]
    first, ago = seen.argmax(axis=1), seen[:, ::-1].argmax(axis=1)
    last = history[rows, length - 1 - ago]  # NaN of a series without values
    steps = np.maximum(length - 1 - ago - first, 1).astype(np.float64)
    slope = (last - history[rows, first]) / steps
    moves = np.diff(history, axis=1)
    known = ~np.isnan(moves)
    count = np.maximum(known.sum(axis=1), 1)
    square = np.where(known, (moves - slope[:, None]) ** 2, 0.0).sum(axis=1)
    size = np.where(known, moves**2, 0.0).sum(axis=1) / count
    deviation = np.sqrt(square / np.maximum(count - 1, 1))
    deviation = np.where(deviation > _STRAIGHT * np.sqrt(size), deviation, 0.0)
    return _Line(last, ago.astype(np.float64), slope, np.where(np.isnan(last), np.nan, deviation), steps)
