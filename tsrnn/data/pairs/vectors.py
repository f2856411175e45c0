"""Vectors from files: a matrix, or the numbers of a table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from tsrnn.data.tables.files import reading
from tsrnn.errors import DataError


def read_vectors(path: Path, text_column: str) -> npt.NDArray[np.float32]:
    """A row of numbers for each vector, (N, F).

    Args:
        path: a matrix (.npy), or a table (.csv, .tsv, Parquet).
        text_column: the column of a table that holds texts, if it is there.

    Raises:
        DataError: if the file cannot be read, or holds something else than numbers.
    """
    if path.suffix != ".npy":
        from tsrnn.data.tables.texts import read_numbers  # a matrix needs no reader of tables

        return read_numbers(path, text_column)
    with reading(path):
        try:
            vectors = np.load(path, allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise DataError(f"not a matrix of numbers ({error})", path=path) from None
    if not isinstance(vectors, np.ndarray) or vectors.ndim != 2 or vectors.dtype.kind not in "fiub":
        found = (
            f"an array {vectors.shape} of {vectors.dtype}"
            if isinstance(vectors, np.ndarray)
            else "an archive"
        )
        raise DataError(f"{found}, where a row of numbers for each vector is needed", path=path)
    return vectors.astype(np.float32)
