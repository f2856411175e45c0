"""A resumed run's metrics hold those from before."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.loggers import CSVLogger


class EarlierMetrics(pl.Callback):
    """Copies what `metrics.csv` said up to the checkpoint that is resumed, in its run's folder.

    A resumed run has a folder of its own, so that its file would begin in the middle.
    """

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Hand the rows of the steps before the checkpoint to the loggers of such files."""
        if trainer.ckpt_path is None or not trainer.is_global_zero:
            return
        file = Path(trainer.ckpt_path).resolve().parent.parent / "metrics.csv"
        rows = _rows_before(file, int(checkpoint["global_step"]))
        for logger in trainer.loggers:
            if rows and isinstance(logger, CSVLogger):
                logger.experiment.metrics.extend(rows)


def _rows_before(file: Path, step: int) -> list[dict[str, Any]]:
    if not file.is_file():
        return []
    with file.open(encoding="utf-8", newline="") as stream:
        rows = [{key: cell for key, cell in row.items() if key and cell} for row in csv.DictReader(stream)]
    return [row for row in rows if row.get("step", "").isdecimal() and int(row["step"]) < step]
