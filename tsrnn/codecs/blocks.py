"""Blocks of values in units of their recent spread, with a seasonal memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from tsrnn.codecs.base import Codec, Known
from tsrnn.errors import ConfigError, argument
from tsrnn.ops.scan import hold
from tsrnn.protocols import Encoding

_LARGEST_INPUT = 10.0
"""In units of the scale. What lies beyond says no more than that it is far."""
_SMALLEST_SPREAD = 1e-3
"""Of the level: a constant series has no spread, but its scale must stay above zero."""
_SMALLEST_SCALE = 1e-30
"""What single precision still divides by."""


class BlocksState(NamedTuple):
    """What is kept of a series between two blocks.

    Attributes:
        memory: (..., M) the last M values in raw units, NaN where there was none.
    """

    memory: Tensor


class _Recent(NamedTuple):
    """The last L values: level, scale and how many are there (..., 1), and they above the level (..., L)."""

    level: Tensor
    scale: Tensor
    above: Tensor
    number: Tensor


class Blocks(Codec):
    """A model step is a block of P values, measured from the level and in the spread of the recent past.

    P = 1 is classical next-value autoregression; P = the horizon is direct multi-horizon forecasting;
    P = a day of hours lies between. All that a step's inputs say comes from the M values before it:

        level_t  = mean of the last L values,    scale_t = their mean absolute deviation
        season m = the block one season ago: value i of the block is y_{t + i − m ⌈(i + 1) / m⌉}
        profile  = the mean block of the last L values, where P > 1; a missing value is the level there

    A target is y − level, in the units of the data, so that nats are those of the raw values. Each
    season's block, and the profile, is a candidate for the step's location: a model learns to choose
    between them. The D inputs are, in units of the scale and cut at ±10: the candidates; the block that
    follows the longest season's candidate; and log(scale / |level|), the share of the L values that are
    there, and how far the level of their later half is above that of their earlier.

    A missing value (NaN) has no density, and neither has a block before which fewer than P of the last L
    values (or fewer than two) are there: it is given, and every density is conditional on it. Among the
    inputs a shorter season's value stands for a missing one, at last the level.

    After Hewamalage, Bergmeir and Bandara (2021), "Recurrent neural networks for time series forecasting",
    section 3.3: windows scaled by their own past, several steps out at once. The seasonal candidates and
    the carried state are ours.

    Args:
        block_size: P.
        seasons: lengths of the seasons, increasing; 1 is the last value, the random walk's candidate.
        scale_length: L; None: the longest season, and at least two blocks and 8 values.
        context: how many blocks a network reads before a forecast, and in a training window.
    """

    kind = "series"
    memory: int

    def __init__(
        self,
        block_size: int,
        seasons: Sequence[int] = (1,),
        scale_length: int | None = None,
        context: int = 28,
    ) -> None:
        if min(block_size, context) < 1:
            raise ConfigError(
                f"{argument('data.codec.block_size')} and {argument('data.codec.context')} must be at least 1"
            )
        if not seasons or min(seasons) < 1 or list(seasons) != sorted(set(seasons)):
            raise ConfigError(
                f"{argument('data.codec.seasons')} must be lengths that increase from 1 on, not "
                f"{list(seasons)}"
            )
        length = max(seasons[-1], 2 * block_size, 8) if scale_length is None else scale_length
        if length < max(block_size, 2):
            raise ConfigError(
                f"{argument('data.codec.scale_length')} must be at least a block of {block_size}, and 2, "
                f"not {length}"
            )
        self.block_size = block_size
        self.seasons = tuple(seasons)
        self.scale_length = scale_length
        self.context = context
        self.event_shape = (block_size,)
        self.memory = max(self.seasons[-1], block_size, length)
        self._length = length
        self._fewest = max(block_size, 2)
        steps = torch.arange(2 * block_size)
        places = [self.memory + steps - m * (steps // m + 1) for m in self.seasons]
        self._seasonal = torch.stack([place[:block_size] for place in places])
        self._following = places[-1][block_size:]
        self._profile = length // block_size if block_size > 1 else 0
        self.candidates = len(self.seasons) + (self._profile > 0)
        self.input_size = block_size * (self.candidates + 1) + 3

    def initial_state(self, *batch: int) -> BlocksState:
        """Nothing is remembered yet."""
        return BlocksState(torch.full((*batch, self.memory), torch.nan, dtype=torch.float64))

    def known(self, state: BlocksState) -> Known:
        """The inputs, the candidates in raw units above the level, and the scale."""
        return self._known(state.memory, self._recent(state.memory))

    def target(self, raw: Tensor, state: BlocksState) -> tuple[Tensor, Tensor]:
        """The values above the level, and whether each is there and has a past to be measured by."""
        return self._target(raw, self._recent(state.memory))

    def update(self, raw: Tensor, state: BlocksState) -> BlocksState:
        """The memory, moved on by a block (..., P)."""
        memory = torch.cat([state.memory, raw.to(torch.float64)], -1)
        return BlocksState(memory[..., -self.memory :])

    def decode(self, step: Tensor, state: BlocksState) -> Tensor:
        """The values, from those above the level."""
        return step.to(torch.float64) + self._recent(state.memory).level

    def last(self, state: BlocksState) -> Tensor:
        """The last observed value of the memory."""
        memory = state.memory
        return hold(memory, ~memory.isnan(), memory.new_full(memory.shape[:-1], torch.nan))[..., -1]

    def encode(self, raw: Tensor, state: BlocksState | None = None) -> tuple[Encoding, BlocksState]:
        """All blocks at once, equal to the blocks one by one."""
        raw = raw.to(torch.float64)
        blocks = self.blocks(raw)
        if state is None:
            state = self.initial_state(*raw.shape[:-1])
        values = torch.cat([state.memory, raw], -1)
        memory = values.unfold(-1, self.memory, self.block_size)[..., :-1, :]
        recent = self._recent(memory)
        inputs, location, scale = self._known(memory, recent)
        targets, observed = self._target(blocks, recent)
        return (
            Encoding(inputs, targets, location, scale, observed),
            BlocksState(values[..., -self.memory :]),
        )

    def state_after(self, raw: Tensor) -> BlocksState:
        """The memory of the last M of (..., T) values."""
        return self.update(raw, self.initial_state(*raw.shape[:-1]))

    def _recent(self, memory: Tensor) -> _Recent:
        values = memory[..., -self._length :]
        seen = ~values.isnan()
        count = seen.sum(-1, keepdim=True)
        level = values.nansum(-1, keepdim=True) / count.clamp_min(1)
        above = (values - level).nan_to_num(0.0)
        spread = above.abs().sum(-1, keepdim=True) / count.clamp_min(1)
        scale = torch.maximum(self._unit(values, spread), _SMALLEST_SPREAD * level.abs())
        # Zeros alone, or nothing at all, have no unit of their own.
        scale = torch.where(scale > 0, scale, 1.0).clamp_min(_SMALLEST_SCALE)
        return _Recent(level, scale, above, count)

    def _unit(self, values: Tensor, spread: Tensor) -> Tensor:
        """The scale of the last L values, whose mean absolute deviation is `spread`: that."""
        return spread

    def _known(self, memory: Tensor, recent: _Recent) -> Known:
        level, scale, above, number = recent
        seasons = _filled((memory[..., self._seasonal] - level.unsqueeze(-1)) / scale.unsqueeze(-1))
        following = (memory[..., self._following] - level) / scale
        following = torch.where(following.isnan(), seasons[..., -1, :], following)
        candidates = torch.cat([seasons, *self._further(memory, recent, seasons)], -2)
        half = self._length // 2
        rise = (above[..., half:].mean(-1, keepdim=True) - above[..., :half].mean(-1, keepdim=True)) / scale
        ratio = (scale / torch.where(level == 0, scale, level.abs())).log().clamp(-7, 3)
        features = [candidates.flatten(-2), following, ratio, number.to(torch.float64) / self._length, rise]
        inputs = self._bounded(torch.cat(features, -1))
        location = (candidates * scale.unsqueeze(-1)).transpose(-1, -2)
        return Known(inputs, location if self.candidates > 1 else location.squeeze(-1), scale.squeeze(-1))

    def _further(self, memory: Tensor, recent: _Recent, seasons: Tensor) -> list[Tensor]:
        """Candidates besides the seasons' (..., K, P), in units of the scale above the level: the profile."""
        if not self._profile:
            return []
        days = recent.above[..., self._length - self._profile * self.block_size :]
        days = days.reshape(*days.shape[:-1], self._profile, self.block_size)
        return [days.mean(-2, keepdim=True) / recent.scale.unsqueeze(-1)]

    def _bounded(self, inputs: Tensor) -> Tensor:
        """The inputs, none of them large."""
        return inputs.clamp(-_LARGEST_INPUT, _LARGEST_INPUT)

    def _target(self, raw: Tensor, recent: _Recent) -> tuple[Tensor, Tensor]:
        observed = (recent.number >= self._fewest) & ~raw.isnan()
        return torch.where(observed, raw.to(torch.float64) - recent.level, 0.0), observed


def _filled(candidates: Tensor) -> Tensor:
    """(..., K, P) candidates, a missing value taken from the season before, at last 0, the level."""
    filled = [candidates[..., 0, :].nan_to_num(0.0)]
    for index in range(1, candidates.shape[-2]):
        filled.append(torch.where(candidates[..., index, :].isnan(), filled[-1], candidates[..., index, :]))
    return torch.stack(filled, -2)
