"""Parallel texts from files: two aligned files, a table of two columns, or a folder of splits."""

from __future__ import annotations

import re
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

from tsrnn.data.tables.texts import read_columns
from tsrnn.data.text.files import read_lines
from tsrnn.errors import DataError, nearest

_SPLITS = {"train": r"train", "valid": r"val|dev(?![a-z])", "test": r"test"}
_TABLES = (".tsv", ".tab", ".csv", ".parquet", ".pq")
_SUFFIXES = ("", ".txt", ".gz", ".txt.gz")


class Texts(NamedTuple):
    """Texts side by side, row by row.

    Attributes:
        source: N texts.
        target: N texts.
    """

    source: list[str]
    target: list[str]


def read_parallel(
    path: Path, source: str, target: str, test_name: str | None = None
) -> tuple[dict[str, Texts], bool]:
    """Parallel texts by split, and whether the files say the split.

    Args:
        path: a folder with train, val and test files of each language (Multi30k's layout: `train.en`,
            `train.de`); a table whose columns are named `source` and `target`; or what two aligned files
            have in common, `corpus` for corpus.en and corpus.de.
        source: the language that ends a file's name, or a column.
        target: the other.
        test_name: what the name of the test files contains, where a folder has several.

    Returns:
        The texts of train, valid and test, or one of them all by the name `all`.

    Raises:
        DataError: if there are none, or the two sides differ in length; an empty side is named by its line.
    """
    if path.is_dir():
        return _folder(path, source, target, test_name), True
    if path.name.lower().removesuffix(".gz").endswith(_TABLES):
        columns, lines = read_columns(path, [[source], [target]])
        return {"all": _checked(Texts(*columns), lines, (path, path))}, False
    files = [_side(path, language) for language in (source, target)]
    return {"all": _aligned(files[0], files[1])}, False


def _side(path: Path, language: str) -> Path:
    for suffix in _SUFFIXES:
        if (file := path.with_name(f"{path.name}.{language}{suffix}")).is_file():
            return file
    names = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    wanted = f"{path.name}.{language}"
    raise DataError(
        f"there is neither a folder nor a table of that name, nor {wanted}{nearest(wanted, names)}", path=path
    )


def _folder(folder: Path, source: str, target: str, test_name: str | None) -> dict[str, Texts]:
    ends = "|".join(map(re.escape, _SUFFIXES))
    found: dict[str, Texts] = {}
    for split, pattern in _SPLITS.items():
        sides = []
        for language in (source, target):
            named = re.compile(
                rf"(?:^|.*[^a-z])(?:{pattern}).*\.{re.escape(language)}(?:{ends})$", re.IGNORECASE
            )
            files = sorted(file for file in folder.iterdir() if file.is_file() and named.match(file.name))
            if split == "test" and test_name is not None:
                files = [file for file in files if test_name in file.name]
            sides.append(files)
        if not sides[0] and not sides[1]:
            continue
        if len(sides[0]) != len(sides[1]) or not sides[0]:
            missing = target if len(sides[0]) > len(sides[1]) else source
            raise DataError(
                f"the {split} files of {source} and {target} do not pair: see {missing}", path=folder
            )
        found[split] = _aligned(sides[0][0], sides[1][0])
    if "train" not in found:
        raise DataError(f"there is no training text of {source} and {target}: train.{source}", path=folder)
    return found


def _aligned(source: Path, target: Path) -> Texts:
    """Two files, line by line."""
    sides: Texts = Texts([], [])
    for number, (one, other) in enumerate(zip_longest(read_lines(source), read_lines(target)), 1):
        if one is None or other is None:
            short, long = (source, target) if one is None else (target, source)
            problem = f"it ends here, where {long.name} goes on: the two sides must have a line each"
            raise DataError(problem, path=short, line=number)
        sides.source.append(one)
        sides.target.append(other)
    if not sides.source:
        raise DataError("the file is empty", path=source)
    return _checked(sides, list(range(1, len(sides.source) + 1)), (source, target))


def _checked(texts: Texts, lines: list[int], paths: tuple[Path, Path]) -> Texts:
    for side, path, name in zip(texts, paths, texts._fields, strict=True):
        for text, line in zip(side, lines, strict=True):
            if not text.strip():
                raise DataError(f"the {name} is empty: every line needs both sides", path=path, line=line)
    return texts
