"""What an encoder is: a source in, a context out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn

from tsrnn.protocols import Context


class Encoder(nn.Module, ABC):
    """A map of a source, a sequence or a vector, to the context of a density.

    A subclass says how large what it makes is, so that a conditioning can be built for it.
    """

    is_component: ClassVar[bool] = True
    static_size: int
    """C, of the vector for the whole source."""
    memory_size: int | None
    """M, of the vectors that attention reads; None where there is no memory."""

    @abstractmethod
    def forward(self, source: Tensor, lengths: Tensor | None = None) -> Context:
        """The context of a batch of sources.

        Args:
            source: (B, ...), a row a source.
            lengths: (B,) the rows' true lengths where a source is a sequence; None: all are full.
        """
