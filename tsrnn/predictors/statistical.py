"""Exponential smoothing, ARIMA and the theta method by `statsforecast`: what a forecast has to beat."""

from __future__ import annotations

import importlib
import warnings
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from tsrnn.data.calendars import forecast_sessions
from tsrnn.errors import ConfigError, DataError, DataWarning, first_few
from tsrnn.forecasts import LEVELS, QuantileForecast, own_times
from tsrnn.predictors.base import PanelPredictor
from tsrnn.protocols import Context, Panel, Predictor, time_text

Floats = npt.NDArray[np.float64]

_LEVELS = np.sort([*LEVELS, 0.5])
_INTERVALS = (20, 40, 60, 80, 95)
"""Percent in the central intervals whose bounds are the levels."""
_LONGEST_ETS_SEASON = 24
_WARM_UP = 3
"""Errors that the theta method's own likelihood leaves out."""


class Fitted(NamedTuple):
    """What is fitted for a series.

    Attributes:
        start: the series' first observed time step of those that were fitted: the model's states begin there.
        model: of `statsforecast`; None for a series that never moved.
    """

    start: Any
    model: Any


@dataclass(frozen=True)
class _Statistical(PanelPredictor[QuantileForecast]):
    """What the three have in common: a model of `statsforecast` a series, fitted once, then run on."""

    season: int = 1
    fitted: Mapping[str, Fitted] | None = None

    _method: ClassVar[str]

    def __post_init__(self) -> None:
        if self.season < 1:
            raise ConfigError(f"season must be at least 1 step, not {self.season}")

    @property
    def name(self) -> str:
        """The name in tables."""
        return self._method if self.season == 1 else f"{self._method} ({self.season})"

    @property
    def _fewest(self) -> int:
        """Values that a series must have."""
        return 2 * self.season + 8

    def fit(self, panel: Panel, *, previous: Predictor | None = None) -> Self:
        """The models of a panel: see `tsrnn.protocols.Fittable`.

        Raises:
            ConfigError: if `statsforecast` is not installed.
        """
        models = _library("models")
        fitted, failed = {}, []
        times = _own_times(panel)
        for series, name in enumerate(panel.unique_ids):
            start, history = _history(panel.values[series])
            if len(history) < self._fewest:
                failed.append(name)
            elif _still(history):
                fitted[name] = Fitted(times[series, start], None)
            else:
                try:
                    with _quiet():
                        model = self._model(models).fit(history)
                except Exception:  # the library raises bare exceptions for what it cannot fit
                    failed.append(name)
                else:
                    fitted[name] = Fitted(times[series, start], model)
        if failed:
            problem = f"{self.name} has no forecast (NaN) of series that are too short or cannot be fitted:"
            warnings.warn(DataWarning(f"{problem} {first_few(failed)}"), stacklevel=2)
        return replace(self, fitted=fitted)

    def _forecast(
        self,
        panel: Panel,
        horizon: int,
        origins: list[int],
        num_samples: int,
        seed: int,
        context: Context | None,
    ) -> QuantileForecast:
        """Quantiles of every series from every origin: see `tsrnn.protocols.Predictor`.

        Raises:
            DataError: if the panel begins after the first time step that a series was fitted on.
        """
        predictor = self.fit(panel.part(0, min(origins) + 1)) if self.fitted is None else self
        assert predictor.fitted is not None
        values = np.full((len(origins), len(panel.unique_ids), len(_LEVELS), horizon), np.nan)
        last = np.full(values.shape[:2], np.nan)
        times = _own_times(panel)
        for series, name in enumerate(panel.unique_ids):
            first, history = _history(panel.values[series])
            for place, origin in enumerate(origins):
                if first <= origin:
                    last[place, series] = history[origin - first]
            if name not in predictor.fitted:
                continue
            start, model = predictor.fitted[name]
            # A model's states, and the places in its season, count from the time step where it was fitted.
            (found,) = np.nonzero(times[series] == start)
            if not len(found):
                raise DataError(
                    f"{self.name} of {name} was fitted from time step {time_text(start)} on: forecast a "
                    "panel that has it, or fit again"
                )
            for place, origin in enumerate(origins):
                known = history[int(found[0]) - first : origin + 1 - first]
                if len(known) < self._fewest:
                    continue
                if model is None or _still(known):
                    values[place, series] = known[-1]
                else:
                    with _quiet():
                        values[place, series] = self._quantiles(model, known, horizon)
        ds = forecast_sessions(panel, origins, horizon)
        return QuantileForecast(
            panel.unique_ids, panel.ds[origins], ds, values, _LEVELS.copy(), last, panel.ends
        )

    @abstractmethod
    def _model(self, models: Any) -> Any:
        """The library's model before it is fitted."""

    def _quantiles(self, model: Any, known: Floats, horizon: int) -> Floats:
        """(Q, H) quantiles after what is known."""
        return _read(model.forward(known, horizon, level=list(_INTERVALS)))


