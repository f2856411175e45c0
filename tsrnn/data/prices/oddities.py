"""Warnings of prices that are used as they are, although they look odd."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsrnn.data.prices.jumps import warn_of_jumps
from tsrnn.data.tables.doubts import warn_of_names
from tsrnn.data.tables.source import Source, shown
from tsrnn.protocols import time_text

Array: TypeAlias = npt.NDArray[Any]
BARS = ("open", "high", "low", "close")
"""What a table may know of each price beside it."""

_ROUNDING = 1e-4  # vendors round opens, highs, lows and closes in their own ways


def in_order(table: pd.DataFrame, names: list[str], source: Source) -> pd.DataFrame:
    """The table by series and time, with a warning unless each series runs all forwards or all backwards."""
    table = table.sort_values("series", kind="stable")
    series, ds, row = (table[name].to_numpy() for name in ("series", "ds", "row"))
    inside = series[1:] == series[:-1]
    back = inside & (ds[1:] < ds[:-1])
    steps, steps_back = (np.bincount(series[1:][which], minlength=len(names)) for which in (inside, back))
    # Without a clear direction it is forwards.
    newest_first = steps_back > 0.75 * steps
    astray = 1 + np.flatnonzero(inside & (back != newest_first[series[1:]]))
    if astray.size:
        at = astray[np.argmin(row[astray])]
        before = f"{time_text(ds[at])} after {time_text(ds[at - 1])} on {source.rows[:-1]} {row[at - 1]}"
        more = f", the first of {astray.size} such {source.rows}" if astray.size > 1 else ""
        problem = (
            f"the dates of {shown(names[series[at]])} are not in order here ({before}){more}; they are sorted"
        )
        source.warn(problem, names[series[at]], int(row[at]), source.date)
    return table.sort_values(["series", "ds"], kind="stable")


def warn_of_oddities(table: pd.DataFrame, names: list[str], source: Source) -> None:
    """A warning of each kind, for the first place where there is one.

    Args:
        table: in series (a number into `names`), ds, y and row, by series and time, and in open, high, low
            and close where they are known.
        names: of the series.
        source: the file and its columns.
    """
    warn_of_names(names, source)
    _warn_of_bars(table, names, source)
    series, ds, y, row = (table[name].to_numpy() for name in ("series", "ds", "y", "row"))
    starts = np.flatnonzero(np.concatenate([[True], series[1:] != series[:-1]]))
    bounds = zip(starts, [*starts[1:], len(series)], strict=True)
    spans = {int(series[start]): slice(int(start), int(stop)) for start, stop in bounds}
    _warn_of_constants(series, y, starts, names, source)
    warn_of_jumps(series, y, row, spans, names, source)
    _warn_of_gaps(series, ds, row, spans, names, source)
    _warn_of_future(series, ds, row, names, source)


def _warn_of_bars(table: pd.DataFrame, names: list[str], source: Source) -> None:
    """A high below the low, and an open or a close outside of both; 0 is a day without trades."""
    if not {"high", "low"} <= set(table.columns):
        return
    high, low = table["high"].to_numpy(), table["low"].to_numpy()
    known = (high > 0) & (low > 0)
    faults = [(known & (high < low), "high", "is below", "low")]
    for bar in ("open", "close"):
        if bar in table.columns:
            value = table[bar].to_numpy()
            traded = known & (value > 0) & (high >= low)
            faults.append((traded & (value > high * (1 + _ROUNDING)), bar, "is above", "high"))
            faults.append((traded & (value < low * (1 - _ROUNDING)), bar, "is below", "low"))
    wrong = np.logical_or.reduce([fault for fault, *_ in faults])
    if not wrong.any():
        return
    rows = table["row"].to_numpy()
    at = np.flatnonzero(wrong)[np.argmin(rows[wrong])]
    bar, relation, other = next(words for fault, *words in faults if fault[at])
    problem = (
        f"the {bar} of {table[bar].iloc[at]:.15g} {relation} the {other} of {table[other].iloc[at]:.15g}"
    )
    count = int(wrong.sum())
    more = f", the first of {count} such {source.rows}" if count > 1 else ""
    name = names[table["series"].iloc[at]]
    source.warn(f"{problem}{more}; the prices are used as they are", name, int(rows[at]))


def _warn_of_constants(series: Array, y: Array, starts: Array, names: list[str], source: Source) -> None:
    same = np.minimum.reduceat(y, starts) == np.maximum.reduceat(y, starts)
    constant = np.flatnonzero(same & (np.diff([*starts, len(y)]) > 1))
    if constant.size:
        name = names[series[starts[constant[0]]]]
        more = f" and {constant.size - 1} more series" if constant.size > 1 else ""
        source.warn(f"{source.column(name)} is constant for {shown(name)}{more}", name, None)


def _warn_of_gaps(
    series: Array, ds: Array, row: Array, spans: dict[int, slice], names: list[str], source: Source
) -> None:
    """The longest gap of all, where it is ten times the usual step and longer than a holiday."""
    steps = np.diff(ds).astype(np.int64)
    # Shut exchanges leave holes of a night to a holiday week, whatever the step.
    dated = ds.dtype.kind == "M"
    shortest = pd.Timedelta(days=30).value if dated else 10
    long = (series[1:] == series[:-1]) & (steps > shortest)
    usual = {
        code: np.median(steps[spans[code].start : spans[code].stop - 1])
        for code in map(int, np.unique(series[1:][long]))
    }
    gaps: dict[tuple[int, int], int] = {}
    for at in map(int, np.flatnonzero(long)):
        if steps[at] > 10 * usual[int(series[at])]:
            gaps.setdefault((int(row[at]), int(row[at + 1])), int(at))
    if gaps:
        at = max(gaps.values(), key=lambda place: int(steps[place]))
        length = f"{steps[at] / pd.Timedelta(days=1).value:.0f} days" if dated else steps[at]
        more = f" (the longest of {len(gaps)})" if len(gaps) > 1 else ""
        problem = f"a gap of {length} between {source.rows} {row[at]} and {row[at + 1]}{more}"
        source.warn(problem, names[series[at]], int(row[at + 1]), source.date)


def _warn_of_future(series: Array, ds: Array, row: Array, names: list[str], source: Source) -> None:
    """Dates beyond today; a month or a year may bear the date of its end."""
    if ds.dtype.kind != "M":
        return
    days = np.unique(ds)
    step = np.median(np.diff(days)) if len(days) > 1 else np.timedelta64(1, "D")
    now = np.datetime64("now", "s")
    beyond = np.flatnonzero(ds > now + max(step, np.timedelta64(1, "D")))
    if beyond.size:
        at = beyond[np.argmin(row[beyond])]
        more = f", the first of {beyond.size} such prices" if beyond.size > 1 else ""
        problem = f"{time_text(ds[at])} is in the future (today is {now.astype('datetime64[D]')}){more}"
        source.warn(problem, names[series[at]], int(row[at]), source.date)
