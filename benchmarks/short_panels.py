"""With configs/forecast/panel.yaml and nothing set but the path, is it better than the best naive forecast?

The series of M1 and M3, yearly, quarterly and monthly, are written to a file with dates that end together,
and `tsrnn fit` and `tsrnn test` run on it. By default the file holds the training part of the competition,
`x`, whose last horizon is then what is tested: settings are chosen on that. `--test` appends `xx`, the values
that the competition tested on; nothing is chosen on those.

The best naive forecast is the one with the smallest MASE on what is tested, among the last value, the drift
and, where there is a season, the value of a season ago. Where `x` has fewer than two horizons of values (69
series of M1), the series is left out without `--test`.

    taskset -c 0 python benchmarks/short_panels.py [--panels m1_yearly m3_monthly] [--test] [--seeds 0]
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

CONFIG = Path(__file__).parent.parent / "configs" / "forecast" / "panel.yaml"
HORIZONS = {"yearly": 6, "quarterly": 8, "monthly": 18}
DATES = {"yearly": "YE", "quarterly": "QE", "monthly": "ME"}
PANELS = [f"{name}_{frequency}" for frequency in HORIZONS for name in ("m1", "m3")]
MASE, COVERED = "MASE ↓", "covers, % → 80"


def series(folder: Path, panel: str, tested: bool) -> pd.DataFrame:
    """The panel as a long frame."""
    name, frequency = panel.split("_")
    with gzip.open(folder / f"{name}.json.gz") as file:
        found: dict[str, Any] = json.load(file)
    frames = []
    for key, one in found.items():
        values = one["x"] + (one["xx"] if tested else [])
        if one["period"] != [frequency.upper()] or len(values) < 2 * HORIZONS[frequency]:
            continue
        ds = pd.date_range(end="1990-12-31", periods=len(values), freq=DATES[frequency])
        frames.append(pd.DataFrame({"unique_id": key, "ds": ds, "y": values}))
    return pd.concat(frames)


def run(*command: str) -> None:
    """One call of the command line; its message ends the benchmark where it fails."""
    done = subprocess.run([sys.executable, "-m", "tsrnn", *command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)


def scores(path: Path, seed: int, folder: Path) -> pd.DataFrame:
    """The scores that `tsrnn test` writes, the network first."""
    options = ["--data.path", str(path), "--seed_everything", str(seed), "--data.seed", str(seed)]
    root = folder / str(seed)
    run("fit", "--config", str(CONFIG), *options, "--trainer.default_root_dir", str(root))
    run("test", str(next((root / "panel").iterdir())))
    return pd.read_csv(next(root.rglob("test.csv")))


def row(panel: str, options: argparse.Namespace, data: Path) -> list[str]:
    """The panel's row of the table: medians over the seeds."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"{panel}.csv")
        frame = series(data, panel, options.test)
        frame.to_csv(path, index=False)
        results = []
        for seed in options.seeds:
            found = scores(path, seed, Path(folder))
            best = found.iloc[1:].sort_values(MASE).iloc[0]
            results.append((found[MASE][0], found[COVERED][0]))
    mase, covered = np.median(results, axis=0)
    count = f"{frame['unique_id'].nunique():,}"
    naive = [best["model"], f"{best[MASE]:.3f}", f"{best[COVERED]:.1f}"]
    return [panel, count, f"{mase:.3f}", *naive[:2], f"{mase / best[MASE]:.3f}", f"{covered:.1f}", naive[2]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--panels", nargs="+", default=PANELS, choices=PANELS)
    parser.add_argument("--test", action="store_true", help="on what the competition tested on")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], help="the median counts")
    options = parser.parse_args()
    folder = os.environ.get("TSRNN_BENCHMARK_DATA")
    if folder is None:
        sys.exit("short_panels.py: TSRNN_BENCHMARK_DATA must name the data's folder")
    names = [
        "panel",
        "series",
        "MASE ↓",
        "best naive",
        "its MASE ↓",
        "ratio ↓",
        "covers, % → 80",
        "it covers",
    ]
    print(f"| {' | '.join(names)} |\n|{' --- |' * len(names)}", flush=True)
    for panel in options.panels:
        print(f"| {' | '.join(row(panel, options, Path(folder, 'forecasting')))} |", flush=True)


if __name__ == "__main__":
    main()
