"""Tables from Parquet, with what can go wrong in one line each."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tsrnn.data.tables.files import reading
from tsrnn.errors import DataError, TsrnnError


@contextmanager
def reading_parquet(path: Path) -> Iterator[None]:
    """Name in one line what goes wrong while the Parquet file is opened and decoded."""
    with reading(path):
        try:
            yield
        except TsrnnError:
            raise
        except OSError as error:
            if error.errno is not None:  # the operating system's; Arrow's own have no number
                raise
            raise _damaged(path) from None
        except Exception:  # Arrow raises of damaged data whatever its decoders happen to meet
            raise _damaged(path) from None


def _damaged(path: Path) -> DataError:
    return DataError("the Parquet data is damaged; copy or download it again", path=path)


def open_parquet(path: Path, **options: Any) -> pq.ParquetFile:
    """The Parquet file, opened; `options` are those of `pyarrow.parquet.ParquetFile`.

    Raises:
        DataError: if it is not a whole Parquet file.
    """
    with reading_parquet(path):
        with path.open("rb") as raw:
            begins = raw.read(4) == b"PAR1"
            raw.seek(-min(4, raw.seek(0, os.SEEK_END)), os.SEEK_END)
            whole = raw.read() == b"PAR1" and raw.tell() > 8
        if not begins:
            raise DataError("not a Parquet file, in spite of its name", path=path)
        if not whole:
            fault = "not a whole Parquet file (it has no footer)"
            raise DataError(f"{fault}; copy or download it again", path=path)
        return pq.ParquetFile(path, page_checksum_verification=True, **options)


def parquet_names(file: pq.ParquetFile, path: Path) -> list[str]:
    """The columns' names; an index of pandas without a name is "Date" if it holds dates, else "".

    Raises:
        DataError: if the columns have several levels.
    """
    names = []
    with reading_parquet(path):
        schema = file.schema_arrow
    for field in schema:
        name = field.name
        if re.match(r"\(['\"].*, .*\)$", name):
            raise DataError(f"the columns have several levels, such as {name}; keep one", path=path)
        if re.fullmatch(r"__index_level_\d+__", name):
            dated = pa.types.is_timestamp(field.type) or pa.types.is_date(field.type)
            name = "Date" if dated else ""
        names.append(name)
    return names


def holds_numbers(file: pq.ParquetFile, column: int) -> bool:
    """Whether the column has real numbers, by its type."""
    kind = file.schema_arrow.field(column).type
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))
