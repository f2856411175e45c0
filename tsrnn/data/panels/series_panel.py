"""Any panel of series: from files or a frame to batches of blocks."""

from __future__ import annotations

import warnings
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
from torch.utils.data import DataLoader

from tsrnn.checks import whole
from tsrnn.codecs import Blocks, Codec
from tsrnn.data.loaders.windows import BlocksBefore, BlockWindows
from tsrnn.data.panels.base import PanelData, one_batch
from tsrnn.data.panels.ends import at_own_ends, followed_by
from tsrnn.data.panels.files import read_series
from tsrnn.data.panels.frames import panel_of_columns
from tsrnn.data.panels.seasons import (
    check_frequency,
    checked_frequency,
    default_blocks,
    default_horizon,
    default_valid_size,
    seasons_of,
)
from tsrnn.data.tables.cells import Cells, Decimals, Thousands
from tsrnn.data.tables.frames import FRAME, FrameColumns, Labels, checked_path, frame_columns, is_frame
from tsrnn.data.tables.source import shown
from tsrnn.errors import ConfigError, DataError, DataWarning, argument, first_few
from tsrnn.protocols import Holdout, Panel, first_season

_LARGEST = 1e30


class SeriesPanel(PanelData):
    """Series of any kind, from one to hundreds of thousands, one model for all.

    The last `test_size` time steps are held out for `test`, the `valid_size` before them choose among
    models, and the rest trains: random windows of `codec.context` blocks, encoded as they are drawn. What a
    step says depends on a bounded past, so nothing but the values themselves is kept in memory.

    Dated series that end on different dates are aligned at their ends, as numbered ones are: each is forecast
    from its own last value, and tested on its own last values. Those of an exchange stay on their dates.

    A missing value is never filled: it has no loss. A series that is constant is named in a warning, one
    with fewer than two blocks of values before its test span (of yearly series, 4) is named and left out;
    the others are used.

    Args:
        path: a CSV (or .csv.gz), a Parquet file or a folder of them, long (unique_id, ds, y) or wide: see
            `read_series`; or a frame, long or wide: see `panel_from_frame`.
        test_path: a file or a frame of the same form with the time steps that follow, for `test`; as the M4
            competition has it.
        id_column: names of the series in a long file.
        time_column: dates or whole numbers in a long file.
        value_column: values in a long file.
        calendar: an exchange's code (XNYS, ...), week (the data's own), 24/7, 24/5, none, or auto.
        horizon: time steps that a forecast is wanted for; blocks are not longer. Default: those of the test
            file, else by the frequency.
        valid_size: time steps of the validation span; 0: none. Default: the horizon, or half of it: by the
            frequency.
        test_size: time steps of the test span. Default: the horizon; with test_path, all that it has.
        frequency: how often the values come (hourly, daily, ...), where no dates tell.
        codec: how values become model steps. Default: Blocks, by the frequency. The rule of both defaults is
            that of `tsrnn.data.panels.seasons`; `summary` says what came of it.
        batch_size: windows per batch.
        batches_per_epoch: training batches between two validations.
        seed: of the drawing of windows.
        decimal: the mark before decimals in a CSV.
        thousands: the mark between thousands in a CSV. Default: none.
        dates: auto takes a format that leaves no doubt; dmy or mdy says which of day and month stands first;
            epoch reads seconds, or milliseconds and less, since 1970 (in UTC).
        on_units: error stops at a currency or percent sign beside a value; drop leaves the sign out.
        comment: what begins a line of a CSV to skip, such as #; a last row Total is then skipped too.
    """

    def __init__(
        self,
        path: str | Any | None = None,
        test_path: str | Any | None = None,
        id_column: str = "unique_id",
        time_column: str = "ds",
        value_column: str = "y",
        calendar: str = "auto",
        horizon: int | None = None,
        valid_size: int | None = None,
        test_size: int | None = None,
        frequency: str | None = None,
        codec: Codec | None = None,
        batch_size: int = 64,
        batches_per_epoch: int = 100,
        seed: int = 0,
        decimal: Decimals = ".",
        thousands: Thousands = None,
        dates: Literal["auto", "epoch", "dmy", "mdy"] = "auto",
        on_units: Literal["error", "drop"] = "error",
        comment: str | None = None,
    ) -> None:
        super().__init__()
        for given in (path, test_path):
            if given is not None and not is_frame(given):
                checked_path(given)
        whole("batch_size", batch_size, 1)
        whole("batches_per_epoch", batches_per_epoch, 1)
        for name, size, least in (
            ("horizon", horizon, 1),
            ("valid_size", valid_size, 0),
            ("test_size", test_size, 0),
        ):
            if size is not None:
                whole(name, size, least)
        if codec is not None and (codec.memory is None or codec.context is None or not codec.event_shape):
            raise ConfigError(
                f"a SeriesPanel draws windows for a codec of bounded memory, such as Blocks, "
                f"not {type(codec).__name__}: for log returns use PriceSeries"
            )
        if frequency is not None:
            check_frequency(frequency)
        self.path, self.test_path = path, test_path
        self.columns: dict[str, Any] = {
            "id_column": id_column,
            "time_column": time_column,
            "value_column": value_column,
        }
        Cells(decimal, thousands, dates, on_units)  # a value that cannot be is said before the file is read
        self.written: dict[str, Any] = {
            "decimal": decimal,
            "thousands": thousands,
            "dates": dates,
            "on_units": on_units,
            "comment": comment,
        }
        self.calendar = calendar
        self.test_size = test_size
        self.batch_size = batch_size
        self.batches_per_epoch = batches_per_epoch
        self.seed = seed
        self._horizon, self._valid_size, self._frequency = horizon, valid_size, frequency
        self._codec = codec

    @classmethod
    def from_panel(cls, panel: Panel, **arguments: Any) -> SeriesPanel:
        """The data module of an existing panel."""
        data = cls(**arguments)
        data.given = panel
        return data

    def reading(self, panel: Panel) -> Self:
        """The same data module with a panel in place of its files, the test file's time steps included."""
        other = super().reading(panel)
        other.test_size = self.spans[2] - self.spans[1]
        if self.test_path is not None:
            other.test_path, other._horizon = None, self.horizon
        return other

    @property
    def source(self) -> str:
        """The file's name, in the words of a message."""
        return FRAME if self.given is not None or is_frame(self.path) else str(self.path)

    @cached_property
    def _columns(self) -> FrameColumns:
        return frame_columns(self.path, **self.columns)

    @property
    def labels(self) -> Labels:
        """What a frame calls its series and its time steps, where the panel calls them otherwise."""
        return self._columns.labels if is_frame(self.path) else Labels()

    @cached_property
    def _read(self) -> tuple[Panel, int | None]:
        """The panel, and how many of its last time steps came from the test file, if there is one."""
        dates = self.written["dates"]
        if self.given is not None:
            panel = self.given
        elif self.path is None:
            raise ConfigError(
                f"a SeriesPanel needs {argument('data.path')}: a frame, or a file or folder of series"
            )
        elif is_frame(self.path):
            panel = at_own_ends(panel_of_columns(self._columns, self.calendar, dates=dates), self.source)
        else:
            panel = read_series(self.path, calendar=self.calendar, **self.columns, **self.written)
            panel = at_own_ends(panel, self.source)
        if self.test_path is None:
            return panel, None
        if is_frame(self.test_path):
            columns = frame_columns(self.test_path, **self.columns, like=self.labels, source="the test frame")
            test = panel_of_columns(columns, "none", "the test frame", dates)
            whole_panel = followed_by(panel, test, "the test frame")
        else:
            test = read_series(self.test_path, calendar="none", **self.columns, **self.written)
            whole_panel = followed_by(panel, test, self.test_path)
        return whole_panel, whole_panel.num_steps - panel.num_steps

    @cached_property
    def frequency(self) -> str:
        """How often the values come: as was given, or as the dates tell."""
        return checked_frequency(self._frequency, self._read[0], self.source)

    @cached_property
    def horizon(self) -> int:
        """Time steps that a forecast is wanted for."""
        if self._horizon is not None:
            return self._horizon
        panel, tested = self._read
        longest = int((~np.isnan(panel.values)).sum(1).max())
        return tested or default_horizon(self.frequency, seasons_of(self.frequency, panel.ds), longest)

    @property
    def summary(self) -> str:
        """What followed from the data, in one line."""
        codec, count = self.codec, len(self.panel.unique_ids)
        said = f"{count:,} series, {self.frequency}: {self.horizon} ahead"
        if isinstance(codec, Blocks):
            seasons = " and ".join(map(str, codec.seasons))
            said += f"; seasons of {seasons}, blocks of {codec.block_size}, {codec.context} of them read"
        return f"{said}; {self.spans[0]:,} time steps to train on"

    @cached_property
    def panel(self) -> Panel:
        """All values, series by time step, without the series that are too short."""
        panel, _ = self._read
        codec = self._chosen_codec
        shortest = 2 * codec.event_shape[0] if codec.history is None else codec.history + 1
        return self._usable(panel, shortest)

    @cached_property
    def spans(self) -> tuple[int, int, int]:
        """One past the last time step of the training, the validation and the test span."""
        panel, tested = self._read
        steps = panel.num_steps
        valid = self._valid_size
        if valid is None:
            valid = default_valid_size(self.frequency, self.horizon)
        test = self.test_size
        if test is None:
            test = self.horizon if tested is None else tested
        test_start = steps - test
        train = test_start - valid
        if train < 2:
            raise DataError(
                f"{steps} time steps are too few: {valid} are kept for validation and {test} "
                f"for test; lower {argument('data.valid_size')} or {argument('data.test_size')}",
                path=self.source,
            )
        return train, test_start, steps

    @cached_property
    def _chosen_codec(self) -> Codec:
        """The codec that was given, or that of the rule for these series; never kept for others."""
        if self._codec is not None:
            return self._codec
        panel, _ = self._read
        longest = int((~np.isnan(panel.values[:, : self.spans[0]])).sum(1).max())
        seasons = seasons_of(self.frequency, panel.ds)
        return default_blocks(self.frequency, seasons, self.horizon, longest)

    def make_codec(self) -> Codec:
        """The codec that was given, or the rule's."""
        return self._chosen_codec

    def _usable(self, panel: Panel, shortest: int) -> Panel:
        """The panel without the series that are too short, with words about them and the constant ones.

        A series that has enough values before its test span alone is forecast without being trained on.
        """
        train, valid, _ = self.spans
        values = panel.values[:, :valid]
        present = ~np.isnan(values)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a row of NaN
            lowest, highest = np.nanmin(values, 1), np.nanmax(values, 1)
        large = np.maximum(highest, -lowest) > _LARGEST
        if large.all():
            raise DataError(
                "every series has values beyond 1e30: give them in a larger unit", path=self.source
            )
        if not (~large & (present[:, :train].sum(1) >= shortest)).any():
            raise DataError(
                f"every series has fewer than {shortest} values in the training span", path=self.source
            )
        short = present.sum(1) < shortest
        kept = ~short & ~large
        self._warn(panel, large, "left out, with values beyond 1e30, which single precision does not hold")
        self._warn(panel, short, f"left out, with fewer than {shortest} values before the test span")
        self._warn(panel, kept & (lowest == highest), "constant before the test span, and used as they are")
        return panel if kept.all() else panel.rows(kept)

    def _warn(self, panel: Panel, which: np.ndarray[Any, Any], problem: str) -> None:
        places = np.flatnonzero(which)
        if len(places):
            names = first_few([shown(panel.unique_ids[place]) for place in places])
            warnings.warn(DataWarning(f"{self.source}: {problem}: {names}"), stacklevel=3)

    @property
    def season(self) -> int:
        """The shortest season above one value, of MASE's scale; else 1."""
        return first_season(self.codec.seasons)

    def train_dataloader(self) -> BlockWindows:
        """Random windows within the training span."""
        draws = self.draws(self.batch_size, self.batches_per_epoch, self.seed)
        return BlockWindows(self.panel.tensor()[:, : self.spans[0]], self.codec, **draws)

    def val_dataloader(self) -> BlocksBefore | list[Any]:
        """Every series' blocks in the validation span; no loader where that span is empty."""
        train, valid, _ = self.spans
        return BlocksBefore(self.panel.tensor(), self.codec, valid, valid - train) if train < valid else []

    def test_dataloader(self) -> DataLoader[Holdout]:
        """One batch: the test span, forecast as a whole from the time step before it.

        Raises:
            DataError: if the test span is empty.
        """
        train, valid, test = self.spans
        if valid == test:
            raise DataError(f"the test span is empty: raise {argument('data.test_size')}", path=self.source)
        return one_batch(Holdout(self.panel, valid - 1, test - valid, self.codec.seasons, train))
