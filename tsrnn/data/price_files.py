"""Prices from a file or a frame, read strictly: a fault is named by its place, never guessed away."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import os
import re
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsrnn.errors import ConfigError, DataError, DataWarning, nearest

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
_YEARS = (1700, 2200)  # whole years that nanoseconds in 64 bits can hold

_LINE_LIMIT = 2**20
_FILE_LIMIT = 2**28
_LARGEST_PRICE = 1e100  # its square is still a finite number
_JUMP = 0.6


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
    shown = [_shown(name) for name in names]
    source = _Source(path, shown[layout.date], None if layout.wide else shown[layout.values[0]])
    if layout.wide:
        series = [names[index] for index in layout.values]
        table = _from_wide(rows, np.array(lines), series, symbols, on_missing, source)
    else:
        stem = re.sub(r"(\.(csv|tsv|txt|gz))+$", "", path.name, flags=re.IGNORECASE)
        ids = [row[-1].strip() if layout.symbol else stem for row in rows]
        series, table = _from_long(rows, np.array(lines), ids, symbols, source)
    return _check(table, series, source, on_missing)


def check_prices(
    frame: pd.DataFrame,
    *,
    symbols: Sequence[str] | None = None,
    on_missing: Literal["error", "drop"] = "error",
) -> pd.DataFrame:
    """The prices of a frame in unique_id, ds and y, held to the rules of `read_prices`.

    Args:
        frame: one row a price; ds holds datetimes or integers; without unique_id it is one series "y".
        symbols: the series to keep; default all.
        on_missing: "error" refuses a missing price, "drop" leaves its row out.

    Returns:
        A new frame of unique_id, ds and y, the series in order of first appearance, each in order of ds.

    Raises:
        DataError: the frame cannot be used as it is; the message names the series, the row (counted from
            0) and the column.
        ConfigError: `on_missing` is another word.
    """
    for name in ("ds", "y"):
        if list(frame.columns).count(name) != 1:
            fault = "stands twice" if name in frame.columns else "is missing"
            raise DataError(f"column {name} {fault}; {_listed(list(map(str, frame.columns)))}")
    if frame.empty:
        raise DataError("the frame has no rows")
    ids = frame["unique_id"] if "unique_id" in frame.columns else pd.Series("y", index=frame.index)
    for name, values in (("unique_id", ids), ("ds", frame["ds"])):
        if values.isna().any():
            raise DataError(f"row {np.argmax(values.isna())}: no {name}", column=name)
    ds = frame["ds"]
    if isinstance(ds.dtype, pd.DatetimeTZDtype):
        ds = ds.dt.tz_convert("UTC").dt.tz_localize(None)
    if pd.api.types.is_datetime64_dtype(ds):
        ds = _nanoseconds(ds)
        if ds.isna().any():
            raise DataError(f"row {np.argmax(ds.isna())}: the year is outside {_YEARS}", column="ds")
    elif not pd.api.types.is_integer_dtype(ds):
        raise DataError(f"ds holds {ds.dtype}; make it datetimes (pd.to_datetime) or integers", column="ds")
    codes, names = pd.factorize(ids.astype(str))
    y = frame["y"]
    if y.dtype.kind not in "iuf":
        for row, value in enumerate(y):
            if not (pd.api.types.is_number(value) or pd.isna(value)) or isinstance(value, complex):
                problem = f"series {names[codes[row]]}, row {row}: '{_shown(str(value))}' is not a number"
                raise DataError(problem, column="y")
    table = pd.DataFrame(
        {
            "series": codes,
            "ds": ds.to_numpy() if ds.dtype.kind == "M" else ds.to_numpy(dtype=np.int64),
            "y": y.to_numpy(dtype=np.float64, na_value=np.nan),
            "row": np.arange(len(frame)),
        }
    )
    table = table[np.isin(codes, _selected(names, symbols, None))]
    return _check(table, list(names), _Source(None, "ds", "y"), on_missing)


class _Layout(NamedTuple):
    """The fields of a row that are used: `symbol` is none or one, `values` several in the wide form."""

    date: int
    symbol: tuple[int, ...]
    values: tuple[int, ...]
    wide: bool


@dataclass(frozen=True)
class _Source:
    """Where values stand, in the words of an error or a warning: lines of a file, or rows of a frame.

    Args:
        path: the file, or None for a frame.
        date: the column of dates.
        value: the column of prices, or None in the wide form, where each series is a column.
    """

    path: Path | None
    date: str
    value: str | None

    @property
    def rows(self) -> str:
        """What the numbers of rows count."""
        return "rows" if self.path is None else "lines"

    def column(self, series: str) -> str:
        """The column that holds the prices of a series."""
        return self.value or _shown(series)

    def error(self, problem: str, series: str, row: int | None, column: str | None = None) -> DataError:
        """The problem with its place in front."""
        column = column or self.column(series)
        if self.path is not None:
            return DataError(problem, path=self.path, line=row, column=column)
        place = f"series {_shown(series)}" + ("" if row is None else f", row {row}")
        return DataError(f"{place}: {problem}", column=column)

    def warn(self, problem: str, series: str, row: int | None, column: str | None = None) -> None:
        """The same words as a warning, at the line that called `read_prices` or `check_prices`."""
        warnings.warn(str(self.error(problem, series, row, column)), DataWarning, stacklevel=5)


def _read_bytes(path: Path) -> bytes:
    """The file's content, unzipped, each line ending in a line feed; no line and no file without bounds."""
    content = bytearray()
    try:
        with path.open("rb") as raw:
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
    except FileNotFoundError:
        folder = path.parent
        neighbours = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
        raise DataError(f"there is no such file{nearest(path.name, neighbours)}", path=path) from None
    except IsADirectoryError:
        raise DataError("this is a folder; name a file of prices", path=path) from None
    except EOFError:
        raise DataError("the file ends early: its gzip data is cut short", path=path) from None
    except (gzip.BadGzipFile, zlib.error):
        raise DataError("the gzip data is damaged", path=path) from None
    except OSError as error:
        raise DataError(f"the file cannot be read ({error.strerror})", path=path) from None
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
        raise DataError(f"{fault}; {_listed(names)}", path=path, line=line)
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
        problem = f"{fault}{nearest(column or 'Close', names)}; {_listed(names)}"
        raise DataError(problem, path=path, line=line, column=column and _shown(column))
    if value is None:
        twice = [name for name in names if name and names.count(name) > 1]
        if twice:
            raise DataError(f"column {_shown(twice[0])} twice", path=path, line=line)
        return _Layout(date, (), tuple(columns), wide=True)
    return _Layout(date, () if symbol is None else (symbol,), (value,), wide=False)


