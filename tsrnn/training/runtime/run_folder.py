"""Each run has a folder of its own: nothing is ever overwritten."""

from __future__ import annotations

import contextlib
import os
from datetime import datetime
from pathlib import Path


def new_run_folder(root: str | Path, name: str) -> Path:
    """A new folder root/name/<date and time>.

    Two runs that start in the same second get two folders.
    """
    parent = Path(root) / name
    stamp = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    for attempt in range(1, 10_000):
        folder = parent / (stamp if attempt == 1 else f"{stamp}_{attempt}")
        with contextlib.suppress(FileExistsError):
            folder.mkdir(parents=True)
            return folder
    raise FileExistsError(f"{parent}: no free folder for a run")


def link_latest(root: str | Path, folder: Path) -> None:
    """Let root/latest point to the folder."""
    link, partial = Path(root) / "latest", Path(root) / f".latest.{os.getpid()}"
    # A file system without links has no `latest`; the run itself is none the worse.
    with contextlib.suppress(OSError):
        partial.symlink_to(os.path.relpath(folder, root), target_is_directory=True)
        partial.replace(link)
