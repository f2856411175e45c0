"""The rules that every price must meet, from a file or from a frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsrnn.data.prices.oddities import BARS, in_order, warn_of_oddities
from tsrnn.data.tables.columns import BAR_NAMES, DATE_NAMES, VALUE_NAMES, folded
from tsrnn.data.tables.source import (
    YEARS,
    Source,
    first_word,
    listed,
    nanoseconds,
    refuse_unprintable,
    selected,
    shown,
)
from tsrnn.errors import ConfigError, DataError, argument

_LARGEST_PRICE = 1e100  # its square is still a finite number


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
    source = Source(None, "ds", "y", "rows")
    return check_table(*frame_table(frame, symbols, source), source, on_missing)


def frame_table(
    frame: pd.DataFrame, symbols: Sequence[str] | None, source: Source
) -> tuple[pd.DataFrame, list[str]]:
    """The table for `check_table` of a frame in unique_id, ds and y, and the names of its series."""
    for name in ("ds", "y"):
        if list(frame.columns).count(name) != 1:
            fault = "stands twice" if name in frame.columns else "is missing"
            raise DataError(
                f"column {name} {fault}; {listed(list(map(str, frame.columns)))}", path=source.path
            )
    if frame.empty:
        raise DataError(f"the {'frame' if source.path is None else 'file'} has no rows", path=source.path)
    ids = frame["unique_id"] if "unique_id" in frame.columns else pd.Series("y", index=frame.index)
    if ids.isna().any():
        raise source.error("no unique_id", "", int(np.argmax(ids.isna())), "unique_id")
    codes, names = pd.factorize(ids.astype(str))
    ds = plain_dates(frame["ds"], source)
    refuse_unprintable(list(names), source.path)
    y = plain_values(frame["y"], names.take(codes), source)
    bars = {bar: frame[bar].to_numpy(np.float64, na_value=np.nan) for bar in BARS if bar in frame.columns}
    table = pd.DataFrame({"series": codes, "ds": ds, "y": y, "row": np.arange(len(frame)), **bars})
    return table[np.isin(codes, selected(names, symbols, source.path))], list(names)


def plain_dates(ds: pd.Series[Any], source: Source) -> npt.NDArray[Any]:
    """The dates of a frame without a time zone and in nanoseconds, or its whole numbers.

    Raises:
        DataError: for the first row that has neither.
    """
    if ds.isna().any():
        raise source.error("no ds", "", int(np.argmax(ds.isna())), "ds")
    if isinstance(ds.dtype, pd.DatetimeTZDtype):
        ds = ds.dt.tz_convert("UTC").dt.tz_localize(None)
    if pd.api.types.is_datetime64_dtype(ds):
        ds = nanoseconds(ds)
        if ds.isna().any():
            raise source.error(f"the year is outside {YEARS}", "", int(np.argmax(ds.isna())), source.date)
        moments: npt.NDArray[Any] = ds.to_numpy()
        return moments
    if not pd.api.types.is_integer_dtype(ds):
        problem = f"{source.date} holds {ds.dtype}; make it datetimes (pd.to_datetime) or integers"
        raise DataError(problem, path=source.path, column=source.date)
    numbers: npt.NDArray[Any] = ds.to_numpy(dtype=np.int64)
    return numbers


def plain_values(y: pd.Series[Any], series: Sequence[str], source: Source) -> npt.NDArray[np.float64]:
    """The numbers of a column of a frame, NaN where one is missing.

    Args:
        y: the column.
        series: the series of each row.
        source: the frame or file, and its columns.

    Raises:
        DataError: for the first that is no number.
    """
    if (word := first_word(y)) is not None:
        raise source.error(f"'{shown(str(y.iloc[word]))}' is not a number", series[word], word)
    values: npt.NDArray[np.float64] = y.to_numpy(dtype=np.float64, na_value=np.nan)
    return values


def check_table(table: pd.DataFrame, names: list[str], source: Source, on_missing: str) -> pd.DataFrame:
    """The tidy frame of a table in series (a number into `names`), ds, y (NaN: missing) and row."""
    if on_missing not in ("error", "drop"):
        raise ConfigError(f"{argument('data.on_missing')} must be error or drop, not {on_missing}")
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
    if missing.size == len(y) > 0:
        problem = f"there is not one price on {len(y)} {source.rows}"
        hint = f"; {argument('data.column', 'NAME')} reads another column" if source.unread else ""
        raise source.error(problem + hint, "", None)
    if missing.size and on_missing == "error":
        first = missing[np.argmin(row[missing])]
        places = ", ".join(map(str, np.unique(row[missing])[:5])) + (", …" if missing.size > 5 else "")
        drop = f"{argument('data.on_missing', 'drop')} leaves these out"
        problem = f"{missing.size} missing ({source.rows} {places}); {drop}"
        raise source.error(problem, names[series[first]], int(row[first]))
    table = table[~np.isnan(y)]
    if table.empty:
        raise DataError("no prices are left", path=source.path)
    _refuse_duplicates(table, names, source)
    table = in_order(table, names, source)
    warn_of_oddities(table, names, source)
    ids = np.array(names, dtype=object)[table["series"].to_numpy()]
    return pd.DataFrame({"unique_id": ids, "ds": table["ds"].array, "y": table["y"].array})


def _refuse_duplicates(table: pd.DataFrame, names: list[str], source: Source) -> None:
    """A series has a date once, even where its values agree."""
    again = table.duplicated(["series", "ds"])
    if again.any():
        plain = table[["series", "ds", "y", "row"]]
        code, ds, y, row = next(plain[again].itertuples(index=False, name=None))
        same = plain[(plain["series"] == code) & (plain["ds"] == ds)]
        _, _, first_y, first_row = next(same.itertuples(index=False, name=None))
        agree = "the same value" if first_y == y else "different values"
        moment = str(ds).removesuffix(" 00:00:00")
        problem = f"{moment} is on {source.rows} {first_row} and {row} with {agree}; keep one of them"
        if len(names) == 1:
            problem += _more_than_one(source)
        raise source.error(problem, names[code], row, source.date)


def _more_than_one(source: Source) -> str:
    """What may tell the prices of one date apart: a column that is not used."""
    others = [name for name in source.unread if name and folded(name) not in BAR_NAMES + VALUE_NAMES]
    times = [name for name in others if folded(name) in DATE_NAMES]
    if times:
        return f", or write date and {shown(times[0])} in one column"
    return f", or call the column that names the series Symbol (is it {shown(others[0])}?)" if others else ""
