"""The normal distribution."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from tsrnn.heads.base import ParametricHead, positive


@dataclass(frozen=True)
class NormalDistribution:
    """N(location, scale²)."""

    location: Tensor
    scale: Tensor

    def log_prob(self, value: Tensor) -> Tensor:
        """−½ z² − log scale − ½ log 2π, with z = (value − location) / scale."""
        z = (value - self.location) / self.scale
        return -0.5 * z.square() - self.scale.log() - 0.5 * math.log(2 * math.pi)

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """One draw for every element."""
        noise = torch.randn(
            self.location.shape, generator=generator, dtype=self.location.dtype, device=self.location.device
        )
        return self.location + self.scale * noise

    def affine(self, location: Tensor, scale: Tensor) -> NormalDistribution:
        """The distribution of location + scale · x."""
        return NormalDistribution(location + scale * self.location, scale * self.scale)

    @property
    def mean(self) -> Tensor:
        """The location."""
        return self.location

    @property
    def median(self) -> Tensor:
        """The location."""
        return self.location

    def cdf(self, value: Tensor) -> Tensor:
        """P(x ≤ value)."""
        probability: Tensor = torch.special.ndtr((value - self.location) / self.scale)
        return probability

    def icdf(self, level: float) -> Tensor:
        """The value that x lies below with probability `level`."""
        distance: Tensor = torch.special.ndtri(torch.tensor(level, dtype=torch.float64))
        return self.location + self.scale * distance


class Normal(ParametricHead):
    """A normal density for every step: location, and a scale through softplus.

    Args:
        input_size: H.
        event_shape: (P,) where a step is a block of P values.
    """

    num_parameters = 2

    def distribution(self, *parameters: Tensor) -> NormalDistribution:
        """From (location, unconstrained scale)."""
        location, scale = parameters
        return NormalDistribution(location, positive(scale))
