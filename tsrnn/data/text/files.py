"""Text from files, line by line and strictly: a fault is named by its place, never guessed away."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tsrnn.codecs.sentences import sentences_in
from tsrnn.data.tables.files import reading
from tsrnn.errors import DataError, argument

LONGEST_LINE = 1_000_000
_LONGEST_CHARACTER = 4  # bytes of UTF-8
_BLOCK = 1 << 16
_SUFFIXES = (".txt", ".txt.gz", ".md", ".tokens")
_SPLITS = {"train": r"train", "valid": r"val|dev(?![a-z])", "test": r"test"}


@dataclass(frozen=True)
class Text:
    """A text: the sentences of some files, one file after another, or of a string.

    Args:
        name: what messages call it.
        files: UTF-8 files, plain or .gz.
        contents: the text itself, where there are no files.
        sentences: line or paragraph, how they are found: see `tsrnn.codecs.sentences`.
    """

    name: str
    files: tuple[Path, ...] = ()
    contents: str = ""
    sentences: str = "line"

    def lines(self) -> Iterator[str]:
        """The sentences, each one line without its end.

        Raises:
            DataError: a file cannot be used as it is; the message names the line.
        """
        if not self.files:
            return self._sentences(self.contents.split("\n"), self.name)
        # One by one: a sentence ends with its file.
        cut = self.sentences != "line"
        parts = (self._sentences(read_lines(path, cut), str(path)) for path in self.files)
        return itertools.chain.from_iterable(parts)

    def _sentences(self, lines: Iterable[str], name: str) -> Iterator[str]:
        try:
            yield from sentences_in(lines, self.sentences)
        except DataError as error:
            raise error if error.path is not None else DataError(str(error), path=name) from None

    def fingerprint(self) -> bytes:
        """A hash of the files as they lie on the disk, and of how sentences are found in them."""
        digest = hashlib.sha256(self.contents.encode())
        if self.sentences != "line":
            digest.update(self.sentences.encode())
        for path in self.files:
            with reading(path), path.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        return digest.digest()


def read_lines(path: Path, cut: bool = False) -> Iterator[str]:
    """The lines of a UTF-8 file, plain or .gz, without their ends; a byte order mark is left out.

    Args:
        path: the file. Its lines end in LF, in CR LF, or in CR, as old Macs wrote it.
        cut: whether a line of more than a million characters is given in parts, cut at spaces.

    Raises:
        DataError: the file cannot be read, is no UTF-8 text, or has a line of more than a million characters.
    """
    with reading(path), path.open("rb") as raw:
        stream = _unzipped(raw, path)
        _check_beginning(stream.peek(4096)[:4096], path)
        for number, content in _raw_lines(stream, path, cut):
            if b"\0" in content:
                raise DataError("not a text file: it holds NUL bytes", path=path, line=number)
            try:
                line = content.decode()
            except UnicodeDecodeError as error:
                raise DataError(_encoding_fault(path, number, error), path=path, line=number) from None
            if len(line) > LONGEST_LINE:
                raise _too_long(path, number)
            yield line


def _raw_lines(stream: io.BufferedReader, path: Path, cut: bool) -> Iterator[tuple[int, bytes]]:
    """The lines and their numbers, from 1 on; parts of one line have the same."""
    longest = LONGEST_LINE // 2 if cut else _LONGEST_CHARACTER * LONGEST_LINE
    number, rest = 1, b""
    while block := stream.read(_BLOCK):
        while block.endswith(b"\r") and (more := stream.read(1)):  # CR LF is one end
            block += more
        if b"\r" in block:
            block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = (rest + block).split(b"\n")
        if number == 1 and lines:
            lines[0] = lines[0].removeprefix(codecs.BOM_UTF8)
        for content in lines:
            yield number, content
            number += 1
        if len(rest) > longest:
            part, space, left = rest.rpartition(b" ")
            if not cut or not space:
                raise _too_long(path, number)
            yield number, part
            rest = left
    if rest:
        yield number, rest.removeprefix(codecs.BOM_UTF8) if number == 1 else rest


def _too_long(path: Path, line: int) -> DataError:
    problem = f"the line is longer than {LONGEST_LINE:,} characters: break the text into lines, or split it "
    advice = f"into sentences ({argument('data.sentences', 'paragraph')})"
    return DataError(problem + advice, path=path, line=line)


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


def _encoding_fault(path: Path, line: int, error: UnicodeDecodeError) -> str:
    with path.open("rb") as raw:
        lines = (
            content for number, content in _raw_lines(_unzipped(raw, path), path, True) if number >= line
        )
        sample = b"\n".join(itertools.islice(lines, 100))
    try:
        text = codecs.getincrementaldecoder("cp949")().decode(sample)
    except UnicodeDecodeError:
        text = ""
    foreign = re.findall(r"[^\x00-\x7f]", text)
    # Other old encodings pass for cp949 now and then, but not as Hangul throughout.
    if foreign and sum("가" <= letter <= "힣" for letter in foreign) > 0.5 * len(foreign):
        return "looks like cp949 (Korean Windows), not UTF-8: turn it into UTF-8 (iconv -f cp949 -t utf-8)"
    byte = error.object[error.start]
    return f"not UTF-8 (byte 0x{byte:02x} at {error.start + 1}): save the text as UTF-8"


def texts_of_folder(folder: Path) -> dict[str, Text]:
    """The texts of a folder and of those in it: train, valid or test by their names, else one named `all`.

    What lies directly in the folder, a file or a folder of files, is a part where its name says so.

    Raises:
        DataError: if there is no text in the folder.
    """
    held: dict[str, list[Path]] = {}
    with reading(folder):
        for path in sorted(folder.rglob("*")):
            inner = path.relative_to(folder).parts
            if _is_text(path, inner):
                held.setdefault(inner[0], []).append(path)
    files = [path for paths in held.values() for path in paths]
    if not files:
        raise DataError(f"there is no text in this folder ({', '.join(_SUFFIXES)})", path=folder)
    found = {
        split: [name for name in held if re.search(f"(?<![a-z])({pattern})", name.lower())]
        for split, pattern in _SPLITS.items()
    }
    parts = {split: names[0] for split, names in found.items() if len(names) == 1}
    named = [name for names in found.values() for name in names]
    # One of the latter two may be missing, but nothing may be two parts, nor two be one part.
    if "train" in parts and len(parts) > 1 and len(named) == len(parts) == len(set(named)):
        return {split: Text(str(folder / name), tuple(held[name])) for split, name in parts.items()}
    return {"all": Text(str(folder) if len(files) > 1 else str(files[0]), tuple(files))}


def _is_text(path: Path, inner: tuple[str, ...]) -> bool:
    hidden = any(name.startswith(".") for name in inner)
    return path.name.lower().endswith(_SUFFIXES) and not hidden and path.is_file()
