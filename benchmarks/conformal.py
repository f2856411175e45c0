"""Does the rolling correction keep an LSTM's intervals at their level in 2008 and in 2020?

The share of the next day's prices, in percent, inside the central 80 and 95 percent intervals, pooled over
20 US stocks (prices/us20_adjclose.csv.gz in the folder that TSRNN_BENCHMARK_DATA names) and the days of a
calendar year: of the network, with the split and with the rolling correction.

    2008    trained to 2005, best epoch chosen on 2006 and 2007
    2020    trained to 2012, best epoch chosen on 2013 to 2015

The network is one model of all stocks, fitted by the command line with the shipped configuration. The
corrections look at nothing that it was trained or chosen on, so that in 2008 the rolling one begins with
the interval as it is, and the split one has no days to look back on: it is left out. `width` is the mean
width of the interval in percent of the last price, and `score` the mean interval score in the same unit
(Gneiting and Raftery 2007, section 6.2; less is better): what the coverage costs.

With --choose instead: each calendar year of two earlier spans, by the rate of the rolling correction: the
random walk with EWMA volatility in 1993 to 1999, and the first network in the span that it was chosen on.
The package's rate is the smallest whose one-step coverage is within a point of its level in all of them.

    taskset -c 0 python benchmarks/conformal.py [--runs RUN2008 RUN2020] [--choose] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

import tsrnn
from tsrnn.data import PriceSeries
from tsrnn.errors import DataError
from tsrnn.forecasts import Forecast, QuantileForecast
from tsrnn.predictors import RandomWalk
from tsrnn.predictors.conformal import Conformal
from tsrnn.protocols import Panel, Predictor

ROOT = Path(__file__).resolve().parents[1]
COMMAND = str(Path(sys.executable).with_name("tsrnn"))  # the console script beside this Python
SPANS = {
    2008: {"train_end": "2005-12-31", "valid_end": "2007-12-31"},
    2020: {"train_end": "2012-12-31", "valid_end": "2015-12-31"},
}
LEVELS = (80, 95)
RATES = (0.02, 0.05, 0.1, 0.2)


def data_of(year: int) -> PriceSeries:
    """The stocks, split for the network of a year."""
    folder = os.environ.get("TSRNN_BENCHMARK_DATA")
    if folder is None:
        sys.exit("conformal.py: TSRNN_BENCHMARK_DATA must name the data's folder")
    return PriceSeries(path=f"{folder}/prices/us20_adjclose.csv.gz", **SPANS[year])


def fitted(year: int, seed: int) -> Predictor:
    """The network of a year, by the command line."""
    with tempfile.TemporaryDirectory() as folder:
        options = [f"--data.{name}={value}" for name, value in SPANS[year].items()]
        options.append(f"--data.path={os.environ['TSRNN_BENCHMARK_DATA']}/prices/us20_adjclose.csv.gz")
        fit = [COMMAND, "fit", "--config", str(ROOT / "configs" / "forecast" / "prices_lstm.yaml"), *options]
        fit += [f"--seed_everything={seed}", f"--data.seed={seed}", f"--trainer.default_root_dir={folder}"]
        said = subprocess.run(fit, check=True, stdout=subprocess.PIPE, text=True).stdout
        run = next(line.split("\t")[1] for line in said.splitlines() if line.startswith("run\t"))
        return tsrnn.load(run)


class Remembered:
    """A predictor's forecasts one step ahead from all origins of a span, drawn once for all corrections."""

    def __init__(self, predictor: Predictor, panel: Panel, first: int, last: int) -> None:
        self.first = first
        self.whole = predictor.forecast(panel, 1, origins=range(first, last + 1))

    def forecast(self, panel: Panel, horizon: int, *, origins: Any = None, num_samples: int = 1000) -> Any:
        assert horizon == 1
        assert isinstance(self.whole, Forecast)
        places = np.asarray(origins) - self.first
        found = self.whole
        return Forecast(
            found.unique_ids,
            found.origins[places],
            found.ds[places],
            found.samples[places],
            found.last[places],
        )


