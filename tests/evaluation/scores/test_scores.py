"""Scores and the random walk."""

import math

import numpy as np
import torch
from scipy import stats

from tests.prices import random_walks
from tsrnn.data.prices.series import panel_of
from tsrnn.evaluation import assess, score
from tsrnn.forecasts import Forecast
from tsrnn.heads.normal import NormalDistribution
from tsrnn.predictors import RandomWalk
from tsrnn.protocols import Predictor

PANEL = panel_of(random_walks(3, 600), "24/5", "test")


def test_a_true_density_has_its_entropy_and_its_coverage():
    torch.manual_seed(0)
    returns = 0.02 * torch.randn(4, 50_000, dtype=torch.float64)
    density = NormalDistribution(torch.zeros_like(returns), torch.full_like(returns, 0.02))
    result = score("truth", [assess(density, returns, torch.ones_like(returns, dtype=torch.bool))])
    assert result.steps == 200_000
    assert abs(result.nats - (0.5 * math.log(2 * math.pi * math.e) + math.log(0.02))) < 0.005
    assert abs(result.coverage[80] - 80) < 0.3
    assert abs(result.coverage[95] - 95) < 0.2
    assert abs(result.mae - 100 * 0.02 * math.sqrt(2 / math.pi)) < 0.01


def test_the_constant_walk_is_fitted_on_the_training_span_alone():
    changed = panel_of(random_walks(3, 600).assign(y=lambda frame: frame.y), "24/5", "test")
    changed.values[:, 401:] *= 3.0
    walk = RandomWalk("constant", 400)
    np.testing.assert_array_equal(walk.densities(PANEL).scale, walk.densities(changed).scale)
    returns = np.diff(np.log(PANEL.values[:, :400]), axis=1)
    np.testing.assert_allclose(walk.densities(PANEL).scale[:, 0], np.sqrt((returns**2).mean(1)), rtol=1e-12)


def test_the_ewma_walk_is_causal():
    changed = panel_of(random_walks(3, 600), "24/5", "test")
    changed.values[:, 300] *= 2
    ours, theirs = RandomWalk("ewma").densities(PANEL).scale, RandomWalk("ewma").densities(changed).scale
    assert torch.equal(ours[:, :301], theirs[:, :301])
    assert (ours[:, 301] != theirs[:, 301]).all()


def test_the_walk_forecasts_by_the_predictors_door():
    walk = RandomWalk("constant", 400)
    assert isinstance(walk, Predictor)
    forecast = walk.forecast(PANEL, 5, origins=[450, 599], num_samples=20_000)
    assert forecast.samples.shape == (2, 3, 20_000, 5)
    np.testing.assert_allclose(forecast.last, PANEL.values[:, [450, 599]].T)
    scale = walk.densities(PANEL).scale[:, 0].numpy()
    moves = np.log(forecast.samples[0, :, :, 4] / forecast.last[0][:, None])
    for series in range(3):
        assert stats.kstest(moves[series] / (scale[series] * math.sqrt(5)), "norm").pvalue > 1e-3
    np.testing.assert_array_equal(forecast.ds[0], PANEL.ds[451:456])


def test_forecast_statistics_equal_numpys():
    rng = np.random.default_rng(0)
    samples = rng.lognormal(size=(2, 3, 1000, 4))
    last = rng.lognormal(size=(2, 3))
    ds = np.arange(8).reshape(2, 4)
    forecast = Forecast(("a", "b", "c"), np.array([10, 11]), ds, samples, last)
    low, high = forecast.interval(90)
    np.testing.assert_allclose(low, np.quantile(samples, 0.05, axis=2, method="weibull"))
    np.testing.assert_allclose(high, np.quantile(samples, 0.95, axis=2, method="weibull"))
    np.testing.assert_allclose(forecast.probability_up(), (samples > last[..., None, None]).mean(2))
    losses = np.sort(1 - samples / last[..., None, None], axis=2)
    np.testing.assert_allclose(forecast.expected_shortfall(), losses[:, :, -50:].mean(2))
    np.testing.assert_allclose(forecast.value_at_risk(), np.quantile(losses, 0.95, axis=2, method="weibull"))
    frame = forecast.to_frame((80, 95))
    assert list(frame.columns[:9]) == [
        "unique_id",
        "cutoff",
        "ds",
        "mean",
        "q0.025",
        "q0.1",
        "q0.5",
        "q0.9",
        "q0.975",
    ]
    row = frame[(frame.unique_id == "b") & (frame.cutoff == 11) & (frame.ds == 6)].iloc[0]
    np.testing.assert_allclose(row["mean"], samples[1, 1, :, 2].mean(), rtol=1e-12)
