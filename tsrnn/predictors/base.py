"""What every predictor of a panel shares: origins and sizes are checked once, here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Generic, TypeVar

import numpy as np

from tsrnn.data.calendars import following_sessions
from tsrnn.errors import DataError
from tsrnn.forecasts import Forecast, QuantileForecast
from tsrnn.protocols import Context, Panel

ForecastT = TypeVar("ForecastT", bound=Forecast | QuantileForecast)


class PanelPredictor(ABC, Generic[ForecastT]):
    """A `tsrnn.protocols.Predictor`; a subclass has a name, and says how it forecasts from given origins."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The name in tables."""

    def forecast(
        self,
        panel: Panel,
        horizon: int,
        *,
        origins: Sequence[int] | None = None,
        num_samples: int = 1000,
        seed: int = 0,
        context: Context | None = None,
    ) -> ForecastT:
        """The distribution of every series' future from every origin: see `tsrnn.protocols.Predictor`.

        Args:
            panel: the series.
            horizon: H, the number of steps.
            origins: increasing indices of the last known time steps; default the panel's last.
            num_samples: S paths a series, of what has paths.
            seed: of the paths; those of an origin do not depend on the other origins.
            context: what is known besides the panel, a row a series; `known` is of every time step of the
                panel and of the H after the last origin, (N, T + H, K). Ignored by what is not conditioned
                on one.

        Raises:
            DataError: if the horizon or the number of paths is below 1, or origins do not increase within
                the panel.
        """
        chosen = checked_origins(panel, horizon, origins, num_samples)
        found = self._forecast(panel, horizon, chosen, num_samples, seed, context)
        if panel.dates is None:
            return found
        beyond = following_sessions(panel.ds, panel.calendar, horizon)
        return replace(found, dates=np.concatenate([panel.dates, beyond]))

    @abstractmethod
    def _forecast(
        self,
        panel: Panel,
        horizon: int,
        origins: list[int],
        num_samples: int,
        seed: int,
        context: Context | None,
    ) -> ForecastT:
        """The forecast, from arguments that have been checked."""


def checked_origins(
    panel: Panel, horizon: int, origins: Sequence[int] | None = None, num_samples: int = 1
) -> list[int]:
    """The origins to forecast from, the panel's last time step where none are given.

    Raises:
        DataError: see `PanelPredictor.forecast`.
    """
    if horizon < 1 or num_samples < 1:
        raise DataError("a forecast needs a horizon and a number of paths of at least 1")
    chosen = [panel.num_steps - 1] if origins is None else [int(origin) for origin in origins]
    if not chosen or chosen != sorted(set(chosen)) or not 0 <= chosen[0] <= chosen[-1] < panel.num_steps:
        raise DataError(f"origins must increase within the panel's {panel.num_steps} time steps")
    return chosen
