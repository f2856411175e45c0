"""The rules that every price must meet, from a file or from a frame."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pandas as pd

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
from tsrnn.errors import ConfigError, DataError

_LARGEST_PRICE = 1e100  # its square is still a finite number
_JUMP = 0.6


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
    for name, values in (("unique_id", ids), ("ds", frame["ds"])):
        if values.isna().any():
            raise source.error(f"no {name}", "", int(np.argmax(values.isna())), name)
    ds = frame["ds"]
    if isinstance(ds.dtype, pd.DatetimeTZDtype):
        ds = ds.dt.tz_convert("UTC").dt.tz_localize(None)
    if pd.api.types.is_datetime64_dtype(ds):
        ds = nanoseconds(ds)
        if ds.isna().any():
            raise source.error(f"the year is outside {YEARS}", "", int(np.argmax(ds.isna())), source.date)
    elif not pd.api.types.is_integer_dtype(ds):
        problem = f"{source.date} holds {ds.dtype}; make it datetimes (pd.to_datetime) or integers"
        raise DataError(problem, path=source.path, column=source.date)
    codes, names = pd.factorize(ids.astype(str))
    y = frame["y"]
    refuse_unprintable(list(names), source.path)
    if (word := first_word(y)) is not None:
        problem = f"'{shown(str(y.iloc[word]))}' is not a number"
        raise source.error(problem, names[codes[word]], word)
    table = pd.DataFrame(
        {
            "series": codes,
            "ds": ds.to_numpy() if ds.dtype.kind == "M" else ds.to_numpy(dtype=np.int64),
            "y": y.to_numpy(dtype=np.float64, na_value=np.nan),
            "row": np.arange(len(frame)),
        }
    )
    return table[np.isin(codes, selected(names, symbols, source.path))], list(names)


def check_table(table: pd.DataFrame, names: list[str], source: Source, on_missing: str) -> pd.DataFrame:
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


def _refuse_duplicates(table: pd.DataFrame, names: list[str], source: Source) -> None:
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


def _in_order(table: pd.DataFrame, names: list[str], source: Source) -> pd.DataFrame:
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
        problem = f"the dates of {shown(names[code])} are not in order here; they are sorted"
        more = f" (and those of {mixed.size - 1} other series)" if mixed.size > 1 else ""
        source.warn(problem + more, names[code], row, source.date)
    return table.sort_values(["series", "ds"], kind="stable")


def _warn_of_oddities(table: pd.DataFrame, names: list[str], source: Source) -> None:
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
            source.warn(f"{source.column(name)} is constant for {shown(name)}", name, None)
        jumps = np.flatnonzero(np.abs(moves) > _JUMP)
        if jumps.size:
            percent = f"{shown(name)} jumps by about {np.rint(100 * moves[jumps[0]]):+.6g} %"
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
