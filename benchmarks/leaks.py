"""The leak test over the shipped configurations: at least 10,000 pairs of a series and a cut.

Those of prices are tested on the bundled prices; that of Yahoo on the same, for what Yahoo serves is
not the question; those of panels on 50 made-up series with a season.

    taskset -c 0 python benchmarks/leaks.py [--pairs 10000]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from tsrnn.cli.configuration import ConfiguredNetwork
from tsrnn.evaluation import leak_test

ROOT = Path(__file__).resolve().parents[1]
PRICES = ("prices_rnn", "prices_lstm", "prices_gru", "yahoo_lstm")
PANELS = {"m4_hourly": ("h", 24, 1200), "panel_daily": ("D", 7, 700), "panel_monthly": ("MS", 12, 240)}


def panel_file(folder: Path, frequency: str, season: int, steps: int) -> Path:
    """Fifty series with a level, a season and noise, some of which begin late, as a long CSV."""
    generator = np.random.default_rng(0)
    ds = pd.date_range("1990-01-01", periods=steps, freq=frequency)
    frames = []
    for series in range(50):
        level = generator.uniform(20, 200)
        pattern = np.resize(0.2 * level * generator.standard_normal(season), steps)
        y = np.abs(level + pattern + 0.05 * level * generator.standard_normal(steps)) + 1
        begin = int(generator.integers(0, steps // 4)) if series % 5 == 0 else 0
        frames.append(pd.DataFrame({"unique_id": f"S{series}", "ds": ds[begin:], "y": y[begin:]}))
    path = folder / f"panel_{frequency}.csv"
    pd.concat(frames).to_csv(path, index=False)
    return path


def changes_of(name: str, folder: Path) -> list[str]:
    """What must be set for a configuration to have data here."""
    if name == "yahoo_lstm":
        return ["--data=tsrnn.data.PriceSeries"]
    if name in PANELS:
        path = panel_file(folder, *PANELS[name])
        lone = ["--data.test_path=null"] if name == "m4_hourly" else []
        return [f"--data.path={path}", *lone]
    return []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=10_000)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("configuration\tseries\tpairs\tcomparisons\tviolations\tCPU seconds")
    total = 0
    names = [*PRICES, *PANELS]
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            config = ROOT / "configs" / "forecast" / f"{name}.yaml"
            network = ConfiguredNetwork(config, changes_of(name, Path(folder)), Path(folder))
            task, started = network.untrained.eval(), time.process_time()
            report = leak_test(
                network.data.reading,
                network.data.panel,
                make_predictor=lambda data, task=task: task,  # type: ignore[misc]
                pairs=-(-options.pairs // len(names)),
            )
            seconds = round(time.process_time() - started)
            print(
                name,
                report.series,
                report.pairs,
                sum(report.checks.values()),
                report.found,
                seconds,
                sep="\t",
                flush=True,
            )
            for violation in report.violations:
                print(f"  {violation}")
            total += report.pairs
    print(f"{total:,} pairs")


if __name__ == "__main__":
    main()
