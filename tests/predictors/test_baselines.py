"""Baselines of prices: what each says, from what, and that none sees what lies ahead."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from tests.reports import random_walks
from tsrnn.errors import DataError
from tsrnn.predictors import LinearDrift, RandomWalk, SeasonalNaive
from tsrnn.predictors.prices import Drift, EWMAStudentT, HistoricalSimulation
from tsrnn.predictors.ridge import RidgeLags
from tsrnn.protocols import Fittable, Panel, Predictor

BASELINES = [
    RandomWalk("constant"),
    RandomWalk("ewma"),
    SeasonalNaive(5),
    LinearDrift(),
    Drift(),
    HistoricalSimulation(),
    EWMAStudentT(),
    RidgeLags(5),
]
every_baseline = pytest.mark.parametrize("model", BASELINES, ids=[model.name for model in BASELINES])
ORIGINS = [300, 310, 355]


def moving(series=3, sessions=400, phi=0.0, seed=0):
    """Prices whose log returns are autoregressive."""
    noise = 0.01 * np.random.default_rng(seed).standard_normal((series, sessions))
    returns = noise.copy()
    for session in range(1, sessions):
        returns[:, session] += phi * returns[:, session - 1]
    names = tuple(f"S{place}" for place in range(series))
    return Panel(names, np.arange(sessions), 100 * np.exp(returns.cumsum(axis=1)))


def fitted(model, panel, first=ORIGINS[0]):
    return model.fit(panel.part(0, first + 1)) if isinstance(model, Fittable) else model


@every_baseline
def test_a_baseline_enters_by_the_predictors_door(model):
    panel = random_walks(3, 400)
    assert isinstance(model, Predictor)
    forecast = model.forecast(panel, 4, origins=ORIGINS, num_samples=50)
    assert forecast.samples.shape == (3, 3, 50, 4)
    assert np.isfinite(forecast.samples).all()
    np.testing.assert_array_equal(forecast.ds[1], panel.ds[311:315])
    np.testing.assert_allclose(forecast.last, panel.values[:, ORIGINS].T)


@every_baseline
def test_a_baseline_sees_nothing_after_its_origin(model):
    panel = random_walks(3, 400)
    changed = Panel(panel.unique_ids, panel.ds, panel.values.copy())
    changed.values[:, 311:] *= np.random.default_rng(0).lognormal(size=(3, 89))
    changed.values[1, 330:340] = np.nan
    ours, theirs = (model.forecast(p, 4, origins=ORIGINS[:2], num_samples=50) for p in (panel, changed))
    np.testing.assert_array_equal(ours.samples, theirs.samples)
    np.testing.assert_array_equal(ours.median, theirs.median)
    if ours.density is not None:
        actual = panel.values[:, np.array(ORIGINS[:2])[:, None] + np.arange(1, 5)].swapaxes(0, 1)
        np.testing.assert_array_equal(ours.density.log_prob(actual), theirs.density.log_prob(actual))


@every_baseline
def test_the_paths_of_an_origin_do_not_depend_on_the_others(model):
    panel = random_walks(3, 400)
    model = fitted(model, panel)
    together = model.forecast(panel, 4, origins=ORIGINS, num_samples=20)
    alone = model.forecast(panel, 4, origins=ORIGINS[1:2], num_samples=20)
    np.testing.assert_array_equal(together.samples[1], alone.samples[0])
    other = model.forecast(panel, 4, origins=ORIGINS[1:2], num_samples=20, seed=1)
    assert (other.samples != alone.samples).any()


@every_baseline
def test_the_density_is_that_of_the_paths(model):
    panel = moving()
    forecast = fitted(model, panel).forecast(panel, 6, origins=ORIGINS, num_samples=20_000)
    if isinstance(model, HistoricalSimulation):
        assert forecast.density is None
        return
    steps = 1 if isinstance(model, EWMAStudentT | RidgeLags) else 6
    assert np.isnan(forecast.density.log_prob(forecast.median)[..., steps:]).all()
    place = np.random.default_rng(1).uniform(0.05, 0.95, (3, 3, 6))
    value = np.take_along_axis(
        np.sort(forecast.samples, axis=2), (place * 20_000).astype(int)[:, :, None], axis=2
    )[:, :, 0].astype(np.float64)
    cdf = forecast.density.cdf(value)
    np.testing.assert_allclose(cdf[..., :steps], place[..., :steps], atol=0.015)
    # The density is the slope of the distribution function.
    above, below = forecast.density.cdf(value * 1.0001), forecast.density.cdf(value * 0.9999)
    slope = (above - below) / (0.0002 * value)
    np.testing.assert_allclose(
        np.exp(forecast.density.log_prob(value))[..., :steps], slope[..., :steps], rtol=1e-3
    )
    np.testing.assert_allclose(forecast.density.cdf(forecast.median)[..., :steps], 0.5, atol=1e-6)


@every_baseline
def test_bad_series_do_no_harm_to_the_others(model):
    sound = moving(2)
    rows = np.full((6, 400), np.nan)
    rows[:2] = sound.values
    rows[2] = 7.0  # constant
    rows[3, 320:] = sound.values[0, 320:]  # begins late
    rows[4, 350] = 3.0  # one value
    bad = Panel(("S0", "S1", "still", "late", "single", "empty"), sound.ds, rows)
    model = fitted(model, sound)
    ours = model.forecast(bad, 3, origins=ORIGINS, num_samples=20)
    assert np.isfinite(ours.samples[:, :3]).all()
    assert np.isnan(ours.samples[:, 5]).all()
    assert np.isnan(ours.samples[0, 3]).all()
    if not isinstance(model, HistoricalSimulation | Drift | SeasonalNaive):
        assert np.isfinite(ours.samples[2, 3:5]).all()
    if ours.density is not None:
        apart = model.forecast(sound, 3, origins=ORIGINS, num_samples=20)
        np.testing.assert_array_equal(ours.density.median[:, :2], apart.density.median)


def test_an_unfitted_walk_learns_its_volatility_up_to_the_first_origin():
    panel = moving()
    ours = RandomWalk("constant").forecast(panel, 1, origins=[100, 300], num_samples=5)
    theirs = (
        RandomWalk("constant").fit(panel.part(0, 101)).forecast(panel, 1, origins=[100, 300], num_samples=5)
    )
    np.testing.assert_array_equal(ours.samples, theirs.samples)
    scale = np.sqrt((np.diff(np.log(panel.values[:, :101])) ** 2).mean(1))
    np.testing.assert_allclose(ours.density.distribution.scale[0, :, 0], scale)


def test_the_drift_is_the_mean_return_with_its_own_uncertainty():
    panel = moving(1, 60)
    returns = np.diff(np.log(panel.values[0, :50]))
    forecast = Drift().forecast(panel, 8, origins=[49], num_samples=10)
    n, ahead = len(returns), np.arange(1, 9)
    normal = forecast.density.distribution
    np.testing.assert_allclose(normal.location[0, 0], ahead * returns.mean())
    np.testing.assert_allclose(normal.scale[0, 0], returns.std(ddof=1) * np.sqrt(ahead * (1 + ahead / n)))
    np.testing.assert_allclose(forecast.median[0, 0], panel.values[0, 49] * np.exp(ahead * returns.mean()))


def test_the_linear_drift_is_the_line_through_the_first_value_and_the_last():
    values = np.array(
        [[np.nan, 2.0, -1.0, np.nan, 4.0, 8.0, np.nan], [5.0, 5, 5, 5, 5, 5, 5], [1.0, 3, 5, 7, 9, 11, 13]]
    )
    panel = Panel(tuple("abc"), np.arange(7), values)
    forecast = LinearDrift().forecast(panel, 3, num_samples=10)
    # From 2 at index 1 to 8 at index 5; what is forecast lies 2, 3 and 4 steps after that.
    np.testing.assert_allclose(forecast.median[0, 0], 8 + 1.5 * np.array([2, 3, 4]))
    moves = np.array([-3.0, 4.0]) - 1.5
    ahead = np.array([2, 3, 4])
    spread = np.sqrt((moves**2).sum() / 1 * ahead * (1 + ahead / 4))
    np.testing.assert_allclose(forecast.density.distribution.scale[0, 0], spread)
    # Lines have no spread, and no density.
    np.testing.assert_allclose(forecast.samples[0, 1], 5)
    np.testing.assert_allclose(forecast.samples[0, 2], np.tile([15.0, 17, 19], (10, 1)))
    assert forecast.density.distribution.scale[0, 1:].isnan().all()


@pytest.mark.parametrize("level", [0.0, -50.0])
def test_the_linear_drift_is_that_of_statsforecast(level):
    reference = pytest.importorskip("statsforecast.models").RandomWalkWithDrift()
    history = level + np.random.default_rng(1).normal(0.3, 1, (3, 61)).cumsum(axis=1)
    panel = Panel(tuple("abc"), np.arange(61), history)
    forecast = LinearDrift().forecast(panel, 7, num_samples=2)
    low, high = forecast.density.quantile([0.1, 0.9], 7)[:, 0]
    for row in range(3):
        expected = reference.forecast(history[row], 7, level=[80])
        np.testing.assert_allclose(forecast.median[0, row], expected["mean"], rtol=1e-5)
        # It divides the squares of 60 moves by 60; ours, as R's, by the 59 that the slope leaves.
        width = (expected["hi-80"] - expected["lo-80"]) * np.sqrt(60 / 59)
        np.testing.assert_allclose(high[row] - low[row], width, rtol=1e-4)


def test_history_is_drawn_from_the_window_alone():
    panel = moving(2, 400)
    panel.values[0, 320:325] = np.nan
    forecast = HistoricalSimulation(50).forecast(panel, 1, origins=[350], num_samples=5000)
    moves = np.log(forecast.samples[0, :, :, 0] / panel.values[:, 350, None])
    for series in range(2):
        prices = panel.values[series, :351]
        held = prices[~np.isnan(prices)]
        recent = np.diff(np.log(held))[-(45 if series == 0 else 50) :]
        drawn = np.unique(np.round(moves[series], 5))
        np.testing.assert_allclose(drawn, np.unique(np.round(recent, 5)), atol=2e-5)


def test_the_tails_of_the_student_t_are_found():
    generator = np.random.default_rng(0)
    returns = 0.01 * generator.standard_t(4, (10, 3000))
    panel = Panel(tuple("abcdefghij"), np.arange(3000), 100 * np.exp(returns.cumsum(axis=1)))
    model = EWMAStudentT().fit(panel)
    # The volatility that the errors are measured with is itself estimated, which makes the tails fatter.
    assert 2.5 < model.degrees < 4.5
    forecast = replace(model).forecast(panel, 1, origins=[2999], num_samples=10)
    assert forecast.density.median[0, 0, 0] == pytest.approx(panel.values[0, -1])
    normal = EWMAStudentT().fit(moving(10, 3000))
    assert normal.degrees > 8


def test_ridge_is_scikit_learns():
    panel = moving(2, 500, 0.3)
    model = RidgeLags(3, alpha=10.0).fit(panel.part(0, 401))
    returns = np.diff(np.log(panel.values[0, :401]))
    lags = np.stack([returns[2 - k : len(returns) - 1 - k] for k in range(3)], axis=1)
    scaler = StandardScaler().fit(lags)
    direct = Ridge(alpha=10.0).fit(scaler.transform(lags), returns[3:])
    every = np.diff(np.log(panel.values[0]))
    forecast = model.forecast(panel, 1, origins=[400, 450], num_samples=5)
    for place, origin in enumerate([400, 450]):
        latest = every[origin - 3 : origin][::-1]
        expected = direct.predict(scaler.transform(latest[None]))[0]
        assert forecast.median[place, 0, 0] == pytest.approx(panel.values[0, origin] * np.exp(expected))


def test_ridge_goes_on_along_its_paths():
    panel = moving(1, 3000, 0.5)
    forecast = RidgeLags(2, alpha=0.0).forecast(panel, 3, origins=[2998], num_samples=50_000)
    logs = np.log(forecast.samples[0, 0] / panel.values[0, 2998])
    steps = np.diff(logs, axis=1, prepend=0)
    assert np.corrcoef(steps[:, 0], steps[:, 1])[0, 1] == pytest.approx(0.5 / np.sqrt(1.25), abs=0.04)
    assert steps[:, 2].var() / steps[:, 0].var() == pytest.approx(1 + 0.25 + 0.0625, rel=0.05)


def test_a_walk_ahead_has_the_variance_of_its_steps():
    panel = moving(1, 400)
    forecast = RandomWalk().forecast(panel, 9, origins=[398], num_samples=20_000)
    logs = np.log(forecast.samples[0, 0] / panel.values[0, 398])
    sigma = float(forecast.density.distribution.scale[0, 0, 0])
    for step in (0, 3, 8):
        assert stats.kstest(logs[:, step] / (sigma * np.sqrt(step + 1)), "norm").pvalue > 1e-3
    np.testing.assert_array_equal(forecast.median[0, 0], panel.values[0, 398])


def swinging(sessions=400):
    """Prices that repeat the same 20 moves: at two origins so many steps apart all is alike."""
    moves = 0.01 * np.random.default_rng(3).standard_normal((2, 20))
    returns = np.tile(moves - moves.mean(axis=1, keepdims=True), sessions // 20)
    return Panel(("a", "b"), np.arange(sessions), 100 * np.exp(returns.cumsum(axis=1)))


@every_baseline
def test_each_origin_has_random_numbers_of_its_own(model):
    panel = swinging()
    sampler = fitted(model, panel)
    samples = sampler.forecast(panel, 3, origins=[320, 340, 360], num_samples=20).samples
    assert not np.allclose(samples[0], samples[1], rtol=1e-4)
    alone = sampler.forecast(panel, 3, origins=[340], num_samples=20).samples
    np.testing.assert_array_equal(alone[0], samples[1])


@every_baseline
@pytest.mark.parametrize(
    "wrong",
    [{"horizon": 0}, {"num_samples": 0}, {"origins": []}, {"origins": [9, 3]}, {"origins": [-1]}],
    ids=str,
)
def test_what_cannot_be_forecast_is_refused_in_one_line(model, wrong):
    with pytest.raises(DataError, match=r"of at least 1$|within the panel's 400 time steps$"):
        model.forecast(random_walks(2, 400), **{"horizon": 2, **wrong})
