"""What does the Trainer cost over a bare PyTorch loop?

Two loops train the same model (LSTM, 64 hidden units, Student-t head) on the same windows (32 × 168 steps
of the bundled prices) with the same AdamW, cosine schedule and gradient clipping, in one process,
on one thread, turn by turn:

    trainer  `pl.Trainer`, `Forecaster`, `PriceSeries` and CSVLogger as the command line sets them up, without
             validation, checkpoints and start-up
    bare     torch.randint and an index, zero_grad, backward, clip_grad_norm_, optimizer.step, scheduler.step

A block is one epoch of the trainer, from the start of its first batch to the start of the next epoch's
first, so that the end of the epoch with its logging counts. After every 5 of its steps the bare loop takes
5, so that both meet the same moods of the machine. The figure is the median over the blocks of the ratio
of CPU times, trainer to bare; at most 1.15 is aimed at. With --panel the data are 100 made-up hourly series
in a `SeriesPanel`, the steps days of 24 values, encoded as they are drawn in both loops.

    taskset -c 0 python benchmarks/trainer_overhead.py [--blocks 30] [--panel]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import CSVLogger
from torch.optim import AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR

from tsrnn.backbones import LSTM
from tsrnn.data import PriceSeries, SeriesPanel
from tsrnn.data.loaders.windows import encoded_windows
from tsrnn.protocols import Encoding, Panel
from tsrnn.training import Forecaster
from tsrnn.training.runtime.quiet import quiet

WARM_UP, GRADIENT_CLIP, STEPS, TURN = 64, 1.0, 25, 5  # an epoch as shipped, in turns of 5 steps


def made_up_panel() -> SeriesPanel:
    """100 series of 1,000 hours: a daily wave and noise."""
    wave = np.sin(2 * np.pi * (np.arange(1_000) + np.arange(100)[:, None]) / 24)
    values = wave + 0.2 * np.random.default_rng(0).standard_normal(wave.shape)
    panel = Panel(tuple(map(str, range(100))), np.arange(1_000), values)
    return SeriesPanel.from_panel(panel, frequency="hourly", batch_size=32, batches_per_epoch=STEPS)


def price_windows(data: PriceSeries) -> Callable[[], Encoding]:
    """Random windows by an index, the first steps not scored."""
    series, sessions = data.encoding.observed.shape
    flat = data.encoding.map(lambda tensor: tensor.flatten(0, 1).contiguous())
    offsets = torch.arange(data.window_length)
    scored = offsets >= WARM_UP
    starts = data.spans[0] - data.window_length + 1
    generator = torch.Generator().manual_seed(0)

    def draw() -> Encoding:
        rows = torch.randint(series, (data.batch_size, 1), generator=generator)
        first = torch.randint(starts, (data.batch_size, 1), generator=generator)
        window = flat.take(rows * sessions + first + offsets)
        return window._replace(observed=window.observed & scored)

    return draw


def block_windows(data: SeriesPanel) -> Callable[[], Encoding]:
    """Random windows of raw values, encoded."""
    values, codec = data.panel.tensor(), data.codec
    generator = torch.Generator().manual_seed(0)

    def draw() -> Encoding:
        rows = torch.randint(len(values), (data.batch_size,), generator=generator)
        ends = torch.randint(codec.memory + 24, data.spans[0] + 1, (data.batch_size,), generator=generator)
        return encoded_windows(values, codec, rows, ends)

    return draw


def make_task(data: PriceSeries | SeriesPanel, steps: int) -> Forecaster:
    """The model and how it is optimised; the same numbers at every call."""
    torch.manual_seed(0)
    return Forecaster(
        codec=data.codec,
        backbone=partial(LSTM, hidden_size=64),
        optimizer=partial(AdamW, lr=1e-3, weight_decay=0.01),
        scheduler=partial(CosineAnnealingLR, T_max=steps),
    )


def bare_loop(data: PriceSeries | SeriesPanel, total_steps: int) -> Callable[[int], float]:
    """A function that trains so many steps in a plain loop and returns their CPU seconds."""
    task = make_task(data, total_steps)
    model, made = task.model, task.configure_optimizers()
    optimizer, scheduler = made["optimizer"], made["lr_scheduler"]["scheduler"]
    draw = block_windows(data) if isinstance(data, SeriesPanel) else price_windows(data)

    def train(steps: int) -> float:
        began = time.process_time()
        for _ in range(steps):
            window = draw()
            optimizer.zero_grad()
            losses, _ = model.loss(window)
            (losses.sum() / window.observed.sum().clamp_min(1)).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), GRADIENT_CLIP)
            optimizer.step()
            scheduler.step()
        return time.process_time() - began

    return train


class Alternation(pl.Callback):
    """Times the epochs of the trainer, and between its batches lets the bare loop take its turns."""

    def __init__(self, bare: Callable[[int], float]) -> None:
        self.bare = bare
        self.blocks: list[list[float]] = []  # CPU seconds of the trainer and of the bare loop
        self._began: float | None = None

    def on_train_batch_start(self, trainer: Any, task: Any, batch: Any, index: int) -> None:
        if index % TURN:
            return
        now = time.process_time()
        if self._began is not None:
            self.blocks[-1][0] += now - self._began
            self.blocks[-1][1] += self.bare(TURN)
        if index == 0:
            self.blocks.append([0.0, 0.0])
        self._began = time.process_time()


def measure(blocks: int, panel: bool) -> list[list[float]]:
    """CPU seconds of each block: trainer, bare."""
    torch.set_num_threads(1)
    pl.seed_everything(0, verbose=False)
    if panel:
        data = made_up_panel()
    else:
        data = PriceSeries(window_length=168, warm_up=WARM_UP, batch_size=32, batches_per_epoch=STEPS)
    epochs = blocks + 2  # the first block warms up; the last epoch has no next one to end it
    alternation = Alternation(bare_loop(data, epochs * STEPS))
    with quiet(), tempfile.TemporaryDirectory() as folder:
        trainer = pl.Trainer(
            max_epochs=epochs,
            accelerator="cpu",
            devices=1,
            gradient_clip_val=GRADIENT_CLIP,
            num_sanity_val_steps=0,
            limit_val_batches=0,
            enable_checkpointing=False,
            enable_model_summary=False,
            enable_progress_bar=False,
            callbacks=[alternation],
            logger=CSVLogger(folder, name="", version=""),
            default_root_dir=folder,
        )
        trainer.fit(make_task(data, epochs * STEPS), datamodule=data)
    return alternation.blocks[1:-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--blocks", type=int, default=30, help="epochs that are timed")
    parser.add_argument("--panel", action="store_true", help="blocks of a panel in place of prices")
    options = parser.parse_args()
    blocks = measure(options.blocks, options.panel)
    ratios = sorted(trainer / bare for trainer, bare in blocks)
    figures = {
        "trainer_ms_per_step": 1e3 * statistics.median(trainer for trainer, _ in blocks) / STEPS,
        "bare_ms_per_step": 1e3 * statistics.median(bare for _, bare in blocks) / STEPS,
        "ratio_median": statistics.median(ratios),
        "ratio_smallest": ratios[0],
        "ratio_largest": ratios[-1],
    }
    for name, value in figures.items():
        print(f"{name}\t{value:.3f}")


if __name__ == "__main__":
    main()
