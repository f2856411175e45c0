"""The Diebold-Mariano test and the block bootstrap of a skill."""

import time

import numpy as np
import pytest
from scipy import signal, stats

from tsrnn.errors import ConfigError
from tsrnn.evaluation.backtests.significance import block_bootstrap_ratio, diebold_mariano

NAN = float("nan")

# R 4.2.2, forecast 8.20, on series that ship with R, after the example of ?dm.test:
#   f1 <- ets(WWWusage); f2 <- auto.arima(WWWusage)
#   g1 <- ets(WWWusage[1:80]); g2 <- auto.arima(WWWusage[1:80])
# ETS = residuals(f1), ARIMA = residuals(f2), ETS_AFTER = residuals(ets(WWWusage[81:100], model = g1)),
# ARIMA_AFTER = residuals(Arima(WWWusage[81:100], model = g2)), each by round(as.numeric(...), 3).
# fmt: off
ETS = [
    -2.338, -2.09, 4.254, -0.803, -1.003, 1.812, -2.81, 3.622, 1.381, -1.441, 1.181, 6.374, -1.502, 3.92,
    7.492, 0.612, -1.778, -1.525, -5.079, -1.199, 0.627, 2.817, -7.622, -6.132, 7.948, 8.838, 1.505, -3.516,
    -4.455, -1.382, -2.559, -1.932, 1.884, 2.45, -1.993, -1.376, 2.441, 6.007, 0.127, -1.075, -0.448, 6.369,
    2.498, 0.672, -3.518, -1.455, 0.181, -0.814, 1.998, -0.624, -3.817, 2.434, 2.007, -1.624, -5.005, 0.061,
    -5.74, -6.682, 0.391, -1.034, -0.853, -0.668, 4.518, -1.357, 2.441, -3.993, -3.752, 1.694, 3.265, 3.009,
    -0.437, -2.631, -2.192, 3.439, 2.195, -0.439, -1.631, 2.995, 4.564, 3.308, 3.674, 5.046, -1.395, -4.154,
    3.729, 3.306, -1.326, -0.894, -1.262, 3.367, 6.935, 2.055, -4.959, -1.274, 3.367, 2.935, 0.303, -6.889,
    -2.39, 1.254,
]
ARIMA = [
    0.088, -2.17, 3.861, -2.452, 0.259, 1.512, -3.443, 5.109, -0.985, -0.433, 1.577, 5.87, -3.288, 6.476,
    5.393, 0.06, 0.164, -0.289, -4.1, 0.805, -0.122, 2.715, -8.728, -2.511, 7.474, 4.722, 0.315, -2.369,
    -2.706, -0.277, -2.903, -1.222, 1.545, 1.139, -2.599, -0.333, 2.126, 4.882, -1.468, 0.52, -0.224, 6.817,
    0.214, 2.034, -3.272, 0.769, -0.054, -0.622, 2.327, -1.524, -2.85, 3.449, 0.187, -1.399, -4.265, 1.493,
    -7.183, -4.371, 0.403, -3.058, -0.889, -1.679, 4.086, -3.847, 3.973, -6.088, -1.199, 1.183, 1.98, 1.959,
    -0.981, -1.785, -1.411, 3.693, 0.409, -0.166, -1.214, 3.638, 3.137, 2.799, 3.676, 4.914, -1.688, -1.617,
    5.248, 1.689, -0.741, 0.487, -0.858, 4.15, 5.567, 0.92, -3.638, 1.31, 3.01, 2.166, 0.309, -6.065, 0.488,
    0.345,
]
ETS_AFTER = [
    0.002, -0.001, -1.2, -4, 3.799, 3.401, -1.2, -0.8, -1.2, 3.4, 7.001, 2.201, -4.8, -1.201, 3.4, 3.001,
    0.4, -6.8, -2.401, 1.2,
]
ARIMA_AFTER = [
    0.121, 8.062, -0.919, -1.795, 5.343, 2.046, -0.607, 0.552, -0.763, 4.123, 5.879, 1.283, -3.485, 1.197,
    3.171, 2.341, 0.496, -5.984, 0.154, 0.421,
]
# fmt: on

