"""Blocks with trends: their candidates and their unit against numbers made by hand."""

from __future__ import annotations

import pytest
import torch

from tsrnn.codecs import TrendBlocks
from tsrnn.errors import ConfigError

NAN = float("nan")


def known(codec: TrendBlocks, values: list[float]):
    return codec.known(codec.state_after(torch.tensor(values, dtype=torch.float64)))


def candidates(codec: TrendBlocks, values: list[float]) -> list[list[float]]:
    """In raw units, (K, P)."""
    location = known(codec, values).location
    level = codec.decode(torch.zeros(codec.block_size), codec.state_after(torch.tensor(values).double()))
    return (location + level.unsqueeze(-1)).T.tolist()


def test_the_candidates_are_the_last_value_and_what_each_trend_makes_of_it():
    last, short, long = candidates(TrendBlocks(3, (2, 4)), [7.0, 1.0, 2.0, 5.0, 9.0])
    assert last == pytest.approx([9, 9, 9])
    assert short == pytest.approx([13, 17, 21])  # the one change of the last 2 values
    step = (2 - 1 + 5 - 2 + 9 - 5) / 3  # the three of the last 4
    assert long == pytest.approx([9 + step, 9 + 2 * step, 9 + 3 * step])


def test_missing_values_have_no_change_and_a_single_value_has_no_trend():
    codec = TrendBlocks(2, (4,))
    _, trend = candidates(codec, [3.0, 4.0, NAN, 6.0])
    assert trend == pytest.approx([7, 8])
    last, trend = candidates(codec, [5.0])
    assert last == pytest.approx([5, 5]) == trend


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        ([1.0, 3.0, 2.0, 6.0], (2 + 1 + 4) / 3),
        ([NAN, 1.0, NAN, 3.0], 1.0),  # no two follow each other: their mean absolute deviation
        ([0.0, 0.0, 0.0, 0.0], 1.0),
    ],
)
def test_the_unit_is_the_mean_absolute_change(values, unit):
    assert known(TrendBlocks(2, (4,)), values).scale.item() == pytest.approx(unit)


def test_a_series_that_has_stopped_moving_keeps_a_share_of_its_spread():
    codec = TrendBlocks(1, (2, 8))
    values = [0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    spread = 2 * 7 / 8 / 8
    assert known(codec, values).scale.item() == pytest.approx(max(1 / 7, 0.05 * spread))


def test_a_block_has_a_density_from_the_third_value_on():
    codec = TrendBlocks(2, (4,), history=3)
    for number, observed in ((2, [False, False]), (3, [True, True])):
        state = codec.state_after(torch.arange(float(number)))
        assert codec.target(torch.tensor([1.0, 2.0]), state)[1].tolist() == observed


@pytest.mark.parametrize("wrong", [{"trends": ()}, {"trends": (1, 4)}, {"trends": (6, 4)}, {"history": 1}])
def test_what_is_no_trend_is_refused(wrong):
    with pytest.raises(ConfigError, match="must"):
        TrendBlocks(4, **wrong)
