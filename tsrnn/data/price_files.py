"""Prices from a file or a frame, read strictly: a fault is named by its place, never guessed away."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import os
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsrnn.data.files import reading
from tsrnn.data.price_checks import Source, check_table, listed, nanoseconds, selected, shown
from tsrnn.errors import DataError, nearest

_DATE_NAMES = ("date", "ds", "datetime", "timestamp", "time", "day", "날짜", "일자", "일시")
_SYMBOL_NAMES = ("uniqueid", "symbol", "ticker", "code", "종목코드", "종목명", "종목")
_VALUE_NAMES = (
    *("adjclose", "adjustedclose", "adjcloseprice", "수정종가", "y"),
    *("close", "closeprice", "closingprice", "종가", "price", "value"),
)
_BAR_NAMES = ("open", "high", "low", "volume", "시가", "고가", "저가", "거래량")
_MISSING = ("", "null", "nan", "na", "n/a", "-", ".")
_INFINITE = ("inf", "+inf", "-inf", "infinity", "+infinity", "-infinity")

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_NOT_IN_A_NUMBER = re.compile(r"[^0-9.eE+\- ]")
_DATES = {
    "YYYY-MM-DD": r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})",
    "YYYY/MM/DD": r"(?P<year>\d{4})/(?P<month>\d{2})/(?P<day>\d{2})",
    "YYYY.MM.DD": r"(?P<year>\d{4})\.(?P<month>\d{2})\.(?P<day>\d{2})",
    "YYYYMMDD": r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})",
    "Mon D YYYY": r"(?P<month>[A-Za-z]{3}) (?P<day>\d{1,2}),? (?P<year>\d{4})",
    "DD/MM/YYYY or MM/DD/YYYY": r"(?P<day>\d{1,2})/(?P<month>\d{1,2})/(?P<year>\d{4})",
}
_TIME = r"[T ](?P<time>\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?)"
_TIMES = {
    "": "",
    " HH:MM:SS": _TIME,
    " HH:MM:SS with an offset": _TIME + r" ?(?P<offset>Z|[+-]\d{2}:?\d{2})",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_LINE_LIMIT = 2**20
_FILE_LIMIT = 2**28


def read_prices(
    path: str | Path,
    *,
    column: str | None = None,
    symbols: Sequence[str] | None = None,
    on_missing: Literal["error", "drop"] = "error",
) -> pd.DataFrame:
    """The prices of a CSV file, plain or gzip, long or wide, as one tidy frame.

    The long form has a column of dates, one of prices and, for several series, one of symbols. The wide
    form has a column of dates and then one column of prices a symbol. A long file without symbols is one
    series with the file's name. Times with an offset are turned to UTC.

    Args:
        path: the file.
        column: the column of prices; default the adjusted close, else y, close, price or value.
        symbols: the series to read; default all.
        on_missing: "error" refuses a missing price, "drop" leaves its row out.

    Returns:
        A frame of unique_id, ds (datetime64[ns] without a zone) and y (float64), the series in order of
        first appearance, each in order of time.

    Raises:
        DataError: the file cannot be used as it is; the message names the line and the column.
        ConfigError: `on_missing` is another word.
    """
    path = Path(path)
    records = _records(_decode(_read_bytes(path), path), path)
    line, header = next(records, (1, [""]))
    names = [" ".join(cell.split()) for cell in header]
    layout = _layout(names, column, path, line)
    pick = itemgetter(layout.date, *layout.values, *layout.symbol)
    lines: list[int] = []
    rows: list[tuple[str, ...]] = []
    for line, row in records:
        if len(row) != len(names):
            raise DataError(f"{len(row)} fields where {len(names)} are expected", path=path, line=line)
        lines.append(line)
        rows.append(pick(row))
    if not rows:
        raise DataError("the file has a header but no rows", path=path)
    value = None if layout.wide else shown(names[layout.values[0]])
    source = Source(path, shown(names[layout.date]), value)
    if layout.wide:
        series = [names[index] for index in layout.values]
        table = _from_wide(rows, np.array(lines), series, symbols, on_missing, source)
    else:
        stem = re.sub(r"(\.(csv|tsv|txt|gz))+$", "", path.name, flags=re.IGNORECASE)
        ids = [row[-1].strip() if layout.symbol else stem for row in rows]
        series, table = _from_long(rows, np.array(lines), ids, symbols, source)
    return check_table(table, series, source, on_missing)


class _Layout(NamedTuple):
    """The fields of a row that are used: `symbol` is none or one, `values` several in the wide form."""

    date: int
    symbol: tuple[int, ...]
    values: tuple[int, ...]
    wide: bool


def _read_bytes(path: Path) -> bytes:
    """The file's content, unzipped, each line ending in a line feed; no line and no file without bounds."""
    content = bytearray()
    with reading(path), path.open("rb") as raw:
        magic = raw.peek(4)[:4]
        if magic == b"PAR1" or path.suffix.lower() == ".parquet":
            whole = magic == b"PAR1" and raw.seek(-4, os.SEEK_END) and raw.read() == b"PAR1"
            fault = "Parquet is not read yet" if whole else "not a whole Parquet file (it has no footer)"
            raise DataError(f"{fault}; save the prices as CSV", path=path)
        stream = gzip.GzipFile(fileobj=raw) if magic[:2] == b"\x1f\x8b" else raw
        while chunk := stream.read(_LINE_LIMIT):
            if len(chunk) == _LINE_LIMIT and not re.search(rb"[\r\n]", chunk):
                number = len((content + chunk).splitlines())
                raise DataError("the line is too large, more than 1 MiB", path=path, line=number)
            content += chunk
            # What unzips to 64 times its size is no table of prices.
            limit = min(_FILE_LIMIT, 2**24 + 64 * raw.tell())
            if len(content) > limit:
                raise DataError(f"the file is too large, more than {limit >> 20} MiB", path=path)
    return bytes(content).replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _decode(content: bytes, path: Path) -> str:
    """The text of UTF-8, or of cp949 where its Korean header proves it."""
    content = content.removeprefix(codecs.BOM_UTF8)
    if not content.strip():
        raise DataError("the file is empty", path=path)
    if re.search(rb"[\x00-\x08\x0e-\x1f]", content[:_LINE_LIMIT]):
        raise DataError("not a text file; a CSV in UTF-8 is needed", path=path)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        try:
            text = content.decode("cp949")
        except UnicodeDecodeError:
            text = ""
        korean = [name for name in _DATE_NAMES + _SYMBOL_NAMES + _VALUE_NAMES if not name.isascii()]
        if not any(name in text.lstrip().partition("\n")[0] for name in korean):
            raise DataError("not valid UTF-8", path=path, line=line) from None
    if re.match(r"\s*<(!doctype|!--|html|head|body|\?xml)", text, re.IGNORECASE):
        raise DataError("looks like HTML, the page of a web site, and not like a CSV", path=path)
    return text


