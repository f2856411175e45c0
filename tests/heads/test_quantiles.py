"""The head of quantiles: sorted, trained by the pinball loss, and a distribution all the same."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats
from torch import Tensor
from utilsforecast import losses

from tsrnn.errors import ConfigError
from tsrnn.heads import Quantiles
from tsrnn.heads.quantiles import DECILES, QuantileDistribution

LEVELS = [DECILES, (0.025, 0.5, 0.9), (0.3, 0.31)]


def distribution(
    levels: Any = DECILES, *batch: int, dtype: torch.dtype = torch.float64
) -> QuantileDistribution:
    """Sorted random quantiles in the unit 1."""
    quantiles = torch.randn(*batch, len(levels), dtype=torch.float64).sort(-1).values.to(dtype)
    return QuantileDistribution(
        quantiles, torch.tensor(levels, dtype=dtype), torch.ones_like(quantiles[..., 0])
    )


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def at(quantiles: QuantileDistribution, level: float) -> Tensor:
    return quantiles.quantile(torch.full_like(quantiles.unit, level))


def test_quantiles_come_out_in_order_whatever_the_features_say() -> None:
    head = Quantiles(3, event_shape=(4,))
    with torch.no_grad():
        head.projection.weight.normal_()
        found = head(torch.randn(50, 3))
    assert found.quantiles.shape == (50, 4, 9)
    assert (found.quantiles.diff(dim=-1) >= 0).all()
    torch.testing.assert_close(found.levels, torch.tensor(DECILES))
    assert torch.equal(found.unit, torch.ones(50, 4))


def test_the_first_quantiles_are_apart_and_around_zero() -> None:
    for event_shape in [(), (3,)]:
        with torch.no_grad():
            found = Quantiles(2, event_shape=event_shape, levels=(0.1, 0.5, 0.7))(torch.zeros(1, 2))
        expected = torch.tensor([-0.4, 0.0, 0.2]).expand(1, *event_shape, 3)
        torch.testing.assert_close(found.quantiles, expected)


def test_the_pinball_loss_of_hand_made_numbers() -> None:
    found = QuantileDistribution(torch.tensor([[1.0, 3.0]]), torch.tensor([0.1, 0.9]), torch.tensor([2.0]))
    # Above both, between them, below both; halved by the unit and averaged over two levels.
    for value, expected in [
        (5.0, (0.1 * 4 + 0.9 * 2) / 4),
        (2.0, (0.1 + 0.1) / 4),
        (0.0, (0.9 + 0.1 * 3) / 4),
    ]:
        assert found.pinball(torch.tensor([value])).item() == pytest.approx(expected)


def test_the_pinball_loss_is_that_of_utilsforecast() -> None:
    found = distribution(DECILES, 30)
    value = torch.randn(30, dtype=torch.float64)
    columns = {f"q{place}": found.quantiles[:, place].numpy() for place in range(9)}
    frame = pd.DataFrame(
        {"unique_id": [f"s{row:02d}" for row in range(30)], "ds": 0, "y": value.numpy(), **columns}
    )
    expected = losses.mqloss(frame, {"model": list(columns)}, np.array(DECILES))["model"]
    np.testing.assert_allclose(found.pinball(value).numpy(), expected, rtol=1e-12)


def test_the_loss_of_the_head_is_the_pinball_loss_in_units_of_the_scale() -> None:
    head = Quantiles(3)
    assert head.criterion == "pinball"
    found, value = distribution(DECILES, 6), torch.randn(6, dtype=torch.float64)
    torch.testing.assert_close(head.loss(found, value), found.pinball(value))
    location, scale = torch.randn(6, dtype=torch.float64), torch.rand(6, dtype=torch.float64) + 0.5
    moved = found.affine(location, scale)
    torch.testing.assert_close(moved.pinball(location + scale * value), found.pinball(value))


def test_there_is_no_density() -> None:
    with pytest.raises(ConfigError, match="quantiles have no density") as caught:
        distribution().log_prob(torch.zeros(()))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("levels", LEVELS, ids=str)
def test_the_inverse_distribution_function_passes_through_the_quantiles(levels: Any) -> None:
    found = distribution(levels, 5, 2)
    for place, level in enumerate(levels):
        torch.testing.assert_close(at(found, level), found.quantiles[..., place])
    for place in range(len(levels) - 1):
        middle = (levels[place] + levels[place + 1]) / 2
        torch.testing.assert_close(
            at(found, middle), (found.quantiles[..., place] + found.quantiles[..., place + 1]) / 2
        )


@pytest.mark.parametrize("levels", LEVELS, ids=str)
def test_the_inverse_distribution_function_increases(levels: Any) -> None:
    found = distribution(levels, 7)
    u = torch.linspace(0, 1, 1_001, dtype=torch.float64)
    values = torch.stack([at(found, level) for level in u.tolist()])
    assert (values.diff(dim=0) >= 0).all()
    assert values.isfinite().all()
    inner = values[2:-2]
    assert (inner.diff(dim=0) > 0).all()


@pytest.mark.parametrize("levels", LEVELS, ids=str)
def test_the_tails_go_on_with_the_value_and_the_slope_of_the_outer_levels(levels: Any) -> None:
    found = distribution(levels, 4)
    step = 1e-7
    for level, place in ((levels[0], 0), (levels[-1], -1)):
        before, after = at(found, level - step), at(found, level + step)
        torch.testing.assert_close(before, found.quantiles[..., place], rtol=0, atol=1e-4)
        torch.testing.assert_close(after, found.quantiles[..., place], rtol=0, atol=1e-4)
        slopes = [(after - at(found, level)) / step, (at(found, level) - before) / step]
        torch.testing.assert_close(slopes[0], slopes[1], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("levels", LEVELS, ids=str)
def test_the_tails_are_exponential(levels: Any) -> None:
    found = distribution(levels, 4)
    first, last = levels[0], 1 - levels[-1]
    low = (found.quantiles[..., 1] - found.quantiles[..., 0]) / (levels[1] - levels[0])
    high = (found.quantiles[..., -1] - found.quantiles[..., -2]) / (levels[-1] - levels[-2])
    for share in (0.5, 0.1, 1e-3, 1e-6):
        below = found.quantiles[..., 0] + low * first * math.log(share)
        above = found.quantiles[..., -1] - high * last * math.log(share)
        torch.testing.assert_close(at(found, first * share), below)
        torch.testing.assert_close(at(found, 1 - last * share), above, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_no_uniform_variate_gives_an_infinite_value(dtype: torch.dtype) -> None:
    found = distribution(DECILES, 3, dtype=dtype)
    ends = [0.0, torch.finfo(dtype).tiny, 1e-12, 1 - torch.finfo(dtype).eps, 1.0]
    values = torch.stack([at(found, end) for end in ends])
    assert values.dtype == dtype
    assert values.isfinite().all()
    assert (values[:3] < found.quantiles[..., 0]).all()
    assert (values[3:] > found.quantiles[..., -1]).all()


def test_samples_have_the_quantiles() -> None:
    levels = (0.1, 0.5, 0.8)
    found = distribution(levels, 1)
    count = 40_000
    many = QuantileDistribution(found.quantiles.expand(count, 3), found.levels, found.unit.expand(count))
    samples = many.sample(generator(1))
    assert samples.shape == (count,)
    for level in (0.01, *levels, 0.97):
        share = (samples <= at(found, level)).double().mean().item()
        assert abs(share - level) < 4 * math.sqrt(level * (1 - level) / count)
    assert stats.kstest(samples.numpy(), lambda y: np.interp(y, *_inverse(found))).pvalue > 0.01


def _inverse(found: QuantileDistribution) -> tuple[Any, Any]:
    """Points of the distribution function, close enough to be joined by lines."""
    u = torch.linspace(0, 1, 20_001, dtype=torch.float64)
    many = QuantileDistribution(found.quantiles.expand(len(u), -1), found.levels, found.unit.expand(len(u)))
    return many.quantile(u).numpy(), u.numpy()


def test_a_generator_reproduces_the_samples_and_leaves_the_global_one_alone() -> None:
    found = distribution(DECILES, 100)
    before = torch.get_rng_state()
    first, same, other = (found.sample(generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_affine_moves_every_quantile() -> None:
    found = distribution(DECILES, 2, 3)
    location, scale = torch.randn(2, 3, dtype=torch.float64), torch.rand(2, 3, dtype=torch.float64) + 0.1
    moved = found.affine(location, scale)
    for level in (0.0, 0.003, 0.1, 0.44, 0.9, 0.9999):
        torch.testing.assert_close(at(moved, level), location + scale * at(found, level))
    torch.testing.assert_close(at(moved, 0.5), location + scale * found.quantiles[..., 4])
    torch.testing.assert_close(moved.sample(generator(3)), location + scale * found.sample(generator(3)))
    wide = found.affine(torch.zeros(2, 1, dtype=torch.float64), torch.full((2, 1), 2.0, dtype=torch.float64))
    assert wide.unit.shape == (2, 3)
    assert torch.equal(wide.unit, torch.full((2, 3), 2.0, dtype=torch.float64))


def test_levels_of_their_own_are_the_rows_of_the_first_axis() -> None:
    found = distribution(DECILES, 2, 3).expand(5)
    assert found.quantiles.shape == (5, 2, 3, 9)
    assert found.unit.shape == (5, 2, 3)
    levels = torch.tensor([0.01, 0.1, 0.33, 0.9, 0.995], dtype=torch.float64)
    values = found.quantile(levels)
    assert values.shape == (5, 2, 3)
    for row, level in enumerate(levels.tolist()):
        torch.testing.assert_close(values[row], at(distribution_row(found, row), level))
    each = torch.rand(5, 2, 3, dtype=torch.float64)
    for row in range(5):
        alone = distribution_row(found, row).quantile(each[row])
        torch.testing.assert_close(found.quantile(each)[row], alone)


def distribution_row(found: QuantileDistribution, row: int) -> QuantileDistribution:
    return QuantileDistribution(found.quantiles[row], found.levels, found.unit[row])


def test_training_by_the_pinball_loss_finds_the_deciles() -> None:
    values = torch.as_tensor(stats.gamma(3.0).rvs(20_000, random_state=np.random.default_rng(0)))
    head = Quantiles(1).double()
    feature = torch.ones(1, 1, dtype=torch.float64)
    optimizer = torch.optim.Adam(head.parameters(), lr=0.1)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 300)
    for _ in range(300):
        batch = values[torch.randint(len(values), (2_000,))]
        found = head(feature)
        many = QuantileDistribution(found.quantiles.expand(2_000, 9), found.levels, found.unit.expand(2_000))
        optimizer.zero_grad()
        head.loss(many, batch).mean().backward()
        optimizer.step()
        schedule.step()
    shares = stats.gamma(3.0).cdf(head(feature).quantiles[0].detach().numpy())
    np.testing.assert_allclose(shares, DECILES, rtol=0, atol=0.015)


def test_one_level_alone_is_a_point() -> None:
    head = Quantiles(2, levels=(0.7,))
    with torch.no_grad():
        found = head(torch.randn(5, 2))
    for level in (0.0, 0.2, 0.7, 1.0):
        torch.testing.assert_close(at(found, level), found.quantiles[:, 0])
    torch.testing.assert_close(found.sample(generator(0)), found.quantiles[:, 0])
    value = found.quantiles[:, 0] + 2
    torch.testing.assert_close(found.pinball(value), torch.full((5,), 1.4))


def test_equal_quantiles_are_a_point_and_not_a_division_by_zero() -> None:
    found = QuantileDistribution(torch.full((3, 9), 5.0), torch.tensor(DECILES), torch.ones(3))
    for level in (0.0, 0.05, 0.5, 1.0):
        assert torch.equal(at(found, level), torch.full((3,), 5.0))


@pytest.mark.parametrize(
    "levels", [(), (0.0, 0.5), (0.5, 1.0), (0.5, 0.5), (0.9, 0.1), (-0.1, 0.5), (0.5, 1.5)], ids=str
)
def test_wrong_levels_are_refused(levels: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError, match="levels must increase between 0 and 1") as caught:
        Quantiles(3, levels=levels)
    assert "\n" not in str(caught.value)


def test_the_width_multiplies_what_evaluation_sees_and_training_does_not() -> None:
    head = Quantiles(3, event_shape=(2,))
    features = torch.randn(5, 3)
    before = head(features).quantiles
    head.width.fill_(1.5)
    assert torch.equal(head(features).quantiles, before)
    found = head.eval()(features).quantiles
    torch.testing.assert_close(found - before[..., 4:5], 1.5 * (before - before[..., 4:5]))
    head.width.fill_(1.0)
    assert torch.equal(head(features).quantiles, before)


def test_a_calibrated_width_holds_the_share_of_the_values_that_it_should() -> None:
    head = Quantiles(1).eval()
    actual = 3 * torch.randn(20_000, generator=generator(1))
    features = torch.zeros(len(actual), 1)
    head.calibrate(head(features).distance(actual).numpy(force=True), 10**9)
    found = head(features).quantiles
    covered = ((found[:, 0] <= actual) & (actual <= found[:, -1])).double().mean()
    assert covered == pytest.approx(0.8, abs=0.001)
    assert float(head.width) == pytest.approx(3 * 1.2816 / 0.4, rel=0.03)


def test_few_series_change_the_width_little_and_nothing_observed_not_at_all() -> None:
    distances = np.full(40, 4.0)
    for series, width in ((1, 4 ** (1 / 51)), (50, 2.0), (10**6, 4.0)):
        head = Quantiles(1)
        head.calibrate(distances, series)
        assert float(head.width) == pytest.approx(width, rel=1e-3)
    for unusable in (np.array([]), np.array([math.nan, math.inf])):
        head = Quantiles(1)
        head.calibrate(unusable, 10)
        assert float(head.width) == 1
    only = Quantiles(1, levels=(0.5,))
    only.calibrate(distances, 10)
    assert float(only.width) == 1


def test_distances_are_counted_in_the_outer_quantile_of_each_side() -> None:
    found = QuantileDistribution(
        torch.tensor([1.0, 2.0, 3.0, 7.0]), torch.tensor([0.1, 0.4, 0.6, 0.9]), torch.ones(())
    )
    assert float(found.median) == 2.5
    assert [float(found.distance(torch.tensor(value))) for value in (1.0, 2.5, 7.0, 11.5)] == [1, 0, 1, 2]


def test_weights_from_before_there_was_a_width_have_the_width_one() -> None:
    head, state = Quantiles(2), Quantiles(2).state_dict()
    del state["width"]
    head.width.fill_(2.0)
    head.load_state_dict(state)
    assert float(head.width) == 1