@dataclass(frozen=True)
class AutoETS(_Statistical):
    """Exponential smoothing, its error, trend and season chosen by AICc for each series.

    A model is fitted once a series and then run on over its values, which are taken as they are: prices, not
    their logs. Leading missing values are cut off, others held over; a series that never moved is forecast as
    its last value, without spread; one with fewer than 2 m + 8 values, or that was not there, has no
    forecast (NaN). Intervals are normal. Those of ETS(M,A,A) are too narrow after the first step in
    statsforecast 2.0 (its pull request 1216 mends that).

    Args:
        season: m, steps in a season, at most 24; 1 is a model without seasons.
        fitted: the model of each series by its name; `fit` sets it.

    Source: Hyndman, Koehler, Ord and Snyder (2008), Forecasting with exponential smoothing: the state space
    approach, section 2.8 (the choice) and chapter 6 (the intervals).
    """

    _method = "AutoETS"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.season > _LONGEST_ETS_SEASON:
            raise ConfigError(
                f"AutoETS has seasons of at most {_LONGEST_ETS_SEASON} steps, not {self.season}: "
                "take Theta or AutoARIMA"
            )

    def _model(self, models: Any) -> Any:
        return models.AutoETS(season_length=self.season)

    def _quantiles(self, model: Any, known: Floats, horizon: int) -> Floats:
        # statsforecast 2.0 widens every step's interval by as many seasons as the whole horizon has, so that
        # only the last season of a horizon is right: each season is asked for with a horizon that ends there.
        season = self.season if self.season > 1 else horizon
        found = np.empty((len(_LEVELS), horizon))
        for begin in range(0, horizon, season):
            stop = min(begin + season, horizon)
            found[:, begin:stop] = super()._quantiles(model, known, stop)[:, begin:]
        return found


@dataclass(frozen=True)
class AutoARIMA(_Statistical):
    """ARIMA, its orders chosen by unit-root tests and a stepwise search of the AICc for each series.

    Fitting, missing values and series without a model are as in `AutoETS`.

    Args:
        season: m, steps in a season; 1 is a model without seasons.
        fitted: the model of each series by its name; `fit` sets it.

    Source: Hyndman and Khandakar (2008), Automatic time series forecasting: the forecast package for R,
    Journal of Statistical Software 27 (3), section 3.
    """

    _method = "AutoARIMA"

    def _model(self, models: Any) -> Any:
        return models.AutoARIMA(season_length=self.season)


@dataclass(frozen=True)
class Theta(_Statistical):
    """The theta method: exponential smoothing of the deseasonalised series, and half of its trend.

        y_{T+h} ~ N(ŷ_{T+h}, s²_h σ² (1 + (h − 1) α²))

    ŷ is the forecast of statsforecast's standard theta model, α its smoothing and σ² the variance of its
    one-step errors. Where the autocorrelation at m is significant, the series is deseasonalised first; s is
    the multiplicative season, and 1 where it is additive, as it is for a series that is not positive.
    Fitting, missing values and series without a model are as in `AutoETS`.

    Args:
        season: m, steps in a season; 1 is a model without seasons.
        fitted: the model of each series by its name; `fit` sets it.

    Sources: Assimakopoulos and Nikolopoulos (2000), The theta model: a decomposition approach to forecasting,
    International Journal of Forecasting 16, 521-530; Hyndman and Billah (2003), Unmasking the Theta method,
    International Journal of Forecasting 19, 287-290, for the variance.
    """

    _method = "Theta"

    def _model(self, models: Any) -> Any:
        return models.Theta(season_length=self.season)

    def _quantiles(self, model: Any, known: Floats, horizon: int) -> Floats:
        from scipy import special

        # Not the library's own intervals: they are read from 200 paths, and hold the season as an error where
        # it is additive.
        theta = _library("theta")
        state = theta.forward_theta(model.model_, known)
        errors, season = state["residuals"], np.ones(horizon)
        if state.get("decompose"):
            pattern = state["seas_forecast"]["mean"]  # of the m steps after what is known
            past = pattern[np.arange(-len(known), 0) % self.season]
            if state["decomposition_type"] == "multiplicative":
                errors, season = errors / past, np.resize(pattern, horizon)
            else:
                errors = errors - past
        growth = 1 + state["par"]["alpha"] ** 2 * np.arange(horizon)
        deviation = season * errors[_WARM_UP:].std(ddof=1) * np.sqrt(growth)
        mean = theta.forecast_theta(state, horizon)["mean"]
        return np.asarray(mean + special.ndtri(_LEVELS)[:, None] * deviation, dtype=np.float64)


def _read(said: Mapping[str, Any]) -> Floats:
    """(Q, H) quantiles from the library's mean and bounds."""
    lower = [said[f"lo-{percent}"] for percent in reversed(_INTERVALS)]
    upper = [said[f"hi-{percent}"] for percent in _INTERVALS]
    return np.asarray([*lower, said["mean"], *upper], dtype=np.float64)


def _history(row: Floats) -> tuple[int, Floats]:
    """The place of a series' first value, and its values from there on, missing ones held over."""
    seen = ~np.isnan(row)
    first = int(seen.argmax()) if seen.any() else len(row)
    place = np.maximum.accumulate(np.where(seen, np.arange(len(row)), 0))
    return first, row[place][first:]


def _still(history: Floats) -> bool:
    return bool(np.all(history == history[0]))


def _own_times(panel: Panel) -> npt.NDArray[Any]:
    """(N, T) the time steps of each series as it counts them."""
    shape = (len(panel.unique_ids), panel.num_steps)
    return np.broadcast_to(own_times(panel.ds[None], panel.ends, panel.dates), shape)


def _library(module: str) -> Any:
    try:
        with _quiet():
            return importlib.import_module(f"statsforecast.{module}")
    except ImportError:
        raise ConfigError(
            "AutoETS, AutoARIMA and Theta need the extra: pip install 'tsrnn[baselines]'"
        ) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the library's warnings, of numbers on the way to an optimum and of its dependencies."""
    with warnings.catch_warnings():
        for category in (UserWarning, RuntimeWarning, FutureWarning, DeprecationWarning):
            warnings.simplefilter("ignore", category)
        yield
