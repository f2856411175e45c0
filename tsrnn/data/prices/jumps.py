"""Jumps that no market makes: splits that are not adjusted, and wrong prices."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tsrnn.data.tables.columns import folded
from tsrnn.data.tables.source import Source, shown

Array: TypeAlias = npt.NDArray[Any]

_JUMP = 0.6  # of the price: named in any case
# A split of 3:2 takes a third of the price, and the market moves by a few percent on that day as well.
_SPLIT = 0.35  # |log return|
_SCALES = 8  # standard deviations: what swings that far every other week is no split
_FEWEST = 20  # returns that tell what is usual
_RECOVERY = 5  # prices within which a wrong one gives way to right ones
_MOST = 10_000  # jumps that are looked at: beyond, the file has another fault
_WHOLE = (2, 3, 4, 5, 10, 20, 50, 100)
_RATIOS = {1.5: "3:2", 2.5: "5:2"} | {float(new): f"{new}:1" for new in _WHOLE}
_RATIOS |= {1 / new: f"1:{new}" for new in _WHOLE}


def warn_of_jumps(
    series: Array, y: Array, row: Array, spans: dict[int, slice], names: list[str], source: Source
) -> None:
    """One warning of the first split or wrong price, and of how many there are.

    A split that is not adjusted stays; a price that is wrong is soon followed by right ones. Of adjusted
    prices, as their column's name says, no move of less than 60 % is named.

    Args:
        series: (P,) the series of each price, as a number into `names`.
        y: (P,) prices, by series and time.
        row: (P,) where each stands in the file.
        spans: the prices of each series.
        names: of the series.
        source: the file and its columns.
    """
    line = source.rows.removesuffix("s")
    with np.errstate(over="ignore"):
        moves = y[1:] / y[:-1] - 1
    returns = np.diff(np.log(y))
    adjusted = any(word in folded(source.value or "") for word in ("adj", "수정"))
    large = (np.abs(moves) > _JUMP) | (np.abs(returns) > (np.inf if adjusted else _SPLIT))
    causes: dict[int, str] = {}
    until = 0  # where the last wrong price has given way
    for at in map(int, 1 + np.flatnonzero(large & (series[1:] == series[:-1]))[:_MOST]):
        span = spans[int(series[at])]
        usual = returns[span.start : span.stop - 1]
        if at <= until or (abs(moves[at - 1]) <= _JUMP and not _stands_out(returns[at - 1], usual)):
            continue
        after = y[at + 1 : min(at + 1 + _RECOVERY, span.stop)]
        back = np.flatnonzero(np.abs(np.log(after / y[at - 1])) < abs(returns[at - 1]) / 3)
        if back.size:
            until = at + 1 + int(back[0])
            causes[at] = f"it is back on {line} {row[until]}, so that a price may be wrong"
        else:
            causes[at] = f"a split{_ratio(y[at] / y[at - 1])} may be unadjusted"
    if not causes:
        return
    first = min(causes, key=lambda place: int(row[place]))
    name = names[series[first]]
    percent = f"{shown(name)} jumps by about {np.rint(100 * moves[first - 1]):+.6g} % from the value before"
    count = f", the first of {len(causes)} such jumps" if len(causes) > 1 else ""
    source.warn(f"{percent}{count}; {causes[first]}", name, int(row[first]))


def _stands_out(move: float, usual: Array) -> bool:
    """Whether a log return is far beyond the standard deviation of its series, taken from the median."""
    return usual.size >= _FEWEST and abs(move) >= _SCALES * 1.4826 * float(np.median(np.abs(usual)))


def _ratio(move: float) -> str:
    """The split that a price's move agrees with, if there is one."""
    nearest = min(_RATIOS, key=lambda ratio: abs(np.log(move * ratio)))
    return f" of {_RATIOS[nearest]}" if abs(np.log(move * nearest)) < 0.05 else ""
