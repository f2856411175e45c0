"""A sequence as one value: a class, or a number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal, final

import torch
from torch import Tensor, nn

from tsrnn.codecs.base import Codec
from tsrnn.encoders.sequence import SequenceEncoder
from tsrnn.errors import ConfigError
from tsrnn.heads.base import Head
from tsrnn.ops.attention import attention_weights
from tsrnn.protocols import Context, Distribution

Pooling = Literal["last", "mean", "max", "attention"]


@final
class SequenceToVector(nn.Module):
    """p(y | x_1, ..., x_S): a recurrent network, one vector of its outputs, and a head.

        r = h_S, of each direction where it has read everything    ("last")
        r = Σ_s m_s / S                                            ("mean")
        r = max_s m_s, by entries                                  ("max")
        r = Σ_s a_s m_s,  a = softmax_s vᵀ tanh(W m_s)             ("attention"; Yang et al. 2016, eq. 5 to 7)
        y ~ head(r)

    over the rows' true steps: padding changes nothing.

    Args:
        encoder: the source to outputs m_s and a last state.
        head: r to the distribution of y: `Categorical` for classes, `Normal` or `StudentT` for a number.
        pooling: how r is made.
        dropout: on r.
        codec: the source's.
        labels: names of the classes, in the order of the head's; None for a number.
        location: added to a number that the head says, and
        scale: its unit.

    Raises:
        ConfigError: for a pooling that there is not, or if the head does not fit.
    """

    is_component: ClassVar[bool] = True

    def __init__(
        self,
        encoder: SequenceEncoder,
        head: Head,
        pooling: Pooling = "last",
        dropout: float = 0.0,
        codec: Codec | None = None,
        labels: Sequence[str] | None = None,
        location: float = 0.0,
        scale: float = 1.0,
    ) -> None:
        super().__init__()
        if pooling not in ("last", "mean", "max", "attention"):
            raise ConfigError(f"pooling is last, mean, max or attention, not {pooling!r}")
        if head.input_size != pooled_size(encoder, pooling):
            problem = f"the head reads {head.input_size} features"
            raise ConfigError(f"{problem}, where {pooling} makes {pooled_size(encoder, pooling)}")
        self.encoder = encoder
        self.head = head
        self.pooling = pooling
        self.dropout = dropout
        self.codec = codec
        self.labels = None if labels is None else list(labels)
        self.location, self.scale = location, scale
        size = encoder.memory_size
        self.query: nn.Module | None = None
        if pooling == "attention":
            self.query = nn.Sequential(nn.Linear(size, size), nn.Tanh(), nn.Linear(size, 1, bias=False))

    def forward(self, source: Tensor, lengths: Tensor | None = None) -> Distribution:
        """The distribution of y for each row, (B,).

        Args:
            source: (B, S) token ids, or (B, S, D) values.
            lengths: (B,) the rows' true lengths, at least 1; None: all are full.
        """
        features = self.pooled(self.encoder(source, lengths))
        features = nn.functional.dropout(features, self.dropout, self.training)
        distribution: Distribution = self.head(features)
        if self.labels is not None:
            return distribution
        one = features.new_ones(len(features))
        return distribution.affine(self.location * one, self.scale * one)

    def pooled(self, context: Context) -> Tensor:
        """r, (B, R)."""
        assert context.memory is not None
        assert context.static is not None
        if self.pooling == "last":
            return context.static
        memory, mask = context.memory, context.mask
        if self.pooling == "max":
            if mask is not None:
                memory = memory.masked_fill(~mask.unsqueeze(-1), -torch.inf)
            return memory.amax(1)
        # The mean weighs all alike.
        scores = memory.new_zeros(*memory.shape[:2], 1) if self.query is None else self.query(memory)
        return (attention_weights(scores.transpose(1, 2), mask) @ memory).squeeze(1)


def pooled_size(encoder: SequenceEncoder, pooling: Pooling) -> int:
    """R, of the vector that a pooling makes of an encoder's outputs."""
    return encoder.static_size if pooling == "last" else encoder.memory_size
