"""Scores and the random walk."""

import math

import numpy as np
import torch
from scipy import stats

from tests.prices import random_walks
from tsrnn.data.prices.panels import panel_of
from tsrnn.evaluation import Comparison, score_forecast
from tsrnn.forecasts import Forecast
from tsrnn.predictors import RandomWalk
from tsrnn.protocols import Panel, Predictor

PANEL = panel_of(random_walks(3, 600), "24/5", "test")


def test_a_true_density_has_its_entropy_and_its_coverage():
    returns = 0.02 * np.random.default_rng(0).standard_normal((4, 10_001))
    panel = Panel(tuple("abcd"), np.arange(10_001), np.exp(returns.cumsum(axis=1)), kind="prices")
    truth = RandomWalk(fitted={"": 0.02})
    frame = score_forecast("truth", truth.forecast(panel, 1, origins=range(10_000), num_samples=2), panel)
    scores = Comparison(frame, "truth").scores.iloc[0]
    assert scores["values"] == 40_000
    assert abs(scores["nats"] - (0.5 * math.log(2 * math.pi * math.e) + math.log(0.02))) < 0.01
    assert abs(scores["coverage_80"] - 80) < 0.5
    assert abs(scores["coverage_95"] - 95) < 0.3
    assert abs(scores["smape"] - 100 * 0.02 * math.sqrt(2 / math.pi)) < 0.01
    # Lower is better, and nats of log returns know no currency.
    wide = RandomWalk(fitted={"": 0.03}).forecast(panel, 1, origins=range(10_000), num_samples=2)
    assert score_forecast("wide", wide, panel)["nats"].mean() > scores["nats"] + 0.05
    yen = panel.with_values(150 * panel.values)
    yen_frame = score_forecast("truth", truth.forecast(yen, 1, origins=[500], num_samples=2), yen)
    np.testing.assert_allclose(yen_frame["nats"], frame[frame["origin"] == 500]["nats"])


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
