"""What the header of a table says of it: what is missing, what is not used, and which way the table lies."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

from tsrnn.data.tables.columns import DATE_NAMES, folded
from tsrnn.data.tables.dates import is_date
from tsrnn.data.tables.source import Source, listed, shown
from tsrnn.errors import DataError, Notice, argument, level_of_the_user


def refuse_no_header(names: Sequence[str], path: Path, line: int | None) -> None:
    """The first line names columns, which are not dates: a table whose columns are dates lies on its side."""
    if not any(names):
        raise DataError("the first line names no columns; it must be the header", path=path, line=line)
    some = names[1:100]
    if len(some) > 1 and sum(map(is_date, some)) > len(some) / 2 and not is_date(names[0]):
        problem = f"the columns are dates ({shown(some[0])}, …): the table lies on its side"
        raise DataError(f"{problem}; transpose it, so that each row is a date", path=path, line=line)


def no_dates(
    names: Sequence[str],
    rows: Iterable[tuple[int, list[str]]],
    path: Path,
    line: int | None,
    problem: str = "column Date is missing",
) -> DataError:
    """What a table without a column of dates may be, in one line.

    Args:
        names: its columns.
        rows: the first lines below the header, with their numbers.
        path: the file.
        line: the line of the header, or None where there are no lines.
        problem: what is missing, in other words.
    """
    some = [name for name in names if name][:100]
    if names[0].startswith(("#", "//", "%")):
        skip = f"{argument('data.comment', names[0][0])} skips such lines"
        problem = f"a comment, where the header must be the first line ({skip})"
    elif any(map(is_date, some)) or all(re.fullmatch(r"[+-]?[\d.,]+", name) for name in some):
        problem = "these are values and not a header; write the columns' names above them, such as Date,Close"
        return DataError(f"{problem} (there are {shown(', '.join(some[:4]))}, …)", path=path, line=line)
    else:
        known = {folded(name) for name in DATE_NAMES}
        below = (number for number, row in islice(rows, 20) if any(folded(cell) in known for cell in row))
        if header := next(below, None):
            problem += f" (line {header} may be the header: delete the lines above it)"
        elif len(names) == 1 and re.search(r"\S\s+\S", names[0]):
            problem += " (columns are separated by commas, semicolons, tabs or bars, and not by spaces)"
    return DataError(f"{problem}; {listed(names)}", path=path, line=line)


def note_unread(source: Source, key: str | None = None) -> None:
    """Say which columns are not used, and how to use one.

    Args:
        source: the file or frame and its columns.
        key: the argument that names the column of values; None for a frame, which can name it y.
    """
    names = [name for name in source.unread if name]
    nameless = len(source.unread) - len(names)
    if not source.unread:
        return
    said = [shown(name) for name in names[:12]] + ([f"{len(names) - 12} more"] if len(names) > 12 else [])
    said += [f"{nameless} without a name"] if nameless else []
    problem = f"columns that are not used: {', '.join(said)}"
    if source.value is not None:
        another = "call another y, and it is used" if key is None else f"{argument(key, 'NAME')} uses another"
        problem = f"column {source.value} is used; {problem} ({another})"
    where = "the frame" if source.path is None else source.path
    warnings.warn(Notice(f"{where}: {problem}"), stacklevel=level_of_the_user())
