"""From a codec's inputs to a backbone's: plain `nn.Embedding` and `nn.Linear`."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from tsrnn.errors import ConfigError
from tsrnn.ops.dropout import dropout


class TokenEmbedding(nn.Embedding):
    """One vector for every token: (..., T) ids to (..., T, E). They start uniform in (−0.1, 0.1).

    Args:
        input_size: V, the size of the vocabulary.
        output_size: E.
        dropout: on the vectors' entries, in training.
        locked_dropout: one mask for all steps of a row.
    """

    is_component: ClassVar[bool] = True

    def __init__(
        self, input_size: int, output_size: int = 256, dropout: float = 0.0, locked_dropout: bool = False
    ) -> None:
        super().__init__(input_size, output_size)
        if not 0 <= dropout < 1:
            raise ConfigError(f"dropout is a probability below 1, not {dropout}")
        self.input_size, self.output_size = input_size, output_size
        self.dropout, self.locked_dropout = dropout, locked_dropout

    def reset_parameters(self) -> None:
        """Small vectors: the logits of tied classes would start too large with torch's N(0, 1)."""
        nn.init.uniform_(self.weight, -0.1, 0.1)

    def forward(self, input: Tensor) -> Tensor:
        """The tokens' vectors."""
        return dropout(super().forward(input), self.dropout, self.training, locked=self.locked_dropout)


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
