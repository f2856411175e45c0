"""Callbacks of the shipped configurations."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import ModelCheckpoint

from tsrnn.files import atomic_file


class RunCheckpoint(ModelCheckpoint):
    """Lightning's ModelCheckpoint under one name, which keeps the best when training resumes.

    A resumed run has a folder of its own. The best checkpoint so far, which lies beside the one that is
    resumed, is copied into it with its score, so that the folder's best is the best of the whole training,
    and the old folder stays as it was. What a checkpoint says of paths is not read.

    Args:
        filename: of the checkpoint, without its suffix: best, last.
        monitor: what is to be smallest; None keeps the latest.
    """

    def __init__(self, filename: str = "best", monitor: str | None = "valid_nats") -> None:
        super().__init__(filename=filename, monitor=monitor, enable_version_counter=False)
        self._resumed_from: Path | None = None

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Note the folder of the checkpoint that the user has named."""
        self._resumed_from = None if trainer.ckpt_path is None else Path(trainer.ckpt_path).parent.resolve()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Resume with the best so far: its score from the state, its file from the folder that is resumed."""
        score = state_dict.get("best_model_score")
        if self._resumed_from is None or self.dirpath is None or score is None or math.isnan(float(score)):
            return
        name = f"{self.filename}{self.FILE_EXTENSION}"
        # As Lightning writes it: it removes the best so far where the better one has another path.
        old, new = self._resumed_from / name, Path(self.dirpath) / name
        if not old.is_file():
            return
        if old != new.resolve():
            new.parent.mkdir(parents=True, exist_ok=True)
            with atomic_file(new) as partial:
                shutil.copyfile(old, partial)
        self.best_model_path = self.kth_best_model_path = str(new)
        self.best_model_score = self.kth_value = score
        self.best_k_models = {str(new): score}
