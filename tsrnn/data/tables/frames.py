"""Frames from Python: their columns by meaning, and the names and time zone that forecasts give back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from tsrnn.data.tables.columns import DATE_NAMES, SYMBOL_NAMES, Wanted, folded, speaks_of_bars
from tsrnn.data.tables.source import listed, shown
from tsrnn.errors import DataError
from tsrnn.protocols import time_text

FRAME = "the frame"
"""What messages call a frame."""


@dataclass(frozen=True)
class Labels:
    """What a frame calls its series and its time steps, where a panel calls them otherwise.

    Args:
        ids: each series' own name where it is no text, by the text that stands for it: {"5930": 5930}.
        zone: the time zone of the dates; None: they have none.
        local: whether the panel counts local dates, or moments in UTC: see `frame_columns`.
        period: the frequency of dates that are periods, such as "Q-DEC"; None: they are moments.
    """

    ids: dict[str, Any] = field(default_factory=dict)
    zone: str | None = None
    local: bool = True
    period: str | None = None

    def naive(self, ds: pd.Series[Any]) -> pd.Series[Any]:
        """The dates without their zone, as the panel counts them."""
        if self.local:
            return ds.dt.tz_convert(self.zone).dt.tz_localize(None)
        return ds.dt.tz_convert("UTC").dt.tz_localize(None)

    def put_on(self, frame: pd.DataFrame) -> pd.DataFrame:
        """A frame of forecasts (unique_id, ds, cutoff) with the names and the dates of the frame."""
        changed: dict[str, Any] = {}
        if self.ids:
            texts = pd.Categorical(frame["unique_id"])
            own = pd.Index([self.ids.get(name, name) for name in texts.categories])
            changed["unique_id"] = own[texts.codes]
            if isinstance(frame["unique_id"].dtype, pd.CategoricalDtype):
                changed["unique_id"] = pd.Categorical.from_codes(texts.codes, own)
        for name in ("ds", "cutoff"):
            if (self.zone or self.period) and frame[name].dtype.kind == "M":
                changed[name] = self._dates(frame[name])
        return frame.assign(**changed)

    def _dates(self, ds: pd.Series[Any]) -> pd.Series[Any]:
        if self.period is not None:
            return ds.dt.to_period(self.period)
        if not self.local:
            return ds.dt.tz_localize("UTC").dt.tz_convert(self.zone)
        # An hour that a change of clocks leaves out is the next one; of one that comes twice, the first.
        first = np.ones(len(ds), bool)
        return ds.dt.tz_localize(self.zone, ambiguous=first, nonexistent="shift_forward")


class FrameColumns(NamedTuple):
    """The columns of a frame by their meaning.

    Attributes:
        date: the name of the column of dates, for messages.
        ds: dates without a zone, whole numbers, or text of either.
        values: the one column of values of a long frame by its name, or each series of a wide one.
        ids: the series of each row of a long frame, as text; None: one series, or a wide frame.
        wide: whether each column of values is a series.
        labels: what the frame calls its series and time steps.
        unread: the columns beside these, which are not used.
    """

    date: str
    ds: pd.Series[Any]
    values: dict[str, pd.Series[Any]]
    ids: pd.Series[Any] | None
    wide: bool
    labels: Labels
    unread: tuple[str, ...] = ()


def is_frame(given: Any) -> bool:
    """Whether it is a frame or a series of pandas, or a frame of another library with `to_pandas`."""
    return isinstance(given, pd.DataFrame | pd.Series) or hasattr(given, "to_pandas")


def checked_path(given: Any) -> str | Path:
    """The path, or one line of what is wrong with it.

    Raises:
        DataError: if it is no path.
    """
    if isinstance(given, str | Path):
        return given
    raise DataError(
        f"a frame of pandas or polars with unique_id, ds and y, or the path of a file, is needed, "
        f"not {type(given).__name__}"
    )


def frame_columns(
    given: Any,
    *,
    id_column: str = "unique_id",
    time_column: str = "ds",
    value_column: str = "y",
    like: Labels | None = None,
    source: str = FRAME,
) -> FrameColumns:
    """The columns of a frame, which may be long or wide.

    - Long: dates, values, and the names of the series if there are several. The default names may be
      others that are known (date, symbol, close, ...); a level of the index serves as well.
    - Wide: dates, in a column or in the index, and every other column is a series. A `pandas.Series` is one.

    Dates with a time zone lose it. Where all have the same time of day there, as days and months have, they
    are local dates, which no change of clocks moves; else, or where all are midnight in UTC, moments in UTC.
    `Labels.put_on` gives them their zone back.

    Args:
        given: a frame or series of pandas, or a frame of another library with `to_pandas` (polars).
        id_column: the column of names of a long frame.
        time_column: the column of dates.
        value_column: the column of values of a long frame.
        like: count the dates as another frame's were.
        source: what messages call the frame.

    Raises:
        DataError: if columns are missing or stand twice, or dates have several zones.
    """
    wanted = Wanted(id_column, time_column, value_column)
    frame = _plain_frame(given, wanted, source)
    names = [str(name) for name in frame.columns]
    symbol, dated, value = wanted.find(names, path=source, line=None)
    date = _only_dates(frame, names, source) if dated is None else dated
    series = [index for index in range(len(names)) if index != date]
    wide = value is None and symbol is None and not speaks_of_bars(names) and bool(series)
    if value is None and not wide:
        raise DataError(f"column {value_column} is missing; {listed(names)}", path=source)
    if frame.empty:
        raise DataError("the frame has no rows", path=source)
    chosen = series if value is None else [value]
    if wide:
        _refuse_words(frame, names, chosen, source)
    if symbol is None:
        _refuse_dates_again(frame.iloc[:, date], "y" if wide else "unique_id", names, source)
    ds, labels = _dates(frame.iloc[:, date], like, source, names[date])
    ids = None
    if wide:
        own = {names[index]: frame.columns[index] for index in chosen}
        labels = _with_ids(labels, own)
    elif symbol is not None:
        codes, unique = pd.factorize(frame.iloc[:, symbol])
        if (codes < 0).any():
            row = int(np.argmax(codes < 0))
            raise DataError(f"row {row}: no {names[symbol]}", path=source, column=names[symbol])
        texts = [str(name) for name in unique]
        if len(set(texts)) < len(texts):
            twice = next(text for text in texts if texts.count(text) > 1)
            raise DataError(f"two series are called {shown(twice)}", path=source, column=names[symbol])
        ids = pd.Series(pd.Categorical.from_codes(codes, pd.Index(texts, dtype=object)))
        labels = _with_ids(labels, dict(zip(texts, unique, strict=True)))
    values = {names[index]: frame.iloc[:, index] for index in chosen}
    used = {date, symbol, *chosen}
    unread = tuple(name for index, name in enumerate(names) if index not in used)
    return FrameColumns(names[date], ds, values, ids, wide, labels, unread)


def _plain_frame(given: Any, wanted: tuple[str, ...], source: str) -> pd.DataFrame:
    """A frame of pandas whose index is numbers alone: what the index said is a column."""
    if isinstance(given, pd.Series):
        frame = given.to_frame("y" if given.name is None else given.name)
    elif isinstance(given, pd.DataFrame):
        frame = given
    elif hasattr(given, "to_pandas"):
        frame = given.to_pandas()
    else:
        raise DataError(f"a frame of pandas or polars is needed, not {type(given).__name__}", path=source)
    if frame.columns.nlevels > 1:
        raise DataError("the columns have several levels; keep one", path=source)
    columns = [str(name) for name in frame.columns]
    levels = [frame.index.get_level_values(level) for level in range(frame.index.nlevels)]
    dated = [isinstance(level, pd.DatetimeIndex | pd.PeriodIndex) for level in levels]
    names = [str(level.name or (wanted[1] if day else "")) for level, day in zip(levels, dated, strict=True)]
    known = {*wanted, *(name for name in names if folded(name) in DATE_NAMES + SYMBOL_NAMES)}
    no_dates = wanted[1] not in columns and not any(folded(name) in DATE_NAMES for name in columns)
    index = pd.DataFrame(dict(enumerate(levels))).set_axis(names, axis=1)
    used = [
        bool(name) and name not in columns and (name in known or (no_dates and any(dated))) for name in names
    ]
    plain = frame.reset_index(drop=True)
    return pd.concat([index.loc[:, used].reset_index(drop=True), plain], axis=1) if any(used) else plain


def _only_dates(frame: pd.DataFrame, names: list[str], source: str) -> int:
    """The only column that holds dates, where none is called so."""
    dated = [index for index, kind in enumerate(frame.dtypes) if _holds_dates(kind)]
    if len(dated) != 1:
        raise DataError(f"column ds is missing, or an index of dates; {listed(names)}", path=source)
    return dated[0]


def _holds_dates(kind: Any) -> bool:
    return bool(kind.kind == "M" or isinstance(kind, pd.PeriodDtype))


def _dates(ds: pd.Series[Any], like: Labels | None, source: str, name: str) -> tuple[pd.Series[Any], Labels]:
    """The dates without zone and period, and what they were."""
    if ds.dtype == object and pd.api.types.infer_dtype(ds, skipna=True) in ("datetime", "datetime64"):
        try:
            ds = pd.to_datetime(ds)
        except ValueError:
            problem = "dates of several time zones; pd.to_datetime(..., utc=True) makes one of them"
            raise DataError(problem, path=source, column=name) from None
    if isinstance(ds.dtype, pd.PeriodDtype):
        period = str(ds.dtype).removeprefix("period[").removesuffix("]")
        return ds.dt.to_timestamp(), Labels(period=period)
    if not isinstance(ds.dtype, pd.DatetimeTZDtype):
        return ds, Labels()
    if like is not None and like.zone is not None:
        return like.naive(ds), like
    there, moments = ds.dropna().dt.tz_localize(None), ds.dropna().dt.tz_convert("UTC").dt.tz_localize(None)
    local = bool((there - there.dt.normalize()).nunique() <= 1 and (moments != moments.dt.normalize()).any())
    labels = Labels(zone=str(ds.dt.tz), local=local)
    return labels.naive(ds), labels


def _refuse_words(frame: pd.DataFrame, names: list[str], series: list[int], source: str) -> None:
    """A wide frame has numbers alone; one with words is a long one whose columns are called otherwise."""
    for index in series:
        kind = frame.dtypes.iloc[index]
        words = (
            isinstance(kind, pd.CategoricalDtype)
            or pd.api.types.infer_dtype(frame.iloc[:, index]) == "string"
        )
        if words or _holds_dates(kind):
            problem = f"column y is missing, and column {shown(names[index])} holds no numbers"
            raise DataError(f"{problem}: call the columns unique_id, ds and y; {listed(names)}", path=source)


def _refuse_dates_again(ds: pd.Series[Any], column: str, names: list[str], source: str) -> None:
    """One series, and each of a wide frame, has a date once; a frame that has it again is a long one."""
    again = ds.duplicated().to_numpy() & ds.notna().to_numpy()
    if again.any():
        row = int(np.argmax(again))
        first = int(np.argmax((ds == ds.iloc[row]).to_numpy()))
        problem = f"{time_text(ds.iloc[row])} is on rows {first} and {row}, and column {column} is missing"
        raise DataError(f"{problem}: a long frame has unique_id, ds and y; {listed(names)}", path=source)


def _with_ids(labels: Labels, own: dict[str, Any]) -> Labels:
    """The labels with the names that are no text."""
    plain = {text: name.item() if isinstance(name, np.generic) else name for text, name in own.items()}
    return replace(labels, ids={text: name for text, name in plain.items() if not isinstance(name, str)})
