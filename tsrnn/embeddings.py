"""From a codec's inputs to a backbone's: plain `nn.Embedding` and `nn.Linear`."""

from __future__ import annotations

from typing import ClassVar

from torch import nn


class TokenEmbedding(nn.Embedding):
    """One vector for every token: (..., T) ids to (..., T, E).

    Args:
        input_size: V, the size of the vocabulary.
        output_size: E.
    """

    is_component: ClassVar[bool] = True

    def __init__(self, input_size: int, output_size: int) -> None:
        super().__init__(input_size, output_size)
        self.input_size, self.output_size = input_size, output_size


class ValueEmbedding(nn.Linear):
    """A linear map of features: (..., T, D) to (..., T, E).

    Args:
        input_size: D, the number of features.
        output_size: E.
    """

    is_component: ClassVar[bool] = True

    def __init__(self, input_size: int, output_size: int) -> None:
        super().__init__(input_size, output_size)
        self.input_size, self.output_size = input_size, output_size
