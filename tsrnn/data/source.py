"""What commands and checkpoints ask of a data module, of prices, of any series and of text alike."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Protocol, runtime_checkable

from tsrnn.codecs import Codec
from tsrnn.errors import ConfigError, argument
from tsrnn.protocols import Panel


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
