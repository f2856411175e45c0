"""tsrnn forecast CKPT [FILE]: a table, a CSV and a picture."""

from __future__ import annotations

import argparse
import math
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from tsrnn.cli.checkpoints import load_forecaster
from tsrnn.cli.output import say, show, write_table
from tsrnn.cli.reading import read_file
from tsrnn.errors import DataError, DataWarning
from tsrnn.evaluation.backtests.seen import first_unseen
from tsrnn.files import atomic_file
from tsrnn.forecasts import Forecast, QuantileForecast
from tsrnn.predictors import Conformal
from tsrnn.protocols import Panel, time_text
from tsrnn.training.runtime.run_folder import new_run_folder

_MOST_SERIES = 10
_PAST_PATHS = 200
"""Of a past fan, which only the picture shows: with 1,000, five of them took most of the verb's time."""


def run(options: argparse.Namespace) -> int:
    """Forecast every series beyond its last time step."""
    from tsrnn.evaluation.report.plots import spaced_origins  # matplotlib, which `fit` does not need

    torch.set_num_threads(options.threads)
    loaded = load_forecaster(options.checkpoint, options.modules)
    panel = loaded.history if options.file is None else read_file(options, loaded)
    if panel is None:
        raise DataError("the checkpoint holds no series to forecast from: name a file")
    seen = first_unseen(panel, loaded.seen)
    predictor: Any = loaded
    if options.conformal:
        predictor = Conformal(loaded, options.conformal, tuple(sorted(set(options.levels))), first=seen)
    forecast = partial(predictor.forecast, seed=options.seed)
    horizon = options.horizon or loaded.horizon
    future = forecast(panel, horizon, num_samples=options.paths)
    origins = []
    if seen is not None and options.past > 0 and options.conformal != "split":
        origins = spaced_origins(panel.num_steps, seen, horizon, options.past)
    past = None
    if origins:
        past = forecast(panel, horizon, origins=origins, num_samples=min(options.paths, _PAST_PATHS))
    folder = Path(options.out) if options.out else new_run_folder("runs", "forecast")
    folder.mkdir(parents=True, exist_ok=True)
    write_forecast(panel, future, past, folder, options.levels)
    return 0


def write_forecast(
    panel: Panel,
    future: Forecast | QuantileForecast,
    past: Forecast | QuantileForecast | None,
    folder: Path,
    levels: Sequence[float],
) -> None:
    """Write forecast.csv and forecast.png, show the table and say where they are."""
    from tsrnn.evaluation.report.plots import fan_chart

    frame = future.to_frame(levels)
    write_table(frame.drop(columns="cutoff"), folder / "forecast.csv")
    highest = frame[f"q{0.5 + max(levels) / 200:.6g}"]
    carried = frame["unique_id"][frame["mean"] > highest].unique()
    if len(carried):
        names = ", ".join(carried[:5]) + (", ..." if len(carried) > 5 else "")
        warnings.warn(DataWarning(f"a few paths carry the mean of {names}: read the median"), stacklevel=2)
    figure = fan_chart(panel, future, past=past, levels=tuple(levels))
    if (layout := figure.get_layout_engine()) is not None:
        layout.execute(figure)
        figure.set_layout_engine(None)  # else `savefig` draws twice
    with atomic_file(folder / "forecast.png") as partial:
        figure.savefig(partial, dpi=150, format="png")
    title = f"{future.ds.shape[1]} time steps after {time_text(future.origins[0])}"
    if future.ends is not None:
        title = f"{future.ds.shape[1]} time steps after each series' last"
    if "probability_up" in frame:
        title += "; VaR and ES of 5 %, in percent of the last price"
    ids = future.unique_ids
    if len(ids) > _MOST_SERIES:
        title += f"; the first {_MOST_SERIES} of {len(ids)} series"
        frame = frame[frame["unique_id"].isin(ids[:_MOST_SERIES])]
    show(_summary(frame, levels), title)
    say("table", folder / "forecast.csv")
    say("picture", folder / "forecast.png")


def _summary(frame: pd.DataFrame, levels: Sequence[float]) -> dict[str, list[str]]:
    """The first time step, the last, and some between, with intervals as one column each."""
    step = frame.groupby("unique_id", sort=False).cumcount() + 1
    horizon = int(step.max())
    chosen = frame[step.isin({1, *(h for h in (5, 10, 20, 60, 120, 250) if h < horizon), horizon})]
    columns = {"series": list(chosen["unique_id"]), "time": list(map(time_text, chosen["ds"]))}
    if any(" " in text for text in columns["time"]):
        columns["time"] = list(map(str, chosen["ds"]))  # midnight is an hour among others
    ends = {level: [chosen[f"q{0.5 + sign * level / 200:.6g}"] for sign in (-1, 1)] for level in levels}
    low, high = ends[min(levels)]
    # As many as tell how wide an interval is: 1.09842–1.10037, and no decimals of 45,120–61,300.
    decimals = (high - low).groupby(chosen["unique_id"]).transform(_decimals, digits=4)
    columns["median"] = _rounded(chosen["q0.5"], decimals)
    for level, (low, high) in ends.items():
        pairs = zip(_rounded(low, decimals), _rounded(high, decimals), strict=True)
        columns[f"{level:g} %"] = ["–".join(pair) for pair in pairs]
    if "probability_up" not in chosen:
        return columns
    columns["P(up)"] = [f"{value:.2f}" for value in chosen["probability_up"]]
    for name, column in (("VaR", "value_at_risk_5"), ("ES", "expected_shortfall_5")):
        percent = 100 * chosen[column]
        decimals = percent.abs().groupby(chosen["unique_id"]).transform(_decimals, digits=2)
        columns[name] = [f"{text}%" for text in _rounded(percent, decimals)]
    return columns


def _decimals(sizes: pd.Series[float], digits: int) -> int:
    """The decimals by which the smallest size has so many significant digits; two without a size."""
    smallest = sizes[sizes > 0].min()
    return 2 if np.isnan(smallest) else min(max(digits - 1 - math.floor(math.log10(smallest)), 0), 10)


def _rounded(values: pd.Series[float], decimals: pd.Series[int]) -> list[str]:
    return [f"{value:,.{places:.0f}f}" for value, places in zip(values, decimals, strict=True)]