def _find(names: list[str], known: Sequence[str], *, path: Path, line: int) -> int | None:
    """The column with the first of the known names, in any case and spacing."""
    folded = [_fold(name) for name in names]
    for name in known:
        if folded.count(name) > 1:
            raise DataError(f"column {_shown(names[folded.index(name)])} twice", path=path, line=line)
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
    source: _Source,
) -> tuple[list[str], pd.DataFrame]:
    """The series, and the table for `_check`, of rows that hold a date and then a price."""
    if "" in ids:
        raise DataError("a row without its symbol", path=source.path, line=int(lines[ids.index("")]))
    codes, unique = pd.factorize(np.array(ids, dtype=object))
    series = list(unique)
    kept = np.flatnonzero(np.isin(codes, _selected(series, symbols, source.path)))
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
    source: _Source,
) -> pd.DataFrame:
    """The table for `_check` of rows that hold a date and then a price a series."""
    dates, *cells = zip(*rows, strict=True)
    ds = _dates(dates, lines, source)
    parts = []
    for code in _selected(series, symbols, source.path):
        y = _numbers(cells[code], lines, series[code], source)
        present = np.flatnonzero(~np.isnan(y))
        if not present.size and on_missing == "error":
            raise source.error("there is not one price", series[code], None)
        # Before its first price a series has not begun, after its last it has ended: nothing is missing.
        span = slice(present[0], present[-1] + 1) if present.size else slice(0)
        parts.append(pd.DataFrame({"series": code, "ds": ds[span], "y": y[span], "row": lines[span]}))
    return pd.concat(parts, ignore_index=True)


