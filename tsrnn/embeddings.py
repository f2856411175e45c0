"""From a codec's inputs to a backbone's: plain `nn.Embedding` and `nn.Linear`."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from tsrnn.errors import ConfigError, argument
from tsrnn.ops.dropout import dropout


class TokenEmbedding(nn.Embedding):
    """One vector for every token: (..., T) ids to (..., T, E). They start uniform in (−0.1, 0.1).

    Args:
        input_size: V, the size of the vocabulary.
        output_size: E.
        dropout: on the vectors' entries, in training.
        locked_dropout: one mask for all steps of a row.
        word_dropout: probability that a word is dropped with its whole vector, at all its places in a batch
            (Gal and Ghahramani 2016, section 4.2).
    """

    is_component: ClassVar[bool] = True

    def __init__(
        self,
        input_size: int,
        output_size: int = 256,
        dropout: float = 0.0,
        locked_dropout: bool = False,
        word_dropout: float = 0.0,
    ) -> None:
        super().__init__(input_size, output_size)
        for probability in (dropout, word_dropout):
            if not 0 <= probability < 1:
                raise ConfigError(
                    f"{argument('model.embedding.dropout')} must be a probability below 1, not {probability}"
                )
        self.input_size, self.output_size = input_size, output_size
        self.dropout, self.locked_dropout = dropout, locked_dropout
        self.word_dropout = word_dropout

    def reset_parameters(self) -> None:
        """Small vectors: the logits of tied classes would start too large with torch's N(0, 1)."""
        nn.init.uniform_(self.weight, -0.1, 0.1)

    def forward(self, input: Tensor) -> Tensor:
        """The tokens' vectors."""
        vectors = super().forward(input)
        if self.training and self.word_dropout > 0:
            words = nn.functional.dropout(vectors.new_ones(self.input_size), self.word_dropout)
            vectors = vectors * words[input].unsqueeze(-1)
        return dropout(vectors, self.dropout, self.training, locked=self.locked_dropout)


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
