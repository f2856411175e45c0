"""What a backtest says of the shipped configuration on 20 US stocks, and what it costs.

density: one-step forecasts of 2016 to 2022, trained to 2012 and chosen on 2013 to 2015, by `tsrnn
backtest`, against GJR-GARCH(1,1)-t fitted to each stock up to 2015: how many nats a day the network's are
lower (means over the stocks), their Diebold-Mariano statistic with 20 Newey-West lags, and the coverage
of the intervals.

speed: 20 stocks × 250 origins × horizon 20 × 200 paths, forecast and scored, of a network and of baselines.

    taskset -c 0 python benchmarks/backtest.py [--only density|speed] [--seeds 0 1 2]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from tsrnn import LSTM, Comparison, PriceSeries, RandomWalk
from tsrnn.evaluation import score_forecast
from tsrnn.predictors import Drift, EWMAStudentT, HistoricalSimulation, RidgeLags
from tsrnn.training import Forecaster

ROOT = Path(__file__).resolve().parents[1]
COMMAND = str(Path(sys.executable).with_name("tsrnn"))  # the console script beside this Python
CONFIG = str(ROOT / "configs" / "forecast" / "prices_lstm.yaml")
GARCH = "GJR-GARCH(1,1)-t"


def prices() -> str:
    """The file of the 20 stocks."""
    folder = os.environ.get("TSRNN_BENCHMARK_DATA")
    if folder is None:
        sys.exit("backtest.py: TSRNN_BENCHMARK_DATA must name the data's folder")
    return f"{folder}/prices/us20_adjclose.csv.gz"


def density(seeds: list[int]) -> None:
    """One backtest a seed, by the command line."""
    rows = []
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            options = ["--data.train_end=2012-12-31", "--data.valid_end=2015-12-31"]
            options += [f"--seed_everything={seed}", f"--data.seed={seed}", "--horizon=1", "--stride=1"]
            options += ["--baselines", "gjr-garch", "--out", folder]
            said = subprocess.run(
                [COMMAND, "backtest", CONFIG, prices(), *options],
                check=True,
                stdout=subprocess.PIPE,
                text=True,
            ).stdout
            frame = pd.read_parquet(Path(folder) / "backtest.parquet")
        print(*(line for line in said.splitlines() if line.startswith("verdict")), sep="\n")
        comparison = Comparison(frame, GARCH, lags=20)
        tests = comparison.significance.set_index(["model", "loss"]).loc[("LSTM", "nats")]
        own = comparison.scores.set_index("model").loc["LSTM"]
        coverage = {f"{level} %": own[f"coverage_{level}"] for level in (80, 95)}
        rows.append({"seed": seed, "nats": tests["difference"], "DM": tests["statistic"], **coverage})
    table = pd.DataFrame(rows)
    print(f"# LSTM against {GARCH}, nats a day")
    print(table.round(4).to_csv(sep="\t", index=False), end="")
    print(f"median\t{table['nats'].median():.4f}\t{table['DM'].median():.2f}")


def speed() -> None:
    """CPU seconds to forecast and to score."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    data = PriceSeries(prices())
    panel = data.panel
    origins = np.arange(panel.num_steps - 21 - 249 * 7, panel.num_steps - 20, 7).tolist()
    # As the shipped configuration has it; what it costs does not depend on the weights.
    network = Forecaster(data.codec, partial(LSTM, hidden_size=48), embedding_size=32).eval()
    print("# 20 stocks × 250 origins × horizon 20 × 200 paths\nmodel\tforecast\tscored, CPU seconds")
    models: list[Any] = [RandomWalk(), RandomWalk("ewma"), Drift(), HistoricalSimulation(), EWMAStudentT()]
    for model in [*models, RidgeLags(), network]:
        started = time.process_time()
        forecast = model.forecast(panel, 20, origins=origins, num_samples=200)
        middle = time.process_time()
        score_forecast(model.name, forecast, panel)
        ended = time.process_time()
        print(f"{model.name}\t{middle - started:.2f}\t{ended - middle:.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=["density", "speed"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    options = parser.parse_args()
    if options.only != "density":
        speed()
    if options.only != "speed":
        density(options.seeds)


if __name__ == "__main__":
    main()
