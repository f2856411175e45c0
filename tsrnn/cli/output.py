"""What a verb says: tables for a person at a terminal, tab-separated lines for a program."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsrnn.files import atomic_file

if TYPE_CHECKING:
    import pandas as pd


def say(name: str, value: Any) -> None:
    """One fact on standard output: `name` and `value`, aligned on a terminal, else separated by a tab."""
    separator = " " * max(18 - len(name), 2) if sys.stdout.isatty() else "\t"
    print(f"{name}{separator}{value}")


def show(columns: Mapping[Any, Sequence[Any]], title: str) -> None:
    """A table on a terminal; tab-separated values with a header line elsewhere.

    Nothing is quoted: a tab or a line end within a text is shown as a space.

    Args:
        columns: the cells of each column, by its heading.
        title: of the table on a terminal.
    """
    if sys.stdout.isatty():
        _draw(columns, title)
        return
    for row in [columns.keys(), *zip(*columns.values(), strict=True)]:
        print("\t".join(re.sub(r"[\t\r\n]", " ", str(cell)) for cell in row))


def _draw(columns: Mapping[Any, Sequence[Any]], title: str) -> None:
    """The table for a person; where rows are in groups by their first column, with a space between two."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for place, name in enumerate(columns):
        table.add_column(str(name), justify="right" if place else "left", overflow="fold")
    rows = list(zip(*columns.values(), strict=True))
    grouped = len({row[0] for row in rows}) < len(rows)
    previous = None
    for first, *others in rows:
        if grouped and previous is not None and first != previous:
            table.add_row()
        # As text: a name with brackets is not markup.
        table.add_row("" if first == previous else Text(str(first)), *(Text(str(cell)) for cell in others))
        previous = first
    Console(highlight=False).print(table)


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """A table as a CSV, whole or not at all."""
    with atomic_file(path) as partial:
        frame.to_csv(partial, index=False)
