"""What is odd in any table, and used as it is."""

from __future__ import annotations

from collections.abc import Sequence

from tsrnn.data.tables.source import Source, shown

_WIDE = 1000, 100  # columns in all, and for each row, from which on a table may lie on its side


def warn_of_names(names: Sequence[str], source: Source) -> None:
    """Names that differ in their letters' case or in spaces alone may be one series."""
    known: dict[str, str] = {}
    for name in names:
        other = known.setdefault("".join(name.casefold().split()), name)
        if other != name:
            problem = f"{shown(other)} and {shown(name)} are read as two series; write one name in one way"
            source.warn(problem, name, None)
            return


def warn_of_width(series: int, dates: int, source: Source) -> None:
    """Far more columns than dates: perhaps each row is a series."""
    if series > _WIDE[0] and series > _WIDE[1] * dates:
        problem = f"{series} columns are read as a series each, with {dates} date{'s' * (dates > 1)} or fewer"
        source.warn(f"{problem}; where a row is a series, transpose the table", "", None, source.date)
