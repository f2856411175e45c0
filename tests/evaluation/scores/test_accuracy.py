"""Scores of forecasts of panels, and the seasonal naive forecast."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from utilsforecast import losses

from tsrnn.errors import ConfigError, DataError
from tsrnn.evaluation import mase, owa, pinball, smape, weighted_quantile_loss
from tsrnn.evaluation.scores.accuracy import mae, rmse, rmsse
from tsrnn.predictors import SeasonalNaive
from tsrnn.protocols import Panel, Predictor

DECILES = np.arange(1, 10) / 10
NAN = float("nan")


def panel_from(values, **more):
    values = np.atleast_2d(np.asarray(values, dtype=np.float64))
    names = tuple(f"s{number}" for number in range(len(values)))
    return Panel(names, np.arange(values.shape[1]) + 1 - values.shape[1], values, **more)


def frame_of(values, first=0, **columns):
    """A frame in the form of utilsforecast; further columns have the shape of `values`."""
    series, steps = values.shape
    frame = {
        "unique_id": np.repeat([f"s{number:02d}" for number in range(series)], steps),
        "ds": np.tile(np.arange(first, first + steps), series),
        "y": values.reshape(-1),
    }
    return pd.DataFrame(frame | {name: column.reshape(-1) for name, column in columns.items()})


@pytest.fixture
def example():
    generator = np.random.default_rng(0)
    history = generator.gamma(2.0, 10.0, (12, 60))
    actual = generator.gamma(2.0, 10.0, (12, 9))
    quantiles = np.sort(generator.gamma(2.0, 10.0, (9, 12, 9)), axis=0)
    return history, actual, quantiles


# Against numbers made by hand


def test_mase_of_hand_made_numbers():
    history = np.array([[1, 2, 1, 4.0], [NAN, NAN, 5, 7], [3, 3, 3, 3], [NAN, NAN, NAN, NAN]])
    actual, forecast = np.tile([[5.0, 6.0]], (4, 1)), np.tile([[4.0, 8.0]], (4, 1))
    np.testing.assert_allclose(mase(actual, forecast, history, 1), [1.5 / (5 / 3), 0.75, NAN, NAN])
    # Only the first series has values two steps apart: |1 − 1| and |4 − 2|.
    np.testing.assert_allclose(mase(actual, forecast, history, 2), [1.5, NAN, NAN, NAN])
    assert np.isnan(mase(actual, forecast, history, 9)).all()
    np.testing.assert_allclose(np.nanmean(mase(actual, forecast, history, 1)), (0.9 + 0.75) / 2)


def test_plain_and_squared_errors_of_hand_made_numbers():
    actual = np.array([[1.0, 2.0], [NAN, 5.0], [NAN, NAN]])
    forecast = np.array([[4.0, -2.0], [NAN, 3.0], [NAN, 1.0]])
    np.testing.assert_allclose(mae(actual, forecast), [3.5, 2.0, NAN])
    np.testing.assert_allclose(rmse(actual, forecast), [np.sqrt(12.5), 2.0, NAN])
    history = np.array([[1, 2, 1, 4.0], [NAN, NAN, 5, 7], [1, 2, 3, 4]])
    np.testing.assert_allclose(rmsse(actual, forecast, history, 1), [np.sqrt(12.5 / (11 / 3)), 1.0, NAN])
    # Only the first series and the third have values two steps apart.
    np.testing.assert_allclose(rmsse(actual, forecast, history, 2), [np.sqrt(12.5 / 2), NAN, NAN])


def test_a_constant_series_has_no_scale_and_may_lack_a_forecast():
    history = np.array([[3.0, 3.0, 3.0], [NAN, NAN, 1.0]])
    actual, forecast = np.array([[4.0], [4.0]]), np.array([[5.0], [NAN]])
    assert np.isnan(rmsse(actual, forecast, history, 1)).all()


@pytest.mark.parametrize("score", [mae, rmse, lambda *values: rmsse(*values, np.array([[1.0, 2.0]] * 2), 1)])
def test_a_missing_forecast_and_a_wrong_shape_are_errors_of_every_point_score(score):
    actual, forecast = np.array([[1.0, 2.0], [3.0, NAN]]), np.array([[1.0, NAN], [3.0, NAN]])
    with pytest.raises(ValueError, match="1 series lack a forecast"):
        score(actual, forecast)
    with pytest.raises(ValueError, match=r"\(2, 2\), but forecasts are \(2, 1\)"):
        score(actual, forecast[:, :1])


def test_what_is_missing_of_the_actual_values_is_left_out_and_a_missing_forecast_is_an_error():
    history, actual = np.array([[1.0, 2.0], [1.0, 2.0]]), np.array([[NAN, 6.0], [NAN, NAN]])
    forecast = np.array([[9.0, 4.0], [9.0, 4.0]])
    np.testing.assert_allclose(mase(actual, forecast, history, 1), [2.0, NAN])
    np.testing.assert_allclose(smape(actual, forecast), [40.0, NAN])
    forecast[0, 0] = NAN
    np.testing.assert_allclose(mase(actual, forecast, history, 1), [2.0, NAN])
    forecast[0, 1] = NAN
    with pytest.raises(ValueError, match="1 series lack a forecast"):
        mase(actual, forecast, history, 1)
    with pytest.raises(ValueError, match="1 series lack a forecast"):
        smape(actual, forecast)
    with pytest.raises(ValueError, match=r"\(2, 2\), but forecasts are \(2, 1\)"):
        smape(actual, forecast[:, :1])
    # Without a scale there is no score, with or without a forecast.
    assert np.isnan(mase(actual, forecast, np.full((2, 3), NAN), 1)).all()


def test_smape_and_owa_of_hand_made_numbers():
    actual = np.array([[1.0, 0.0], [2.0, -1.0]])
    forecast = np.array([[3.0, 0.0], [2.0, 1.0]])
    np.testing.assert_allclose(smape(actual, forecast), [50.0, 100.0])
    assert owa(10.0, 3.0, 20.0, 2.0) == 1.0


def test_quantile_losses_of_hand_made_numbers():
    np.testing.assert_allclose(pinball(np.array([5.0, 1.0]), np.array([3.0, 3.0]), 0.9), [1.8, 0.2])
    actual = np.array([[4.0, NAN], [-1.0, 5.0]])
    quantiles = np.array([[[2.0, 2.0], [0.0, 5.0]], [[4.0, NAN], [1.0, 5.0]]])
    # 0.1: 0.2 and 0.9; 0.9: 0 and 0.2.
    np.testing.assert_allclose(weighted_quantile_loss(actual, quantiles, [0.1, 0.9]), 2 * 1.3 / (2 * 10))
    assert np.isnan(weighted_quantile_loss(np.zeros((2, 2)), quantiles, [0.1, 0.9]))
    quantiles[0, 0, 0] = NAN
    assert np.isnan(weighted_quantile_loss(actual, quantiles, [0.1, 0.9]))
    with pytest.raises(ValueError, match="there are 3 levels"):
        weighted_quantile_loss(actual, quantiles, [0.1, 0.5, 0.9])


# Against utilsforecast


@pytest.mark.parametrize("season", [1, 7])
def test_point_scores_equal_those_of_utilsforecast(example, season):
    history, actual, quantiles = example
    frame = frame_of(actual, 60, model=quantiles[4])
    expected = losses.mase(frame, ["model"], season, frame_of(history))["model"]
    np.testing.assert_allclose(mase(actual, quantiles[4], history, season), expected, rtol=1e-9)
    expected = losses.rmsse(frame, ["model"], season, frame_of(history))["model"]
    np.testing.assert_allclose(rmsse(actual, quantiles[4], history, season), expected, rtol=1e-9)
    for ours, theirs in ((mae, losses.mae), (rmse, losses.rmse)):
        np.testing.assert_allclose(ours(actual, quantiles[4]), theirs(frame, ["model"])["model"], rtol=1e-9)
    expected = 200 * losses.smape(frame, ["model"])["model"]  # theirs is a share of 1
    np.testing.assert_allclose(smape(actual, quantiles[4]), expected, rtol=1e-9)


def test_quantile_scores_equal_those_of_utilsforecast(example):
    _, actual, quantiles = example
    columns = {f"q{place}": quantile for place, quantile in enumerate(quantiles)}
    frame = frame_of(actual, **columns)
    for place in (0, 4, 8):
        expected = losses.quantile_loss(frame, {"model": f"q{place}"}, DECILES[place])["model"]
        ours = pinball(actual, quantiles[place], DECILES[place]).mean(axis=1)
        np.testing.assert_allclose(ours, expected, rtol=1e-9)
    mean = losses.mqloss(frame, {"model": list(columns)}, DECILES)["model"].mean()
    expected = 2 * mean / np.abs(actual).mean()
    np.testing.assert_allclose(weighted_quantile_loss(actual, quantiles, DECILES), expected, rtol=1e-9)


# The seasonal naive forecast


def test_it_repeats_the_last_season_with_spreads_that_grow_from_season_to_season():
    values = [1.0, 2.0, 3.0, 2.0, 2.0, 6.0]  # seasonal errors 1, 0, 3
    sigma = np.sqrt(10 / 3)
    result = SeasonalNaive(3).quantiles(panel_from(values), 7, [0.5, stats.norm.cdf(1)])
    assert result.shape == (1, 1, 2, 7)
    np.testing.assert_allclose(result[0, 0, 0], [2, 2, 6, 2, 2, 6, 2])
    spread = result[0, 0, 1] - result[0, 0, 0]
    np.testing.assert_allclose(spread, sigma * np.sqrt([1, 1, 1, 2, 2, 2, 3]), rtol=1e-12)


@pytest.mark.parametrize(("season", "horizon"), [(1, 5), (12, 30), (7, 4)])
def test_it_equals_that_of_statsforecast(season, horizon):
    reference = pytest.importorskip("statsforecast.models").SeasonalNaive(season_length=season)
    history = np.random.default_rng(1).gamma(2.0, 10.0, (4, 61))
    panel = panel_from(np.concatenate([history, np.full((4, 3), 1e9)], axis=1))
    low, middle, high = np.moveaxis(
        SeasonalNaive(season).quantiles(panel, horizon, [0.1, 0.5, 0.9], origins=[60])[0], 1, 0
    )
    for row in range(4):
        expected = reference.forecast(history[row], horizon, level=[80])
        np.testing.assert_allclose(middle[row], expected["mean"], rtol=1e-6)
        np.testing.assert_allclose(low[row], expected["lo-80"], rtol=1e-6)
        np.testing.assert_allclose(high[row], expected["hi-80"], rtol=1e-6)


def test_what_is_missing_is_taken_from_the_season_before_with_a_larger_spread():
    values = np.array(
        [
            [NAN, 1, 2, 3, 2, 2, NAN],  # the pairs 1, 2 and 2, 2
            [NAN, NAN, NAN, NAN, 4, NAN, 5],  # one place in the season was never observed
            [NAN, NAN, NAN, NAN, NAN, NAN, NAN],
        ]
    )
    mean, upper = np.moveaxis(
        SeasonalNaive(3).quantiles(panel_from(values), 4, [0.5, stats.norm.cdf(1)])[0], 1, 0
    )
    np.testing.assert_allclose(mean, [[2, 2, 3, 2], [4, 5, 5, 4], [NAN] * 4])
    np.testing.assert_allclose((upper - mean)[0], np.sqrt(0.5) * np.sqrt([1, 1, 2, 2]), rtol=1e-12)
    np.testing.assert_allclose((upper - mean)[1], 0)  # no two values a season apart
    forecast = SeasonalNaive(3).forecast(panel_from(values), 4, num_samples=5)
    np.testing.assert_array_equal(forecast.last, [[2, 5, NAN]])
    assert np.isnan(forecast.samples[0, 2]).all()
    assert not np.isnan(forecast.samples[0, :2]).any()


def test_a_panel_shorter_than_its_season_and_one_without_history():
    median = SeasonalNaive(12).quantiles(panel_from([[1.0, 2.0, 3.0], [NAN, NAN, 4.0]]), 14, [0.5])[0, :, 0]
    np.testing.assert_allclose(median, [[3] * 9 + [1, 2, 3, 3, 3], [4] * 14])
    with pytest.raises(DataError, match="the panel's 0 time steps"):
        SeasonalNaive(2).quantiles(panel_from(np.empty((2, 0))), 3, [0.5])
    with pytest.raises(ConfigError, match="not 0"):
        SeasonalNaive(0)


def test_it_enters_as_a_predictor_and_never_reads_what_comes_after_the_origin():
    values = np.random.default_rng(2).normal(size=(3, 40))
    changed = values.copy()
    changed[:, 31:] += 5
    model, ends = SeasonalNaive(4), np.array([40, 10, 90])
    assert isinstance(model, Predictor)
    forecast = model.forecast(panel_from(values, ends=ends), 6, origins=[25, 30], num_samples=20_000, seed=1)
    assert forecast.samples.shape == (2, 3, 20_000, 6)
    np.testing.assert_array_equal(forecast.origins, [-14, -9])
    np.testing.assert_array_equal(forecast.ds[1], np.arange(-8, -2))
    np.testing.assert_array_equal(forecast.last, values[:, [25, 30]].T)
    other = model.forecast(panel_from(changed), 6, origins=[30], num_samples=20_000, seed=1)
    exact = model.quantiles(panel_from(values), 6, [0.1, 0.5, 0.9], origins=[25, 30])
    np.testing.assert_array_equal(
        model.quantiles(panel_from(changed), 6, [0.1, 0.5, 0.9], origins=[30])[0], exact[1]
    )
    spread = (exact[:, :, 2] - exact[:, :, 0])[:, :, None]
    sampled = np.moveaxis(forecast.quantile([0.1, 0.5, 0.9]), 0, 2)
    assert np.abs((sampled - exact) / spread).max() < 0.03
    assert np.abs((np.moveaxis(other.quantile([0.1, 0.5, 0.9]), 0, 2)[0] - exact[1]) / spread[1]).max() < 0.03
    # A path's places of one season apart go on from one another.
    paths = forecast.samples[0, 0]
    assert abs(np.corrcoef(paths[:, 0], paths[:, 4])[0, 1] - np.sqrt(0.5)) < 0.03
    assert abs(np.corrcoef(paths[:, 0], paths[:, 5])[0, 1]) < 0.03


# The files of the benchmark data


def naive_2(history, horizon, m):
    """M4's baseline: the naive forecast of a series without its multiplicative season, where it has one.

    After the organisers' R code (Mcompetitions/M4-methods, Benchmarks and Evaluation.R).
    """
    centred = history - history.mean()
    shifted = [centred[lag:] @ centred[: len(centred) - lag] for lag in range(m + 1)]
    correlation = np.array(shifted[1:]) / shifted[0]
    limit = 1.645 / np.sqrt(len(history)) * np.sqrt(1 + 2 * (correlation[:-1] ** 2).sum())
    if abs(correlation[-1]) <= limit:
        return np.full(horizon, history[-1])
    weights = np.array([0.5, *np.ones(m - 1), 0.5]) / m
    ratio = np.full(len(history), NAN)
    ratio[m // 2 : len(history) - m // 2] = 1 / np.convolve(history, weights, "valid")
    ratio *= history
    season = np.array([np.nanmean(ratio[place::m]) for place in range(m)])
    season /= season.mean()
    ahead = (len(history) + np.arange(horizon)) % m
    return history[-1] / season[(len(history) - 1) % m] * season[ahead]


@pytest.mark.benchmark_data
def test_the_naive_forecasts_have_their_published_scores_on_m4_hourly():
    folder = os.environ.get("TSRNN_BENCHMARK_DATA")
    if not folder:
        pytest.skip("TSRNN_BENCHMARK_DATA is not set")
    train, test = (
        pd.read_csv(Path(folder, "forecasting", f"m4_hourly_{part}.csv.gz"), index_col=0).to_numpy()
        for part in ("train", "test")
    )
    lengths = (~np.isnan(train)).sum(axis=1)
    # The file pads on the right; a panel's series stand aligned at their ends.
    places = np.arange(train.shape[1]) - train.shape[1] + lengths[:, None]
    history = np.where(places >= 0, np.take_along_axis(train, np.maximum(places, 0), axis=1), NAN)
    panel = panel_from(history, ends=lengths)

    def scores(forecast):
        return smape(test, forecast).mean(), mase(test, forecast, history, 24).mean()

    base = scores(
        np.stack([naive_2(row[:length], 48, 24) for row, length in zip(train, lengths, strict=True)])
    )
    np.testing.assert_allclose(base, (18.383, 2.395), atol=0.0005)
    for season, expected in ((1, (43.003, 11.608, 3.593)), (24, (13.912, 1.193, 0.627))):
        found = scores(SeasonalNaive(season).forecast(panel, 48, num_samples=2).median[0])
        # The table's OWA is of the table's rounded numbers: unrounded, the last would be 0.62750.
        published = owa(*np.round(found, 3), *np.round(base, 3))
        np.testing.assert_allclose((*found, published), expected, atol=0.0005)