# dm.test(e1, e2, h = h, power = power, varestimator = varestimator): statistic and p-value.
ANSWERS = [
    ("in", "acf", 1, 1, 2.9033687584, 0.0045519927),
    ("in", "acf", 1, 2, 3.0853687280, 0.0026359356),
    ("in", "acf", 1, 5, 2.4943840464, 0.0142733720),
    ("in", "acf", 2, 1, 1.9079429349, 0.0592961811),
    ("in", "acf", 2, 2, 2.2116253534, 0.0292925312),
    ("in", "acf", 2, 5, 1.8015912057, 0.0746536353),
    ("in", "bartlett", 1, 1, 2.9033687584, 0.0045519927),
    ("in", "bartlett", 1, 2, 2.9741702168, 0.0036904058),
    ("in", "bartlett", 1, 5, 2.6547156214, 0.0092501880),
    ("in", "bartlett", 2, 1, 1.9079429349, 0.0592961811),
    ("in", "bartlett", 2, 2, 2.0311988697, 0.0449151637),
    ("in", "bartlett", 2, 5, 1.8579942349, 0.0661414922),
    ("after", "acf", 1, 1, 0.2808960723, 0.7818261152),
    ("after", "acf", 1, 2, 0.2686868274, 0.7910664747),
    ("after", "acf", 1, 5, 0.2512438397, 0.8043228144),
    ("after", "acf", 2, 1, -0.1439402618, 0.8870633818),
    ("after", "acf", 2, 2, -0.1434891103, 0.8874148066),
    ("after", "acf", 2, 5, -0.1197559818, 0.9059336822),
    ("after", "bartlett", 1, 1, 0.2808960723, 0.7818261152),
    ("after", "bartlett", 1, 2, 0.2675773035, 0.7919077971),
    ("after", "bartlett", 1, 5, 0.2372736031, 0.8149841739),
    ("after", "bartlett", 2, 1, -0.1439402618, 0.8870633818),
    ("after", "bartlett", 2, 2, -0.1398926438, 0.8902171252),
    ("after", "bartlett", 2, 5, -0.1191499623, 0.9064073289),
]


@pytest.mark.parametrize(("sample", "estimator", "power", "horizon", "statistic", "p_value"), ANSWERS)
def test_it_equals_dm_test_of_r(sample, estimator, power, horizon, statistic, p_value):
    reference, model = (ETS, ARIMA) if sample == "in" else (ETS_AFTER, ARIMA_AFTER)
    difference = np.abs(reference) ** power - np.abs(model) ** power
    kernel = {"acf": "rectangular", "bartlett": "bartlett"}[estimator]
    found = diebold_mariano(difference, horizon=horizon, lags=horizon - 1, kernel=kernel)
    np.testing.assert_allclose([found.statistic, found.p_value], [statistic, p_value], rtol=0, atol=1e-8)
    assert (found.steps, found.lags, found.kernel) == (len(difference), horizon - 1, kernel)
    np.testing.assert_allclose(found.mean, difference.mean())


def autoregressive(generator, shape, coefficient=0.5):
    """Stationary draws along the last axis, of mean 0."""
    noise = generator.normal(size=(*shape[:-1], shape[-1] + 100))
    return signal.lfilter([1.0], [1.0, -coefficient], noise, axis=-1)[..., 100:]


def rejections(differences, **options):
    """Percent of the rows whose p-value is below 5 percent."""
    return 100 * np.mean([diebold_mariano(row, **options).p_value < 0.05 for row in differences])


# The Diebold-Mariano test


def test_the_default_lags_are_those_of_newey_and_west_or_of_the_horizon():
    values = np.random.default_rng(0).normal(size=1000)
    assert diebold_mariano(values).lags == 6  # 4 · 10^(2/9) = 6.67
    assert diebold_mariano(values[:100]).lags == 4
    assert diebold_mariano(values, horizon=20).lags == 19
    assert diebold_mariano(values, horizon=5, kernel="rectangular").lags == 4
    assert diebold_mariano(values, kernel="rectangular").lags == 0


def test_the_variance_of_many_lags_by_the_definition():
    values = np.random.default_rng(1).normal(0.1, 1, 60).cumsum()
    centred = values - values.mean()
    lags = np.arange(1, 9)
    autocovariances = np.array([np.sum(centred[k:] * centred[: 60 - k]) / 60 for k in range(9)])
    variance = autocovariances[0] + 2 * np.sum((1 - lags / 9) * autocovariances[1:])
    found = diebold_mariano(values, lags=8)
    expected = np.sqrt(59 / 60) * values.mean() / np.sqrt(variance / 60)  # (n + 1 − 2)/n at one step
    np.testing.assert_allclose(found.statistic, expected)
    np.testing.assert_allclose(found.p_value, 2 * stats.t.sf(abs(expected), 59))


def test_without_lags_one_step_ahead_it_is_students_test_of_the_mean():
    values = np.random.default_rng(2).normal(0.2, 1, 40)
    expected = stats.ttest_1samp(values, 0)
    found = diebold_mariano(values, lags=0)
    np.testing.assert_allclose([found.statistic, found.p_value], [expected.statistic, expected.pvalue])


