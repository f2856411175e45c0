"""Linear recurrences over the steps of a sequence, without a loop over the steps."""

from __future__ import annotations

import torch
from torch import Tensor


def linear_recurrence(decay: Tensor, increment: Tensor, initial: Tensor) -> Tensor:
    """Every y_t of y_t = decay_t · y_{t−1} + increment_t, by doubling: log2(T) passes.

    Two neighbouring steps compose to one: (a₂, b₂) after (a₁, b₁) is (a₂a₁, a₂b₁ + b₂).
    Source: Blelloch (1990), Prefix sums and their applications, section 1.4; Hillis and Steele (1986).

    Args:
        decay: (..., T).
        increment: (..., T).
        initial: (...), y before the first step.

    Returns:
        (..., T), y after each step.
    """
    steps = increment.shape[-1]
    decay, result = decay.expand_as(increment), increment
    if steps:
        first = result[..., :1] + decay[..., :1] * initial.unsqueeze(-1)
        result = torch.cat([first, result[..., 1:]], dim=-1)
    distance = 1
    while distance < steps:
        # Out of place, so that a gradient flows through every pass.
        before, later = slice(None, -distance), slice(distance, None)
        moved = result[..., later] + decay[..., later] * result[..., before]
        decay = torch.cat([decay[..., :distance], decay[..., later] * decay[..., before]], dim=-1)
        result = torch.cat([result[..., :distance], moved], dim=-1)
        distance *= 2
    return result


def hold(values: Tensor, observed: Tensor, initial: Tensor) -> Tensor:
    """For each step, the last observed value up to it; `initial` (...) where there is none yet.

    Args:
        values: (..., T).
        observed: (..., T) bool.
        initial: (...).
    """
    steps = torch.arange(1, values.shape[-1] + 1, device=values.device)
    latest = torch.where(observed, steps, 0).cummax(dim=-1).values
    return torch.cat([initial.unsqueeze(-1), values], dim=-1).gather(-1, latest)


def before(values: Tensor, initial: Tensor) -> Tensor:
    """The values one step earlier, (..., T), with `initial` (...) in the first place."""
    return torch.cat([initial.unsqueeze(-1), values[..., :-1]], dim=-1)
