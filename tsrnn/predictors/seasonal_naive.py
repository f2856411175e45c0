"""What every forecast of a seasonal series must be compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch

from tsrnn.data.calendars import forecast_sessions
from tsrnn.errors import ConfigError
from tsrnn.forecasts import Density, Forecast
from tsrnn.heads.normal import NormalDistribution
from tsrnn.predictors.base import PanelPredictor, checked_origins
from tsrnn.protocols import Context, Panel

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SeasonalNaive(PanelPredictor[Forecast]):
    """The seasonal naive forecast: the value one season ago, give or take a normal error.

        y_{T+h} ~ N(y_{T+h−mk}, k σ²),  k = floor((h − 1) / m) + 1,  σ² = mean_t (y_t − y_{t−m})²

    σ² is each series' own, over all of its history up to the origin. Where the value one season ago is
    missing, the latest one of the same place in the season is taken, and k counts the seasons since then. A
    place in the season that was never observed takes the last value of all; k is then the started seasons
    since that one. A series without two values a season apart has no errors to learn σ from, which is then 0.
    A series without values is forecast as NaN. The series of a panel with `ends` need nothing else: seasons
    are counted back from the origin.

    Args:
        season: m, steps in a season; 1 is the naive forecast, the random walk.

    Source: Hyndman and Athanasopoulos (2021), Forecasting: principles and practice, 3rd edition, sections 5.2
    and 5.5 (table 5.2).
    """

    season: int

    exact: ClassVar[bool] = True
    """Its density is that of every step: to be scored it needs no paths."""

    def __post_init__(self) -> None:
        if self.season < 1:
            raise ConfigError(f"season must be at least 1 step, not {self.season}")

    @property
    def name(self) -> str:
        """The name in tables."""
        return "naive (last value)" if self.season == 1 else f"seasonal naive ({self.season})"

    def quantiles(
        self, panel: Panel, horizon: int, levels: Sequence[float], *, origins: Sequence[int] | None = None
    ) -> Floats:
        """The exact quantiles of every series from every origin, without sampling.

        Args:
            panel: the series; a forecast never reads a value after its origin.
            horizon: H, the number of steps.
            levels: (Q,) between 0 and 1.
            origins: indices into the panel's time steps, each the last time step known; default the last.

        Returns:
            (O, N, Q, H) quantiles in raw units.
        """
        from scipy import special

        distances = special.ndtri(np.asarray(levels, dtype=np.float64))[:, None]
        origins = checked_origins(panel, horizon, origins)
        parts = [self._moments(panel.values[:, : origin + 1], horizon) for origin in origins]
        return np.stack([mean[:, None] + distances * deviation[:, None] for mean, deviation, _ in parts])

    def _forecast(
        self,
        panel: Panel,
        horizon: int,
        origins: list[int],
        num_samples: int,
        seed: int,
        context: Context | None,
    ) -> Forecast:
        """Paths of every series from every origin: see `tsrnn.protocols.Predictor`.

        The errors of a path's seasons add up, so that its steps have the variances above and those of one
        place in the season are dependent, as in a random walk from season to season. Those of an origin do
        not depend on the other origins.
        """
        shape = (len(panel.unique_ids), num_samples, horizon)
        samples, lasts = np.empty((len(origins), *shape)), np.empty((len(origins), shape[0]))
        means, deviations = np.empty((2, len(origins), shape[0], horizon))
        first = np.arange(horizon) < self.season
        for place, origin in enumerate(origins):
            mean, deviation, lasts[place] = self._moments(panel.values[:, : origin + 1], horizon)
            means[place], deviations[place] = mean, deviation
            # Each season adds what its variance has more than that of the season before.
            variance = deviation**2
            before = np.where(first, 0.0, np.roll(variance, self.season, axis=1))
            errors = (
                np.random.default_rng([seed, origin]).standard_normal(shape)
                * np.sqrt(variance - before)[:, None]
            )
            for step in range(self.season, horizon):
                errors[:, :, step] += errors[:, :, step - self.season]
            np.add(errors, mean[:, None], out=samples[place])
        ds = forecast_sessions(panel, origins, horizon)
        deviations[deviations == 0] = np.nan  # a season that repeats itself exactly has no density
        normal = NormalDistribution(torch.from_numpy(means), torch.from_numpy(deviations))
        density = Density(normal, means)
        return Forecast(panel.unique_ids, panel.ds[origins], ds, samples, lasts, panel.ends, density)

    def _moments(self, history: Floats, horizon: int) -> tuple[Floats, Floats, Floats]:
        """(N, H) means, (N, H) standard deviations, and the (N,) last observed values."""
        count, length = history.shape
        m, rows = self.season, np.arange(count)[:, None]
        # The latest observation of each place in the season: seasons stand one after the other, back in time,
        # and `argmax` finds the first that is observed. Distances are steps back from the origin, 0 or more.
        backward = ~np.isnan(history[:, ::-1])
        padded = np.pad(backward, ((0, 0), (0, -length % m if length else m)))
        seasons = padded.reshape(count, -1, m)
        distance = seasons.argmax(axis=1) * m + np.arange(m)
        newest = padded.argmax(axis=1)[:, None]
        distance = np.where(seasons.any(axis=1), distance, newest)[:, ::-1]  # in the order of the steps ahead
        distance = np.take(distance, np.arange(horizon) % m, axis=1)

        nothing = ~backward.any(axis=1, keepdims=True)
        known = np.concatenate([history, np.full((count, 1), np.nan)], axis=1)  # the last column: no value
        mean = known[rows, np.where(nothing, length, length - 1 - distance)]
        last = known[rows, np.where(nothing, length, length - 1 - newest)][:, 0]

        elapsed = np.ceil((distance + np.arange(1, horizon + 1)) / m)
        squares = (history[:, m:] - history[:, :-m]) ** 2
        pairs = ~np.isnan(squares)
        total = np.where(pairs, squares, 0.0).sum(axis=1)
        deviation = np.sqrt(elapsed * (total / np.maximum(pairs.sum(axis=1), 1))[:, None])
        return mean, np.where(nothing, np.nan, deviation), last
