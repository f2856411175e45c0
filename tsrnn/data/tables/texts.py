"""Tables whose cells are texts and numbers: TSV, CSV and Parquet, a column by its name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tsrnn.data.tables.files import decode, is_parquet, read_bytes, records
from tsrnn.data.tables.parquet import open_parquet, parquet_names, reading_parquet
from tsrnn.data.tables.source import listed, shown
from tsrnn.errors import DataError, nearest

_TSV = (".tsv", ".tab")


def read_columns(path: Path, wanted: Sequence[Sequence[str]]) -> tuple[list[list[str]], list[int]]:
    """Some columns of a table as texts, and the line (of Parquet, the row) of each row.

    A .tsv has a row a line and no quotes; anything else is a CSV, or Parquet.

    Args:
        path: .tsv or .csv (both also .gz) or Parquet, the names of the columns in its first row.
        wanted: for each column, the names that it may have, the first that is there being meant.

    Returns:
        A list for each column, and the lines.

    Raises:
        DataError: if the file cannot be read, a column is not there, or a cell is missing.
    """
    header, rows = _table(path)
    places = [_place(header, names, path) for names in wanted]
    columns: list[list[str]] = [[] for _ in wanted]
    for number, row in rows:
        for column, place in zip(columns, places, strict=True):
            if place >= len(row) or row[place] is None:
                raise DataError("a cell is missing", path=path, line=number, column=shown(header[place]))
            column.append(str(row[place]))
    return columns, [number for number, _ in rows]


def read_numbers(path: Path, but: str) -> npt.NDArray[np.float32]:
    """All columns of a table but one as numbers, (N, F), in the order of the file.

    Args:
        path: as in `read_columns`.
        but: the column that holds texts.

    Raises:
        DataError: if a cell is no number, by its line and column.
    """
    header, rows = _table(path)
    places = [place for place, name in enumerate(header) if name != but]
    if not places:
        raise DataError(f"there is no column but {shown(but)}: numbers are needed", path=path)
    values = np.empty((len(rows), len(places)), dtype=np.float32)
    for row, (number, cells) in enumerate(rows):
        for column, place in enumerate(places):
            cell = cells[place] if place < len(cells) else ""
            try:
                values[row, column] = float(cell)
            except (ValueError, TypeError):
                problem = f"{shown(str(cell))!r} is no number"
                raise DataError(problem, path=path, line=number, column=shown(header[place])) from None
    return values


def _table(path: Path) -> tuple[list[str], list[tuple[int, Sequence[Any]]]]:
    """The names of the columns, and each row with its line."""
    if is_parquet(path):
        file = open_parquet(path)
        header = parquet_names(file, path)
        with reading_parquet(path):
            columns = [column.to_pylist() for column in file.read().columns]
        rows: list[tuple[int, Sequence[Any]]] = list(enumerate(zip(*columns, strict=True)))
    else:
        text = decode(read_bytes(path), path)
        if path.name.lower().removesuffix(".gz").endswith(_TSV):
            lines = text.split("\n")
            rows = [(number, line.split("\t")) for number, line in enumerate(lines, 1) if line.strip()]
        else:
            rows = list(records(text, path))
        header = [str(name).strip() for name in rows.pop(0)[1]]
    if not rows:
        raise DataError("there is no row below the names of the columns", path=path)
    return header, rows


def _place(header: Sequence[str], names: Sequence[str], path: Path) -> int:
    for name in names:
        if name in header:
            return header.index(name)
    raise DataError(
        f"there is no column {shown(names[0])}{nearest(names[0], header)}; {listed(header)}", path=path
    )
