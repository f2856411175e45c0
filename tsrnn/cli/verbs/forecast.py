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
from tsrnn.cli.output import one_line_warnings, say, show, write_table
from tsrnn.cli.parser import LineParser, add_checkpoint, positive
from tsrnn.data import read_prices, read_series
from tsrnn.data.panels.ends import at_own_ends
from tsrnn.data.prices.series import panel_of
from tsrnn.errors import ConfigError, DataError, DataWarning
from tsrnn.evaluation.backtests.seen import first_unseen
from tsrnn.evaluation.report.plots import fan_chart, spaced_origins
from tsrnn.files import atomic_file
from tsrnn.forecasts import Forecast, QuantileForecast
from tsrnn.predictors import Conformal
from tsrnn.protocols import Panel, time_text
from tsrnn.training.runtime.run_folder import new_run_folder

_MOST_SERIES = 10
# The options that are arguments of `read_prices`.
_READING = ("column", "symbols", "on_missing", "decimal", "thousands", "dates", "on_units", "comment")


def run(verb: str, arguments: list[str]) -> int:
    """Forecast every series beyond its last time step."""
    parser = _parser(verb)
    options = parser.parse(arguments)
    torch.set_num_threads(options.threads)
    with one_line_warnings():
        task = load_forecaster(options.checkpoint, options.modules)
        panel = _panel(parser, options, task)
        seen = first_unseen(panel, task.seen)
        predictor: Any = task
        if options.conformal:
            predictor = Conformal(task, options.conformal, tuple(sorted(set(options.levels))), first=seen)
        forecast = partial(predictor.forecast, seed=options.seed)
        horizon = options.horizon or task.horizon
        future = forecast(panel, horizon, num_samples=options.paths)
        origins = []
        if seen is not None and options.past > 0 and options.conformal != "split":
            origins = spaced_origins(panel.num_steps, seen, horizon, options.past)
        past = None
        if origins:
            past = forecast(panel, horizon, origins=origins, num_samples=options.paths)
        folder = Path(options.out) if options.out else new_run_folder("runs", "forecast")
        folder.mkdir(parents=True, exist_ok=True)
        write_forecast(panel, future, past, folder, options.levels)
    return 0


def _parser(verb: str) -> LineParser:
    parser = LineParser(
        prog=f"tsrnn {verb}", description="Sampled paths of each series beyond its last time step."
    )
    add_checkpoint(parser)
    parser.add_argument(
        "file", metavar="FILE", nargs="?", help="prices to forecast from; default: those in CKPT"
    )
    parser.add_argument(
        "--horizon", type=positive, help="time steps ahead; default: those that CKPT was trained for"
    )
    parser.add_argument(
        "--levels", type=_level, nargs="+", default=[80, 95], help="central intervals, in percent"
    )
    parser.add_argument(
        "--conformal",
        choices=("split", "rolling"),
        help="correct the intervals by their coverage in the time steps that the model has not seen",
    )
    parser.add_argument("--paths", type=positive, default=1000, help="sampled paths a series")
    parser.add_argument("--seed", type=int, default=0, help="of the paths")
    parser.add_argument(
        "--past", type=int, default=5, help="origins in the test span to draw in the picture as well"
    )
    parser.add_argument(
        "--out", help="a folder for forecast.csv and forecast.png; default: a new one in runs/"
    )
    parser.add_argument("--column", help="the column of the price in FILE")
    parser.add_argument("--symbols", nargs="+", help="the symbols to take from FILE; default: all")
    parser.add_argument(
        "--on-missing", choices=("error", "drop"), default="error", help="at a missing price in FILE"
    )
    parser.add_argument("--calendar", default="auto", help="of FILE: auto, XNYS, week, 24/7, none, ...")
    parser.add_argument(
        "--decimal", choices=(".", ","), default=".", help="the mark before decimals in a FILE of CSV"
    )
    parser.add_argument(
        "--thousands", choices=(",", ".", " ", "'"), help="the mark between thousands there; default: none"
    )
    parser.add_argument(
        "--dates",
        choices=("auto", "epoch", "dmy", "mdy"),
        default="auto",
        help="of FILE: day or month first, or seconds since 1970",
    )
    parser.add_argument(
        "--on-units", choices=("error", "drop"), default="error", help="at a currency sign in FILE"
    )
    parser.add_argument("--comment", help="what begins a line to skip in a FILE of CSV, such as #")
    return parser


def _level(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not between 0 and 100 percent")
    return value


def _panel(parser: LineParser, options: argparse.Namespace, task: Any) -> Panel:
    if options.file is not None and task.model.codec.kind == "series":
        for name in _READING:
            if getattr(options, name) != parser.get_default(name):
                problem = f"--{name.replace('_', '-')} is for a file of prices, and CKPT forecasts series"
                raise ConfigError(problem)
        return at_own_ends(read_series(options.file, calendar=options.calendar), options.file)
    if options.file is not None:
        reading = {name: getattr(options, name) for name in _READING}
        return panel_of(read_prices(options.file, **reading), options.calendar, options.file)
    for name in (*_READING, "calendar"):
        if getattr(options, name) != parser.get_default(name):
            raise ConfigError(f"--{name.replace('_', '-')} is about a FILE, and none is named")
    if task.history is None:
        raise DataError("the checkpoint holds no series to forecast from: name a file")
    panel: Panel = task.history
    return panel


def write_forecast(
    panel: Panel,
    future: Forecast | QuantileForecast,
    past: Forecast | QuantileForecast | None,
    folder: Path,
    levels: Sequence[float],
) -> None:
    """Write forecast.csv and forecast.png, show the table and say where they are."""
    frame = future.to_frame(levels)
    write_table(frame.drop(columns="cutoff"), folder / "forecast.csv")
    highest = frame[f"q{0.5 + max(levels) / 200:.6g}"]
    carried = frame["unique_id"][frame["mean"] > highest].unique()
    if len(carried):
        names = ", ".join(carried[:5]) + (", ..." if len(carried) > 5 else "")
        warnings.warn(DataWarning(f"a few paths carry the mean of {names}: read the median"), stacklevel=2)
    figure = fan_chart(panel, future, past=past, levels=tuple(levels))
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


def _summary(frame: pd.DataFrame, levels: Sequence[float]) -> pd.DataFrame:
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
        return pd.DataFrame(columns)
    columns["P(up)"] = [f"{value:.2f}" for value in chosen["probability_up"]]
    for name, column in (("VaR", "value_at_risk_5"), ("ES", "expected_shortfall_5")):
        percent = 100 * chosen[column]
        decimals = percent.abs().groupby(chosen["unique_id"]).transform(_decimals, digits=2)
        columns[name] = [f"{text}%" for text in _rounded(percent, decimals)]
    return pd.DataFrame(columns)


def _decimals(sizes: pd.Series[float], digits: int) -> int:
    """The decimals by which the smallest size has so many significant digits; two without a size."""
    smallest = sizes[sizes > 0].min()
    return 2 if np.isnan(smallest) else min(max(digits - 1 - math.floor(math.log10(smallest)), 0), 10)


def _rounded(values: pd.Series[float], decimals: pd.Series[int]) -> list[str]:
    return [f"{value:,.{places:.0f}f}" for value, places in zip(values, decimals, strict=True)]
