"""Intervals corrected by how often a predictor's own ones held the observed values."""

import math

import numpy as np
import pytest
from scipy import stats

from tsrnn.errors import ConfigError, DataError
from tsrnn.forecasts import Forecast, QuantileForecast
from tsrnn.predictors import SeasonalNaive
from tsrnn.predictors.conformal import Conformal
from tsrnn.protocols import Panel, Predictor

NAN = float("nan")
GRID = np.arange(1, 40) / 40


def panel_from(values):
    values = np.atleast_2d(np.asarray(values, dtype=np.float64))
    return Panel(tuple(f"s{row}" for row in range(len(values))), np.arange(values.shape[1]), values)


class Fixed:
    """The same quantiles from every origin, and a record of what was asked for."""

    def __init__(self, quantiles, levels=GRID, name="fixed"):
        self.quantiles, self.levels, self.name, self.asked = np.asarray(quantiles), levels, name, []

    def forecast(self, panel, horizon, *, origins=None, num_samples=1000):
        origins = [panel.num_steps - 1] if origins is None else list(origins)
        assert origins == sorted(set(origins))
        self.asked.append(origins)
        shape = (len(origins), len(panel.unique_ids), len(self.levels), horizon)
        values = np.broadcast_to(self.quantiles[:, None], shape).copy()
        ds = np.array(origins)[:, None] + np.arange(1, horizon + 1)
        last = panel.values[:, origins].T
        return QuantileForecast(panel.unique_ids, np.array(origins), ds, values, self.levels, last)


def normal(scale):
    return Fixed(scale * stats.norm.ppf(GRID))


def inside(forecast, actual, level):
    low, high = forecast.interval(level)
    return (low <= actual) & (actual <= high)


# The split correction


@pytest.mark.parametrize("scale", [0.5, 3.0], ids=["too narrow", "too wide"])
def test_split_intervals_hold_exactly_their_level_of_exchangeable_data(scale):
    count, runs = 19, 1000
    values = np.random.default_rng(0).standard_t(4, (runs, count + 2))
    hits = dict.fromkeys((80, 95), 0)
    for row in values:
        forecast = Conformal(normal(scale), calibration=count).forecast(panel_from(row), 1, origins=[count])
        for level in hits:
            hits[level] += inside(forecast, row[-1], level).item()
    for level, found in hits.items():
        low, high = stats.binom(runs, level / 100).interval(0.999)  # the ranks are 16 and 19 of 20
        assert low <= found <= high
        raw = np.abs(values[:, -1]) <= scale * stats.norm.ppf(0.5 + level / 200)
        assert not low <= raw.sum() <= high


def test_the_stretch_is_the_score_of_the_rank_on_each_side_of_the_median():
    base = Fixed([8.0, 10.0, 14.0], np.array([0.1, 0.5, 0.9]))
    # Scores of the sessions 1 to 4: 1/2 above, 3/2 below, 1/4 above, 3 below; the rank of 80 % is the 4th.
    panel = panel_from([0.0, 12.0, 7.0, 11.0, 4.0, 999.0])
    forecast = Conformal(base, levels=(80,)).forecast(panel, 1, origins=[4])
    np.testing.assert_allclose(forecast.quantile([0.1, 0.5, 0.9])[:, 0, 0, 0], [4.0, 10.0, 22.0])
    np.testing.assert_allclose(forecast.quantile(0.7), 10 + 3 * 2.0)  # inside the lowest level as that
    assert forecast.median.item() == 10.0
    with pytest.raises(DataError, match="at 80 % needs 4 origins with targets known at 3, not 3"):
        Conformal(base, levels=(80,)).forecast(panel, 1, origins=[3])
    # More series are no more origins.
    many = panel_from(np.tile(panel.values, (10, 1)))
    with pytest.raises(DataError, match="at 95 % needs 19 origins with targets known at 5, not 5"):
        Conformal(base).forecast(many, 1)


