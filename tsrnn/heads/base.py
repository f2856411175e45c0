"""What a head is: features in, a distribution out."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from tsrnn.protocols import Distribution

SMALLEST = 1e-6
"""Added to what must be positive: far below any use, far above where float32 divisions overflow."""


class Head(nn.Module, ABC):
    """Features (..., H) to the distribution of a step, for all steps at once. Owns its last projection.

    Args:
        input_size: H.
    """

    is_component: ClassVar[bool] = True
    criterion: ClassVar[str] = "nats"
    """What `loss` measures, in the names of metrics: valid_nats."""
    input_size: int

    @abstractmethod
    def forward(self, features: Tensor) -> Distribution:
        """The distribution of each step, batch shape (...), or (..., P) where a step is a block."""

    def loss(self, distribution: Any, targets: Tensor) -> Tensor:
        """What training makes small, for each target: −log p, unless the head has no density."""
        nats: Tensor = -distribution.log_prob(targets)
        return nats


class ParametricHead(Head):
    """A head with a fixed number of parameters a step, each a linear map of the features.

    A subclass names `num_parameters` and turns them, unconstrained, into its distribution. At the start
    the projection's weights are small, so that the first densities are near a standard one.

    Args:
        input_size: H.
        event_shape: (P,) for the P values of a block, each with a distribution of its own; () for one.
    """

    num_parameters: int

    def __init__(self, input_size: int, event_shape: Sequence[int] = ()) -> None:
        super().__init__()
        self.input_size = input_size
        self.event_shape = tuple(event_shape)
        self.projection = nn.Linear(input_size, math.prod(self.event_shape) * self.num_parameters)
        with torch.no_grad():
            self.projection.weight.mul_(0.1)
            self.projection.bias.zero_()

    @abstractmethod
    def distribution(self, *parameters: Tensor) -> Distribution:
        """The distribution of unconstrained parameters, each (..., *event_shape)."""

    def forward(self, features: Tensor) -> Distribution:
        """Project the features and read them as parameters."""
        parameters = self.projection(features).view(
            *features.shape[:-1], *self.event_shape, self.num_parameters
        )
        return self.distribution(*parameters.unbind(-1))


def positive(unconstrained: Tensor) -> Tensor:
    """softplus, shifted so that 0 maps to 1; never 0."""
    return nn.functional.softplus(unconstrained + 0.5413248546129181) + SMALLEST
