"""The categorical distribution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from tsrnn.heads.base import Head


@dataclass(frozen=True)
class CategoricalDistribution:
    """P(x = k) = softmax(logits)_k over the last axis."""

    logits: Tensor

    def log_probs(self) -> Tensor:
        """The log probability of every class, (..., V)."""
        return self.logits.log_softmax(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        """The log probability of the classes `value` (...) int64."""
        classes = self.logits.shape[-1]
        flat = nn.functional.cross_entropy(
            self.logits.reshape(-1, classes), value.reshape(-1), reduction="none"
        )
        return -flat.view(value.shape)

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """One class for every element: the first whose cumulative probability exceeds a uniform draw."""
        cumulative = self.logits.softmax(-1).cumsum(-1)
        draw = torch.rand(
            cumulative.shape[:-1], generator=generator, dtype=cumulative.dtype, device=cumulative.device
        )
        # Scaled by the last entry, which rounding leaves near 1: a draw must not fall behind the end.
        draw = (draw.unsqueeze(-1) * cumulative[..., -1:]).contiguous()
        drawn = torch.searchsorted(cumulative, draw, right=True).squeeze(-1)
        return drawn.clamp_max(cumulative.shape[-1] - 1)

    def affine(self, location: Tensor, scale: Tensor) -> CategoricalDistribution:
        """Classes have no location and no scale."""
        raise TypeError("a categorical distribution has no location and no scale: use a codec without them")


class Categorical(Head):
    """A probability for every class: o_t = softmax(V h_t + b_v).

    Args:
        input_size: H.
        num_classes: V.
    """

    is_component: ClassVar[bool] = True

    def __init__(self, input_size: int, num_classes: int) -> None:
        super().__init__()
        self.input_size, self.num_classes = input_size, num_classes
        self.projection = nn.Linear(input_size, num_classes)

    def forward(self, features: Tensor) -> CategoricalDistribution:
        """The distribution of each step."""
        return CategoricalDistribution(self.projection(features))