def _selected(names: Sequence[str], symbols: Sequence[str] | None, path: Path | None) -> list[int]:
    """The positions of the series that are asked for, in the order of the names."""
    for symbol in symbols or ():
        if symbol not in names:
            problem = f"there is no series {_shown(symbol)}{nearest(symbol, names)}"
            raise DataError(f"{problem}; {_listed(names, 'series')}", path=path)
    if symbols is not None and not symbols:
        raise DataError("no series is asked for", path=path)
    return [code for code, name in enumerate(names) if symbols is None or name in symbols]


def _numbers(
    cells: Sequence[str], lines: npt.NDArray[np.int64], series: str, source: _Source
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
            problem = f"'{_shown(text)}' is not a plain number, such as 98.76"
            raise source.error(problem, series, int(lines[index]))
    return values


def _dates(cells: Sequence[str], lines: npt.NDArray[np.int64], source: _Source) -> npt.NDArray[Any]:
    """The dates in a column of text, which all have one format."""

    def error(index: int, problem: str) -> DataError:
        found = f"'{_shown(cells[index])}' {problem}"
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
    stamps = _nanoseconds(stamps)
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


def _nanoseconds(stamps: pd.Series[Any]) -> pd.Series[Any]:
    """The datetimes in nanoseconds, NaT where the year does not fit them."""
    return stamps.where(stamps.dt.year.between(*_YEARS)).dt.as_unit("ns")


def _check(table: pd.DataFrame, names: list[str], source: _Source, on_missing: str) -> pd.DataFrame:
    """The tidy frame of a table in series (a number into `names`), ds, y (NaN: missing) and row."""
    if on_missing not in ("error", "drop"):
        raise ConfigError(f"on_missing is error or drop, not {on_missing}")
    series = table["series"].to_numpy()
    y = table["y"].to_numpy()
    row = table["row"].to_numpy()
    for fault, rule in (
        (np.isinf(y), "an infinite value; a price must be finite"),
        (y > _LARGEST_PRICE, f"too large; a price may be at most {_LARGEST_PRICE:g}"),
        (y <= 0, "a price must be above 0"),
    ):
        if fault.any():
            at = int(np.argmax(fault))
            name = names[series[at]]
            raise source.error(f"{source.column(name)} is {y[at]:g}: {rule}", name, int(row[at]))
    missing = np.flatnonzero(np.isnan(y))
    if missing.size and on_missing == "error":
        first = missing[np.argmin(row[missing])]
        places = ", ".join(map(str, np.unique(row[missing])[:5])) + (", …" if missing.size > 5 else "")
        problem = f"{missing.size} missing ({source.rows} {places}); on_missing=drop leaves these out"
        raise source.error(problem, names[series[first]], int(row[first]))
    table = table[~np.isnan(y)]
    if table.empty:
        raise DataError("no prices are left", path=source.path)
    _refuse_duplicates(table, names, source)
    table = _in_order(table, names, source)
    _warn_of_oddities(table, names, source)
    ids = np.array(names, dtype=object)[table["series"].to_numpy()]
    return pd.DataFrame({"unique_id": ids, "ds": table["ds"].array, "y": table["y"].array})


def _refuse_duplicates(table: pd.DataFrame, names: list[str], source: _Source) -> None:
    """A series has a date once, even where its values agree."""
    again = table.duplicated(["series", "ds"])
    if again.any():
        code, ds, y, row = next(table[again].itertuples(index=False, name=None))
        same = table[(table["series"] == code) & (table["ds"] == ds)]
        _, _, first_y, first_row = next(same.itertuples(index=False, name=None))
        agree = "the same value" if first_y == y else "different values"
        moment = str(ds).removesuffix(" 00:00:00")
        problem = f"{moment} is on {source.rows} {first_row} and {row} with {agree}; keep one of them"
        raise source.error(problem, names[code], row, source.date)


def _in_order(table: pd.DataFrame, names: list[str], source: _Source) -> pd.DataFrame:
    """The table by series and time, with a warning unless each series runs all forwards or all backwards."""
    table = table.sort_values("series", kind="stable")
    series = table["series"].to_numpy()
    forward = table["ds"].to_numpy()[1:] > table["ds"].to_numpy()[:-1]
    inside = series[1:] == series[:-1]
    ahead = np.bincount(series[1:][inside & forward], minlength=len(names))
    back = np.bincount(series[1:][inside & ~forward], minlength=len(names))
    mixed = np.flatnonzero((ahead > 0) & (back > 0))
    if mixed.size:
        code = mixed[0]
        astray = inside & (series[1:] == code) & (forward != (ahead[code] >= back[code]))
        row = int(table["row"].iloc[1 + int(np.argmax(astray))])
        problem = f"the dates of {_shown(names[code])} are not in order here; they are sorted"
        more = f" (and those of {mixed.size - 1} other series)" if mixed.size > 1 else ""
        source.warn(problem + more, names[code], row, source.date)
    return table.sort_values(["series", "ds"], kind="stable")


def _warn_of_oddities(table: pd.DataFrame, names: list[str], source: _Source) -> None:
    """Warnings of what is used as it is: a constant series, a jump, and the longest gap of all."""
    series, ds, y, row = (table[name].to_numpy() for name in ("series", "ds", "y", "row"))
    bounds = [0, *(np.flatnonzero(np.diff(series)) + 1), len(series)]
    gaps: dict[tuple[int, int], tuple[Any, str]] = {}
    for start, stop in pairwise(bounds):
        if stop - start < 2:
            continue
        name = names[series[start]]
        prices = y[start:stop]
        with np.errstate(over="ignore"):
            moves = prices[1:] / prices[:-1] - 1
        if (prices == prices[0]).all():
            source.warn(f"{source.column(name)} is constant for {_shown(name)}", name, None)
        jumps = np.flatnonzero(np.abs(moves) > _JUMP)
        if jumps.size:
            percent = f"{_shown(name)} jumps by about {np.rint(100 * moves[jumps[0]]):+.6g} %"
            count = f", the first of {jumps.size} such jumps" if jumps.size > 1 else ""
            problem = f"{percent} from the value before{count}; a split may be unadjusted"
            source.warn(problem, name, int(row[start + 1 + jumps[0]]))
        steps = np.diff(ds[start:stop])
        usual = np.median(steps.astype(np.int64)) * 10
        if steps.dtype.kind == "m":
            # Shut exchanges leave holes of a night to a holiday week, whatever the step.
            usual = max(usual, pd.Timedelta(days=30).value)
        for index in np.flatnonzero(steps.astype(np.int64) > usual):
            at = start + int(index)
            gaps.setdefault((int(row[at]), int(row[at + 1])), (steps[index], name))
    if gaps:
        (before, after), (length, name) = max(gaps.items(), key=lambda gap: gap[1][0])
        days = f"{length / np.timedelta64(1, 'D'):.0f} days" if isinstance(length, np.timedelta64) else length
        more = f" (the longest of {len(gaps)})" if len(gaps) > 1 else ""
        problem = f"a gap of {days} between {source.rows} {before} and {after}{more}"
        source.warn(problem, name, after, source.date)


def _listed(names: Sequence[str], kind: str = "columns") -> str:
    """The names that there are, as the end of a message."""
    shown = ", ".join(_shown(name) for name in names[:12])
    return f"the {kind} are {shown}{', …' if len(names) > 12 else ''}"


def _shown(text: str) -> str:
    """Text from a file, fit for a message: printable, and at most 40 characters."""
    cut = text if len(text) <= 40 else text[:39] + "…"
    return "".join(letter if letter.isprintable() else " " for letter in cut)
