"""Callbacks of the shipped configurations."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from pytorch_lightning.callbacks import ModelCheckpoint


class RunCheckpoint(ModelCheckpoint):
    """Lightning's ModelCheckpoint under one name, which takes the best along when training resumes.

    A resumed run has a folder of its own. The best checkpoint so far is copied into it with its score, so
    that the folder's best is the best of the whole training, and the old folder stays as it was.

    Args:
        filename: of the checkpoint, without its suffix: best, last.
        monitor: what is to be smallest; None keeps the latest.
    """

    def __init__(self, filename: str = "best", monitor: str | None = "valid_nats") -> None:
        super().__init__(filename=filename, monitor=monitor, enable_version_counter=False)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from the state of the run that is resumed."""
        old, new = Path(state_dict["dirpath"]), Path(str(self.dirpath))
        best = f"{self.filename}{self.FILE_EXTENSION}"
        if old != new and (old / best).is_file():
            new.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(old / best, new / best)
            kept = {str(new / best): score for score in state_dict["best_k_models"].values()}
            place = {"dirpath": str(new), "best_k_models": kept, "last_model_path": ""}
            paths = {"best_model_path": str(new / best), "kth_best_model_path": str(new / best)}
            state_dict = {**state_dict, **place, **paths}
        super().load_state_dict(state_dict)
