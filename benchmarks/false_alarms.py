"""How often skill is claimed where there is none, and found where there is some.

200 random walks of 3,000 steps in log prices with normal errors, and 200 series whose log returns are
autoregressive with φ = 0.3; the last 1,000 steps are forecast one step ahead, and each series is judged by
itself against the random walk, at 5 %, two-sided, on the winning side only. Judged are ridge regression on
lags, fitted to each series, and one GRU for each pool, trained by the shipped configuration on the first
1,500 steps and chosen on the next 500.

    taskset -c 0 python benchmarks/false_alarms.py [--series 200] [--epochs 40] [--only ridge]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from tsrnn.cli.configuration import ConfiguredNetwork
from tsrnn.evaluation import Comparison, Origins, backtest
from tsrnn.evaluation.backtests.comparison import claimed
from tsrnn.predictors import RandomWalk
from tsrnn.predictors.ridge import RidgeLags
from tsrnn.protocols import Panel

ROOT = Path(__file__).resolve().parents[1]
STEPS, TESTED = 3000, 1000


def pool(series: int, phi: float, seed: int) -> Panel:
    """Series whose log returns have a deviation of 1 % and the autoregressive coefficient φ."""
    generator = np.random.default_rng(seed)
    returns = 0.01 * generator.standard_normal((series, STEPS))
    for step in range(1, STEPS):
        returns[:, step] += phi * returns[:, step - 1]
    names = tuple(f"S{number:03d}" for number in range(series))
    days = pd.bdate_range("2000-01-03", periods=STEPS).to_numpy()
    return Panel(names, days, 100 * np.exp(returns.cumsum(axis=1)), "24/5")


def claims(frame: pd.DataFrame, model: str) -> dict[str, int]:
    """In how many series skill is claimed, by loss."""
    counts = {"squared error": 0, "CRPS": 0}
    for _, part in frame[frame["model"].isin([model, "random walk"])].groupby("unique_id", observed=True):
        rows = Comparison(part, "random walk").significance
        for loss in counts:
            counts[loss] += claimed(rows[rows["loss"] == loss].iloc[0])
    return counts


def network(panel: Panel, epochs: int, folder: Path) -> Any:
    """The GRU of the shipped configuration, trained on what lies before the tested steps."""
    path = folder / "pool.csv"
    frame = pd.DataFrame(panel.values.T, columns=list(panel.unique_ids))
    frame.insert(0, "date", panel.ds)
    frame.to_csv(path, index=False)
    known, total = STEPS - TESTED, STEPS
    shares = [(known - 500) / total, 500 / total, 1 - known / total]
    changes = [f"--data.path={path}", "--data.calendar=24/5", f"--data.split={shares}"]
    changes += [f"--trainer.max_epochs={epochs}"]
    return ConfiguredNetwork(ROOT / "configs" / "forecast" / "prices_gru.yaml", changes, folder / "fits")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=int, default=200)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--paths", type=int, default=100)
    parser.add_argument("--only", choices=["ridge", "gru"])
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("pool\tmodel\tseries\tclaimed, squared error\tclaimed, CRPS")
    for name, phi, seed in (("random walks", 0.0, 1), ("AR(1), φ = 0.3", 0.3, 2)):
        panel = pool(options.series, phi, seed)
        with tempfile.TemporaryDirectory() as folder:
            models: list[Any] = []
            if options.only != "gru":
                models.append(RidgeLags())
            if options.only != "ridge":
                models.append(network(panel, options.epochs, Path(folder)))
            frame = backtest(
                [RandomWalk(), *models], panel, 1, Origins(STEPS - TESTED - 1), num_samples=options.paths
            )
        for model in models:
            counts = claims(frame, model.name)
            print(name, model.name, len(panel.unique_ids), *counts.values(), sep="\t", flush=True)


if __name__ == "__main__":
    main()
