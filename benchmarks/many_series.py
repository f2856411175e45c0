"""How do memory and time grow with the number of series?

Seasonal series with noise, made from a seed, stand in Parquet files of long form (unique_id, ds, y): 1,000
hours each of 2,500, 5,000 and 10,000 series; with --large 500 hours of 100,000 instead. For each file one
process of its own reads it, takes 100 training steps and forecasts all series 24 hours ahead. Seconds are
CPU seconds of each part; memory is the most that the process had in RAM up to the end of the part, the
libraries included. The last column is the CPU seconds a series of all parts, relative to the first row: 1 is
linear growth, and training, which takes as many steps whatever the number, makes it less.

    taskset -c 0 python benchmarks/many_series.py [--large] [--steps 100] [--folder FOLDER]

The files are kept in --folder, where one is given, and made once.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

SIZES = [(2_500, 1_000), (5_000, 1_000), (10_000, 1_000)]
LARGE = (100_000, 500)
HORIZON, SEASON, GROUP = 24, 24, 500
PARTS = ["read", "train", "forecast"]


def write_panel(path: Path, series: int, hours: int, seed: int = 0) -> None:
    """y = level (1 + amplitude sin(2π t / 24 + phase)) plus noise, `GROUP` series at a time."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import parquet

    generator = np.random.default_rng(seed)
    schema = pa.schema([("unique_id", pa.string()), ("ds", pa.timestamp("ns")), ("y", pa.float64())])
    ds = np.datetime64("2024-01-01", "ns") + np.arange(hours) * np.timedelta64(1, "h")
    angle = 2 * np.pi * np.arange(hours) / SEASON
    with parquet.ParquetWriter(path, schema) as writer:
        for first in range(0, series, GROUP):
            count = min(GROUP, series - first)
            level = generator.lognormal(3.0, 1.0, (count, 1))
            amplitude, noise = generator.uniform(0.1, 0.8, (2, count, 1))
            wave = np.sin(angle + generator.uniform(0, 2 * np.pi, (count, 1)))
            values = level * (1 + amplitude * wave + 0.3 * noise * generator.standard_normal((count, hours)))
            names = np.repeat([f"s{number:06d}" for number in range(first, first + count)], hours)
            columns = [pa.array(names), pa.array(np.tile(ds, count)), pa.array(values.reshape(-1))]
            writer.write_table(pa.table(columns, schema=schema))


def usage() -> tuple[float, float]:
    """CPU seconds and peak MB of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime, used.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def measure(path: Path, steps: int) -> dict[str, tuple[float, float]]:
    """CPU seconds and peak MB of each part, and of the imports before."""
    import pytorch_lightning as pl

    from tsrnn.data import SeriesPanel
    from tsrnn.heads import Quantiles
    from tsrnn.training import Forecaster
    from tsrnn.training.runtime.quiet import quiet

    pl.seed_everything(0, verbose=False)
    marks = [usage()]
    data = SeriesPanel(path=str(path), horizon=HORIZON)
    print(data.panel.num_steps, "time steps")  # read here, and not when it is first used
    marks.append(usage())
    task = Forecaster(codec=data.codec, head=Quantiles)
    nothing = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    with quiet():
        trainer = pl.Trainer(max_steps=steps, limit_val_batches=0, enable_model_summary=False, **nothing)
        trainer.fit(task, datamodule=data)
    if trainer.global_step != steps:
        raise RuntimeError(f"{trainer.global_step} steps were taken, not {steps}")
    marks.append(usage())
    task.forecast(data.panel, HORIZON)
    marks.append(usage())
    parts = {
        name: (after[0] - before[0], after[1])
        for name, before, after in zip(PARTS, marks, marks[1:], strict=False)
    }
    return {"import": marks[0], **parts}


def measure_apart(path: Path, steps: int) -> dict[str, tuple[float, float]]:
    """What `measure` returns, from a process of its own: a peak once reached hides all smaller ones."""
    command = [sys.executable, __file__, "--measure", str(path), "--steps", str(steps)]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(said.splitlines()[-1])


def print_table(folder: Path, sizes: list[tuple[int, int]], steps: int) -> None:
    names = ["series × hours", "imports MB"] + [f"{part} {unit}" for part in PARTS for unit in ("s", "MB")]
    names.append("seconds a series, relative")
    print(f"| {' | '.join(names)} |\n|{' ---: |' * len(names)}", flush=True)
    base = None
    for series, hours in sizes:
        path = folder / f"series_{series}_{hours}.parquet"
        if not path.exists():
            unfinished = path.with_suffix(".part")
            # Made in a process of its own: a child's peak starts at what its parent has.
            writer = multiprocessing.get_context("spawn").Process(
                target=write_panel, args=(unfinished, series, hours)
            )
            writer.start()
            writer.join()
            if writer.exitcode:
                sys.exit(f"many_series.py: {path} could not be written")
            unfinished.replace(path)
        parts = measure_apart(path, steps)
        each = sum(parts[part][0] for part in PARTS) / series
        base = each if base is None else base
        columns = [f"{series:,} × {hours:,}", f"{parts['import'][1]:.0f}"]
        columns += [text for part in PARTS for text in (f"{parts[part][0]:.1f}", f"{parts[part][1]:.0f}")]
        print(f"| {' | '.join([*columns, f'{each / base:.2f}'])} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large", action="store_true", help="100,000 series instead")
    parser.add_argument("--steps", type=int, default=100, help="training steps")
    parser.add_argument("--folder", type=Path, help="keeps the files; default a temporary one")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure, options.steps)))
        return
    sizes = [LARGE] if options.large else SIZES
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        print_table(folder, sizes, options.steps)


if __name__ == "__main__":
    main()
