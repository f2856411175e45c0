"""What a verb says: tables for a person at a terminal, tab-separated lines for a program."""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tsrnn.files import atomic_file


def say(name: str, value: Any) -> None:
    """One fact on standard output: `name` and `value`, aligned on a terminal, else separated by a tab."""
    separator = " " * max(18 - len(name), 2) if sys.stdout.isatty() else "\t"
    print(f"{name}{separator}{value}")


def show(frame: pd.DataFrame, title: str) -> None:
    """A table on a terminal; tab-separated values with a header line elsewhere.

    Nothing is quoted: a tab or a line end within a text is shown as a space.
    """
    if not sys.stdout.isatty():
        plain = frame.rename(columns=_in_one_cell).map(_in_one_cell)
        plain.to_csv(sys.stdout, sep="\t", index=False, quoting=csv.QUOTE_NONE)
        return
    first = frame.columns[0]
    grouped = bool(frame[first].duplicated().any())
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for column in frame.columns:
        table.add_column(str(column), justify="left" if column == first else "right", overflow="fold")
    previous = None
    for row in frame.itertuples(index=False):
        if grouped and previous is not None and row[0] != previous:
            table.add_row()
        # As text: a name with brackets is not markup.
        table.add_row(
            "" if row[0] == previous else Text(str(row[0])), *(Text(str(value)) for value in row[1:])
        )
        previous = row[0]
    Console(highlight=False).print(table)


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """A table as a CSV, whole or not at all."""
    with atomic_file(path) as partial:
        frame.to_csv(partial, index=False)


def _in_one_cell(value: Any) -> Any:
    return re.sub(r"[\t\r\n]", " ", value) if isinstance(value, str) else value
