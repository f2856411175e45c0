"""Quantiles: a forecast that is no density."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tsrnn.errors import ConfigError, argument
from tsrnn.heads.base import ParametricHead

DECILES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


_UNCALIBRATED_SERIES = 50
"""How many series the width 1 counts for. The errors of one series go together, so each counts as one. Chosen
on M1 and M3, yearly to monthly, each forecast from two origins before its test part: the coverage of their
80 % intervals was 4.4 points from 80 with the width 1, 3.6 with the calibrated one, 3.2 half-way between."""


@dataclass(frozen=True)
class QuantileDistribution:
    """What is known of a distribution by its quantiles, which lie on the last axis in increasing order.

    Attributes:
        quantiles: (..., Q).
        levels: (Q,) increasing, between 0 and 1.
        unit: (...) the unit in which the pinball loss is measured: the scale of the data.
    """

    quantiles: Tensor
    levels: Tensor
    unit: Tensor

    def log_prob(self, value: Tensor) -> NoReturn:
        """There is none.

        Raises:
            ConfigError: always.
        """
        raise ConfigError("quantiles have no density: for nats take another head, such as StudentT")

    def pinball(self, value: Tensor) -> Tensor:
        """Mean over the levels of the pinball loss, in units of `unit`: (...).

        Source: Koenker and Bassett (1978), "Regression quantiles".
        """
        error = (value.unsqueeze(-1) - self.quantiles) / self.unit.unsqueeze(-1)
        return torch.maximum(self.levels * error, (self.levels - 1) * error).mean(-1)

    @property
    def median(self) -> Tensor:
        """The middle quantile, or the mean of the middle two, (...)."""
        number = self.quantiles.shape[-1]
        return (self.quantiles[..., (number - 1) // 2] + self.quantiles[..., number // 2]) / 2

    def distance(self, value: Tensor) -> Tensor:
        """How far a value is from the median, where the outer quantile on its side is at 1: (...)."""
        median, quantiles = self.median, self.quantiles
        outer = torch.where(value < median, median - quantiles[..., 0], quantiles[..., -1] - median)
        return (value - median).abs() / outer

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """One draw for every element: the quantile of a uniform variate."""
        shape, dtype, device = self.unit.shape, self.quantiles.dtype, self.quantiles.device
        return self.quantile(torch.rand(shape, generator=generator, dtype=dtype, device=device))

    def quantile(self, level: Tensor) -> Tensor:
        """The inverse distribution function at `level`, (...) or one for each row of the first axis.

        Between the given levels it is linear. Beyond the outermost two it has the exponential tail that goes
        on with their slope: q_1 + s α_1 log(u / α_1) below, with s = (q_2 − q_1) / (α_2 − α_1), and its
        mirror image above.
        """
        levels, quantiles = self.levels, self.quantiles
        level = level.view(-1, *(1,) * (self.unit.dim() - 1)) if level.dim() == 1 else level
        if len(levels) == 1:
            return quantiles.squeeze(-1)
        right = torch.searchsorted(levels, level.contiguous()).clamp(1, len(levels) - 1)
        place = right.expand(self.unit.shape).unsqueeze(-1)
        low, high = quantiles.gather(-1, place - 1).squeeze(-1), quantiles.gather(-1, place).squeeze(-1)
        slope = (high - low) / (levels[right] - levels[right - 1])
        inside = low + slope * (level - levels[right - 1])
        # Never the logarithm of 0: a uniform variate may be 0.
        first, last = levels[0], levels[-1]
        below = low + slope * first * (level.clamp_min(1e-9) / first).log()
        above = high - slope * (1 - last) * ((1 - level).clamp_min(1e-9) / (1 - last)).log()
        return torch.where(level < first, below, torch.where(level > last, above, inside))

    def expand(self, copies: int) -> QuantileDistribution:
        """The distribution with a new leading axis of `copies`, without copying anything."""
        quantiles, unit = (part.expand(copies, *part.shape) for part in (self.quantiles, self.unit))
        return QuantileDistribution(quantiles, self.levels, unit)

    def affine(self, location: Tensor, scale: Tensor) -> QuantileDistribution:
        """The distribution of location + scale · x."""
        quantiles = location.unsqueeze(-1) + scale.unsqueeze(-1) * self.quantiles
        return QuantileDistribution(quantiles, self.levels, (scale * self.unit).expand(quantiles.shape[:-1]))


@final
class Quantiles(ParametricHead):
    """Quantiles of every step, trained by the pinball loss; robust, and no density.

    The outputs are sorted, so that no two quantiles cross. `log_prob` raises; the log score of a model with
    this head is shown as "–". What a network has learned by heart is too narrow elsewhere, what is strongly
    regularised may be too wide: in evaluation all distances from the median are multiplied by the width,
    which `calibrate` sets by the values of the validation span.

    Source: Koenker and Bassett (1978); Wen et al. (2017), "A multi-horizon quantile recurrent forecaster";
    for the width Romano, Patterson and Candès (2019), "Conformalized quantile regression".

    Args:
        input_size: H.
        event_shape: (P,) where a step is a block of P values.
        levels: of the quantiles, increasing, between 0 and 1.

    Attributes:
        width: () by which distances from the median are multiplied in evaluation; 1 until it is calibrated.
    """

    width: Tensor
    criterion = "pinball"

    def __init__(
        self, input_size: int, event_shape: Sequence[int] = (), levels: Sequence[float] = DECILES
    ) -> None:
        if not levels or list(levels) != sorted(set(levels)) or not 0 < levels[0] <= levels[-1] < 1:
            raise ConfigError(
                f"{argument('model.head.levels')} must increase between 0 and 1, not {list(levels)}"
            )
        self.num_parameters = len(levels)
        super().__init__(input_size, event_shape)
        self.levels = tuple(float(level) for level in levels)
        spread = torch.tensor(self.levels) - 0.5
        with torch.no_grad():
            self.projection.bias.copy_(spread.repeat(self.projection.out_features // len(self.levels)))
        self.register_buffer("width", torch.ones(()))

    def distribution(self, *parameters: Tensor) -> QuantileDistribution:
        """From the quantiles in any order."""
        quantiles = torch.stack(parameters, -1).sort(-1).values
        levels = torch.tensor(self.levels, dtype=quantiles.dtype, device=quantiles.device)
        found = QuantileDistribution(quantiles, levels, torch.ones_like(quantiles[..., 0]))
        if self.training:
            return found
        wider = (self.width - 1) * (quantiles - found.median.unsqueeze(-1))
        return replace(found, quantiles=quantiles + wider)

    def calibrate(self, distances: npt.NDArray[np.floating[Any]], series: int) -> None:
        """Set the width so that the outer two quantiles hold the share of the values that they should.

        Args:
            distances: of observed values, as `QuantileDistribution.distance` has them with the width 1; what
                is not finite is left out.
            series: how many series they are of. Of few, the width stays near 1.
        """
        distances = distances[np.isfinite(distances)]
        if len(self.levels) == 1 or not len(distances):
            return
        held = float(np.quantile(distances, self.levels[-1] - self.levels[0]))
        self.width.fill_(max(held, 1e-3) ** (series / (series + _UNCALIBRATED_SERIES)))

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        """Take the width 1 from a checkpoint of a time when there was none."""
        state_dict.setdefault(f"{prefix}width", torch.ones(()))
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def loss(self, distribution: Any, targets: Tensor) -> Tensor:
        """The pinball loss of each target, the mean over the levels, in units of the series' scale."""
        loss: Tensor = distribution.pinball(targets)
        return loss
