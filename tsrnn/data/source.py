"""What commands and checkpoints ask of a data module, of prices, of any series and of text alike."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from tsrnn.codecs import Codec
from tsrnn.errors import ConfigError, DataWarning, argument
from tsrnn.protocols import Panel

SEEN = {"validate": ("train",), "test": ("train", "valid")}
"""The verbs that score, and the parts that weights are trained or chosen on before."""


@runtime_checkable
class DataSource(Protocol):
    """The contract between a data module and what trains, scores and keeps a model of its data.

    Lightning asks a data module for its loaders. This is what tsrnn asks besides. A data module inherits
    from it, so that what is missing is said by name.
    """

    @property
    @abstractmethod
    def source(self) -> str:
        """What messages call the data."""
        ...

    @property
    @abstractmethod
    def codec(self) -> Codec:
        """The codec, its constants taken from the training span alone."""
        ...

    @abstractmethod
    def adopt(self, codec: Codec) -> None:
        """Encode with the codec of a trained model in place of its own.

        Raises:
            ConfigError: if the data cannot be encoded with it.
        """
        ...

    def adopt_from(self, model: Any) -> None:
        """Encode as a trained model does: with its codec, and with whatever else it has of its data."""
        self.adopt(model.codec)

    @abstractmethod
    def refuse_seen(self, verb: str, trained: dict[str, Any] | None) -> None:
        """Stop where data would be scored that the weights were trained or chosen on.

        Args:
            verb: validate or test; anything else scores nothing.
            trained: the `description` of the data in a checkpoint, or None if it has none.

        Raises:
            ConfigError: if that is so.
        """
        ...

    def advice_without_validation(self) -> str:
        """What to do where there is nothing to choose an epoch by."""
        return f"give {argument('data.split')} a second share, or raise {argument('data.valid_size')}"

    @abstractmethod
    def description(self) -> dict[str, Any]:
        """What a checkpoint says of the data, in plain types: source, hash, size and split."""
        ...

    @abstractmethod
    def history(self) -> Panel | None:
        """What a checkpoint keeps, to forecast without the data; None if nothing."""
        ...


def data_source(module: object) -> DataSource:
    """The data module, if it is one that can be described, adopted from and scored.

    Raises:
        ConfigError: if it is not.
    """
    if not isinstance(module, DataSource):
        name = type(module).__name__
        raise ConfigError(f"{name} is no data module of tsrnn: let it inherit from tsrnn.data.DataSource")
    return module


def refuse_own_parts(verb: str, own: Mapping[str, str | None], trained: dict[str, Any], things: str) -> None:
    """Stop where a part would be scored that the weights were trained or chosen on, by the parts' hashes.

    Args:
        verb: validate or test.
        own: the hash of each part, train, valid and test; None where it is empty.
        trained: the `description` of the data in a checkpoint.
        things: what the parts consist of, in the words of the message.

    Raises:
        ConfigError: if that is so.
    """
    scored, parts = own.get("valid" if verb == "validate" else "test"), trained.get("sha256_of_parts", {})
    for part in SEEN[verb]:
        if scored is not None and scored == parts.get(part):
            raise ConfigError(f"{verb} would score the checkpoint's own {part} {things}, which it has seen")


def warn_of_other_data() -> None:
    """Say that the data are not those that a checkpoint was trained on."""
    problem = "the data are not those that the checkpoint was trained on"
    warnings.warn(DataWarning(problem), stacklevel=3)
