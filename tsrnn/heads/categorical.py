"""The categorical distribution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn, final

import torch
from torch import Tensor, nn

from tsrnn.errors import ConfigError
from tsrnn.heads.base import Head
from tsrnn.ops.cross_entropy import class_log_prob


class ClassDistribution:
    """What distributions over V classes share. A subclass has `log_probs`, `log_prob` and `sample`."""

    def log_probs(self) -> Tensor:
        """The log probability of every class, (..., V)."""
        raise NotImplementedError

    def log_prob(self, value: Tensor) -> Tensor:
        """The log probability of the classes `value` (...) int64."""
        raise NotImplementedError

    def smoothed_log_prob(self, value: Tensor, smoothing: float) -> Tensor:
        """(1 − ε) log p_value + ε mean_k log p_k, the negative loss of smoothed labels.

        Source: Szegedy et al. (2016), "Rethinking the Inception Architecture for Computer Vision", section 7.

        Args:
            value: classes, (...) int64.
            smoothing: ε, from 0 to 1.
        """
        every = self.log_probs()
        own = every.gather(-1, value.unsqueeze(-1)).squeeze(-1)
        return (1 - smoothing) * own + smoothing * every.mean(-1)

    def affine(self, location: Tensor, scale: Tensor) -> NoReturn:
        """Classes have no location and no scale."""
        raise TypeError("a categorical distribution has no location and no scale: use a codec without them")


@final
@dataclass(frozen=True)
class CategoricalDistribution(ClassDistribution):
    """P(x = k) = softmax(logits)_k over the last axis."""

    logits: Tensor

    def log_probs(self) -> Tensor:
        """The log probability of every class, (..., V)."""
        return self.logits.log_softmax(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        """The log probability of the classes `value` (...) int64."""
        return self.log_probs().gather(-1, value.unsqueeze(-1)).squeeze(-1)

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


@final
@dataclass(frozen=True)
class LinearCategorical(ClassDistribution):
    """P(x = k) = softmax(W h + b)_k, the logits made only where they are needed.

    Attributes:
        features: h, (..., H).
        weight: W, (V, H).
        bias: b, (V,).
    """

    features: Tensor
    weight: Tensor
    bias: Tensor

    @property
    def logits(self) -> Tensor:
        """W h + b, (..., V)."""
        return nn.functional.linear(self.features, self.weight, self.bias)

    def log_probs(self) -> Tensor:
        """The log probability of every class, (..., V)."""
        return self.logits.log_softmax(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        """The log probability of the classes `value` (...) int64: see `class_log_prob`."""
        rows = self.features.reshape(-1, self.features.shape[-1])
        return class_log_prob(rows, self.weight, self.bias, value.reshape(-1)).view(value.shape)

    def smoothed_log_prob(self, value: Tensor, smoothing: float) -> Tensor:
        """(1 − ε) log p_value + ε mean_k log p_k, without the log probabilities of all classes.

        As log p_k = logit_k − Z for one Z, mean_k log p_k is log p_value + mean_k logit_k − logit_value.
        """
        own = self.log_prob(value)
        logit = (self.features * nn.functional.embedding(value, self.weight)).sum(-1) + self.bias[value]
        mean = self.features @ self.weight.mean(0) + self.bias.mean()
        return own + smoothing * (mean - logit)

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """One class for every element."""
        return CategoricalDistribution(self.logits).sample(generator)


class ClassHead(Head):
    """A head over V classes, whose vectors, (V, H), may be those of the embedding.

    Args:
        input_size: H.
        num_classes: V.
    """

    num_classes: int
    projection: nn.Linear

    def tie(self, weight: Tensor) -> None:
        """Use the embedding's vectors (V, E) as the classes' own (Press and Wolf 2017; Inan et al. 2017).

        Raises:
            ConfigError: if E is not the size of the features.
        """
        if weight.shape != self.projection.weight.shape:
            raise ConfigError(
                f"tied weights: the embedding has {weight.shape[0]} vectors of {weight.shape[1]}, the head "
                f"needs {self.projection.weight.shape[0]} of {self.input_size}, the backbone's output size"
            )
        assert isinstance(weight, nn.Parameter)  # another tensor would be a copy, and not tied
        self.projection.weight = weight


@final
class Categorical(ClassHead):
    """A probability for every class: o_t = softmax(V h_t + b_v).

    Args:
        input_size: H.
        num_classes: V.
    """

    def __init__(self, input_size: int, num_classes: int) -> None:
        super().__init__()
        self.input_size, self.num_classes = input_size, num_classes
        self.projection = nn.Linear(input_size, num_classes)

    def forward(self, features: Tensor) -> LinearCategorical:
        """The distribution of each step."""
        return LinearCategorical(features, self.projection.weight, self.projection.bias)
