"""The columns of a file of prices, by the names in its header."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

from tsrnn.data.tables.columns import (
    DATE_NAMES,
    SYMBOL_NAMES,
    VALUE_NAMES,
    find_column,
    folded,
    refuse_twice,
    speaks_of_bars,
)
from tsrnn.data.tables.dates import is_date
from tsrnn.data.tables.headers import no_dates, refuse_no_header
from tsrnn.data.tables.source import Source, listed, shown
from tsrnn.errors import DataError, argument, nearest

_BARS = {
    "open": ("open", "시가"),
    "high": ("high", "고가"),
    "low": ("low", "저가"),
    "close": ("close", "closeprice", "closingprice", "종가"),
}


class Layout(NamedTuple):
    """The columns that are read, by their positions.

    Args:
        names: of all columns.
        date: the dates.
        symbol: the names of the series: none or one.
        values: the prices: one, or several in the wide form.
        wide: whether each column of prices is a series.
        bars: open, high, low and close of each price, as far as there are such columns.
    """

    names: list[str]
    date: int
    symbol: tuple[int, ...]
    values: tuple[int, ...]
    wide: bool
    bars: dict[str, int]

    @property
    def used(self) -> list[int]:
        """All of them, in the order date, values, symbol, bars."""
        return [self.date, *self.values, *self.symbol, *self.bars.values()]

    def source(self, path: Path, rows: Literal["lines", "rows"]) -> Source:
        """The file and its columns, for messages."""
        value = None if self.wide else shown(self.names[self.values[0]])
        used = {self.date, *self.values, *self.symbol}
        unread = tuple(name for index, name in enumerate(self.names) if index not in used)
        return Source(path, shown(self.names[self.date] or "1"), value, rows, unread)


def layout_of(
    names: list[str],
    column: str | None,
    path: Path,
    line: int | None,
    rows: Sequence[tuple[int, list[str]]] = (),
) -> Layout:
    """The columns that a header offers.

    Args:
        names: of all columns.
        column: the name of the column of prices, where it is given.
        path: the file, for messages.
        line: the line of the header in text.
        rows: the first rows below it.

    Raises:
        DataError: if there is no column of dates or of prices, or one stands twice.
    """
    refuse_no_header(names, path, line)
    find = partial(find_column, names, path=path, line=line)
    date = find(DATE_NAMES)
    if date is None and not names[0] and rows and is_date(rows[0][1][0]):
        date = 0  # as pandas writes an index of dates
    if date is None:
        raise no_dates(names, rows, path, line)
    symbol = find(SYMBOL_NAMES)
    if column is None:
        value = find(VALUE_NAMES)
    else:
        value = names.index(column) if names.count(column) == 1 else find((folded(column),))
    columns = [index for index, name in enumerate(names) if name and index != date]
    # Without a known column of prices every column is a series, unless the header speaks of one series'
    # open or volume.
    if value is None and (column is not None or symbol is not None or speaks_of_bars(names) or not columns):
        key = argument("data.column", "NAME")
        fault = f"there is no column of prices, name it with {key}" if column is None else "no such column"
        problem = f"{fault}{nearest(column or 'Close', names)}; {listed(names)}"
        raise DataError(problem, path=path, line=line, column=column and shown(column))
    if value is None:
        refuse_twice([names[index] for index in columns], path, line)
        return Layout(names, date, (), tuple(columns), True, {})
    return Layout(names, date, () if symbol is None else (symbol,), (value,), False, _bars(names))


def _bars(names: list[str]) -> dict[str, int]:
    """The columns of open, high, low and close whose names are plain and stand once."""
    spelled = [folded(name) for name in names]
    found = {
        bar: [place for place, name in enumerate(spelled) if name in known] for bar, known in _BARS.items()
    }
    return {bar: places[0] for bar, places in found.items() if len(places) == 1}