def test_it_is_positive_for_the_better_model_and_knows_no_unit():
    values = np.random.default_rng(3).normal(0.2, 1, 300)
    found = diebold_mariano(values)
    assert found.statistic > 0
    for factor in (-1.0, 1e-9, 1e9):
        scaled = diebold_mariano(factor * values)
        np.testing.assert_allclose(scaled.statistic, np.sign(factor) * found.statistic)
        np.testing.assert_allclose(scaled.p_value, found.p_value)


@pytest.mark.parametrize("kernel", ["bartlett", "rectangular"])
def test_where_there_is_no_variance_there_is_no_test(kernel):
    for values in (
        np.zeros(50),  # equal losses
        np.full(50, 0.1),
        0.1 + 1e-15 * np.random.default_rng(0).normal(size=50),
        np.array([1.0, NAN, 2.0, 4.0]),
        np.array([1.0, np.inf, 2.0, 4.0]),
        np.array([1.0]),
        np.array([]),
    ):
        found = diebold_mariano(values, lags=0, kernel=kernel)
        assert np.isnan([found.statistic, found.p_value]).all()
        assert found.steps == len(values)


def test_a_negative_variance_is_no_test_with_one_kernel_and_positive_with_the_other():
    values = 0.1 + np.tile([1.0, -1.0], 20)  # the rectangular sum with one lag is about 1 − 2
    assert np.isnan(diebold_mariano(values, lags=1, kernel="rectangular").p_value)
    assert np.isfinite(diebold_mariano(values, lags=1).p_value)


def test_too_few_steps_for_the_horizon_or_the_lags_are_no_test():
    values = np.random.default_rng(4).normal(size=5)
    assert np.isfinite(diebold_mariano(values, horizon=4).statistic)
    assert np.isnan(diebold_mariano(values, horizon=5).statistic)
    assert np.isnan(diebold_mariano(values, lags=5).statistic)
    # All autocovariances together sum to 0 but for rounding, which is no variance.
    assert np.isnan(diebold_mariano(values, lags=4, kernel="rectangular").statistic)


def test_mistakes_end_in_one_line():
    values = np.arange(9.0)
    with pytest.raises(ConfigError, match="not 'parzen'"):
        diebold_mariano(values, kernel="parzen")
    with pytest.raises(ConfigError, match="at least 1 step, not 0"):
        diebold_mariano(values, horizon=0)
    with pytest.raises(ConfigError, match="not -1"):
        diebold_mariano(values, lags=-1)
    with pytest.raises(ValueError, match="one vector"):
        diebold_mariano(values[:, None])


def test_equal_models_are_told_apart_in_five_percent_of_the_samples():
    generator = np.random.default_rng(5)
    assert 3.5 < rejections(generator.normal(size=(2000, 1000))) < 7
    # Squares of correlated errors: the losses that forecasts are compared by.
    errors = autoregressive(generator, (2, 2000, 1000))
    assert 3.5 < rejections(errors[0] ** 2 - errors[1] ** 2) < 7


def test_correlated_differences_need_more_lags_than_the_default():
    differences = autoregressive(np.random.default_rng(6), (2000, 1000))
    # With L lags the Bartlett weights find only a part of the variance, and the test rejects accordingly.
    lags = np.arange(1, 7)
    part = (1 + 2 * np.sum((1 - lags / 7) * 0.5**lags)) / 3
    expected = 200 * stats.norm.sf(stats.norm.isf(0.025) * np.sqrt(part))
    assert 7.5 < expected < 8
    assert abs(rejections(differences) - expected) < 2
    assert 3.5 < rejections(differences, lags=20) < 7


def test_four_hundred_tests_take_a_moment():
    values = np.random.default_rng(7).normal(size=(400, 2500))
    begin = time.process_time()
    rejections(values)
    assert time.process_time() - begin < 1


# The block bootstrap


def test_the_interval_is_that_of_the_same_blocks_joined_one_by_one():
    generator = np.random.default_rng(8)
    loss, reference = generator.gamma(2.0, 1.0, (2, 23, 3))
    low, high = block_bootstrap_ratio(loss, reference, block_length=5, draws=300, level=90, seed=4)
    starts = np.random.default_rng(4).integers(23, size=(300, 5))
    steps = ((starts[:, :, None] + np.arange(5)) % 23).reshape(300, 25)[:, :23]
    skill = 100 * (1 - loss[steps].sum(axis=1) / reference[steps].sum(axis=1))
    np.testing.assert_allclose([low, high], np.quantile(skill, [0.05, 0.95], axis=0))


