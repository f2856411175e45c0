"""What can go wrong with any file, in one line each; tables from text, plain or gzip."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import stat
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path

from tsrnn.errors import ConfigError, DataError, argument, nearest

_FIELD_LIMIT = 2**20
_FILE_LIMIT = 2**28
_CELL_LIMIT = 2**25
_TOTALS = ("total", "totals", "sum", "합계", "총계", "계")
_SEPARATORS = ",\t;|"
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
_MARKS = {
    (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE): "utf-32",
    (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE): "utf-16",
}
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
        if not (stat.S_ISREG(mode := path.stat().st_mode) or stat.S_ISDIR(mode)):
            # Opening a pipe could wait for its other end for ever, and it could be read once only.
            kind = "pipe" if stat.S_ISFIFO(mode) else "device or a socket"
            raise DataError(
                f"this is a {kind}, where a file is needed: write its content to a file", path=path
            )
        yield
    except FileNotFoundError:
        folder = path.parent
        neighbours = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
        raise DataError(f"there is no such file{nearest(path.name, neighbours)}", path=path) from None
    except IsADirectoryError:
        raise DataError("this is a folder, where a file is needed", path=path) from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(_gzip_fault(error), path=path) from None
    except OSError as error:
        raise DataError(f"the file cannot be read ({error.strerror})", path=path) from None


def is_parquet(path: Path) -> bool:
    """Whether the file's first bytes, or else its name, say Parquet.

    Raises:
        DataError: if the file cannot be read.
    """
    with reading(path), path.open("rb") as raw:
        return raw.read(4) == b"PAR1" or path.suffix.lower() in (".parquet", ".pq")


def read_bytes(path: Path) -> bytes:
    """The content of a file of text, unzipped; no field and no file without bounds.

    Raises:
        DataError: if the file cannot be read, is too large, or is plainly of another kind.
    """
    content = bytearray()
    field = 0  # where the last field begins
    with reading(path), path.open("rb") as raw:
        zipped = raw.peek(2)[:2] == b"\x1f\x8b"
        stream = gzip.GzipFile(fileobj=raw) if zipped else raw
        try:
            while chunk := stream.read1(_FIELD_LIMIT):
                if not content:
                    _refuse_other_files(chunk, zipped, path)
                last = max(chunk.rfind(mark) for mark in (b"\n", b"\r", *_SEPARATORS.encode()))
                field = len(content) + last + 1 if last >= 0 else field
                content += chunk
                if len(content) - field > _FIELD_LIMIT:
                    number = len(content.splitlines())
                    raise DataError("the line is too large, more than 1 MiB", path=path, line=number)
                # What unzips to 64 times its size is no table of prices.
                limit = min(_FILE_LIMIT, 2**24 + 64 * raw.tell())
                if len(content) > limit:
                    raise DataError(f"the file is too large, more than {limit >> 20} MiB", path=path)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            after = f" (line {content.count(10)} is the last whole one)" if content else ""
            raise DataError(_gzip_fault(error, after), path=path) from None
    return bytes(content)


def _gzip_fault(error: Exception, after: str = "") -> str:
    damaged = "the gzip data is damaged" + ("" if after else ", or the file is not gzip")
    fault = "the file ends early: its gzip data is cut short" if isinstance(error, EOFError) else damaged
    return f"{fault}{after}; copy or download it again"


def _refuse_other_files(start: bytes, zipped: bool, path: Path) -> None:
    kind = next((kind for magic, kind in _OTHER_FILES.items() if start.startswith(magic)), None)
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
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
    for marks, encoding in _MARKS.items():
        if content.startswith(marks):
            try:
                content = content.decode(encoding).encode()
            except UnicodeError:
                problem = f"not valid {encoding.upper()}; save it as UTF-8"
                raise DataError(problem, path=path) from None
            break
    content = content.removeprefix(codecs.BOM_UTF8).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if not content.strip():
        raise DataError("the file is empty", path=path)
    if found := _CONTROL.search(content):
        start = content[:512]
        even, odd = start[::2].count(0), start[1::2].count(0)
        if max(even, odd) > 0.4 * len(start) and min(even, odd) < 0.05 * len(start):
            raise DataError("looks like UTF-16 without its mark; save it as UTF-8", path=path)
        # A stray byte among lines of text has a place; a file of such bytes has none.
        if len(_CONTROL.findall(start)) > 0.05 * len(start):
            raise DataError("not a text file; a CSV in UTF-8 is needed", path=path)
        line = content.count(b"\n", 0, found.start()) + 1
        name = "NUL" if found[0] == b"\0" else f"hexadecimal {found[0].hex()}"
        many = content.count(found[0])
        count = f", the first of {many}" if many > 1 else ""
        problem = f"a control character ({name}){count}: the file is damaged; download it again, or remove it"
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
            problem = f"not valid UTF-8 (byte {content[error.start]:02x}); save the file as UTF-8"
            raise DataError(problem, path=path, line=line) from None
    if re.match(r"\s*<(!doctype|!--|html|head|body|table|div|\?xml)", text, re.IGNORECASE):
        raise DataError("looks like HTML, the page of a web site, and not like a CSV", path=path)
    if re.match(r'\s*(\{|\[\s*[\[{"])', text):
        raise DataError("looks like JSON, and not like a CSV", path=path)
    return text


def records(text: str, path: Path, comment: str | None = None) -> Iterator[tuple[int, list[str]]]:
    """The header, and then the rows that hold something, each with the line on which it begins.

    Args:
        text: the text of a CSV, separated by commas, semicolons, tabs or bars: its first row tells.
        path: the file, for messages.
        comment: what begins a line to skip.

    Raises:
        DataError: if a quote is not closed, or a field or the table is too large.
    """
    if comment:
        text = re.sub(rf"^[ \t]*{re.escape(comment)}.*$", "", text, flags=re.MULTILINE)
    separator = separator_of(text)
    if text.count(separator) > _CELL_LIMIT:
        columns = text.lstrip("\n").partition("\n")[0].count(separator) + 1
        problem = f"the table is too large, more than {_CELL_LIMIT >> 20} million cells"
        raise DataError(f"{problem} ({columns} columns); leave out what is not needed", path=path)
    reader = csv.reader(io.StringIO(text), delimiter=separator, strict=True, skipinitialspace=True)
    line, header = 1, True
    try:
        for row in reader:
            if any(map(str.strip, row)) or (header and len(row) > 1):
                header = False
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


def refuse_empty_comment(comment: str | None) -> None:
    """A comment begins with something.

    Raises:
        ConfigError: if it is the empty text.
    """
    if comment == "":
        raise ConfigError("comment is one character or more, such as '#', and not empty")


def separator_of(text: str) -> str:
    """The separator of a CSV: what stands most often in its first row, outside quotes."""
    header = re.sub(r'"[^"]*"', "", text.lstrip("\n ").partition("\n")[0])
    return max(_SEPARATORS, key=header.count)


def fields_of(
    found: Iterator[tuple[int, list[str]]],
    used: Sequence[int],
    width: int,
    path: Path,
    comment: str | None,
) -> tuple[list[int], list[tuple[str, ...]]]:
    """The lines of the rows below the header and, of each, the fields that are used.

    Args:
        found: the rows: see `records`.
        used: the columns, two or more.
        width: how many fields a row has.
        path: the file, for messages.
        comment: what begins a line to skip; where it is given, a last row Total is left out.

    Raises:
        DataError: if there are no rows, or one has more or fewer fields.
    """
    pick = itemgetter(*used)
    lines: list[int] = []
    rows: list[tuple[str, ...]] = []
    for line, row in found:
        if len(row) != width:
            total = row[0].strip().lower() in _TOTALS
            if not (total and comment is not None and next(found, None) is None):
                hint = f"; {argument('data.comment', '#')} leaves out a last row Total"
                problem = (
                    f"{len(row)} fields where {width} are expected{hint if total and not comment else ''}"
                )
                raise DataError(problem, path=path, line=line)
            break
        lines.append(line)
        rows.append(pick(row))
    if comment is not None and rows and rows[-1][0].strip().lower() in _TOTALS:
        del lines[-1], rows[-1]
    if not rows:
        raise DataError("the file has a header but no rows", path=path)
    return lines, rows
