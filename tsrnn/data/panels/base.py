"""What data modules of panels share: spans in time, a codec, and what a checkpoint keeps of them."""

from __future__ import annotations

import copy
from abc import abstractmethod
from functools import cached_property
from typing import Any, Self

import numpy as np
import pytorch_lightning as pl
from torch.utils.data import DataLoader

from tsrnn.codecs import Codec
from tsrnn.data.panels.identity import panel_hash
from tsrnn.data.source import SEEN, DataSource, warn_of_other_data
from tsrnn.data.tables.frames import Labels
from tsrnn.errors import ConfigError
from tsrnn.protocols import Encoding, Panel, time_text

HISTORY_VALUES = 2_000_000


class PanelData(pl.LightningDataModule, DataSource):
    """A panel whose time steps are split in three spans in time: training, validation and test.

    A subclass says where the panel comes from, where the spans end and what the codec is when none is
    given, and makes the loaders. Where `given` is set, its `panel` is made from that, in the place of what it
    would read, with all that it does to values: by this the leak test shows it other values.
    """

    given: Panel | None = None
    """Raw series used in place of those that would be read: see `reading`."""

    @property
    @abstractmethod
    def source(self) -> str:
        """What messages call the data."""

    @property
    def labels(self) -> Labels:
        """What a frame calls its series and its time steps, where the panel calls them otherwise."""
        return Labels()

    @property
    def summary(self) -> str | None:
        """What followed from the data and was not said by the user, in one line; None if nothing."""
        return None

    @cached_property
    @abstractmethod
    def panel(self) -> Panel:
        """All values, series by time step."""

    @cached_property
    @abstractmethod
    def spans(self) -> tuple[int, int, int]:
        """One past the last time step of the training, the validation and the test span."""

    @abstractmethod
    def make_codec(self) -> Codec:
        """The codec, before it is fitted."""

    @cached_property
    def codec(self) -> Codec:
        """The codec, fitted on the training span."""
        return self.make_codec().fit(self.panel.tensor()[:, : self.spans[0]])

    def adopt(self, codec: Codec) -> None:
        """Encode with the codec of a trained model, whose constants are those of its training span."""
        self.codec = codec
        self.__dict__.pop("encoding", None)

    @cached_property
    def encoding(self) -> Encoding:
        """The whole panel in model steps, (N, T, ...), floats in float32; made where it is asked for."""
        encoding, _ = self.codec.encode(self.panel.tensor())
        return encoding.map(lambda tensor: tensor.float() if tensor.is_floating_point() else tensor)

    def over(self, panel: Panel, spans: tuple[int, int, int]) -> Self:
        """The same data module over another panel with spans of its own; its codec is fitted again.

        Args:
            panel: series as `panel` has them, the cut past of a backtest for one.
            spans: one past the last time step of the training, the validation and the test span.
        """
        other = self.reading(panel)
        other.__dict__.update(panel=panel, spans=spans)
        return other

    def reading(self, panel: Panel) -> Self:
        """The same data module with a panel in place of its file; all that derives from it is made again."""
        other = copy.copy(self)
        for kind in type(self).__mro__:
            for name, member in vars(kind).items():
                if isinstance(member, cached_property):
                    other.__dict__.pop(name, None)
        other.given = panel
        other.trainer = None
        return other

    def draws(self, batch_size: int, batches_per_epoch: int, seed: int) -> dict[str, int]:
        """The arguments of random batches, with the rank of this process."""
        rank = self.trainer.global_rank if self.trainer else 0
        return {"batch_size": batch_size, "batches_per_epoch": batches_per_epoch, "seed": seed, "rank": rank}

    def predict_dataloader(self) -> DataLoader[Panel]:
        """One batch: the panel, to be forecast beyond its last time step."""
        return one_batch(self.panel)

    def history(self) -> Panel | None:
        """What a checkpoint keeps to forecast from, and to be scored on: the last two million values.

        None if these are fewer than the codec's memory and context.
        """
        series = max(len(self.panel.unique_ids), 1)
        room = max(HISTORY_VALUES // series, 2)
        if self.codec.memory is not None and self.codec.context is not None:
            needed = self.codec.memory + self.codec.context * self.codec.event_shape[0]
            if room < min(needed, self.panel.num_steps):
                return None
        return self.panel.last(room)

    def refuse_seen(self, verb: str, trained: dict[str, Any] | None) -> None:
        """Stop where time steps would be scored that the weights were trained or chosen on.

        Args:
            verb: validate or test; anything else scores nothing.
            trained: the `description` of the data in a checkpoint, or None if it has none.

        Raises:
            ConfigError: if that is so.
        """
        if trained is None or verb not in SEEN:
            return
        own, span = self.description(), 0 if verb == "validate" else 1
        if own["sha256"] != trained["sha256"]:
            warn_of_other_data()
        elif own["spans"][span] < trained["spans"][span]:
            seen = trained["train_end" if verb == "validate" else "valid_end"]
            raise ConfigError(f"{verb} would score time steps up to {seen}, which the checkpoint has seen")

    def description(self) -> dict[str, Any]:
        """What a checkpoint says of the data: source, span, split and hash, in plain types."""
        panel, (train, valid, test) = self.panel, self.spans
        return {
            "source": self.source,
            "sha256": panel_hash(panel),
            "unique_ids": list(panel.unique_ids),
            "calendar": panel.calendar,
            "time_steps": panel.num_steps,
            "observations": int((~np.isnan(panel.values)).sum()),
            "first": time_text(panel.ds[0]),
            "train_end": time_text(panel.ds[train - 1]),
            "valid_end": time_text(panel.ds[valid - 1]),
            "test_end": time_text(panel.ds[test - 1]),
            "last": time_text(panel.ds[-1]),
            "spans": [train, valid, test],
        }


def one_batch(item: Any) -> DataLoader[Any]:
    """A loader of one item, as it is."""
    items: Any = [item]
    return DataLoader(items, batch_size=None, collate_fn=lambda only: only)