def test_the_scores_of_all_series_are_pooled_in_units_of_their_own_intervals():
    draws = np.random.default_rng(1).normal(size=(2, 41))
    units = np.array([[1.0], [1000.0]])

    class Scaled(Fixed):
        def forecast(self, panel, horizon, **more):
            found = super().forecast(panel, horizon, **more)
            found.values *= units[None, :, :, None]
            return found

    scaled = Scaled([-1.0, 0.0, 1.0], np.array([0.1, 0.5, 0.9]))
    low, high = Conformal(scaled, levels=(80,)).forecast(panel_from(draws * units), 1).interval(80)
    expected = np.sort(np.abs(draws[:, 1:]).ravel())[math.ceil(81 * 0.8) - 1]
    np.testing.assert_allclose(high[0, :, 0], expected * units[:, 0])
    np.testing.assert_allclose(low, -high)


def test_every_step_of_the_horizon_has_a_stretch_of_its_own_from_one_set_of_origins():
    values = np.random.default_rng(2).normal(size=60).cumsum()

    class Walk(Fixed):
        def forecast(self, panel, horizon, **more):
            found = super().forecast(panel, horizon, **more)
            found.values += found.last[:, :, None, None]
            return found

    base = Walk([-1.0, 0.0, 1.0], np.array([0.1, 0.5, 0.9]))
    method = Conformal(base, levels=(80,), calibration=20)
    _, high = method.forecast(panel_from(values), 3, origins=[50, 55]).interval(80)
    assert base.asked == [[*range(28, 48), 50, 55]]  # the targets of 47 are 48 to 50
    for step in range(3):
        errors = np.sort([abs(values[origin + step + 1] - values[origin]) for origin in range(28, 48)])
        np.testing.assert_allclose(high[:, 0, step] - values[[50, 55]], errors[16])  # ceil(21 · 0.8) = 17


# The rolling correction


def test_rolling_intervals_follow_a_volatility_that_trebles():
    generator = np.random.default_rng(3)
    size = np.where(np.arange(800) < 500, 1.0, 3.0)
    panel = panel_from(generator.normal(size=(20, 800)) * size)
    origins = range(539, 791)  # a year, 40 sessions after the change
    rolling = Conformal(normal(1.0), "rolling").forecast(panel, 1, origins=origins)
    base = normal(1.0).forecast(panel, 1, origins=origins)
    actual = panel.values[:, 540:792].T[..., None]
    for level in (80, 95):
        assert abs(100 * inside(rolling, actual, level).mean() - level) < 2
        assert abs(100 * inside(base, actual, level).mean() - level) > 5
    # Before the change the intervals were right and stay about as they are.
    low, high = Conformal(normal(1.0), "rolling").forecast(panel, 1, origins=range(300, 499)).interval(80)
    assert abs((high - low).mean() / (2 * stats.norm.ppf(0.9)) - 1) < 0.03


@pytest.mark.parametrize("step", [0, 2])
def test_the_rolling_stretch_is_the_quantile_tracker_of_log_scores_with_the_delay_of_its_step(step):
    values = np.random.default_rng(4).normal(size=(3, 80))
    panel = panel_from(values)
    base = Fixed([-0.5, 0.0, 0.5], np.array([0.1, 0.5, 0.9]))
    method = Conformal(base, "rolling", levels=(80,), calibration=30, rate=0.2)
    _, high = method.forecast(panel, 3, origins=[70]).interval(80)
    track = 0.0
    for session in range(41, 71):
        missed = np.mean([math.log(abs(value) / 0.5) > track for value in values[:, session]])
        track += 0.2 * (missed - 0.2)
    np.testing.assert_allclose(high[0, :, step], 0.5 * math.exp(track), rtol=1e-12)
    assert base.asked == [list(range(38, 71))]


def test_the_delayed_steps_use_only_targets_that_are_known_at_the_origin():
    """Session 5's forecast of session 7 is known at 7 and not at 6."""
    values = np.zeros(10)
    values[7] = 9.0
    base = Fixed([-1.0, 0.0, 1.0], np.array([0.1, 0.5, 0.9]))
    method = Conformal(base, "rolling", levels=(80,), calibration=1)
    _, high = method.forecast(panel_from(values), 2, origins=[6, 7]).interval(80)
    np.testing.assert_allclose(np.log(high[:, 0]), [[-0.02, -0.02], [0.08, 0.08]], atol=1e-12)


