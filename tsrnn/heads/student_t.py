"""Student's t distribution."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from tsrnn.heads.base import ParametricHead, positive


@dataclass(frozen=True)
class StudentTDistribution:
    """location + scale · t, with t of `degrees` degrees of freedom."""

    location: Tensor
    scale: Tensor
    degrees: Tensor

    def log_prob(self, value: Tensor) -> Tensor:
        """log Γ((ν+1)/2) − log Γ(ν/2) − ½ log(νπ) − log scale − ½(ν+1) log(1 + z²/ν)."""
        z = (value - self.location) / self.scale
        half = 0.5 * self.degrees
        # (z/√ν)² and not z²/ν: the square of a far outlier must not overflow before it is divided.
        tail = (half + 0.5) * (z / self.degrees.sqrt()).square().log1p()
        nats: Tensor = _log_normalizer(half) - self.scale.log() - tail
        return nats

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """One draw for every element, by the polar method: t = √(ν (U^(−2/ν) − 1)) cos 2πV.

        Two uniforms give an exact draw without rejection, so it needs no gamma variate.
        Source: Bailey (1994), "Polar generation of random variates with the t-distribution".
        """
        shape, dtype, device = self.degrees.shape, self.degrees.dtype, self.degrees.device
        u, v = torch.rand(2, *shape, generator=generator, dtype=dtype, device=device)
        # expm1 keeps large ν exact, where U^(−2/ν) is 1 to within rounding. 1 − U is never 0.
        radius = (self.degrees * torch.expm1((-2 / self.degrees) * torch.log1p(-u))).sqrt()
        draw: Tensor = self.location + self.scale * radius * (2 * math.pi * v).cos()
        return draw

    def affine(self, location: Tensor, scale: Tensor) -> StudentTDistribution:
        """The distribution of location + scale · x."""
        return StudentTDistribution(location + scale * self.location, scale * self.scale, self.degrees)

    @property
    def mean(self) -> Tensor:
        """The location, which is the mean because ν > 1."""
        return self.location

    @property
    def median(self) -> Tensor:
        """The location, for the density is symmetric."""
        return self.location

    def cdf(self, value: Tensor) -> Tensor:
        """P(x ≤ value), by scipy: no gradient."""
        from scipy import special

        z = ((value - self.location) / self.scale).detach().cpu().to(torch.float64)
        degrees = self.degrees.detach().cpu().to(torch.float64)
        return torch.as_tensor(special.stdtr(degrees.numpy(), z.numpy()))

    def icdf(self, level: float) -> Tensor:
        """The value that x lies below with probability `level`, by scipy: no gradient."""
        from scipy import special

        degrees = self.degrees.detach().cpu().to(torch.float64).numpy()
        return self.location + self.scale * torch.as_tensor(special.stdtrit(degrees, level))


def _log_normalizer(half: Tensor) -> Tensor:
    """log Γ(h + ½) − log Γ(h) − ½ log 2πh for h = ν/2, exact in float32 for any ν.

    For large h the two terms cancel and float32 loses all digits, so from h = 32 on it is Stirling's
    series −½ log 2π − 1/(8h) + 1/(192h³), whose next term is below 1e-10 there
    (Abramowitz and Stegun 1964, 6.1.41).
    """
    small = half.clamp_max(32.0)
    exact = torch.lgamma(small + 0.5) - torch.lgamma(small) - 0.5 * (2 * math.pi * small).log()
    inverse = 1 / half.clamp_min(32.0)
    series = -0.5 * math.log(2 * math.pi) - inverse / 8 + inverse**3 / 192
    return torch.where(half < 32.0, exact, series)


class StudentT(ParametricHead):
    """A Student-t density for every step: location, scale, and ν above 2, so that it has a variance.

    The scale is softplus of its parameter and ν = 2 + 3 softplus, shifted so that training starts near a
    scale of 1 and ν = 5.

    Daily returns have tails of about ν = 4; a normal density pays for each crash with its square.

    Args:
        input_size: H.
        event_shape: (P,) where a step is a block of P values.
    """

    num_parameters = 3

    def distribution(self, *parameters: Tensor) -> StudentTDistribution:
        """From (location, unconstrained scale, unconstrained ν − 2)."""
        location, scale, degrees = parameters
        return StudentTDistribution(location, positive(scale), 2 + 3 * positive(degrees))
