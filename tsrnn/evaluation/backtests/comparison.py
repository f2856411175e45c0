"""What a backtest says: scores, their differences from a reference, and one sentence a model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsrnn.errors import DataError, first_few
from tsrnn.evaluation.backtests.measures import DENSITY, DISTRIBUTION, MEASURES, POINT, central, measured
from tsrnn.evaluation.backtests.scored_forecast import quantile_column
from tsrnn.evaluation.backtests.significance import DieboldMariano, block_bootstrap_ratio, diebold_mariano
from tsrnn.evaluation.scores.accuracy import owa
from tsrnn.evaluation.scores.probabilistic import coverage, directional_accuracy

Floats = npt.NDArray[np.float64]

_NEEDED = ("y", "last", "median", "crps", "pit", "scale")
_OPTIONAL = ("nats", "naive_error")
_CENTRAL = (20, 40, 60, 80, 95)
_TEST_LEVEL = 0.05


class Comparison:
    """The models of a backtest, compared with one of them on the same rows.

    A loss of a model at an origin is its mean over the series and steps forecast from there. Skill is the
    share of the reference's loss that the model saves,

        skill = 100 (1 − Σ_o loss_o / Σ_o reference_o),

    with a block-bootstrap interval over the origins, and a Diebold-Mariano test of the differences at
    successive origins, whose horizon is the number of origins that one forecast overlaps. Where there is a
    single origin, the series stand in the place of the origins, and are taken to be independent: they are
    not where they move together, and the test then finds differences too easily.

    The losses are the squared error of the median and the CRPS, each in units of the column `scale`, of the
    rows that have one, and, for models with a density, −log p, whose differences are nats and not percent.

    Rows that one of the models has not forecast are left out for all. A frame without `nats` or
    `naive_error` has no nats, or no MASE.

    Args:
        frame: of `tsrnn.backtest`, or several of them concatenated.
        reference: the model that the others are compared with.
        stride: time steps from an origin to the next.
        lags: of the Newey-West variance; default as in `diebold_mariano`, or twice the origins that one
            forecast overlaps, whichever is more. Its uncertainty is allowed for (`fixed_b`).
        level: of the intervals, in percent.

    Raises:
        DataError: if the models have not the same rows, the reference is none of them, or nothing is left.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        reference: str,
        *,
        stride: int = 1,
        lags: int | None = None,
        level: float = 95,
    ) -> None:
        if frame.empty:
            raise DataError("nothing that was forecast was observed: nothing can be compared")
        self.models = [str(model) for model in frame["model"].unique()]
        if reference not in self.models:
            raise DataError(f"the reference {reference} is not among {first_few(self.models)}")
        self.reference, self.level, self.lags = reference, level, lags
        columns = _columns(frame, self.models)
        # (M, R): a row of the frame for each model.
        usable = np.isfinite(columns["median"]).all(0) & np.isfinite(columns["crps"]).all(0)
        self.rows, self.left_out = int(usable.sum()), int((~usable).sum())
        if not self.rows:
            raise DataError("no row was forecast by every model: nothing can be compared")
        self._columns = {name: part[:, usable] for name, part in columns.items()}
        keys = frame[frame["model"] == self.models[0]][usable]
        self._step = keys["step"].to_numpy()
        self.horizon = int(self._step.max())
        origins, self._origin = np.unique(keys["origin"].to_numpy(), return_inverse=True)
        self._cutoffs = keys.groupby(self._origin)["cutoff"].max().to_numpy()
        self._series = keys["unique_id"].astype("category").cat.codes.to_numpy()
        self.series, self.origins = len(np.unique(self._series)), len(origins)
        self.overlap = -(-self.horizon // stride) if self.origins > 1 else 1

    @property
    def rivals(self) -> list[str]:
        """The models but the reference."""
        return [model for model in self.models if model != self.reference]

    @cached_property
    def _losses(self) -> dict[str, Floats]:
        """(M, R) of each loss."""
        part = self._columns
        return {
            POINT: ((part["y"] - part["median"]) / part["scale"]) ** 2,
            DISTRIBUTION: part["crps"] / part["scale"],
            DENSITY: part["nats"],
        }

    def _units(self) -> npt.NDArray[np.int64]:
        """For each row the place of the unit that losses are averaged in: its origin, or its series."""
        return self._origin if self.origins > 1 else np.asarray(self._series, dtype=np.int64)

    def _pair(self, loss: str, model: str, steps: Any = True) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
        """The mean losses of a model and of the reference where both have one, and the units that do."""
        values = self._losses[loss][[self.models.index(model), self.models.index(self.reference)]]
        seen = ~np.isnan(values).any(axis=0) & steps
        units = self._units()[seen]
        number = np.bincount(units)
        own, other = (
            np.bincount(units, weights=row[seen])[number > 0] / number[number > 0] for row in values
        )
        return own, other, np.flatnonzero(number)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """One row a model: the columns of `MEASURES`, NaN where a model has none."""
        rows = []
        for place, model in enumerate(self.models):
            part = {name: self._by_forecast(columns[place]) for name, columns in self._columns.items()}
            part["nats"] = np.where(self._all_have_nats, part["nats"], np.nan)
            direction, direction_p = self._direction(place)
            found = {"model": model, **measured(part), "owa": np.nan}
            rows.append({**found, "direction": direction, "direction_p": direction_p})
        frame = pd.DataFrame(rows)
        base = frame.iloc[self.models.index(self.reference)]
        if base["smape"] > 0 and base["mase"] > 0:
            frame["owa"] = owa(frame["smape"], frame["mase"], base["smape"], base["mase"])
        return frame[["model", *MEASURES]]

    @cached_property
    def _forecasts(self) -> tuple[int, npt.NDArray[np.int64]]:
        """How many forecasts there are, one a series and origin, and for each row the place of its own."""
        names = int(self._series.max()) + 1
        places, forecast = np.unique(self._origin * names + self._series, return_inverse=True)
        return len(places), forecast

    def _by_forecast(self, column: Floats) -> Floats:
        """(F, H) of a column, a row a forecast; NaN where no value is compared."""
        count, forecast = self._forecasts
        found = np.full((count, self.horizon), np.nan)
        found[forecast, self._step - 1] = column
        return found

    @cached_property
    def _all_have_nats(self) -> npt.NDArray[np.bool_]:
        """(F, H) where every model that has a density has one."""
        every = np.stack([self._by_forecast(row) for row in self._columns["nats"]])
        seen = ~np.isnan(every)
        return np.asarray(seen[seen.any(axis=(1, 2))].all(axis=0))

    def _coverage(self, model: int, level: int) -> float:
        low, high = (self._columns[quantile_column(bound)][model] for bound in central(level))
        return coverage(self._columns["y"][model], low, high)

    def _direction(self, model: int) -> tuple[float, float]:
        """The share of the first steps whose direction was right, and its p-value."""
        first = self._step == 1
        part = {name: self._columns[name][model, first] for name in ("y", "median", "last")}
        change, said = part["y"] - part["last"], part["median"] - part["last"]
        share = directional_accuracy(change, said).share
        signs = np.sign(change), np.sign(said)
        with np.errstate(invalid="ignore"):
            product = (signs[0] - np.nanmean(signs[0])) * (signs[1] - np.nanmean(signs[1]))
        units = self._units()[first]
        seen = ~np.isnan(product)
        number = np.bincount(units[seen])
        means = np.bincount(units[seen], weights=product[seen])[number > 0] / number[number > 0]
        test = diebold_mariano(means, lags=self.lags, fixed_b=True)
        p_value = test.p_value / 2 if test.statistic > 0 else 1 - test.p_value / 2
        return share, p_value

    @cached_property
    def significance(self) -> pd.DataFrame:
        """One row a model and loss: the skill and its interval, and the Diebold-Mariano test.

        Columns: model, loss, difference (of the means, the reference's less the model's), skill_percent,
        low, high, statistic, p_value, lags, steps.
        """
        rows = []
        for model in self.rivals:
            for loss in (POINT, DISTRIBUTION, DENSITY):
                own, other, _ = self._pair(loss, model)
                if not len(own):
                    continue
                test = self._test(other - own)
                skill, low, high = self._skill(own, other) if loss != DENSITY else (np.nan,) * 3
                rows.append(
                    {
                        "model": model,
                        "loss": loss,
                        "difference": test.mean,
                        "skill_percent": skill,
                        "low": low,
                        "high": high,
                        "statistic": test.statistic,
                        "p_value": test.p_value,
                        "lags": test.lags,
                        "steps": test.steps,
                    }
                )
        return pd.DataFrame(rows)

    def _test(self, difference: Floats) -> DieboldMariano:
        """Overlapping forecasts depend on one another over `overlap` origins: twice as many lags see that."""
        lags = self.lags
        if self.origins == 1:
            lags = 0
        elif lags is None and self.overlap > 1:
            lags = max(2 * self.overlap, math.floor(4 * (len(difference) / 100) ** (2 / 9)))
        return diebold_mariano(difference, horizon=self.overlap, lags=lags, fixed_b=True)

    def _skill(self, own: Floats, other: Floats) -> tuple[float, float, float]:
        if not other.sum() > 0:
            return (float("nan"),) * 3
        # Blocks keep the dependence within them alone: they are twice as long as forecasts overlap.
        overlapping = 2 * self.overlap if self.overlap > 1 else 1
        block = 1 if self.origins == 1 else max(overlapping, math.ceil(math.cbrt(len(own))))
        low, high = block_bootstrap_ratio(own, other, block_length=block, level=self.level)
        return float(100 * (1 - own.sum() / other.sum())), float(low), float(high)

    @cached_property
    def verdicts(self) -> list[str]:
        """One sentence a model: its skill in the point forecast and in the distribution.

        Skill is claimed only on the winning side of a two-sided test at 5 %; "no skill shown" is not the
        same as "no skill".
        """
        return [self.verdict(model) for model in self.rivals]

    def verdict(self, model: str) -> str:
        """The sentence of one model."""
        if model == self.reference:
            return f"{model}: no verdict: it is the reference"
        found = self.significance
        rows = found[found["model"] == model].set_index("loss") if len(found) else found
        if POINT not in rows.index:
            return f"{model}: no verdict: no series moved before an origin, so that nothing scales the losses"
        words = {POINT: "the point forecast", DISTRIBUTION: "the distribution"}
        return f"{model}: " + "; ".join(self._finding(rows.loc[loss], loss, words[loss]) for loss in words)

    def _finding(self, row: pd.Series, loss: str, what: str) -> str:
        if row["difference"] == 0:
            return f"no skill shown in {what}: it is that of the {self.reference}"
        if np.isnan(row["skill_percent"]):
            return f"no skill shown in {what}: the {loss} of the {self.reference} is 0"
        side = "smaller" if row["skill_percent"] > 0 else "larger"
        beside = f"its {loss} {abs(row['skill_percent']):.2f} % {side} than that of the {self.reference}"
        evidence = [f"too few {'origins' if self.origins > 1 else 'series'} for a test"]
        if not np.isnan(row["p_value"]):
            evidence = ["p < 0.001" if row["p_value"] < 0.001 else f"p = {row['p_value']:.3f}"]
        if not np.isnan(row["low"]):
            bounds = f"{_percent(row['low'])} to {_percent(row['high'])} %"
            evidence.insert(0, f"{self.level:g} % interval of the skill {bounds}")
        shown = "skill" if claimed(row) else "no skill"
        return f"{shown} shown in {what}, {beside} ({', '.join(evidence)})"

    @cached_property
    def by_horizon(self) -> pd.DataFrame:
        """The skill in CRPS at each step: columns model, step, skill_percent, low, high."""
        rows = []
        for model in self.rivals:
            for step in np.unique(self._step):
                skill, low, high = self._skill(*self._pair(DISTRIBUTION, model, self._step == step)[:2])
                rows.append(
                    {"model": model, "step": int(step), "skill_percent": skill, "low": low, "high": high}
                )
        return pd.DataFrame(rows)

    @cached_property
    def coverage(self) -> pd.DataFrame:
        """The coverage of central intervals: columns model, level, coverage, in percent."""
        rows = [
            {"model": model, "level": level, "coverage": self._coverage(place, level)}
            for place, model in enumerate(self.models)
            for level in _CENTRAL
        ]
        return pd.DataFrame(rows)

    def pit(self, bins: int = 20) -> dict[str, npt.NDArray[np.int64]]:
        """How many probability integral transforms of each model lie in each of equal bins on [0, 1]."""
        ranks = zip(self.models, self._columns["pit"], strict=True)
        return {
            model: np.histogram(row[~np.isnan(row)], bins=bins, range=(0.0, 1.0))[0] for model, row in ranks
        }

    @cached_property
    def cumulative(self) -> pd.DataFrame:
        """The difference in CRPS added up over the origins: columns model, cutoff, difference."""
        if self.origins == 1:
            return pd.DataFrame(columns=["model", "cutoff", "difference"])
        frames = []
        for model in self.rivals:
            own, other, places = self._pair(DISTRIBUTION, model)
            line = {"cutoff": self._cutoffs[places], "difference": np.cumsum(other - own)}
            frames.append(pd.DataFrame({"model": model, **line}))
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def claimed(row: Mapping[str, Any] | pd.Series) -> bool:
    """Whether a row of `Comparison.significance` shows skill."""
    return bool(row["p_value"] < _TEST_LEVEL and row["difference"] > 0)


def _columns(frame: pd.DataFrame, models: list[str]) -> dict[str, Floats]:
    """(M, R) of each column of numbers; the models' rows must be of the same forecasts."""
    names = [*_NEEDED, *(name for name in frame.columns if name.startswith("q0.") or name in _OPTIONAL)]
    parts = [frame[frame["model"] == model] for model in models]
    for part, model in zip(parts, models, strict=True):
        for key in ("unique_id", "origin", "step"):
            same = len(part) == len(parts[0]) and (part[key].to_numpy() == parts[0][key].to_numpy()).all()
            if not same:
                raise DataError(
                    f"{model} does not have the same rows as {models[0]}: backtest both over the same origins"
                )
    found = {name: np.stack([part[name].to_numpy(dtype=np.float64) for part in parts]) for name in names}
    return {**{name: np.full(found["y"].shape, np.nan) for name in _OPTIONAL}, **found}


def _percent(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")
