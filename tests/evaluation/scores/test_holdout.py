"""The test of a panel: a forecast of what was held out, beside the seasonal naive."""

import numpy as np
import pytest

from tsrnn.evaluation import mase, score_holdout, score_naive, weighted_quantile_loss
from tsrnn.forecasts import Forecast, QuantileForecast
from tsrnn.protocols import Holdout, Panel

NAN = float("nan")
DECILES = np.arange(1, 10) / 10


def holdout(values, origin, horizon, season=1):
    values = np.asarray(values, dtype=np.float64)
    names = tuple(f"S{place}" for place in range(len(values)))
    return Holdout(Panel(names, np.arange(values.shape[1]), values), origin, horizon, season)


def forecast_of(quantiles, held):
    """A forecast that has these deciles, (Q, N, H)."""
    values = np.asarray(quantiles, dtype=np.float64).swapaxes(0, 1)[None]
    ds = held.panel.ds[None, held.origin + 1 : held.origin + 1 + held.horizon]
    last = held.panel.values[None, :, held.origin]
    return QuantileForecast(held.panel.unique_ids, held.panel.ds[[held.origin]], ds, values, DECILES, last)


@pytest.fixture
def example():
    generator = np.random.default_rng(0)
    held = holdout(generator.gamma(2.0, 10.0, (5, 40)), 31, 6, season=4)
    held.panel.values[1, 33] = NAN
    held.panel.values[2, :10] = NAN
    return held, np.sort(generator.gamma(2.0, 10.0, (9, 5, 6)), axis=0)


def test_the_score_of_hand_made_numbers():
    # The naive error in the history is 2 for the first series; the second never moves.
    held = holdout([[0, 2, 0, 2, 5, 3, NAN], [7, 7, 7, 7, 8, 7, 7]], 3, 2)
    median = np.array([[4.0, 4.0], [7.0, 7.0]])
    spread = np.linspace(-2, 2, 9)[:, None, None]
    score = score_holdout("ours", forecast_of(median + spread, held), held)
    assert (score.model, score.series, score.values) == ("ours", 2, 4)
    assert score.mase == pytest.approx(0.5)  # both errors are 1, in units of 2
    assert score.coverage == 100
    # The pinball losses of 1, −1, 1 and 0 above the median.
    errors = np.array([1.0, -1.0, 1.0, 0.0])[:, None] - spread[:, 0, 0]
    pinball = np.maximum(DECILES * errors, (DECILES - 1) * errors).sum()
    assert score.wql == pytest.approx(2 * pinball / (9 * (5 + 3 + 8 + 7)))
    narrow = score_holdout("ours", forecast_of(median + spread / 4, held), held)
    assert narrow.coverage == 25
    assert narrow.mase == score.mase


def test_it_is_made_of_the_scores_of_panels(example):
    held, quantiles = example
    score = score_holdout("ours", forecast_of(quantiles, held), held)
    actual, history = held.panel.values[:, 32:38], held.panel.values[:, :32]
    assert score.values == 29
    assert score.mase == pytest.approx(mase(actual, quantiles[4], history, 4).mean())
    assert score.wql == pytest.approx(weighted_quantile_loss(actual, quantiles, DECILES))
    seen = ~np.isnan(actual)
    inside = (quantiles[0] <= actual) & (actual <= quantiles[8])
    assert score.coverage == pytest.approx(100 * inside[seen].mean())
    assert score.row() == {
        "model": "ours",
        "series": 5,
        "values": 29,
        "mase": score.mase,
        "wql": score.wql,
        "coverage_80": score.coverage,
    }


def test_sessions_beyond_the_horizon_change_nothing(example):
    held, quantiles = example
    forecast = forecast_of(quantiles, held)
    before = score_holdout("ours", forecast, held), score_naive(held)
    held.panel.values[:, 38:] = 1e9
    assert (score_holdout("ours", forecast, held), score_naive(held)) == before


def test_paths_are_scored_by_their_deciles(example):
    held, quantiles = example
    generator = np.random.default_rng(1)
    samples = generator.gamma(2.0, 10.0, (1, 5, 400, 6))
    by_levels = forecast_of(quantiles, held)
    paths = Forecast(by_levels.unique_ids, by_levels.origins, by_levels.ds, samples, by_levels.last)
    ours = score_holdout("x", paths, held)
    theirs = score_holdout(
        "x", forecast_of(np.quantile(samples[0], DECILES, axis=1, method="weibull"), held), held
    )
    assert ours.row() == pytest.approx(theirs.row())


def test_the_seasonal_naive_repeats_the_season():
    held = holdout(
        [[1, 5, 2, 8, 1, 5, 2, 8, 1, 5, 2, 8], [1, 2, 3, 4, 2, 3, 4, 5, 3, 4, 5, 6]], 7, 4, season=4
    )
    score = score_naive(held)
    assert score.model == "seasonal naive (4)"
    assert score.mase == pytest.approx(1)  # the first has no scale; the second rises as it did
    assert score.values == 8
    assert score_naive(held._replace(season=1)).model == "naive"


@pytest.mark.filterwarnings("error")
def test_a_span_without_any_value_has_no_score_and_no_warning(example):
    held, quantiles = example
    held.panel.values[:, 32:] = NAN
    for score in (score_holdout("ours", forecast_of(quantiles, held), held), score_naive(held)):
        assert score.values == 0
        assert np.isnan([score.mase, score.wql, score.coverage]).all()
