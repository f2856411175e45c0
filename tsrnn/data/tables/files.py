"""What can go wrong with any file, in one line each; tables from text, gzip and Parquet."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import os
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tsrnn.errors import DataError, nearest

_LINE_LIMIT = 2**20
_FILE_LIMIT = 2**28
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
_OTHER_FILES = {
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save the sheet as CSV",
    b"BZh": "compressed with bzip2, and only gzip is read; unpack it first",
    b"\xfd7zXZ": "compressed with xz, and only gzip is read; unpack it first",
    b"\x28\xb5\x2f\xfd": "compressed with zstd, and only gzip is read; unpack it first",
    b"%PDF": "a PDF; a CSV is needed",
    b"SQLite format 3": "an SQLite database; save the table as CSV",
}


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
    except pa.ArrowException:
        raise DataError("the Parquet data is damaged, copy or download it again", path=path) from None
    except OSError as error:
        # Arrow's own errors of input and output carry no number of the operating system.
        reason = error.strerror or "its data is damaged, copy or download it again"
        raise DataError(f"the file cannot be read ({reason})", path=path) from None


def is_parquet(path: Path) -> bool:
    """Whether the file's first bytes, or else its name, say Parquet.

    Raises:
        DataError: if the file cannot be read.
    """
    with reading(path), path.open("rb") as raw:
        return raw.read(4) == b"PAR1" or path.suffix.lower() in (".parquet", ".pq")


def open_parquet(path: Path, **options: Any) -> pq.ParquetFile:
    """The Parquet file, opened; `options` are those of `pyarrow.parquet.ParquetFile`.

    Raises:
        DataError: if it is not a whole Parquet file.
    """
    with reading(path):
        with path.open("rb") as raw:
            begins = raw.read(4) == b"PAR1"
            raw.seek(-min(4, raw.seek(0, os.SEEK_END)), os.SEEK_END)
            whole = raw.read() == b"PAR1" and raw.tell() > 8
        if not begins:
            raise DataError("not a Parquet file, in spite of its name", path=path)
        if not whole:
            fault = "not a whole Parquet file (it has no footer)"
            raise DataError(f"{fault}; copy or download it again", path=path)
        return pq.ParquetFile(path, **options)


def parquet_names(file: pq.ParquetFile, path: Path) -> list[str]:
    """The columns' names; an index of pandas without a name is "Date" if it holds dates, else "".

    Raises:
        DataError: if the columns have several levels.
    """
    names = []
    for field in file.schema_arrow:
        name = field.name
        if re.match(r"\(['\"].*, .*\)$", name):
            raise DataError(f"the columns have several levels, such as {name}; keep one", path=path)
        if re.fullmatch(r"__index_level_\d+__", name):
            dated = pa.types.is_timestamp(field.type) or pa.types.is_date(field.type)
            name = "Date" if dated else ""
        names.append(name)
    return names


def read_bytes(path: Path) -> bytes:
    """The content of a file of text, unzipped; no line and no file without bounds.

    Raises:
        DataError: if the file cannot be read, is too large, or is plainly of another kind.
    """
    content = bytearray()
    with reading(path), path.open("rb") as raw:
        zipped = raw.peek(2)[:2] == b"\x1f\x8b"
        stream = gzip.GzipFile(fileobj=raw) if zipped else raw
        while chunk := stream.read(_LINE_LIMIT):
            if not content:
                _refuse_other_files(chunk, zipped, path)
            if len(chunk) == _LINE_LIMIT and not re.search(rb"[\r\n]", chunk):
                number = len((content + chunk).splitlines())
                raise DataError("the line is too large, more than 1 MiB", path=path, line=number)
            content += chunk
            # What unzips to 64 times its size is no table of prices.
            limit = min(_FILE_LIMIT, 2**24 + 64 * raw.tell())
            if len(content) > limit:
                raise DataError(f"the file is too large, more than {limit >> 20} MiB", path=path)
    return bytes(content)


def _refuse_other_files(start: bytes, zipped: bool, path: Path) -> None:
    kind = next((kind for magic, kind in _OTHER_FILES.items() if start.startswith(magic)), None)
    if start.startswith(b"PK\x03\x04"):
        excel = path.suffix.lower() in (".xlsx", ".xlsm") or b"[Content_Types].xml" in start[:4096]
        kind = "an Excel workbook; save the sheet as CSV" if excel else "a ZIP file; unpack it first"
    if start.startswith(b"PAR1"):
        kind = "Parquet inside gzip; unpack it first"
    if start.startswith(b"\x1f\x8b"):
        kind = "gzip inside gzip; unpack it once"
    if kind is not None:
        raise DataError(f"the file is {kind}", path=path)


def decode(content: bytes, path: Path, known: Sequence[str] = ()) -> str:
    """The text of UTF-8, of UTF-16 with its mark, or of cp949 where a known Korean header proves it.

    Args:
        content: the bytes of the file.
        path: the file, for messages.
        known: the names of columns that are looked for.

    Returns:
        The text, each line ending in a line feed.

    Raises:
        DataError: if the content is empty or no such text.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            text = content.decode("utf-16")
        except UnicodeDecodeError:
            raise DataError("not valid UTF-16; save it as UTF-8", path=path) from None
        content = text.encode()
    content = content.removeprefix(codecs.BOM_UTF8).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if not content.strip():
        raise DataError("the file is empty", path=path)
    if found := _CONTROL.search(content):
        start = content[:4096]
        if start.count(0) > len(start) / 4:
            raise DataError("looks like UTF-16 without its mark; save it as UTF-8", path=path)
        # A stray byte among lines of text has a place; a file of such bytes has none.
        if len(_CONTROL.findall(start)) > 8:
            raise DataError("not a text file; a CSV in UTF-8 is needed", path=path)
        line = content.count(b"\n", 0, found.start()) + 1
        problem = f"a control character (hexadecimal {found[0].hex()}) is no text; remove it"
        raise DataError(problem, path=path, line=line)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        try:
            text = content.decode("cp949")
        except UnicodeDecodeError:
            text = ""
        korean = [name for name in known if not name.isascii()]
        if not any(name in text.lstrip().partition("\n")[0] for name in korean):
            raise DataError("not valid UTF-8", path=path, line=line) from None
    if re.match(r"\s*<(!doctype|!--|html|head|body|\?xml)", text, re.IGNORECASE):
        raise DataError("looks like HTML, the page of a web site, and not like a CSV", path=path)
    if re.match(r'\s*(\{|\[\s*[\[{"])', text):
        raise DataError("looks like JSON, and not like a CSV", path=path)
    return text


def records(text: str, path: Path, comment: str | None = None) -> Iterator[tuple[int, list[str]]]:
    """The rows that hold something, each with the line on which it begins.

    Args:
        text: the text of a CSV, separated by commas, semicolons or tabs: its first row tells.
        path: the file, for messages.
        comment: what begins a line to skip.

    Raises:
        DataError: if a quote is not closed, or a field is too large.
    """
    if comment:
        text = re.sub(rf"^[ \t]*{re.escape(comment)}.*$", "", text, flags=re.MULTILINE)
    header = re.sub(r'"[^"]*"', "", text.lstrip("\n ").partition("\n")[0])
    separator = max(",\t;", key=header.count)
    reader = csv.reader(io.StringIO(text), delimiter=separator, strict=True, skipinitialspace=True)
    line = 1
    try:
        for row in reader:
            if len(row) > 1 or (row and row[0].strip()):
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        # A field can pass the limit of the csv module on its own line, or because its quote never closes.
        large = "field limit" in str(error) and reader.line_num == line
        quote = "a letter follows a quote that closes; double the quotes inside a field"
        problem = "the quote that opens here is not closed"
        if large or "expected after" in str(error):
            problem = "a field is too large" if large else quote
        raise DataError(problem, path=path, line=line) from None
