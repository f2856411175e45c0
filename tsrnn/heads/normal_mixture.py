"""A mixture of normal distributions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from tsrnn.errors import ConfigError
from tsrnn.heads.base import ParametricHead, positive

_BISECTIONS = 40
"""Of the components' range: to 1e-12 of it, less than float32 can say."""


@dataclass(frozen=True)
class NormalMixtureDistribution:
    """Σ_k w_k N(location_k, scale_k²), the K components on the last axis of each tensor."""

    log_weight: Tensor
    location: Tensor
    scale: Tensor

    def log_prob(self, value: Tensor) -> Tensor:
        """log Σ_k w_k N(value; location_k, scale_k²)."""
        z = (value.unsqueeze(-1) - self.location) / self.scale
        terms = self.log_weight - 0.5 * z.square() - self.scale.log()
        return terms.logsumexp(-1) - 0.5 * math.log(2 * math.pi)

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """One draw for every element: a component by its weight, then from it."""
        weights = self.log_weight.exp().cumsum(-1)
        shape, dtype, device = weights.shape[:-1], weights.dtype, weights.device
        u = torch.rand((*shape, 1), generator=generator, dtype=dtype, device=device)
        # The weights' sum is 1 to within rounding: a u beyond it is of the last component.
        chosen = torch.searchsorted(weights, u, right=True).clamp_max(weights.shape[-1] - 1)
        noise = torch.randn(shape, generator=generator, dtype=dtype, device=device)
        location, scale = (part.gather(-1, chosen).squeeze(-1) for part in (self.location, self.scale))
        draw: Tensor = location + scale * noise
        return draw

    def affine(self, location: Tensor, scale: Tensor) -> NormalMixtureDistribution:
        """The distribution of location + scale · x."""
        location, scale = location.unsqueeze(-1), scale.unsqueeze(-1)
        return NormalMixtureDistribution(
            self.log_weight.expand_as(location * self.location),
            location + scale * self.location,
            scale * self.scale,
        )

    @property
    def mean(self) -> Tensor:
        """Σ_k w_k location_k."""
        return (self.log_weight.exp() * self.location).sum(-1)

    @property
    def median(self) -> Tensor:
        """Where the cdf is one half."""
        return self.icdf(0.5)

    def icdf(self, level: float) -> Tensor:
        """The value that x lies below with probability `level`, by bisection between the components' own."""
        distance = torch.special.ndtri(torch.tensor(level, dtype=torch.float64))
        quantiles = self.location + distance * self.scale
        low, high = quantiles.amin(-1), quantiles.amax(-1)
        for _ in range(_BISECTIONS):
            value = (low + high) / 2
            below = self.cdf(value) < level
            low, high = torch.where(below, value, low), torch.where(below, high, value)
        middle: Tensor = (low + high) / 2
        return middle

    def cdf(self, value: Tensor) -> Tensor:
        """P(x ≤ value)."""
        z = (value.unsqueeze(-1) - self.location) / self.scale
        probability: Tensor = (self.log_weight.exp() * torch.special.ndtr(z)).sum(-1)
        return probability


@final
class NormalMixture(ParametricHead):
    """A mixture of K normal densities for every step: several modes, skewness and fat tails.

    The weights are a softmax, the scales a softplus. The components' locations start apart, for equal ones
    would have equal gradients for ever. Source: Bishop (1994), "Mixture density networks".

    Args:
        input_size: H.
        event_shape: (P,) where a step is a block of P values.
        num_components: K.
    """

    def __init__(self, input_size: int, event_shape: Sequence[int] = (), num_components: int = 3) -> None:
        if num_components < 1:
            raise ConfigError(f"a mixture needs at least one component, not {num_components}")
        self.num_parameters = 3 * num_components
        super().__init__(input_size, event_shape)
        self.num_components = num_components
        with torch.no_grad():
            bias = self.projection.bias.view(-1, 3, num_components)
            bias[:, 1] = torch.linspace(-1, 1, num_components) if num_components > 1 else 0.0

    def distribution(self, *parameters: Tensor) -> NormalMixtureDistribution:
        """From K logits of the weights, K locations, K unconstrained scales."""
        logits, location, scale = torch.stack(parameters, -1).reshape(*parameters[0].shape, 3, -1).unbind(-2)
        return NormalMixtureDistribution(logits.log_softmax(-1), location, positive(scale))