def test_a_rolling_forecast_without_a_past_is_the_predictors_own():
    base = normal(1.0)
    panel = panel_from(np.arange(5.0))
    forecast = Conformal(base, "rolling").forecast(panel, 2, origins=[0])
    np.testing.assert_allclose(forecast.quantile(0.9), stats.norm.ppf(0.9))
    late = Conformal(base, "rolling", first=4).forecast(panel, 1, origins=[3, 4])
    assert base.asked[-1] == [3, 4]  # session 4 is the first target that may be looked at
    np.testing.assert_allclose(late.quantile(0.9)[0], stats.norm.ppf(0.9))
    assert late.quantile(0.9)[1] > stats.norm.ppf(0.9)
    # Nor is it by an origin before that is asked for.
    early = Conformal(base, "rolling", first=4).forecast(panel, 1, origins=[1, 3, 4])
    np.testing.assert_array_equal(early.values[1:], late.values)


# Both


@pytest.mark.parametrize("method", ["split", "rolling"])
def test_values_after_an_origin_leave_the_corrected_forecast_as_it_is(method):
    values = np.random.default_rng(5).normal(size=(3, 90)).cumsum(axis=1)
    changed = values.copy()
    changed[:, 71:] += 100
    model = Conformal(SeasonalNaive(1), method, calibration=40)
    assert isinstance(model, Predictor)
    one, other = (model.forecast(panel_from(part), 4, origins=[66, 70]) for part in (values, changed))
    np.testing.assert_array_equal(one.values, other.values)
    changed[:, 70] += 100
    other = model.forecast(panel_from(changed), 4, origins=[66, 70])
    np.testing.assert_array_equal(one.values[0], other.values[0])
    assert (one.values[1] != other.values[1]).all()
    # And nothing is different where the panel ends at the last origin, as for a forecast of the future.
    alone = model.forecast(panel_from(values[:, :71]), 4, origins=[66, 70])
    np.testing.assert_array_equal(one.values, alone.values)


def test_an_origin_asked_singly_has_the_rolling_forecast_that_it_has_among_others():
    panel = panel_from(np.random.default_rng(6).standard_t(3, (2, 120)))
    model = Conformal(normal(1.0), "rolling", calibration=25)
    many = model.forecast(panel, 3, origins=range(60, 120, 7))
    single = model.forecast(panel, 3, origins=[116])
    np.testing.assert_array_equal(single.values[0], many.values[-1])
    last = model.forecast(panel, 3)
    np.testing.assert_array_equal(last.origins, [119])
    np.testing.assert_array_equal(last.ds, [[120, 121, 122]])


@pytest.mark.parametrize("method", ["split", "rolling"])
def test_missing_values_and_series_without_a_forecast_do_not_touch_the_others(method):
    values = np.random.default_rng(7).normal(size=(2, 80))
    values[1, 20:40] = NAN
    broken = np.concatenate([values, np.full((2, 80), NAN)])
    broken[3] = 5.0  # a constant series: the naive forecast's intervals have no width
    exact = [0.025, 0.1, 0.5, 0.9, 0.975]

    class Exact:
        def forecast(self, panel, horizon, *, origins=None, num_samples=1000):
            found = SeasonalNaive(1).quantiles(panel, horizon, exact, origins=origins)
            ds = np.array(origins)[:, None] + np.arange(1, horizon + 1)
            return QuantileForecast(
                panel.unique_ids, np.array(origins), ds, found, np.array(exact), found[:, :, 2, 0]
            )

    model = Conformal(Exact(), method, calibration=50)
    one = model.forecast(panel_from(values), 2, origins=[70, 79])
    four = model.forecast(panel_from(broken), 2, origins=[70, 79])
    np.testing.assert_array_equal(one.values, four.values[:, :2])
    assert np.isfinite(one.values).all()
    assert np.isnan(four.values[:, 2]).all()
    np.testing.assert_array_equal(four.values[:, 3], 5.0)