def rows(model: str, year: int, forecast: Forecast | QuantileForecast, actual: np.ndarray) -> dict[str, Any]:
    """Coverage, width and interval score of each level."""
    row: dict[str, Any] = {"year": year, "model": model, "values": int((~np.isnan(actual)).sum())}
    for level in LEVELS:
        low, high = (bound[:, :, 0] for bound in forecast.interval(level))
        seen, last = ~np.isnan(actual), forecast.last
        missed = np.maximum(low - actual, 0) + np.maximum(actual - high, 0)
        score = (high - low + 2 / (1 - level / 100) * missed) / last
        row[f"coverage_{level}"] = 100 * (missed[seen] == 0).mean()
        row[f"width_{level}"] = 100 * ((high - low) / last)[seen].mean()
        row[f"score_{level}"] = 100 * score[seen].mean()
    return row


def year_rows(
    name: str,
    predictor: Predictor,
    panel: Panel,
    years: range,
    first: int,
    methods: dict[str, dict[str, Any]],
) -> list[dict[str, Any]]:
    """The predictor and its corrections in each calendar year, every correction from the origins of all."""
    begin, end = (
        int(np.searchsorted(panel.ds, np.datetime64(f"{year}-01-01"))) for year in (years[0], years[-1] + 1)
    )
    base = Remembered(predictor, panel, max(begin - 1 - 260, first - 1, 0), end - 2)
    origins = np.arange(begin - 1, end - 1)
    found = {name: base.forecast(panel, 1, origins=origins)}
    for method, options in methods.items():
        try:
            model = Conformal(base, levels=LEVELS, first=first, **options)
            found[f"{name}, {method}"] = model.forecast(panel, 1, origins=origins)
        except DataError as error:
            print(f"# {years[0]}: {method} left out: {error}")
    table = []
    for year in years:
        inside = panel.ds[origins + 1].astype("datetime64[Y]") == np.datetime64(str(year))
        for model_name, forecast in found.items():
            part = _only(forecast, inside)
            table.append(rows(model_name, year, part, panel.values[:, origins[inside] + 1].T))
    return table


def _only(forecast: Any, inside: np.ndarray) -> Any:
    """The forecast from some of its origins."""
    held = "samples" if isinstance(forecast, Forecast) else "values"
    parts = {name: getattr(forecast, name)[inside] for name in ("origins", "ds", "last", held)}
    levels = {} if held == "samples" else {"levels": forecast.levels}
    return type(forecast)(unique_ids=forecast.unique_ids, **parts, **levels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", nargs=2, metavar=("RUN2008", "RUN2020"), help="run folders, not to fit")
    parser.add_argument("--seed", type=int, default=0, help="of the fits")
    parser.add_argument("--choose", action="store_true", help="the rates on the years before 2008")
    parser.add_argument("--json", type=Path, help="write the table to this file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    table: list[dict[str, Any]] = []
    for place, year in enumerate([2008] if options.choose else SPANS):
        data = data_of(year)
        train, test, _ = data.spans
        network = tsrnn.load(options.runs[place]) if options.runs else fitted(year, options.seed)
        if options.choose:
            rates: dict[str, dict[str, Any]] = {
                f"rolling {rate:g}": {"method": "rolling", "rate": rate} for rate in RATES
            }
            walk = RandomWalk("ewma")
            table += year_rows(walk.name, walk, data.panel, range(1993, 2000), 0, rates)
            table += year_rows("LSTM", network, data.panel, range(2006, 2008), train, rates)
        else:
            methods = {method: {"method": method} for method in ("split", "rolling")}
            table += year_rows("LSTM", network, data.panel, range(year, year + 1), test, methods)
    frame = pd.DataFrame(table)
    print(frame.round(3).to_csv(sep="\t", index=False))
    if options.choose:
        for level in LEVELS:
            frame[f"deviation_{level}"] = (frame[f"coverage_{level}"] - level).abs()
        worst = frame.groupby("model", sort=False)[[f"deviation_{level}" for level in LEVELS]].max()
        print("# the worst year")
        print(worst.round(3).to_csv(sep="\t"))
    if options.json:
        options.json.write_text(json.dumps(table, indent=2) + "\n")


if __name__ == "__main__":
    main()
