"""Rows of forecasts and observed values."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scoringrules
from scipy import stats

from tests.reports import random_walks
from tsrnn.evaluation.backtests.scored_forecast import LEVELS, quantile_column, recent_error, score_forecast
from tsrnn.forecasts import Forecast, QuantileForecast
from tsrnn.predictors import RandomWalk, SeasonalNaive
from tsrnn.protocols import Panel

ORIGINS = np.array([280, 290, 297])


def normal_forecast(panel, horizon=3, paths=4000):
    """Paths of a walk in levels whose steps have a deviation of 2."""
    steps = 2 * np.random.default_rng(1).standard_normal(
        (len(ORIGINS), len(panel.unique_ids), paths, horizon)
    )
    last = panel.values[:, ORIGINS].T
    ds = np.stack(
        [np.append(panel.ds, panel.ds[-1:] + np.arange(1, 4))[o + 1 : o + 1 + horizon] for o in ORIGINS]
    )
    return Forecast(panel.unique_ids, panel.ds[ORIGINS], ds, last[..., None, None] + steps.cumsum(-1), last)


def test_a_row_is_what_was_forecast_beside_what_happened():
    panel = random_walks(2, 300, dates=False)
    frame = score_forecast("walk", normal_forecast(panel), panel)
    assert len(frame) == 2 * (3 + 3 + 2)  # the last origin's last step lies beyond the panel
    row = frame.set_index(["unique_id", "cutoff", "step"]).loc[("S01", 290, 2)]
    assert row["ds"] == 292
    assert row["y"] == panel.values[1, 292]
    assert row["last"] == panel.values[1, 290]
    assert row["scale"] == pytest.approx(np.abs(np.diff(panel.values[1, 40:291])).mean())
    assert row["naive_error"] == pytest.approx(np.abs(np.diff(panel.values[1, :291])).mean())
    exact = stats.norm(row["last"], 2 * np.sqrt(2))
    for level in LEVELS:
        assert row[quantile_column(level)] == pytest.approx(exact.ppf(level), abs=0.35)
    assert row["pit"] == pytest.approx(exact.cdf(row["y"]), abs=0.03)
    assert row["crps"] == pytest.approx(
        scoringrules.crps_normal(row["y"], row["last"], 2 * np.sqrt(2)), rel=0.05
    )
    assert np.isnan(row["nats"])


def test_quantiles_are_those_of_the_forecast():
    panel = random_walks(2, 300, dates=False)
    forecast = normal_forecast(panel, paths=50)
    frame = score_forecast("walk", forecast, panel)
    first = frame[frame["cutoff"] == 280].sort_values(["unique_id", "step"])
    for level in LEVELS:
        np.testing.assert_allclose(first[quantile_column(level)], forecast.quantile(level)[0].reshape(-1))


def test_few_paths_and_percentiles_have_the_same_expected_crps():
    generator, count = np.random.default_rng(3), 20_000
    panel = Panel(("a",), np.arange(count + 1), np.append(0, generator.standard_normal(count))[None])
    origins = np.arange(count)
    targets, last = origins[:, None] + 1, panel.values[:, :-1].T
    paths = generator.standard_normal((count, 1, 5, 1))
    few = Forecast(("a",), origins, targets, paths, last)
    levels = np.arange(1, 100) / 100
    values = np.broadcast_to(stats.norm.ppf(levels)[:, None], (count, 1, 99, 1))
    many = QuantileForecast(("a",), origins, targets, values, levels, last)
    crps = [score_forecast("m", forecast, panel)["crps"].mean() for forecast in (few, many)]
    truth = 1 / np.sqrt(np.pi)
    assert crps[0] == pytest.approx(truth, rel=0.01)
    assert crps[1] == pytest.approx(truth, rel=0.01)


def test_ranks_of_a_right_forecast_are_uniform():
    panel = random_walks(1, 4001, dates=False)
    values = np.cumsum(np.random.default_rng(5).standard_normal(4001))
    panel = Panel(("a",), np.arange(4001), values[None])
    origins = np.arange(4000)
    paths = values[:-1, None, None, None] + np.random.default_rng(6).standard_normal((4000, 1, 19, 1))
    frame = score_forecast(
        "m", Forecast(("a",), origins, origins[:, None] + 1, paths, values[:-1, None]), panel
    )
    counts = np.histogram(frame["pit"], bins=20, range=(0, 1))[0]
    assert stats.chisquare(counts).pvalue > 0.001


def test_a_series_that_does_not_move_has_no_scale_whatever_it_did_long_ago():
    values = np.append(np.random.default_rng(0).normal(1e6, 1e5, 100), np.full(300, 0.1))
    panel = Panel(("still", "season"), np.arange(400), np.stack([values, np.arange(400) % 7 * 1.0]))
    assert np.isnan(recent_error(panel, np.array([399]))[0, 0])
    assert np.isnan(recent_error(panel, np.array([399]), season=7)[0, 1])
    assert recent_error(panel, np.array([110]))[0, 0] > 0


def test_a_move_over_a_gap_is_from_the_last_value():
    panel = Panel(("a",), np.arange(5), np.array([[1.0, 2.0, np.nan, 5.0, np.nan]]))
    assert recent_error(panel, np.array([4]))[0, 0] == pytest.approx((1 + 3) / 2)


def test_series_that_count_their_own_sessions_keep_their_numbers():
    panel = Panel(("a", "b"), np.arange(-4, 1), np.ones((2, 5)), ends=np.array([5, 105]))
    forecast = Forecast(("a", "b"), panel.ds[[3]], panel.ds[None, 4:], np.ones((1, 2, 3, 1)), np.ones((1, 2)))
    frame = score_forecast("m", forecast, panel)
    assert list(frame["cutoff"]) == [4, 104]
    assert list(frame["ds"]) == [5, 105]
    assert isinstance(frame["unique_id"].dtype, pd.CategoricalDtype)


def test_quantiles_crps_and_nats_of_a_closed_form_owe_nothing_to_the_paths():
    values = np.random.default_rng(2).normal(50, 3, (2, 200)).cumsum(axis=1)
    panel = Panel(("a", "b"), np.arange(200), values)
    frames = [
        score_forecast(
            "m", SeasonalNaive(4).forecast(panel, 6, origins=[150, 170], num_samples=size), panel, season=4
        )
        for size in (2, 300)
    ]
    pd.testing.assert_frame_equal(*frames)
    frame = frames[0]
    mean, deviation = frame["median"], (frame["q0.9"] - frame["median"]) / stats.norm.ppf(0.9)
    np.testing.assert_allclose(frame["crps"], scoringrules.crps_normal(frame["y"], mean, deviation))
    np.testing.assert_allclose(frame["nats"], -stats.norm(mean, deviation).logpdf(frame["y"]))
    moves = np.abs(values[1, 4:171] - values[1, :167])
    last = frame[(frame["unique_id"] == "b") & (frame["origin"] == 170)]
    np.testing.assert_allclose(last["naive_error"], moves.mean(), rtol=1e-12)


def test_nats_of_prices_are_of_the_log_return_whatever_the_density_is_of():
    panel = replace(random_walks(2, 200), kind="prices")
    walk = RandomWalk(fitted={"": 0.01}).forecast(panel, 3, origins=[150], num_samples=2)
    frame = score_forecast("walk", walk, panel)
    moves, deviation = np.log(frame["y"] / frame["last"]), 0.01 * np.sqrt(frame["step"])
    np.testing.assert_allclose(frame["nats"], -stats.norm(0, deviation).logpdf(moves))
    naive = SeasonalNaive(1).forecast(panel, 3, origins=[150], num_samples=2)
    prices, values = (
        score_forecast("n", naive, panel),
        score_forecast("n", naive, replace(panel, kind="series")),
    )
    np.testing.assert_allclose(prices["nats"], values["nats"] - np.log(values["y"]))