@pytest.mark.parametrize("method", ["split", "rolling"])
def test_quantiles_are_sorted_and_the_median_is_the_predictors_own(method):
    """Errors that are seldom and large make the 80 % interval much narrower and the 95 % one wider."""
    generator = np.random.default_rng(8)
    errors = np.where(generator.uniform(size=(4, 400)) < 0.93, 0.05, 4.0) * generator.normal(size=(4, 400))
    narrow = np.where(generator.uniform(size=(4, 400)) < 0.5, 0.01, 1.5) * generator.choice([-1, 1], (4, 400))
    for values in (errors, narrow):
        found = Conformal(normal(1.0), method).forecast(panel_from(values), 2, origins=range(380, 399))
        assert (np.diff(found.values, axis=2) >= 0).all()
        middle = found.values[:, :, np.flatnonzero(found.levels == 0.5).item()]
        np.testing.assert_array_equal(middle, normal(1.0).quantiles[19])
        widths = np.diff([found.interval(level)[1] for level in (60, 80, 90, 95)], axis=0)
        assert (widths >= -1e-12).all()


def test_paths_are_corrected_as_their_quantiles_are():
    samples = np.random.default_rng(9).normal(size=999)

    class Paths:
        def forecast(self, panel, horizon, *, origins=None, num_samples=1000):
            shape = (len(origins), len(panel.unique_ids), len(samples), horizon)
            ds = np.array(origins)[:, None] + np.arange(1, horizon + 1)
            paths = np.broadcast_to(samples[:, None], shape)
            return Forecast(panel.unique_ids, np.array(origins), ds, paths, panel.values[:, origins].T)

    panel = panel_from(np.random.default_rng(10).normal(size=(2, 100)) * 2)
    own = Paths().forecast(panel, 2, origins=[99])
    found = Conformal(Paths()).forecast(panel, 2)
    for level in (80, 95):
        stretches = [
            (bound - own.median) / (raw - own.median)
            for bound, raw in zip(found.interval(level), own.interval(level), strict=True)
        ]
        np.testing.assert_allclose(stretches[0], stretches[1], rtol=1e-9)
        assert (stretches[0] > 1.5).all()
    assert Conformal(Paths(), "rolling").name == "Paths + conformal (rolling)"


def test_the_calibration_begins_at_the_first_session_that_was_not_learned_from():
    values = np.random.default_rng(11).normal(size=100)
    values[:50] *= 100
    base = normal(1.0)
    forecast = Conformal(base, first=50).forecast(panel_from(values), 1)
    assert base.asked == [list(range(49, 100))]
    expected = np.sort(np.abs(values[50:]))[math.ceil(51 * 0.8) - 1]
    np.testing.assert_allclose(forecast.interval(80)[1].item(), expected)
    with pytest.raises(DataError, match="needs 19 origins with targets known at 67, not 18"):
        Conformal(base, first=50).forecast(panel_from(values), 1, origins=[67, 99])
    assert Conformal(base, first=50).name == "fixed + conformal (split)"


def test_arguments_out_of_their_range_are_refused():
    base = normal(1.0)
    for wrong, message in [
        ({"method": "jackknife"}, "method must be split or rolling"),
        ({"levels": ()}, "levels must increase"),
        ({"levels": (95, 80)}, "levels must increase"),
        ({"levels": (80, 100)}, "between 0 and 100"),
        ({"calibration": 0}, "at least 1 time step, not 0"),
        ({"rate": 0.0}, "rate must be between 0 and 1, not 0"),
        ({"first": -1}, "index of a time step, not -1"),
    ]:
        with pytest.raises(ConfigError, match=message):
            Conformal(base, **wrong)
    for horizon, origins in [(0, [3]), (1, []), (1, [-1]), (1, [5]), (1, [4, 3])]:
        with pytest.raises(DataError, match="the panel's 5 time steps" if horizon else "a horizon"):
            Conformal(base).forecast(panel_from(np.zeros(5)), horizon, origins=origins)
