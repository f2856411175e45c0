"""Columns by the names that people give them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from tsrnn.data.tables.source import listed, shown
from tsrnn.errors import DataError, nearest

DATE_NAMES = ("date", "ds", "datetime", "timestamp", "time", "day", "날짜", "일자", "일시")
SYMBOL_NAMES = ("uniqueid", "symbol", "ticker", "code", "종목코드", "종목명", "종목")
VALUE_NAMES = (
    *("adjclose", "adjustedclose", "adjcloseprice", "수정종가", "y"),
    *("close", "closeprice", "closingprice", "종가", "price", "value"),
)
BAR_NAMES = ("open", "high", "low", "volume", "시가", "고가", "저가", "거래량")
_VOLUME_NAMES = ("volume", "거래량")


class Wanted(NamedTuple):
    """The columns of a long table of series by name; a default name stands for those that mean the same, too.

    Args:
        id: the names of the series; unique_id is also Symbol, Ticker, ...
        time: dates or whole numbers; ds is also Date, Timestamp, ...
        value: the values; y is also Close, Price, Value, ...
    """

    id: str = "unique_id"
    time: str = "ds"
    value: str = "y"

    def find(self, names: list[str], *, path: str | Path, line: int | None) -> list[int | None]:
        """The place of each, None where there is none of a default name.

        Raises:
            DataError: if a name that was given is missing, or one stands twice.
        """
        found: list[int | None] = []
        for name, default in zip(self, Wanted(), strict=True):
            if names.count(name) > 1:
                raise DataError(f"column {shown(name)} appears twice", path=path, line=line)
            if name in names:
                found.append(names.index(name))
            elif name == default:
                found.append(find_column(names, _SAME[default], path=path, line=line))
            else:
                problem = f"column {shown(name)} is missing{nearest(name, names)}; {listed(names)}"
                raise DataError(problem, path=path, line=line)
        return found


_SAME = {"unique_id": SYMBOL_NAMES, "ds": DATE_NAMES, "y": VALUE_NAMES}


def series_name(path: Path) -> str:
    """The name of the one series of a file without ids: the file's, without its endings."""
    return re.sub(r"(\.(csv|tsv|txt|gz|parquet|pq))+$", "", path.name, flags=re.IGNORECASE)


def header_names(cells: Iterable[str]) -> list[str]:
    """The names in a header, with single spaces; "" for a name that pandas made up for want of one."""
    names = (" ".join(cell.split()) for cell in cells)
    return ["" if re.fullmatch(r"Unnamed: \d+", name) else name for name in names]


def speaks_of_bars(names: Iterable[str]) -> bool:
    """Whether columns are the open, high, low or volume of one series; one alone may be a symbol, as LOW."""
    known = [name for name in map(folded, names) if name in BAR_NAMES]
    return len(known) > 1 or any(name in _VOLUME_NAMES for name in known)


def refuse_twice(names: Iterable[str], path: Path, line: int | None) -> None:
    """No two columns that are read have one name."""
    name, count = max(Counter(name for name in names if name).items(), key=lambda item: item[1])
    if count > 1:
        problem = f"column {shown(name)} appears {'twice' if count == 2 else f'{count} times'}"
        raise DataError(problem, path=path, line=line)


def find_column(names: list[str], known: Sequence[str], *, path: str | Path, line: int | None) -> int | None:
    """The column with the first of the known names, in any case and spacing."""
    spelled = [folded(name) for name in names]
    for name in known:
        if spelled.count(name) > 1:
            raise DataError(f"column {shown(names[spelled.index(name)])} appears twice", path=path, line=line)
        if name in spelled:
            return spelled.index(name)
    return None


def folded(name: str) -> str:
    """The letters and digits in lower case; one letter stays as it is, for Y is a symbol and y a value."""
    if len(name) == 1:
        return name
    lower = name.casefold()
    return lower if lower.isalnum() else "".join(letter for letter in lower if letter.isalnum())
