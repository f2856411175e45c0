"""What a user hands to the estimator, a frame or a file, as a panel."""

from __future__ import annotations

import os
import warnings
from typing import Any, Literal

from tsrnn.data import read_prices, read_series
from tsrnn.data.panels.base import PanelData
from tsrnn.data.panels.files import value_name
from tsrnn.data.panels.frames import panel_of_columns
from tsrnn.data.prices.frames import prices_of_columns
from tsrnn.data.prices.panels import panel_of
from tsrnn.data.tables.columns import VALUE_NAMES, folded
from tsrnn.data.tables.frames import FRAME, Labels, checked_path, frame_columns, is_frame
from tsrnn.errors import DataError, Notice, level_of_the_user
from tsrnn.estimator.kinds import kind_of
from tsrnn.estimator.settings import Kind
from tsrnn.protocols import Panel

_PRICE_NAMES = tuple(name for name in VALUE_NAMES if name not in ("y", "value"))


def checked_source(given: Any) -> Any:
    """The frame as it is, and a path as text.

    Raises:
        DataError: if it is neither.
    """
    return given if is_frame(given) else os.fspath(checked_path(given))


def kind_of_source(given: Any) -> tuple[Kind, str]:
    """What a frame or a file holds, and why.

    Raises:
        DataError: if it cannot be read.
    """
    if is_frame(given):
        columns = frame_columns(given)
        for name in columns.values:
            if not columns.wide and folded(name) in _PRICE_NAMES:
                return "prices", f"there is a column {name}"
        return kind_of(panel_of_columns(columns, "none"))
    try:
        if (column := value_name(given)) is not None and folded(column) in _PRICE_NAMES:
            return "prices", f"there is a column {column}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it is read once more, and warned of then
            return kind_of(read_series(given, calendar="none"))
    except DataError:
        # A file with a symbol, a date and a close; what is wrong with another, its reader says.
        return "prices", "it is read as a file of prices"


def read(
    given: Any,
    kind: Kind,
    calendar: str = "none",
    *,
    on_missing: Literal["error", "drop"] = "error",
    like: Labels | None = None,
) -> tuple[Panel, Labels]:
    """The panel of a frame or a file, and what it calls its series and time steps.

    Args:
        given: a frame or the path of a file.
        kind: how it is read.
        calendar: of the panel: see `check_calendar`.
        on_missing: of prices: see `read_prices`.
        like: count dates with a time zone as another frame's were.

    Raises:
        DataError: if it cannot be used.
    """
    given = checked_source(given)
    if not is_frame(given):
        if kind == "prices":
            frame = read_prices(given, on_missing=on_missing)
            return panel_of(frame, calendar, given, shortest=1), Labels()
        return read_series(given, calendar=calendar), Labels()
    columns = frame_columns(given, like=like)
    if kind == "series":
        return panel_of_columns(columns, calendar), columns.labels
    frame = prices_of_columns(columns, on_missing=on_missing)
    return panel_of(frame, calendar, FRAME, shortest=1), columns.labels


def say_what_was_chosen(kind: Kind, why: str, data: PanelData) -> None:
    """What was chosen, in one line."""
    said = [f"kind='{kind}', as {why}"] if why else []
    said += [data.summary] if data.summary is not None else []
    if said:
        warnings.warn(Notice("; ".join(said)), stacklevel=level_of_the_user())
