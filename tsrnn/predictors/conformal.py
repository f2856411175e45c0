"""Intervals that are corrected by how often a predictor's own ones held the observed values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tsrnn.errors import ConfigError, DataError
from tsrnn.forecasts import Forecast, QuantileForecast
from tsrnn.predictors.base import checked_origins
from tsrnn.protocols import Panel, Predictor, time_text

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Conformal:
    """A predictor whose central intervals are corrected by how often they held the observed values.

    The interval of a level from the quantiles l to u around the median m is stretched to

        [m − k (m − l),  m + k (u − m)],

    and an observation y has the score

        s = max((m − y) / (m − l), (y − m) / (u − m)),

    the smallest k whose interval holds it. Scores have no unit, so those of all series are pooled; each level
    and each step of the horizon has a k of its own, from the scores of earlier origins.

    "split" assumes that the past is like the future. k is one number for all origins that are asked for: the
    score of rank ceil((n + 1) c), c = level / 100, among the n scores of the last `calibration` origins whose
    targets all lie at or before the first of them; of fewer where there are no more, at 95 percent of 19 at
    least. Where the scores of calibration and test are exchangeable, the interval holds the observed value
    with a probability of at least c, and at most c + 1 / (n + 1) without ties. The scores of one day's
    series, or of overlapping horizons, are not independent, and n is then larger than what is known.

    "rolling" assumes nothing, and follows a coverage that drifts: k = e^q tracks the quantile of the scores,

        q_t+1 = q_t + η (share of the series with log s_t > q_t  −  (1 − c)),

    from q = 0, the interval as it is, over the targets t of the last `calibration` time steps up to the
    origin; for step h the last of them was forecast h time steps before. One time step too many in which
    every series is missed stretches the interval by e^η. Over T time steps the mean share of misses of one
    track differs from 1 − c by (q_T − q_0) / (η T), whatever the series do: with η = 0.1, over 250 time
    steps in which k goes from 1 to 1.3, by 1.05 points. A smaller η follows more slowly, a larger one
    follows noise, which costs width, above all where series are few. Without known targets the interval
    stays as it is.

    The median is the predictor's own. Quantiles between two levels are stretched by a k interpolated by the
    coverage of their own central interval, those inside the lowest level as that, and those outside the
    highest as the highest. Where one would lie nearer to the median than one inside it, it takes that one's
    place, so that quantiles are sorted. A bound of a positive series that is stretched far can be negative.

    Left out, and no harm to the others, are entries without a forecast, without an actual value, and those
    where the interval has no width on a side. Values after an origin enter nowhere, and a rolling forecast
    does not depend on which other origins are asked for, if the predictor's own does not. There is no
    density.

    Args:
        predictor: what is corrected: of paths or of quantiles.
        method: "split" or "rolling".
        levels: the central intervals that are corrected, in percent.
        calibration: how many time steps before an origin are looked back on.
        rate: η of the rolling correction. Of 0.02, 0.05, 0.1 and 0.2 the smallest that kept one-step coverage
            within a point of its level in every calendar year before 2008 that was tried, 20 US stocks by a
            random walk in 1993 to 1999 and by an LSTM in 2006 and 2007: `benchmarks/conformal.py --choose`.
        first: index of the first time step that the predictor was neither trained nor chosen on: no target
            before it is looked at. None: it has learned from none of the panel.

    Raises:
        ConfigError: if the method, a level, `calibration`, `rate` or `first` is out of its range.

    Sources: Romano, Patterson and Candès (2019), Conformalized quantile regression, NeurIPS, theorem 1, and
    with the score above Kivaranovic, Johnson and Leeb (2020), Adaptive, distribution-free prediction
    intervals for deep networks, AISTATS; both in Sesia and Candès (2020), A comparison of some conformal
    quantile regression methods, Stat 9, e261. Rolling: Angelopoulos, Candès and Tibshirani (2023), Conformal
    PID control for time series prediction, NeurIPS, section 2.1, quantile tracking, here of log scores.
    """

    predictor: Predictor
    method: Literal["split", "rolling"] = "split"
    levels: tuple[float, ...] = (80, 95)
    calibration: int = 250
    rate: float = 0.1
    first: int | None = None

    def __post_init__(self) -> None:
        if self.method not in ("split", "rolling"):
            raise ConfigError(f"method must be split or rolling, not {self.method!r}")
        if not self.levels or list(self.levels) != sorted(set(self.levels)):
            raise ConfigError(f"levels must increase, in percent: not {list(self.levels)}")
        if not 0 < self.levels[0] <= self.levels[-1] < 100:
            raise ConfigError(f"levels must be between 0 and 100 percent, not {list(self.levels)}")
        if self.calibration < 1:
            raise ConfigError(f"calibration must be at least 1 time step, not {self.calibration}")
        if not 0 < self.rate < 1:
            raise ConfigError(f"rate must be between 0 and 1, not {self.rate:g}")
        if self.first is not None and self.first < 0:
            raise ConfigError(f"first must be the index of a time step, not {self.first}")

    @property
    def name(self) -> str:
        """The name in tables."""
        base = getattr(self.predictor, "name", None) or type(self.predictor).__name__
        return f"{base} + conformal ({self.method})"

    def forecast(
        self,
        panel: Panel,
        horizon: int,
        *,
        origins: Sequence[int] | None = None,
        num_samples: int = 1000,
        **further: Any,
    ) -> QuantileForecast:
        """The corrected quantiles of every series from every origin: see `tsrnn.protocols.Predictor`.

        The predictor is asked once, for the origins and for those before them that are looked back on, with
        what further arguments it takes: a seed.

        Raises:
            DataError: if an origin is not in the panel, or if the split correction has so few origins to
                look back on that no stretch is known to hold a level: 19 are needed for 95 percent.
        """
        asked = np.array(checked_origins(panel, horizon, origins, num_samples), dtype=np.int64)
        read = np.union1d(asked, self._before(asked, horizon))
        base = self.predictor.forecast(
            panel, horizon, origins=read.tolist(), num_samples=num_samples, **further
        )
        scores = self._scores(base, panel, read, int(asked.max()))
        if self.method == "split":
            stretch = self._split_stretch(scores, panel, int(asked.min()), int(read[0]))
        else:
            stretch = self._rolling_stretch(scores, asked, int(read[0]))
        return self._stretched(base, np.searchsorted(read, asked), stretch)

    def _before(self, asked: npt.NDArray[np.int64], horizon: int) -> npt.NDArray[np.int64]:
        """The origins to look back on, increasing; none whose first target is before `first`."""
        if self.method == "split":
            newest = asked.min() - horizon
            before = np.arange(newest - self.calibration + 1, newest + 1)
        else:  # each step of the horizon has targets in all of the last time steps
            before = np.unique(asked[:, None] - np.arange(1, self.calibration + horizon))
        return before[before >= self._oldest]

    @property
    def _oldest(self) -> int:
        """The first origin whose targets may be looked at."""
        return max((self.first or 0) - 1, 0)

    def _scores(
        self, base: Forecast | QuantileForecast, panel: Panel, read: npt.NDArray[np.int64], last: int
    ) -> Floats:
        """(T, N, L, H) scores by the time step of their target, from read[0] to `last`; else NaN."""
        median = base.median
        count, horizon = len(panel.unique_ids), median.shape[-1]
        scores = np.full((last + 1 - read[0], count, len(self.levels), horizon), np.nan)
        for place, level in enumerate(self.levels):
            low, high = base.interval(level)
            for step in range(horizon):
                used = (read >= self._oldest) & (read + step + 1 <= last)
                target = read[used] + step + 1
                middle = median[used, :, step]
                below, above = middle - low[used, :, step], high[used, :, step] - middle
                error = panel.values[:, target].T - middle
                sound = (below > 0) & (above > 0)
                width = np.where(sound, np.where(error < 0, below, above), np.nan)
                scores[target - read[0], :, place, step] = np.abs(error) / width
        return scores

    def _split_stretch(self, scores: Floats, panel: Panel, origin: int, start: int) -> Floats:
        """(1, L, H), for all origins; `scores` begin at time step `start`."""
        horizon = scores.shape[-1]
        stretch = np.empty((1, *scores.shape[2:]))
        for place, level in enumerate(self.levels):
            for step in range(horizon):
                # One set of origins for all steps, so that the targets of the first steps end earlier.
                stop = origin - start - horizon + step + 2
                known = scores[max(stop - self.calibration, 0) : max(stop, 0), :, place, step]
                seen = ~np.isnan(known)
                days, needed = int(seen.any(axis=1).sum()), math.ceil(round(level / (100 - level), 9))
                if days < needed:
                    raise DataError(
                        f"the split correction at {level:g} % needs {needed} origins with targets known at "
                        f"{time_text(panel.ds[origin])}, not {days}: begin later, or look back on more"
                    )
                rank = math.ceil(round((seen.sum() + 1) * level / 100, 9))  # 19 of 20 are 95 percent
                stretch[0, place, step] = np.sort(known[seen])[rank - 1]
        return stretch

    def _rolling_stretch(self, scores: Floats, asked: npt.NDArray[np.int64], start: int) -> Floats:
        """(O, L, H), for each origin the track of its own last time steps; `scores` begin at `start`."""
        with np.errstate(divide="ignore"):
            logs = np.log(scores)  # −inf for an observation at the median, which is never missed
        allowed = 1 - np.array(self.levels)[:, None] / 100
        track = np.zeros((len(asked), *scores.shape[2:]))
        for back in range(self.calibration - 1, -1, -1):
            step = asked - start - back
            known = logs[np.maximum(step, 0)]
            seen = ~np.isnan(known) & (step >= 0)[:, None, None, None]
            count = seen.sum(axis=1)
            missed = (seen & (known > track[:, None])).sum(axis=1) / np.maximum(count, 1)
            track += np.where(count > 0, self.rate * (missed - allowed), 0.0)
        return np.exp(track)

    def _stretched(
        self, base: Forecast | QuantileForecast, places: npt.NDArray[np.int64], stretch: Floats
    ) -> QuantileForecast:
        """The forecast from the origins at `places`, stretched by (O or 1, L, H)."""
        bounds = [0.5 + sign * level / 200 for level in self.levels for sign in (-1, 1)]
        quantiles = np.unique(np.round([*bounds, *np.arange(1, 20) / 20], 12))
        middle = int(np.searchsorted(quantiles, 0.5))
        # A quantile's share of each level's stretch, by the coverage of its own central interval.
        coverage = 200 * np.abs(quantiles - 0.5)
        shares = np.stack([np.interp(coverage, self.levels, row) for row in np.eye(len(self.levels))], axis=1)
        median = base.median[places][:, :, None]
        distance = np.moveaxis(base.quantile(quantiles.tolist())[:, places], 0, 2) - median
        distance *= np.einsum("ql,olh->oqh", shares, stretch)[:, None]
        distance[:, :, middle] = 0.0
        below, above = distance[:, :, : middle + 1], distance[:, :, middle:]
        distance[:, :, : middle + 1] = np.minimum.accumulate(below[:, :, ::-1], axis=2)[:, :, ::-1]
        distance[:, :, middle:] = np.maximum.accumulate(above, axis=2)
        return QuantileForecast(
            base.unique_ids,
            base.origins[places],
            base.ds[places],
            median + distance,
            quantiles,
            base.last[places],
            base.ends,
            base.dates,
        )
