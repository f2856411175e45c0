"""Text from files, line by line and strictly: a fault is named by its place, never guessed away."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tsrnn.data.tables.files import reading
from tsrnn.errors import DataError

LONGEST_LINE = 1_000_000
_LONGEST_CHARACTER = 4  # bytes of UTF-8
_SUFFIXES = (".txt", ".txt.gz", ".tokens")
_SPLITS = {"train": r"train", "valid": r"val|dev(?![a-z])", "test": r"test"}


@dataclass(frozen=True)
class Text:
    """A text: the lines of some files, one file after another, or of a string.

    Args:
        name: what messages call it.
        files: UTF-8 files, plain or .gz.
        contents: the text itself, where there are no files.
    """

    name: str
    files: tuple[Path, ...] = ()
    contents: str = ""

    def lines(self) -> Iterator[str]:
        """The lines, without their ends.

        Raises:
            DataError: a file cannot be used as it is; the message names the line.
        """
        if not self.files:
            return iter(self.contents.split("\n"))
        return itertools.chain.from_iterable(map(read_lines, self.files))

    def fingerprint(self) -> bytes:
        """A hash of the files as they lie on the disk."""
        digest = hashlib.sha256(self.contents.encode())
        for path in self.files:
            with reading(path), path.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        return digest.digest()


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a UTF-8 file, plain or .gz, without their ends; a byte order mark is left out.

    Raises:
        DataError: the file cannot be read, is no UTF-8 text, or has a line of more than a million characters.
    """
    limit = _LONGEST_CHARACTER * (LONGEST_LINE + 1) + 2
    with reading(path), path.open("rb") as raw:
        stream = _unzipped(raw, path)
        _check_beginning(stream.peek(4096)[:4096], path)
        for number in itertools.count(1):
            content = stream.readline(limit)
            if not content:
                return
            if number == 1:
                content = content.removeprefix(codecs.BOM_UTF8)
            if b"\0" in content:
                raise DataError("not a text file: it holds NUL bytes", path=path, line=number)
            if len(content) >= limit:
                raise _too_long(path, number)
            try:
                line = content.decode()
            except UnicodeDecodeError as error:
                raise DataError(_encoding_fault(content, error, stream), path=path, line=number) from None
            line = line.removesuffix("\n").removesuffix("\r")
            if len(line) > LONGEST_LINE:
                raise _too_long(path, number)
            yield line


def _too_long(path: Path, line: int) -> DataError:
    problem = f"the line is longer than {LONGEST_LINE:,} characters: break the text into lines"
    return DataError(problem, path=path, line=line)


def _unzipped(raw: io.BufferedReader, path: Path) -> io.BufferedReader:
    if path.suffix.lower() == ".gz":
        # GzipFile reads lines in Python; the buffer around it reads them in C.
        return io.BufferedReader(gzip.GzipFile(fileobj=raw), 1 << 16)
    if raw.peek(2)[:2] == b"\x1f\x8b":
        raise DataError("not text but gzip data: name the file .txt.gz", path=path)
    return raw


def _check_beginning(start: bytes, path: Path) -> None:
    """Refuse UTF-16, which has a mark of its own, or a NUL in every other byte of plain English."""
    even, odd = start[::2].count(0), start[1::2].count(0)
    alternate = max(even, odd) > 0.4 * len(start) and min(even, odd) < 0.05 * len(start)
    if alternate or start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise DataError("looks like UTF-16: turn it into UTF-8 (iconv -f utf-16 -t utf-8)", path=path, line=1)


def _encoding_fault(content: bytes, error: UnicodeDecodeError, stream: io.BufferedReader) -> str:
    sample = content + stream.read(1 << 16)
    try:
        text = codecs.getincrementaldecoder("cp949")().decode(sample)
    except UnicodeDecodeError:
        text = ""
    foreign = re.findall(r"[^\x00-\x7f]", text)
    # Other old encodings pass for cp949 now and then, but not as Hangul throughout.
    if foreign and sum("가" <= letter <= "힣" for letter in foreign) > 0.5 * len(foreign):
        return "looks like cp949 (Korean Windows), not UTF-8: turn it into UTF-8 (iconv -f cp949 -t utf-8)"
    byte = content[error.start]
    return f"not UTF-8 (byte 0x{byte:02x} at {error.start + 1}): save the text as UTF-8"


def texts_of_folder(folder: Path) -> dict[str, Text]:
    """The texts of a folder: train, valid or test where its files' names say so, else one named `all`.

    Raises:
        DataError: if there is no text in the folder.
    """
    with reading(folder):
        files = sorted(path for path in folder.iterdir() if path.is_file() and _is_text(path))
    if not files:
        raise DataError(f"there is no text in this folder ({', '.join(_SUFFIXES)})", path=folder)
    found = {
        split: [path for path in files if re.search(f"(?<![a-z])({pattern})", path.name.lower())]
        for split, pattern in _SPLITS.items()
    }
    parts = {split: paths[0] for split, paths in found.items() if len(paths) == 1}
    named = [path for paths in found.values() for path in paths]
    # One of the latter two may be missing, but no file may be two parts, nor two files one part.
    if "train" in parts and len(parts) > 1 and len(named) == len(parts) == len(set(named)):
        return {split: Text(str(path), (path,)) for split, path in parts.items()}
    return {"all": Text(str(folder) if len(files) > 1 else str(files[0]), tuple(files))}


def _is_text(path: Path) -> bool:
    return path.name.lower().endswith(_SUFFIXES) and not path.name.startswith(".")
