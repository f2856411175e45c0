"""What data modules of pairs share: splits, batches, and what a checkpoint says of them."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import pytorch_lightning as pl
from torch.utils.data import DataLoader

from tsrnn.codecs import Codec, Vocabulary
from tsrnn.data.loaders.pairs import EveryPair, Pairs, RandomPairs
from tsrnn.data.source import SEEN, DataSource, refuse_own_parts, warn_of_other_data
from tsrnn.errors import ConfigError, DataError

SPLITS = ("train", "valid", "test")


class PairData(pl.LightningDataModule, DataSource):
    """Pairs of a source and its target, in three splits.

    A subclass says what the texts are, and makes rows of numbers of them.

    Args:
        batch_size: pairs per batch.
        seed: of the order of the training pairs.
    """

    def __init__(self, batch_size: int, seed: int) -> None:
        super().__init__()
        if batch_size < 1:
            raise ConfigError(f"batch_size must be at least 1, not {batch_size}")
        self.batch_size = batch_size
        self.seed = seed

    @cached_property
    @abstractmethod
    def splits(self) -> dict[str, Any]:
        """What is read, by split: train, and valid and test where they are there."""

    @cached_property
    @abstractmethod
    def codec(self) -> Vocabulary:
        """The vocabulary of what is written, or of the texts that get a class, from the training part."""

    def adopt(self, codec: Codec) -> None:
        """Use the vocabulary of a trained model.

        Raises:
            ConfigError: if the codec is no vocabulary.
        """
        if not isinstance(codec, Vocabulary):
            raise ConfigError(f"the model reads {type(codec).__name__}, not text: give it data of that kind")
        self.codec = codec

    @abstractmethod
    def pairs(self, split: str) -> Pairs:
        """The pairs of a split as numbers."""

    @abstractmethod
    def keys(self, split: str) -> Sequence[str]:
        """Each pair of a split as a text, of which the hash is made."""

    def train_dataloader(self) -> RandomPairs:
        """Every training pair once an epoch, in an order of its own."""
        trainer = self.trainer
        return RandomPairs(
            self.pairs("train"),
            batch_size=self.batch_size,
            seed=self.seed,
            rank=trainer.global_rank if trainer else 0,
            world_size=trainer.world_size if trainer else 1,
        )

    def val_dataloader(self) -> EveryPair | list[Any]:
        """Every validation pair once; no loader where there are none."""
        return EveryPair(self.pairs("valid"), self.batch_size) if "valid" in self.splits else []

    def test_dataloader(self) -> EveryPair:
        """Every test pair once.

        Raises:
            DataError: if there are none.
        """
        if "test" not in self.splits:
            raise DataError("there is no test text", path=self.source)
        return EveryPair(self.pairs("test"), self.batch_size)

    def predict_dataloader(self) -> DataLoader[Any]:
        """Nothing is predicted of pairs by Lightning.

        Raises:
            ConfigError: always, naming what does it.
        """
        raise ConfigError("predict forecasts series: use tsrnn translate, caption or classify")

    def description(self) -> dict[str, Any]:
        """What a checkpoint says of the data: source, hashes and sizes, in plain types."""
        return {
            "source": self.source,
            "sha256": _hash(key for split in self.splits for key in self.keys(split)),
            "sha256_of_parts": {split: _hash(self.keys(split)) for split in self.splits},
            "pairs": {split: len(self.keys(split)) for split in self.splits},
        }

    def history(self) -> None:
        """None: a checkpoint needs no pairs to translate, classify or describe."""
        return

    def refuse_seen(self, verb: str, trained: dict[str, Any] | None) -> None:
        """Stop where pairs would be scored that the weights were trained or chosen on.

        Args:
            verb: validate or test; anything else scores nothing.
            trained: the `description` of the data in a checkpoint, or None if it has none.

        Raises:
            ConfigError: if that is so.
        """
        if trained is None or verb not in SEEN:
            return
        own = self.description()["sha256_of_parts"]
        refuse_own_parts(verb, own, trained, "pairs")
        if own.get("train") != trained.get("sha256_of_parts", {}).get("train"):
            warn_of_other_data()


def _hash(keys: Any) -> str:
    digest = hashlib.sha256()
    for key in keys:
        digest.update(f"{key}\n".encode())
    return digest.hexdigest()


def shares_of(keys: Sequence[str], split: Sequence[float]) -> dict[str, list[int]]:
    """Rows in three splits by the hash of a key: rows of one key are in one split, whatever their order.

    Args:
        keys: of each row.
        split: shares of train, valid and test.

    Raises:
        ConfigError: if the shares do not add up to 1.
    """
    if len(split) != 3 or min(split) < 0 or split[0] == 0 or abs(sum(split) - 1) > 1e-6:
        raise ConfigError(f"split must be three shares that add up to 1, not {list(split)}")
    rows: dict[str, list[int]] = {name: [] for name in SPLITS}
    ends = [split[0], split[0] + split[1]]
    for row, key in enumerate(keys):
        place = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") / 2**64
        rows[SPLITS[bisect_right(ends, place)]].append(row)
    return {name: places for name, places in rows.items() if places}
