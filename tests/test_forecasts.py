"""What a forecast offers, from paths and from quantiles."""

import numpy as np
import pytest
import torch

from tests.panels import seasonal_panel
from tsrnn.forecasts import Forecast, QuantileForecast
from tsrnn.heads.quantiles import DECILES, QuantileDistribution
from tsrnn.predictors import RandomWalk, SeasonalNaive

O, N, H = 2, 3, 4
LEVELS = [DECILES, (0.05, 0.5, 0.7), (0.4,)]
every_levels = pytest.mark.parametrize("levels", LEVELS, ids=str)
NAMES = ("a", "b", "c")


def of_quantiles(levels=DECILES, **more):
    values = np.sort(np.random.default_rng(0).normal(100, 5, (O, N, len(levels), H)), axis=2)
    return QuantileForecast(
        NAMES,
        np.array([-5, 0]),
        np.arange(H) + np.array([[-4], [1]]),
        values,
        np.array(levels),
        np.ones((O, N)),
        **more,
    )


def of_paths(**more):
    samples = np.random.default_rng(0).normal(100, 5, (O, N, 500, H))
    last = np.full((O, N), 100.0)
    return Forecast(NAMES, np.array([-5, 0]), np.arange(H) + np.array([[-4], [1]]), samples, last, **more)


@every_levels
@pytest.mark.parametrize("q", [1e-6, 0.01, 0.05, 0.1, 0.25, 0.4, 0.5, 0.66, 0.9, 0.95, 0.999, 1 - 1e-6])
def test_a_quantile_inside_and_in_the_tails_is_that_of_the_distribution(levels, q):
    forecast = of_quantiles(levels)
    quantiles = torch.from_numpy(forecast.values).movedim(2, -1)
    exact = torch.tensor(levels, dtype=torch.float64)
    distribution = QuantileDistribution(quantiles, exact, torch.ones_like(quantiles[..., 0]))
    expected = distribution.quantile(torch.full((O, N, H), q, dtype=torch.float64))
    found = forecast.quantile(q)
    assert found.shape == (O, N, H)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_quantiles_at_the_levels_are_the_values_and_increase():
    forecast = of_quantiles()
    np.testing.assert_allclose(
        forecast.quantile(DECILES), forecast.values.swapaxes(0, 2).swapaxes(1, 2), rtol=1e-12
    )
    fine = forecast.quantile([place / 500 for place in range(1, 500)])
    assert fine.shape == (499, O, N, H)
    assert (np.diff(fine, axis=0) > 0).all()
    low, high = forecast.interval(80)
    np.testing.assert_allclose(low, forecast.values[:, :, 0])
    np.testing.assert_allclose(high, forecast.values[:, :, -1])


def test_the_mean_weighs_each_quantile_by_the_levels_nearest_to_it():
    forecast = of_quantiles((0.2, 0.5, 0.9))
    weights = np.array([0.35, 0.35, 0.3])
    np.testing.assert_allclose(forecast.mean, (forecast.values * weights[:, None]).sum(2))
    np.testing.assert_allclose(of_quantiles((0.4,)).mean, of_quantiles((0.4,)).values[:, :, 0])
    symmetric = of_quantiles()
    symmetric.values[:] = 7.0 + 2 * (np.array(DECILES) - 0.5)[:, None]
    np.testing.assert_allclose(symmetric.mean, 7.0)


@pytest.mark.parametrize("make", [of_quantiles, of_paths])
def test_a_frame_has_a_row_for_each_series_origin_and_session(make):
    forecast = make()
    frame = forecast.to_frame((80,))
    assert list(frame.columns[:7]) == ["unique_id", "cutoff", "ds", "mean", "q0.1", "q0.5", "q0.9"]
    assert len(frame) == O * N * H
    row = frame.iloc[1 * N * H + 2 * H + 3]
    assert (row["unique_id"], row["cutoff"], row["ds"]) == ("c", 0, 4)
    for column, values in (
        ("mean", forecast.mean),
        ("q0.5", forecast.quantile(0.5)),
        ("q0.9", forecast.quantile(0.9)),
    ):
        assert row[column] == values[1, 2, 3]


@pytest.mark.parametrize("make", [of_quantiles, of_paths])
def test_a_frame_counts_each_series_own_sessions(make):
    frame = make(ends=np.array([100, 7, 2_000])).to_frame()
    for name, end in zip(NAMES, (100, 7, 2_000), strict=True):
        own = frame[frame.unique_id == name]
        assert own.cutoff.tolist() == [end - 5] * H + [end] * H
        assert own.ds.tolist() == [end - 4, end - 3, end - 2, end - 1, end + 1, end + 2, end + 3, end + 4]
    without = make().to_frame()
    values = [column for column in frame if column not in ("cutoff", "ds")]
    assert frame[values].equals(without[values])


def test_only_paths_have_a_risk():
    risk = ["probability_up", "value_at_risk_5", "expected_shortfall_5"]
    assert list(of_paths().to_frame().columns[-3:]) == risk
    assert not set(risk) & set(of_quantiles().to_frame().columns)


def test_paths_are_what_they_were():
    forecast = of_paths()
    np.testing.assert_allclose(forecast.mean, forecast.samples.mean(2))
    np.testing.assert_allclose(
        forecast.quantile([0.1, 0.7]), np.quantile(forecast.samples, [0.1, 0.7], axis=2, method="weibull")
    )
    np.testing.assert_allclose(forecast.probability_up(), (forecast.samples > 100).mean(2))
    np.testing.assert_allclose(
        forecast.value_at_risk(0.1), 1 - np.quantile(forecast.samples, 0.1, axis=2, method="weibull") / 100
    )
    worst = np.sort(forecast.samples, axis=2)[:, :, :50].mean(2)
    np.testing.assert_allclose(forecast.expected_shortfall(0.1), 1 - worst / 100)
    assert forecast.ends is None


@pytest.mark.parametrize(
    "model", [SeasonalNaive(4), RandomWalk("ewma")], ids=["seasonal_naive", "random_walk"]
)
def test_a_baseline_s_frame_counts_each_series_own_sessions(model):
    panel = seasonal_panel(3, 60, ends=np.array([60, 75, 300]))
    panel.values[:] = np.abs(panel.values) + 1
    frame = model.forecast(panel, 2, num_samples=10).to_frame()
    assert frame.ds.tolist() == [61, 62, 76, 77, 301, 302]
    assert frame.cutoff.tolist() == [60, 60, 75, 75, 300, 300]
