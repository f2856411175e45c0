"""On panels that the model was not designed on, is it better than SeasonalNaive and AutoETS?

Panels, read from the folder forecasting in the one that TSRNN_BENCHMARK_DATA names; H is the horizon, m the
season, and the rolling origins are the last ones that leave H steps to score:

    m4_hourly     414 series of the M4 competition, one origin, H = 48, m = 24
    taylor        half-hourly electricity demand of England and Wales, 14 origins a day apart, H = 48, m = 48
    bike_sharing  daily hires of bicycles, 24 origins a week apart, H = 14, m = 7
    walmart       weekly sales of 7 departments, 8 origins 4 weeks apart, H = 8, m = 52
    m3_monthly    1428 series of the M3 competition, one origin, H = 18, m = 12
    m3_quarterly  756 series of the M3 competition, one origin, H = 8, m = 4
    exchange      8 daily exchange rates, 53 origins 14 days apart, all in the last tenth, H = 30, m = 1

MASE is that of the median forecast: the scale is from each series' values up to the origin, the mean is over
series and origins. wQL is at the deciles 0.1 to 0.9, pooled over series, origins and steps. Less is better.

Contenders: `SeasonalNaive` by its exact quantiles; AutoETS of statsforecast with season m, whose intervals
of 20, 40, 60 and 80 percent give the deciles and whose mean stands for the median. AutoETS drops the seasonal
part, silently, where m is above 24; there MSTL with season m is taken instead, with AutoETS without a season
for what remains (marked in the table). AutoETS is slow: its deciles and their CPU seconds are computed once
and kept in --cache.

    taskset -c 0 python benchmarks/panels.py [--panels m4_hourly taylor] [--model none] [--seeds 0]
        [--cache FOLDER]
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import importlib.metadata
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import platformdirs

from tsrnn.evaluation import mase, weighted_quantile_loss
from tsrnn.predictors import SeasonalNaive
from tsrnn.protocols import Panel

DECILES = np.arange(1, 10) / 10
CONFIG = Path(__file__).parent.parent / "configs" / "forecast" / "panel.yaml"
LARGE, LARGE_STEPS, SMALL_STEPS = 200_000, 1_000, 600  # values, and training steps
LARGEST_SEASON = 24  # of AutoETS


@dataclass(frozen=True)
class PanelCase:
    """A panel and what is asked of it.

    Attributes:
        name: its name in the table.
        panel: all values, those to forecast included.
        origins: indices into the panel's time steps, each the last one known to a forecast.
        horizon: H, the number of steps.
        season: m, steps in a season.
        frequency: how often the values come, in the words of `tsrnn.data.panels.seasons`.
    """

    name: str
    panel: Panel
    origins: tuple[int, ...]
    horizon: int
    season: int
    frequency: str

    @property
    def actual(self) -> np.ndarray:
        """(O, N, H) the observed values."""
        return np.stack([self.panel.values[:, origin + 1 :][:, : self.horizon] for origin in self.origins])


def aligned(series: Sequence[np.ndarray]) -> Panel:
    """The panel of series without dates, aligned at their ends."""
    lengths = np.array([len(values) for values in series])
    values = np.full((len(series), lengths.max()), np.nan)
    for row, numbers in zip(values, series, strict=True):
        row[len(row) - len(numbers) :] = numbers
    names = tuple(str(number) for number in range(1, len(series) + 1))
    return Panel(names, np.arange(values.shape[1]) + 1 - values.shape[1], values, ends=lengths)


def rolling(panel: Panel, horizon: int, count: int, step: int) -> tuple[int, ...]:
    """The last `count` origins that leave `horizon` steps, `step` apart."""
    last = panel.num_steps - 1 - horizon
    return tuple(range(last - step * (count - 1), last + 1, step))


def m4_hourly(folder: Path) -> PanelCase:
    tables = [pd.read_csv(folder / f"m4_hourly_{part}.csv.gz", index_col=0) for part in ("train", "test")]
    assert tables[0].index.equals(tables[1].index)
    rows = np.concatenate([table.to_numpy() for table in tables], axis=1)
    panel = aligned([row[~np.isnan(row)] for row in rows])
    return PanelCase("m4_hourly", panel, rolling(panel, 48, 1, 1), 48, 24, "hourly")


def taylor(folder: Path) -> PanelCase:
    frame = pd.read_csv(folder / "taylor_30min.csv.gz", parse_dates=["date"])
    ds = frame["date"].dt.tz_localize(None).to_numpy()
    panel = Panel(("demand",), ds, frame["value"].to_numpy(float)[None])
    return PanelCase("taylor", panel, rolling(panel, 48, 14, 48), 48, 48, "30min")


def bike_sharing(folder: Path) -> PanelCase:
    frame = pd.read_csv(folder / "bike_sharing_daily.csv.gz", parse_dates=["dteday"])
    panel = Panel(("cnt",), frame["dteday"].to_numpy(), frame["cnt"].to_numpy(float)[None], "24/7")
    return PanelCase("bike_sharing", panel, rolling(panel, 14, 24, 7), 14, 7, "daily")


def walmart(folder: Path) -> PanelCase:
    frame = pd.read_csv(folder / "walmart_weekly.csv.gz", parse_dates=["Date"])
    table = frame.pivot(index="id", columns="Date", values="Weekly_Sales")
    panel = Panel(tuple(table.index), table.columns.to_numpy(), table.to_numpy(float))
    return PanelCase("walmart", panel, rolling(panel, 8, 8, 4), 8, 52, "weekly")


def m3(folder: Path, frequency: str, horizon: int, season: int) -> PanelCase:
    with gzip.open(folder / "m3.json.gz") as file:
        series = [one for one in json.load(file).values() if one["period"] == [frequency.upper()]]
    assert all(len(one["xx"]) == horizon for one in series)
    panel = aligned([np.array(one["x"] + one["xx"], dtype=np.float64) for one in series])
    return PanelCase(f"m3_{frequency}", panel, rolling(panel, horizon, 1, 1), horizon, season, frequency)


def exchange(folder: Path) -> PanelCase:
    values = np.loadtxt(folder / "exchange_rate.txt.gz", delimiter=",").T
    names = ("AUS", "GBR", "CAN", "CHE", "CHN", "JPN", "NZL", "SGP")
    panel = Panel(names, np.arange(values.shape[1]), np.ascontiguousarray(values))
    return PanelCase("exchange", panel, rolling(panel, 30, 53, 14), 30, 1, "business")


CASES: dict[str, Callable[[Path], PanelCase]] = {
    "m4_hourly": m4_hourly,
    "taylor": taylor,
    "bike_sharing": bike_sharing,
    "walmart": walmart,
    "m3_monthly": partial(m3, frequency="monthly", horizon=18, season=12),
    "m3_quarterly": partial(m3, frequency="quarterly", horizon=8, season=4),
    "exchange": exchange,
}


def fit_and_forecast(case: PanelCase, seed: int) -> tuple[np.ndarray, float]:
    """(O, N, 9, H) deciles of configs/forecast/panel.yaml, and the CPU seconds to fit and forecast.

    The file is used as it is on every panel, but for the steps of a large one: the horizon and the frequency
    are the panel's own, and the codec is what the rule makes of them. It is fitted once, to what the first
    origin knows, and forecasts from all of them.
    """
    import pytorch_lightning as pl
    import torch
    import yaml

    from tsrnn.backbones import LSTM
    from tsrnn.data import SeriesPanel
    from tsrnn.heads import Quantiles
    from tsrnn.training import Forecaster
    from tsrnn.training.runtime.quiet import quiet

    torch.set_num_threads(1)
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    model, optimizer = config["model"]["init_args"], config["model"]["init_args"]["optimizer"]["init_args"]
    began, known = time.process_time(), case.origins[0] + 1
    panel = case.panel
    ends = None if panel.ends is None else panel.ends - (panel.num_steps - known)
    history = Panel(panel.unique_ids, panel.ds[:known], panel.values[:, :known], panel.calendar, ends)
    steps = LARGE_STEPS if (~np.isnan(history.values)).sum() > LARGE else SMALL_STEPS
    with quiet():
        pl.seed_everything(seed, verbose=False)
        data = SeriesPanel.from_panel(
            history,
            horizon=case.horizon,
            frequency=case.frequency,
            valid_size=0,
            test_size=0,
            batch_size=config["data"]["init_args"]["batch_size"],
            seed=seed,
        )
        task = Forecaster(
            data.codec,
            backbone=partial(LSTM, **model["backbone"]["init_args"]),
            head=Quantiles,
            embedding_size=model["embedding_size"],
            optimizer=partial(torch.optim.AdamW, **optimizer),
            scheduler=partial(torch.optim.lr_scheduler.CosineAnnealingLR, T_max=steps),
        )
        trainer = pl.Trainer(
            accelerator="cpu",
            max_steps=steps,
            gradient_clip_val=config["trainer"]["gradient_clip_val"],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(task, datamodule=data)
        if data.panel.unique_ids != panel.unique_ids:
            raise ValueError(f"{case.name}: series were left out")
        forecast = task.forecast(
            panel, case.horizon, origins=list(case.origins), num_samples=model["num_samples"]
        )
    return forecast.values, time.process_time() - began


def seasonal_naive(case: PanelCase) -> np.ndarray:
    """(O, N, 9, H) deciles."""
    model = SeasonalNaive(case.season)
    return model.quantiles(case.panel, case.horizon, list(DECILES), origins=case.origins)


def auto_ets(case: PanelCase) -> tuple[np.ndarray, float]:
    """(O, N, 9, H) deciles, and the CPU seconds that they took."""
    from statsforecast.models import MSTL, AutoETS

    model = AutoETS(season_length=case.season)
    if case.season > LARGEST_SEASON:
        model = MSTL(season_length=case.season, trend_forecaster=AutoETS(model="ZZN"))
    keys = (
        [f"lo-{level}" for level in (80, 60, 40, 20)]
        + ["mean"]
        + [f"hi-{level}" for level in (20, 40, 60, 80)]
    )
    warm_up = case.panel.values[0, : case.origins[0] + 1]  # numba compiles
    model.forecast(y=warm_up[~np.isnan(warm_up)], h=case.horizon, level=[20, 40, 60, 80])
    deciles, began = [], time.process_time()
    for origin in case.origins:
        for row in case.panel.values[:, : origin + 1]:
            result = model.forecast(y=row[~np.isnan(row)], h=case.horizon, level=[20, 40, 60, 80])
            deciles.append(np.stack([result[key] for key in keys]))
    seconds = time.process_time() - began
    return np.stack(deciles).reshape(len(case.origins), -1, len(DECILES), case.horizon), seconds


def cached_auto_ets(case: PanelCase, folder: Path) -> tuple[np.ndarray, float]:
    """What `auto_ets` returns, from the cache where the same was asked of the same data before."""
    asked = (case.origins, case.horizon, case.season, importlib.metadata.version("statsforecast"))
    key = hashlib.sha256(case.panel.values.tobytes() + repr(asked).encode()).hexdigest()[:12]
    path = folder / f"auto_ets_{case.name}_{key}.npz"
    if not path.exists():
        deciles, seconds = auto_ets(case)
        folder.mkdir(parents=True, exist_ok=True)
        partial_path = path.with_suffix(".part.npz")
        np.savez_compressed(partial_path, deciles=deciles, seconds=seconds)
        partial_path.replace(path)
    with np.load(path) as arrays:
        return arrays["deciles"], float(arrays["seconds"])


def scores(case: PanelCase, deciles: np.ndarray) -> tuple[float, float]:
    """MASE and wQL of (O, N, 9, H) deciles."""
    actual, medians = case.actual, deciles[:, :, 4]
    errors = [
        mase(actual[place], medians[place], case.panel.values[:, : origin + 1], case.season)
        for place, origin in enumerate(case.origins)
    ]
    return float(np.nanmean(errors)), weighted_quantile_loss(actual, np.moveaxis(deciles, 2, 0), DECILES)


def row(case: PanelCase, options: argparse.Namespace) -> list[str]:
    """The panel's row of the table."""
    ets, seconds = cached_auto_ets(case, options.cache)
    columns = [*scores(case, seasonal_naive(case)), *scores(case, ets)]
    if options.model == "tsrnn":
        results = []
        for seed in options.seeds:
            deciles, ours = fit_and_forecast(case, seed)
            results.append([*scores(case, deciles), ours])
        columns += np.median(results, axis=0).tolist()
    name = f"{case.name}{' (MSTL)' if case.season > LARGEST_SEASON else ''}"
    size = f"{len(case.panel.unique_ids)} × {len(case.origins)}"
    return [name, case.frequency, size, *(f"{column:.4g}" for column in columns), f"{seconds:.0f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--panels", nargs="+", default=list(CASES), choices=list(CASES))
    parser.add_argument("--model", default="none", choices=["none", "tsrnn"], help="our own model")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], help="of our model: the median counts")
    default = Path(platformdirs.user_cache_dir("tsrnn", appauthor=False), "benchmarks")
    parser.add_argument("--cache", type=Path, default=default, help="folder of the deciles of AutoETS")
    options = parser.parse_args()
    folder = os.environ.get("TSRNN_BENCHMARK_DATA")
    if folder is None:
        sys.exit("panels.py: TSRNN_BENCHMARK_DATA must name the data's folder")
    names = ["panel", "steps", "series × origins", "SeasonalNaive MASE ↓", "wQL ↓", "AutoETS MASE ↓", "wQL ↓"]
    names += ["tsrnn MASE ↓", "wQL ↓", "CPU s"] * (options.model == "tsrnn") + ["CPU s of AutoETS"]
    print(f"| {' | '.join(names)} |")
    print(f"| {' | '.join(['---'] * 2 + ['---:'] * (len(names) - 2))} |", flush=True)
    for name in options.panels:
        print(f"| {' | '.join(row(CASES[name](Path(folder, 'forecasting')), options))} |", flush=True)
    print("\nMSTL: AutoETS without a season on what MSTL leaves, as AutoETS itself knows no season above 24.")


if __name__ == "__main__":
    main()
