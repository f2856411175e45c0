"""Blocks of series that grow or fall: the last value, and what its trends make of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from tsrnn.codecs.blocks import Blocks
from tsrnn.errors import ConfigError

_SMALLEST_SHARE = 0.05
"""Of the spread, for the unit: a series that has hardly moved of late may move as it once did."""


class TrendBlocks(Blocks):
    """`Blocks` of short series without a season whose trends matter, such as yearly ones.

    What is different, L the longest of the lengths w:

        unit_t     = mean |y_s − y_{s−1}| over the last L values, in place of their mean absolute deviation
        trend_w    = mean of y_s − y_{s−1} over the last w values
        candidates = the last value, and for each w the last value plus (i + 1) trend_w

    The unit is that of MASE, so that the pinball loss is small where MASE is: a series that grows steadily
    has a wide spread and a small unit. The inputs are asinh of what `Blocks` has, which lies far from 0
    where a series has grown. A block has a density from `history` values on, and training windows may end
    beyond the series, so that short series are of use and the newest values are the first steps of many
    blocks.

    Source: Makridakis and Hibon (2000), "The M3-Competition", for the drift as the naive forecast of yearly
    series; Hyndman and Koehler (2006), "Another look at measures of forecast accuracy", for the unit.

    Args:
        block_size: P.
        trends: the w, lengths in values, increasing.
        context: how many blocks a network reads before a forecast, and in a training window.
        history: how many values there must be before a block that is trained on.
    """

    def __init__(
        self, block_size: int, trends: Sequence[int] = (6, 24), context: int = 8, history: int = 3
    ) -> None:
        if not trends or min(trends) < 2 or list(trends) != sorted(set(trends)):
            raise ConfigError(f"trends must be lengths that increase from 2 on, not {list(trends)}")
        if history < 2:
            raise ConfigError(f"history must be at least 2, not {history}")
        super().__init__(block_size, (1,), max(trends[-1], block_size), context)
        self.trends = tuple(trends)
        self.history = self._fewest = history
        self._ahead = torch.arange(1, block_size + 1, dtype=torch.float64)
        self.candidates = 1 + len(self.trends)
        self.input_size = block_size * (self.candidates + 1) + 3

    def _unit(self, values: Tensor, spread: Tensor) -> Tensor:
        """The mean absolute change from one value to the next; the spread, where there are no two."""
        change, number = _mean_change(values, absolute=True)
        return torch.maximum(torch.where(number > 0, change, spread), _SMALLEST_SHARE * spread)

    def _further(self, memory: Tensor, recent: Any, seasons: Tensor) -> list[Tensor]:
        """The last value, carried on by each trend."""
        trends = torch.stack([_mean_change(memory[..., -length:])[0] for length in self.trends], -2)
        return [seasons + trends * self._ahead / recent.scale.unsqueeze(-1)]

    def _bounded(self, inputs: Tensor) -> Tensor:
        return inputs.asinh()


def _mean_change(values: Tensor, *, absolute: bool = False) -> tuple[Tensor, Tensor]:
    """The mean change of (..., T) values from one to the next, 0 where there is none, and of how many."""
    change = values.diff(dim=-1)
    number = (~change.isnan()).sum(-1, keepdim=True)
    total = (change.abs() if absolute else change).nansum(-1, keepdim=True)
    return total / number.clamp_min(1), number
