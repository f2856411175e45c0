"""Where the bundled data sets are."""

from __future__ import annotations

from pathlib import Path

from tsrnn.errors import DataError


def dataset_path(name: str) -> Path:
    """The folder of an embedded data set, in a wheel and in an editable checkout alike.

    Raises:
        DataError: if there is no such data set.
    """
    package = Path(__file__).resolve().parent.parent
    for root in (package / "_datasets", package.parent / "datasets"):
        if (root / name).is_dir():
            return root / name
    raise DataError(f"there is no bundled data set {name!r}")
