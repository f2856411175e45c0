from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from tsrnn.ops.scan import before, hold, linear_recurrence

every_length = pytest.mark.parametrize("steps", [1, 2, 3, 4, 5, 8, 13, 64, 100])
every_batch = pytest.mark.parametrize("batch", [(), (3,), (2, 3)], ids=str)


def loop(decay: Tensor, increment: Tensor, initial: Tensor) -> Tensor:
    y, found = initial, []
    for t in range(increment.shape[-1]):
        y = decay[..., t] * y + increment[..., t]
        found.append(y)
    return torch.stack(found, dim=-1)


@every_length
@every_batch
def test_linear_recurrence_is_the_loop(steps: int, batch: tuple[int, ...]) -> None:
    decay, increment = torch.rand(2, *batch, steps, dtype=torch.float64) * 2 - 0.7
    initial = torch.randn(batch, dtype=torch.float64)
    copies = decay.clone(), increment.clone(), initial.clone()
    torch.testing.assert_close(
        linear_recurrence(decay, increment, initial), loop(decay, increment, initial), rtol=1e-12, atol=1e-12
    )
    for tensor, copy in zip((decay, increment, initial), copies, strict=True):
        assert torch.equal(tensor, copy)  # it works in place, but never in its arguments


def test_linear_recurrence_of_one_decay_for_all_steps_is_a_moving_average() -> None:
    increment = torch.randn(2, 50, dtype=torch.float64)
    decay = torch.tensor([[0.9], [0.5]], dtype=torch.float64)
    y = linear_recurrence(decay, increment, torch.zeros(2, dtype=torch.float64))
    lags = torch.arange(50, dtype=torch.float64)
    for t in range(50):
        expected = (decay ** lags[: t + 1].flip(0) * increment[:, : t + 1]).sum(-1)
        torch.testing.assert_close(y[:, t], expected, rtol=1e-12, atol=1e-12)


def test_linear_recurrence_forgets_at_a_decay_of_zero_and_keeps_at_one() -> None:
    increment = torch.randn(40, dtype=torch.float64)
    initial = torch.tensor(5.0, dtype=torch.float64)
    assert torch.equal(linear_recurrence(torch.zeros(40).double(), increment, initial), increment)
    summed = linear_recurrence(torch.ones(40).double(), increment, initial)
    torch.testing.assert_close(summed, initial + increment.cumsum(-1))
    kept = linear_recurrence(torch.ones(40).double(), torch.zeros(40).double(), initial)
    assert torch.equal(kept, initial.expand(40))


def test_linear_recurrence_of_no_steps_is_empty() -> None:
    assert linear_recurrence(torch.zeros(3, 0), torch.zeros(3, 0), torch.zeros(3)).shape == (3, 0)


def test_linear_recurrence_stays_exact_over_many_steps() -> None:
    decay = torch.full((1, 20_000), 0.5 ** (1 / 4_000), dtype=torch.float64)
    increment, initial = torch.rand(1, 20_000, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    y = linear_recurrence(decay, increment, initial)
    torch.testing.assert_close(y, loop(decay, increment, initial), rtol=1e-12, atol=0)


@every_length
def test_linear_recurrence_in_chunks_is_the_whole(steps: int) -> None:
    decay, increment = torch.rand(2, 4, steps + 7, dtype=torch.float64)
    initial = torch.rand(4, dtype=torch.float64)
    whole = linear_recurrence(decay, increment, initial)
    first = linear_recurrence(decay[:, :steps], increment[:, :steps], initial)
    second = linear_recurrence(decay[:, steps:], increment[:, steps:], first[:, -1])
    torch.testing.assert_close(torch.cat([first, second], -1), whole, rtol=1e-12, atol=1e-12)


@every_length
@every_batch
def test_hold_is_the_loop(steps: int, batch: tuple[int, ...]) -> None:
    values, initial = torch.randn(*batch, steps), torch.randn(batch)
    observed = torch.rand(*batch, steps) < 0.4
    last, found = initial, []
    for t in range(steps):
        last = torch.where(observed[..., t], values[..., t], last)
        found.append(last)
    assert torch.equal(hold(values, observed, initial), torch.stack(found, dim=-1))


def test_hold_never_shows_what_is_not_observed() -> None:
    values = torch.tensor([math.nan, 1.0, math.nan, math.nan, 2.0, math.nan])
    held = hold(values, ~values.isnan(), torch.tensor(7.0))
    assert held.tolist() == [7.0, 1.0, 1.0, 1.0, 2.0, 2.0]


@every_length
@every_batch
def test_before_is_one_step_earlier(steps: int, batch: tuple[int, ...]) -> None:
    values, initial = torch.randn(*batch, steps), torch.randn(batch)
    shifted = before(values, initial)
    assert shifted.shape == values.shape
    assert torch.equal(shifted[..., 0], initial)
    assert torch.equal(shifted[..., 1:], values[..., :-1])


def test_a_linear_recurrence_has_the_gradient_of_its_loop():
    generator = torch.Generator().manual_seed(0)
    decay, increment = (torch.rand(2, 3, 9, generator=generator, dtype=torch.float64) for _ in range(2))
    initial = torch.rand(2, 3, generator=generator, dtype=torch.float64)
    arguments = tuple(part.requires_grad_() for part in (decay, increment, initial))
    assert torch.autograd.gradcheck(linear_recurrence, arguments)
    shared = torch.rand(9, generator=generator, dtype=torch.float64).requires_grad_()  # for all rows
    assert torch.autograd.gradcheck(linear_recurrence, (shared, *arguments[1:]))