def test_one_group_gives_numbers_and_the_same_as_beside_others():
    loss, reference = np.random.default_rng(9).gamma(2.0, 1.0, (2, 100, 4))
    together = np.array(block_bootstrap_ratio(loss, reference, draws=100))
    assert together.shape == (2, 4)
    for group in range(4):
        alone = block_bootstrap_ratio(loss[:, group], reference[:, group], draws=100)
        assert all(type(bound) is float for bound in alone)
        np.testing.assert_allclose(alone, together[:, group])


def test_the_same_seed_gives_the_same_interval_and_another_seed_another():
    loss, reference = np.random.default_rng(10).gamma(2.0, 1.0, (2, 200))
    first, again, other = (block_bootstrap_ratio(loss, reference, seed=seed) for seed in (1, 1, 2))
    assert first == again != other
    np.testing.assert_allclose(first, other, atol=2)


def test_the_default_block_grows_with_the_cube_root_and_with_the_horizon():
    loss, reference = np.random.default_rng(11).gamma(2.0, 1.0, (2, 1000))
    default = block_bootstrap_ratio(loss, reference)
    assert default == block_bootstrap_ratio(loss, reference, block_length=10)
    assert default == block_bootstrap_ratio(loss, reference, horizon=10)
    wide = block_bootstrap_ratio(loss, reference, horizon=20)
    assert wide == block_bootstrap_ratio(loss, reference, block_length=20)
    assert wide != default


def test_a_skill_that_is_the_same_at_every_step_is_certain():
    reference = np.random.default_rng(12).gamma(2.0, 1.0, 100)
    np.testing.assert_allclose(block_bootstrap_ratio(0.9 * reference, reference), (10, 10))


def test_where_there_is_no_ratio_there_is_no_interval():
    loss, reference = np.ones((20, 5)), np.ones((20, 5))
    loss[3, 1], reference[3, 2], reference[:, 3], loss[3, 4] = NAN, NAN, 0, np.inf
    low, high = block_bootstrap_ratio(loss, reference, draws=50)
    np.testing.assert_allclose(low, [0, NAN, NAN, NAN, NAN], atol=1e-9)
    np.testing.assert_allclose(high, [0, NAN, NAN, NAN, NAN], atol=1e-9)
    for steps in (0, 1, 3):  # not two whole blocks
        assert np.isnan(block_bootstrap_ratio(loss[:steps, 0], reference[:steps, 0])).all()
    assert np.isnan(block_bootstrap_ratio(loss[:, 0], reference[:, 0], block_length=11)).all()


def test_mistakes_of_the_bootstrap_end_in_one_line():
    ones = np.ones(9)
    with pytest.raises(ConfigError, match="block_length must be at least 1, not 0"):
        block_bootstrap_ratio(ones, ones, block_length=0)
    with pytest.raises(ConfigError, match="draws must be at least 1"):
        block_bootstrap_ratio(ones, ones, draws=0)
    with pytest.raises(ConfigError, match="not 100"):
        block_bootstrap_ratio(ones, ones, level=100)
    with pytest.raises(ValueError, match="give both as"):
        block_bootstrap_ratio(ones, ones[:3])


@pytest.mark.parametrize("coefficient", [0.0, 0.5])
def test_the_interval_covers_the_true_skill_in_about_95_percent_of_the_samples(coefficient):
    # Expected losses are 9 and 10, so the skill is 10 percent; both share some of their noise.
    generator = np.random.default_rng(13)
    common, own, other = autoregressive(generator, (3, 1000, 1000), coefficient)
    low, high = block_bootstrap_ratio((9 + common + own).T, (10 + common + other).T, draws=500)
    covered = 100 * np.mean((low < 10) & (high > 10))
    assert 91.5 < covered < 97


@pytest.mark.parametrize(("steps", "horizon"), [(8, 1), (30, 4), (100, 4), (100, 1)])
def test_the_uncertainty_of_the_variance_is_allowed_for(steps, horizon):
    generator, plain, fixed = np.random.default_rng(0), 0, 0
    lags = max(2 * horizon, 4) if horizon > 1 else 3
    for _ in range(1000):
        noise = generator.standard_normal(steps + horizon - 1)
        overlapping = np.convolve(noise, np.ones(horizon), "valid")
        plain += diebold_mariano(overlapping, horizon=horizon, lags=lags).p_value < 0.05
        fixed += diebold_mariano(overlapping, horizon=horizon, lags=lags, fixed_b=True).p_value < 0.05
    assert fixed <= 85
    assert plain > fixed


def test_the_allowance_is_for_the_bartlett_kernel():
    with pytest.raises(ConfigError, match="bartlett alone"):
        diebold_mariano(np.arange(10.0), kernel="rectangular", fixed_b=True)