def _records(text: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows that hold something, each with the line on which it begins."""
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
        problem = "a field is too large" if large else "the quote that opens here is not closed"
        raise DataError(problem, path=path, line=line) from None


def _layout(names: list[str], column: str | None, path: Path, line: int) -> _Layout:
    """The columns that a header offers."""
    find = partial(_find, names, path=path, line=line)
    date = find(_DATE_NAMES)
    if date is None:
        comment = names[0].startswith(("#", "//", "%"))
        fault = "a comment, where the header must be the first line" if comment else "column Date is missing"
        raise DataError(f"{fault}; {listed(names)}", path=path, line=line)
    symbol = find(_SYMBOL_NAMES)
    if column is None:
        value = find(_VALUE_NAMES)
    else:
        value = names.index(column) if names.count(column) == 1 else find((_fold(column),))
    columns = [index for index, name in enumerate(names) if name and index != date]
    # Without a known column of prices every column is a series, unless the header speaks of one series'
    # open or volume. One such name alone may be a symbol: LOW is one.
    bars = sum(_fold(name) in _BAR_NAMES for name in names) > 1
    if value is None and (column is not None or symbol is not None or bars or not columns):
        fault = "there is no column of prices, name it with `column`" if column is None else "no such column"
        problem = f"{fault}{nearest(column or 'Close', names)}; {listed(names)}"
        raise DataError(problem, path=path, line=line, column=column and shown(column))
    if value is None:
        twice = [name for name in names if name and names.count(name) > 1]
        if twice:
            raise DataError(f"column {shown(twice[0])} twice", path=path, line=line)
        return _Layout(date, (), tuple(columns), wide=True)
    return _Layout(date, () if symbol is None else (symbol,), (value,), wide=False)


def _find(names: list[str], known: Sequence[str], *, path: Path, line: int) -> int | None:
    """The column with the first of the known names, in any case and spacing."""
    folded = [_fold(name) for name in names]
    for name in known:
        if folded.count(name) > 1:
            raise DataError(f"column {shown(names[folded.index(name)])} twice", path=path, line=line)
        if name in folded:
            return folded.index(name)
    return None


def _fold(name: str) -> str:
    """The letters and digits in lower case; one letter stays as it is, for Y is a symbol and y a value."""
    return name if len(name) == 1 else "".join(letter for letter in name.casefold() if letter.isalnum())


def _from_long(
    rows: list[tuple[str, ...]],
    lines: npt.NDArray[np.int64],
    ids: list[str],
    symbols: Sequence[str] | None,
    source: Source,
) -> tuple[list[str], pd.DataFrame]:
    """The series, and the table for `_check`, of rows that hold a date and then a price."""
    if "" in ids:
        raise DataError("a row without its symbol", path=source.path, line=int(lines[ids.index("")]))
    codes, unique = pd.factorize(np.array(ids, dtype=object))
    series = list(unique)
    kept = np.flatnonzero(np.isin(codes, selected(series, symbols, source.path)))
    cells = list(zip(*(rows[index] for index in kept), strict=True))
    ds = _dates(cells[0], lines[kept], source)
    y = _numbers(cells[1], lines[kept], "", source)
    return series, pd.DataFrame({"series": codes[kept], "ds": ds, "y": y, "row": lines[kept]})


def _from_wide(
    rows: list[tuple[str, ...]],
    lines: npt.NDArray[np.int64],
    series: list[str],
    symbols: Sequence[str] | None,
    on_missing: str,
    source: Source,
) -> pd.DataFrame:
    """The table for `_check` of rows that hold a date and then a price a series."""
    dates, *cells = zip(*rows, strict=True)
    ds = _dates(dates, lines, source)
    parts = []
    for code in selected(series, symbols, source.path):
        y = _numbers(cells[code], lines, series[code], source)
        present = np.flatnonzero(~np.isnan(y))
        if not present.size and on_missing == "error":
            raise source.error("there is not one price", series[code], None)
        # Before its first price a series has not begun, after its last it has ended: nothing is missing.
        span = slice(present[0], present[-1] + 1) if present.size else slice(0)
        parts.append(pd.DataFrame({"series": code, "ds": ds[span], "y": y[span], "row": lines[span]}))
    return pd.concat(parts, ignore_index=True)


def _numbers(
    cells: Sequence[str], lines: npt.NDArray[np.int64], series: str, source: Source
) -> npt.NDArray[np.float64]:
    """The numbers in a column of text, NaN where a cell says that there is none."""
    if not _NOT_IN_A_NUMBER.search("".join(cells)):
        try:
            return np.array(list(map(float, cells)))
        except ValueError:
            pass  # An empty cell, or signs in the wrong place: the loop says which.
    values = np.full(len(cells), np.nan)
    for index, cell in enumerate(cells):
        text = cell.strip()
        if _NUMBER.fullmatch(text) or text.lower() in _INFINITE:
            values[index] = float(text)
        elif text.lower() not in _MISSING:
            problem = f"'{shown(text)}' is not a plain number, such as 98.76"
            raise source.error(problem, series, int(lines[index]))
    return values


def _dates(cells: Sequence[str], lines: npt.NDArray[np.int64], source: Source) -> npt.NDArray[Any]:
    """The dates in a column of text, which all have one format."""

    def error(index: int, problem: str) -> DataError:
        found = f"'{shown(cells[index])}' {problem}"
        return source.error(found, "", int(lines[index]), source.date)

    first = cells[0].strip()
    formats = ((date, time) for date in _DATES for time in _TIMES)
    fits = (pair for pair in formats if re.fullmatch(_DATES[pair[0]] + _TIMES[pair[1]], first, re.ASCII))
    date, time = next(fits, ("", ""))
    if not date:
        number = _NUMBER.fullmatch(first) is not None
        raise error(0, f"is {'a plain number' if number else 'not a date'}; write dates as YYYY-MM-DD")
    pattern = re.compile(_DATES[date] + _TIMES[time], re.ASCII)
    parts: list[dict[str, str]] = []
    for index, cell in enumerate(cells):
        if (match := pattern.fullmatch(cell.strip())) is None:
            raise error(index, f"does not fit the format of the lines above ({date}{time})")
        parts.append(match.groupdict())
    if " or " in date:
        _settle_day_and_month(parts, error)
    numbers = {name: f"{number:02d}" for number, name in enumerate(_MONTHS, start=1)}
    iso = [
        f"{part['year']}-{numbers.get(part['month'].lower(), part['month']):0>2}-{part['day']:0>2}"
        f"T{part.get('time', '00:00')}{part.get('offset', '')}"
        for part in parts
    ]
    stamps = pd.Series(pd.to_datetime(iso, format="ISO8601", errors="coerce", utc=True).tz_localize(None))
    stamps = nanoseconds(stamps)
    if stamps.isna().any():
        raise error(int(np.argmax(stamps.isna())), "is not a date that exists, or its year is far off")
    dates: npt.NDArray[Any] = stamps.to_numpy()
    return dates


def _settle_day_and_month(parts: list[dict[str, str]], error: Callable[[int, str], DataError]) -> None:
    """Swap day and month where the column is MM/DD/YYYY; one of the two must be above 12 somewhere."""
    day_first = next((index for index, part in enumerate(parts) if int(part["day"]) > 12), None)
    month_first = next((index for index, part in enumerate(parts) if int(part["month"]) > 12), None)
    if day_first is None and month_first is None:
        raise error(0, "can be DD/MM/YYYY or MM/DD/YYYY, and no line tells which; write YYYY-MM-DD")
    if day_first is not None and month_first is not None:
        order = "DD/MM/YYYY" if day_first < month_first else "MM/DD/YYYY"
        raise error(max(day_first, month_first), f"does not fit the format of the lines above ({order})")
    if day_first is None:
        for part in parts:
            part["day"], part["month"] = part["month"], part["day"]
