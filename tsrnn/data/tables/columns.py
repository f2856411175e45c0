"""Columns by the names that people give them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from tsrnn.data.tables.source import shown
from tsrnn.errors import DataError

DATE_NAMES = ("date", "ds", "datetime", "timestamp", "time", "day", "날짜", "일자", "일시")
SYMBOL_NAMES = ("uniqueid", "symbol", "ticker", "code", "종목코드", "종목명", "종목")
VALUE_NAMES = (
    *("adjclose", "adjustedclose", "adjcloseprice", "수정종가", "y"),
    *("close", "closeprice", "closingprice", "종가", "price", "value"),
)
BAR_NAMES = ("open", "high", "low", "volume", "시가", "고가", "저가", "거래량")


def series_name(path: Path) -> str:
    """The name of the one series of a file without ids: the file's, without its endings."""
    return re.sub(r"(\.(csv|tsv|txt|gz|parquet|pq))+$", "", path.name, flags=re.IGNORECASE)


def find_column(names: list[str], known: Sequence[str], *, path: str | Path, line: int | None) -> int | None:
    """The column with the first of the known names, in any case and spacing."""
    spelled = [folded(name) for name in names]
    for name in known:
        if spelled.count(name) > 1:
            raise DataError(f"column {shown(names[spelled.index(name)])} twice", path=path, line=line)
        if name in spelled:
            return spelled.index(name)
    return None


def folded(name: str) -> str:
    """The letters and digits in lower case; one letter stays as it is, for Y is a symbol and y a value."""
    return name if len(name) == 1 else "".join(letter for letter in name.casefold() if letter.isalnum())
