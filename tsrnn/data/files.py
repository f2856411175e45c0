"""What can go wrong with any file, in one line each."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tsrnn.errors import DataError, nearest


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Name in one line what goes wrong while `path` is opened and read."""
    try:
        yield
    except FileNotFoundError:
        folder = path.parent
        neighbours = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
        raise DataError(f"there is no such file{nearest(path.name, neighbours)}", path=path) from None
    except IsADirectoryError:
        raise DataError("this is a folder, where a file is needed", path=path) from None
    except EOFError:
        raise DataError("the file ends early: its gzip data is cut short", path=path) from None
    except (gzip.BadGzipFile, zlib.error):
        raise DataError("the gzip data is damaged, or the file is not gzip", path=path) from None
    except OSError as error:
        raise DataError(f"the file cannot be read ({error.strerror})", path=path) from None
