"""Files and folders that are written whole or not at all, and the one root of all caches."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tsrnn.errors import DataError, nearest


def existing(path: str | Path, kind: str = "file") -> Path:
    """The path of a file or a folder that is there.

    Args:
        path: of it.
        kind: what the message calls it.

    Raises:
        DataError: if it is not, with the nearest name that is.
    """
    path = Path(path)
    if not path.exists():
        neighbours = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        raise DataError(f"there is no such {kind}{nearest(path.name, neighbours)}", path=path)
    return path


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """A path beside `path`; the file that is written there takes its place when the block ends.

    Until then, and after an error, what was there stays as it was. A killed process leaves a file that
    begins with a dot and ends in `.partial`.

    Raises:
        OSError: if there is no room, or the folder cannot be written to.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A new folder beside `path` that takes its place when the block ends, as `atomic_file` does for a file.

    A folder that stands there by then stays: of two processes that make it, the first one wins.

    Raises:
        OSError: if there is no room, or the folder cannot be written to.
    """
    partial = Path(tempfile.mkdtemp(prefix=f".{path.name[:16]}.", suffix=".partial", dir=path.parent))
    try:
        yield partial
        try:
            partial.rename(path)
        except OSError:
            if not path.is_dir():
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def cache_folder(name: str) -> Path:
    """The folder `name` in $TSRNN_CACHE, or else in the user's cache. It is not made here."""
    if root := os.environ.get("TSRNN_CACHE"):
        return Path(root) / name
    import platformdirs  # found out once, and seldom: the variable is cheaper

    return Path(platformdirs.user_cache_dir("tsrnn", appauthor=False)) / name
