"""Prices: from a file or a frame to batches."""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from torch.utils.data import DataLoader

from tsrnn.checks import check_split, whole
from tsrnn.codecs import Codec, LogReturns
from tsrnn.data.loaders.streams import SeriesChunks
from tsrnn.data.loaders.windows import RandomWindows
from tsrnn.data.panels.base import PanelData, one_batch
from tsrnn.data.prices.files import read_prices
from tsrnn.data.prices.frames import prices_of_columns
from tsrnn.data.prices.panels import panel_of
from tsrnn.data.sample import dataset_path
from tsrnn.data.tables.cells import Cells, Decimals, Thousands
from tsrnn.data.tables.frames import FRAME, FrameColumns, Labels, checked_path, frame_columns, is_frame
from tsrnn.errors import ConfigError, DataError, Notice, argument
from tsrnn.protocols import Holdout, Panel

LONGEST_WINDOW, LONGEST_WARM_UP, SHORTEST_WINDOW = 256, 64, 16
"""Sessions of a training window and of its warm-up where the series have them, and the fewest of all."""
_SAMPLE_SYMBOLS = ("AAPL", "IBM", "GOOG", "MSFT")


class PriceSeries(PanelData):
    """Prices of one or more symbols, split in time, encoded once, served by index.

    The sessions are split in three spans in time: training, validation and test. Training batches are
    random windows within the first; validation reads every series whole, from its first session, and scores
    the steps of its span alone; the test forecasts each session of its span from the one before it. Whatever
    is fitted (the codec's first volatility) is fitted on the training span.

    Args:
        path: a CSV (or .csv.gz) or Parquet file, or a frame, long (symbol, date, OHLCV or close; or
            unique_id, ds, y) or wide (a column a symbol). Without one: adjusted closes of AAPL, IBM, GOOG
            and MSFT, 2000 to 2013, bundled.
        column: the column of the price in a long file or frame. Default: an adjusted close, else a close.
        symbols: the symbols to take. Default: all.
        split: shares of the sessions for training, validation and test.
        train_end: last day of the training span; overrides `split`, together with valid_end.
        valid_end: last day of the validation span.
        test_end: last day of the test span. Default: the last session.
        calendar: an exchange's code (XNYS, XKRX, ...), week (the data's own), 24/7, 24/5, none, or auto.
        on_missing: error stops at a missing price and names its line; drop leaves such rows out.
        window_length: sessions of a training window. Default: 256, or half of a short training span.
        warm_up: sessions at a window's start that are read but not scored. Default: 64, or a quarter of
            a short window.
        horizon: sessions that a forecast is wanted for.
        batch_size: windows per batch.
        batches_per_epoch: training batches between two validations.
        codec: how prices become model steps. Default: LogReturns.
        seed: of the drawing of windows.
        decimal: the mark before decimals in a CSV.
        thousands: the mark between thousands in a CSV. Default: none.
        dates: auto takes a format that leaves no doubt; dmy or mdy says which of day and month stands first;
            epoch reads seconds, or milliseconds and less, since 1970 (in UTC).
        on_units: error stops at a currency or percent sign beside a price; drop leaves the sign out.
        comment: what begins a line of a CSV to skip, such as #; a last row Total is then skipped too.

    Raises:
        ConfigError: an argument has a value that it does not know, or two do not fit together.
    """

    def __init__(
        self,
        path: str | Any | None = None,
        column: str | None = None,
        symbols: list[str] | None = None,
        split: tuple[float, float, float] = (0.7, 0.15, 0.15),
        train_end: str | None = None,
        valid_end: str | None = None,
        test_end: str | None = None,
        calendar: str = "auto",
        on_missing: Literal["error", "drop"] = "error",
        window_length: int | None = None,
        warm_up: int | None = None,
        horizon: int = 20,
        batch_size: int = 32,
        batches_per_epoch: int = 25,
        codec: Codec | None = None,
        seed: int = 0,
        decimal: Decimals = ".",
        thousands: Thousands = None,
        dates: Literal["auto", "epoch", "dmy", "mdy"] = "auto",
        on_units: Literal["error", "drop"] = "error",
        comment: str | None = None,
    ) -> None:
        super().__init__()
        if path is not None and not is_frame(path):
            checked_path(path)
        check_split(split)
        if (train_end is None) != (valid_end is None):
            raise ConfigError(
                f"{argument('data.train_end')} and {argument('data.valid_end')} must be given together"
            )
        if test_end is not None and train_end is None:
            raise ConfigError(
                f"{argument('data.test_end')} is given with {argument('data.train_end')} and "
                f"{argument('data.valid_end')}"
            )
        for name, size in (
            ("horizon", horizon),
            ("batch_size", batch_size),
            ("batches_per_epoch", batches_per_epoch),
        ):
            whole(argument(f"data.{name}"), size, 1)
        if window_length is not None:
            whole(argument("data.window_length"), window_length, 2)
        name = argument("data.warm_up")
        if warm_up is not None and not 0 <= whole(name, warm_up, 0) < (window_length or LONGEST_WINDOW):
            longest = f"{argument('data.window_length')} - 1"
            raise ConfigError(f"{name} must lie between 0 and {longest}, not at {warm_up}")
        self.path = path
        self.column = column
        self.symbols = symbols
        self.split = split
        self.train_end, self.valid_end, self.test_end = train_end, valid_end, test_end
        self.calendar = calendar
        self.on_missing = on_missing
        self._window_length, self._warm_up = window_length, warm_up
        self.horizon = horizon
        self.batch_size = batch_size
        self.batches_per_epoch = batches_per_epoch
        self.seed = seed
        Cells(decimal, thousands, dates, on_units)  # a value that cannot be is said before the file is read
        self.decimal, self.thousands = decimal, thousands
        self.dates = dates
        self.on_units = on_units
        self.comment = comment
        self._codec = codec if codec is not None else LogReturns()

    @property
    def source(self) -> str:
        """The file's name, in the words of a message."""
        if is_frame(self.path):
            return FRAME
        return str(self.path) if self.path is not None else "the bundled sample"

    @cached_property
    def _columns(self) -> FrameColumns:
        return frame_columns(self.path, value_column="y" if self.column is None else self.column)

    @property
    def labels(self) -> Labels:
        """What a frame calls its series and its time steps, where the panel calls them otherwise."""
        return self._columns.labels if is_frame(self.path) else Labels()

    @cached_property
    def panel(self) -> Panel:
        """All prices, series by session."""
        if self.given is not None:
            return replace(self.given, kind="prices")
        if is_frame(self.path):
            frame = prices_of_columns(
                self._columns, symbols=self.symbols, on_missing=self.on_missing, dates=self.dates
            )
        else:
            path, symbols = self.path, self.symbols
            if path is None:
                path = str(dataset_path("us_stocks") / "us_stocks.csv.gz")
                symbols = symbols or list(_SAMPLE_SYMBOLS)
            with warnings.catch_warnings():
                if self.path is None:
                    warnings.simplefilter("ignore", Notice)  # the sample's columns are no user's
                frame = read_prices(
                    path,
                    column=self.column,
                    symbols=symbols,
                    on_missing=self.on_missing,
                    decimal=self.decimal,
                    thousands=self.thousands,
                    dates=self.dates,
                    on_units=self.on_units,
                    comment=self.comment,
                )
        return panel_of(frame, self.calendar, self.source, shortest=self.shortest(frame))

    def shortest(self, frame: pd.DataFrame) -> int:
        """How many prices a series needs to be used: a window's, or a third of the longest series'."""
        if self._window_length is not None:
            return self._window_length
        return max(min(LONGEST_WINDOW, int(frame["unique_id"].value_counts().max()) // 3), SHORTEST_WINDOW)

    @cached_property
    def window_length(self) -> int:
        """Sessions of a training window."""
        if self._window_length is not None:
            return self._window_length
        return min(LONGEST_WINDOW, self.spans[0] // 2)

    @property
    def warm_up(self) -> int:
        """Sessions at a window's start that are read but not scored."""
        if self._warm_up is not None:
            return min(self._warm_up, self.window_length - 1)
        return min(LONGEST_WARM_UP, self.window_length // 4)

    @property
    def summary(self) -> str | None:
        """The windows, where the series are too short for the usual ones."""
        if self._window_length is not None or self.window_length == LONGEST_WINDOW:
            return None
        return (
            f"{self.spans[0]} sessions to train on: windows of {self.window_length} "
            f"in place of {LONGEST_WINDOW}, the first {self.warm_up} not scored"
        )

    @cached_property
    def spans(self) -> tuple[int, int, int]:
        """One past the last session of the training, the validation and the test span."""
        ds = self.panel.ds
        if self.train_end is not None and self.valid_end is not None:
            ends = [self.train_end, self.valid_end, self.test_end if self.test_end is not None else ds[-1]]
            spans = tuple(int(np.searchsorted(ds, _moment(end, ds), side="right")) for end in ends)
        else:
            shares = np.cumsum(self.split[:2])
            spans = (*(int(len(ds) * share) for share in shares), len(ds))
        if not 0 < spans[0] <= spans[1] <= spans[2]:
            raise ConfigError(
                f"{argument('data.train_end')}, {argument('data.valid_end')} and "
                f"{argument('data.test_end')} must be "
                "dates in that order, inside the data"
            )
        shortest = self._window_length or 2 * SHORTEST_WINDOW
        if spans[0] < shortest:
            needs, hint = f"{shortest} are needed", ""
            if self._window_length is not None:
                needs, hint = f"a window needs {shortest}", f", or lower {argument('data.window_length')}"
            problem = f"the training span has {spans[0]} sessions, but {needs}: give more data{hint}"
            raise DataError(problem, path=self.source)
        return spans[0], spans[1], spans[2]

    def make_codec(self) -> Codec:
        """The codec that was given, or log returns."""
        return self._codec

    def train_dataloader(self) -> RandomWindows:
        """Random windows within the training span."""
        return RandomWindows(
            self.encoding,
            span=self.spans[0],
            window_length=self.window_length,
            warm_up=self.warm_up,
            **self.draws(self.batch_size, self.batches_per_epoch, self.seed),
        )

    def val_dataloader(self) -> SeriesChunks | list[Any]:
        """Every series from its start, the validation span scored; no loader where that span is empty."""
        train, valid, _ = self.spans
        return SeriesChunks(self.encoding, train, valid) if train < valid else []

    def test_dataloader(self) -> DataLoader[Holdout]:
        """One batch: the test span, each of its sessions forecast from the one before it.

        Raises:
            DataError: if the test span is empty.
        """
        train, valid, test = self.spans
        if valid == test:
            raise DataError(
                f"the test span is empty: give {argument('data.split')} a third share", path=self.source
            )
        return one_batch(Holdout(self.panel.part(0, test), valid - 1, 1, self.codec.seasons, train))


def _moment(end: Any, ds: np.ndarray[Any, Any]) -> Any:
    if not np.issubdtype(ds.dtype, np.datetime64):
        return int(end)
    try:
        day = pd.Timestamp(end)
    except ValueError:
        raise ConfigError(f"{end!r} is not a date: write YYYY-MM-DD") from None
    # A day means all of it: an end of 2012-12-31 includes that day's last hour.
    if day == day.normalize() and isinstance(end, str):
        day += pd.Timedelta(days=1) - pd.Timedelta(nanoseconds=1)
    return day.to_datetime64()
