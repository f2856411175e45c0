"""Scores of distributions, intervals and directions."""

import time
import tracemalloc

import numpy as np
import pytest
import scoringrules
from scipy import integrate, stats

from tsrnn.evaluation.scores.probabilistic import (
    coverage,
    crps_normal,
    crps_sample,
    crps_student_t,
    directional_accuracy,
    pit_histogram,
)

NAN = float("nan")


@pytest.fixture
def generator():
    return np.random.default_rng(0)


# The continuous ranked probability score


def test_the_score_of_samples_by_hand():
    # mean |x − y| is 1.5, half the mean |x − x'| over all four pairs is 0.5.
    np.testing.assert_allclose(crps_sample(np.array(0.5), np.array([3.0, 1.0])), 1.0)
    np.testing.assert_allclose(crps_sample(np.array([0.5]), np.array([[3.0]])), [2.5])
    assert crps_sample(np.array([]), np.empty((0, 5))).shape == (0,)


@pytest.mark.parametrize("size", [1, 2, 7, 200])
def test_the_score_of_samples_equals_that_of_scoringrules_sorted_or_not(generator, size):
    actual, samples = generator.normal(100, 5, (40, 3)), generator.normal(100, 3, (40, 3, size))
    expected = scoringrules.crps_ensemble(actual, samples, estimator="nrg")
    np.testing.assert_allclose(crps_sample(actual, samples), expected, rtol=0, atol=1e-9)
    ordered = np.sort(samples, axis=-1)
    np.testing.assert_allclose(crps_sample(actual, ordered, presorted=True), expected, rtol=0, atol=1e-9)


def test_the_fair_score_equals_that_of_scoringrules_and_needs_two_samples(generator):
    actual, samples = generator.normal(100, 5, (40, 3)), generator.normal(100, 3, (40, 3, 7))
    expected = scoringrules.crps_ensemble(actual, samples, estimator="fair")
    np.testing.assert_allclose(crps_sample(actual, samples, fair=True), expected, rtol=0, atol=1e-9)
    with pytest.raises(ValueError, match="at least two samples"):
        crps_sample(actual, samples[..., :1], fair=True)


def test_blocks_of_rows_do_not_show_in_the_score(generator):
    # The first has more than one block and an incomplete last one, the second rows longer than a block.
    for shape in ((3001, 100), (3, 200_000)):
        samples, actual = generator.normal(size=shape), generator.normal(size=shape[0])
        expected = scoringrules.crps_ensemble(actual, samples, estimator="qd")
        np.testing.assert_allclose(crps_sample(actual, samples), expected, rtol=0, atol=1e-9)


def test_the_samples_are_not_changed_and_may_be_a_view(generator):
    actual, samples = generator.normal(size=(4, 5)), generator.normal(size=(4, 9, 5))
    before = samples.copy()
    found = crps_sample(actual, np.moveaxis(samples, 1, -1))
    np.testing.assert_array_equal(samples, before)
    expected = scoringrules.crps_ensemble(actual, before, m_axis=1, estimator="nrg")
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


def test_single_precision_far_from_zero_loses_nothing(generator):
    samples = generator.normal(30_000, 1, (50, 100)).astype(np.float32)
    actual = generator.normal(30_000, 1, 50)
    expected = scoringrules.crps_ensemble(actual, samples.astype(np.float64), estimator="nrg")
    np.testing.assert_allclose(crps_sample(actual, samples), expected, rtol=0, atol=1e-9)


def test_what_is_missing_has_no_score_and_what_is_infinite_an_infinite_one():
    samples = np.array([[1.0, 2.0], [1.0, NAN], [-np.inf, 1.0], [1.0, 2.0], [-np.inf, NAN], [1.0, np.inf]])
    actual = np.array([NAN, 0.0, 0.0, np.inf, 0.0, 0.0])
    np.testing.assert_array_equal(crps_sample(actual, samples), [NAN, NAN, np.inf, np.inf, NAN, np.inf])
    with pytest.raises(ValueError, match=r"samples are \(6, 2\), but the actual values are \(2,\)"):
        crps_sample(actual[:2], samples)
    with pytest.raises(ValueError, match="at least one"):
        crps_sample(np.zeros(3), np.empty((3, 0)))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_twenty_million_sorted_samples_take_little_time_and_memory(generator, kind):
    rows = np.sort(generator.normal(size=(1000, 200)), axis=1).astype(kind)
    samples, actual = np.tile(rows, (100, 1)), generator.normal(size=100_000)
    begin = time.process_time()
    crps_sample(actual, samples, presorted=True)
    assert time.process_time() - begin < 1.5
    tracemalloc.start()
    crps_sample(actual, samples, presorted=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4e6  # the samples are 80 or 160 MB; the scores alone 0.8


def test_the_score_of_samples_tends_to_that_of_their_distribution(generator):
    samples, actual = generator.standard_t(5, (20, 200_000)), np.linspace(-3, 3, 20)
    exact = crps_student_t(actual, 5, np.zeros(20), np.ones(20))
    np.testing.assert_allclose(crps_sample(actual, samples), exact, atol=0.01)


def test_the_score_of_a_normal_distribution_equals_that_of_scoringrules(generator):
    actual, location = generator.normal(50, 20, (2, 300))
    scale = generator.gamma(1.0, 5.0, 300) + 0.01
    expected = scoringrules.crps_normal(actual, location, scale)
    np.testing.assert_allclose(crps_normal(actual, location, scale), expected, rtol=1e-12, atol=1e-9)


def test_the_score_of_a_student_t_distribution_equals_that_of_scoringrules(generator):
    actual, location = generator.normal(50, 20, (2, 300))
    scale, degrees = generator.gamma(1.0, 5.0, 300) + 0.01, generator.uniform(1.05, 60, 300)
    expected = scoringrules.crps_t(actual, degrees, location, scale)
    found = crps_student_t(actual, degrees, location, scale)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-9)
    # The value in the tests of R's package scoringRules.
    found = crps_student_t(np.array(-3.0), 5, np.array(0.0), np.array(1.0))
    np.testing.assert_allclose(found, 2.33875895, rtol=0, atol=5e-9)


@pytest.mark.parametrize("degrees", [1.2, 3.0, 40.0])
def test_the_closed_form_is_the_integral_that_defines_the_score(degrees):
    law, actual = stats.t(degrees, 1.0, 2.0), 2.5
    below = integrate.quad(lambda x: law.cdf(x) ** 2, -np.inf, actual, epsabs=1e-11)[0]
    above = integrate.quad(lambda x: law.sf(x) ** 2, actual, np.inf, epsabs=1e-11)[0]
    found = crps_student_t(np.array(actual), degrees, np.array(1.0), np.array(2.0))
    np.testing.assert_allclose(found, below + above, rtol=1e-7)


def test_student_t_tends_to_the_normal_and_holds_far_out():
    z = np.array([-40.0, -1.0, 0.0, 3.0, 1e9])
    zero, one = np.zeros(5), np.ones(5)
    np.testing.assert_allclose(crps_student_t(z, 1e7, zero, one), crps_normal(z, zero, one), rtol=1e-6)
    # From far away the score is the distance, less half the mean distance of two draws.
    np.testing.assert_allclose(crps_student_t(z[-1:], 3.0, zero[-1:], one[-1:]), 1e9, rtol=1e-8)
    assert np.isfinite(crps_student_t(np.array(1e100), 1.5, np.array(0.0), np.array(1.0)))


def test_without_a_distribution_there_is_no_score():
    one, scales = np.ones(3), np.array([0.0, -1.0, NAN])
    assert np.isnan(crps_normal(one, one, scales)).all()
    assert np.isnan(crps_student_t(one, 4.0, one, scales)).all()
    assert np.isnan(crps_student_t(one, np.array([1.0, 0.5, NAN]), one, one)).all()
    assert np.isnan(crps_normal(NAN * one, one, one)).all()


# Intervals and probability integral transforms


def test_coverage_counts_the_bounds_and_leaves_out_what_is_missing():
    actual = np.array([1.0, 2.0, 3.0, 4.0, NAN])
    low, high = np.array([1.0, 0.0, 4.0, 0.0, NAN]), np.array([5.0, 2.0, 5.0, 3.0, NAN])
    assert coverage(actual, low, high) == 50.0
    assert np.isnan(coverage(actual[4:], low[4:], high[4:]))
    low[1] = NAN
    assert np.isnan(coverage(actual, low, high))
    with pytest.raises(ValueError, match="bounds are"):
        coverage(actual, low[:1], high)


def test_the_interval_of_a_normal_distribution_covers_its_level(generator):
    draws = generator.normal(size=200_000)
    bound = np.full(200_000, stats.norm.ppf(0.9))
    assert abs(coverage(draws, -bound, bound) - 80) < 0.4  # 4.5 standard errors


def test_the_histogram_counts_each_transform_once():
    pit = np.array([0.0, 0.25, 0.26, 0.5, 1.0, NAN])
    np.testing.assert_allclose(pit_histogram(pit, 4), [0.2, 0.4, 0.2, 0.2])
    assert np.isnan(pit_histogram(np.array([NAN]), 3)).all()
    with pytest.raises(ValueError, match="between 0 and 1"):
        pit_histogram(np.array([1.1]), 4)
    with pytest.raises(ValueError, match="at least one bin"):
        pit_histogram(pit, 0)


def test_the_histogram_tells_a_calibrated_forecast_from_one_that_is_too_narrow(generator):
    draws = generator.normal(size=100_000)
    np.testing.assert_allclose(pit_histogram(stats.norm.cdf(draws), 10), 0.1, atol=0.005)
    narrow = pit_histogram(stats.norm.cdf(draws, scale=0.5), 10)
    np.testing.assert_allclose(narrow[[0, -1]], stats.norm.cdf(0.5 * stats.norm.ppf(0.1)), atol=0.005)


# The direction


def test_directional_accuracy_by_hand():
    # 3 rises foreseen, 1 missed, 2 falls foreseen, 2 missed: p = 1/2, q = 5/8, P* = 1/2.
    actual = np.array([1, 1, 1, 1, -1, -1, -1, -1.0])
    forecast = np.array([2, 1, 5, -1, -1, -3, 4, 2.0])
    found = directional_accuracy(actual, forecast)
    assert found.share == 62.5
    assert found.steps == 8
    # The two variances as Pesaran and Timmermann write them.
    p, q, n = 1 / 2, 5 / 8, 8
    of_share = 0.5 * 0.5 / n
    of_chance = ((2 * p - 1) ** 2 * q * (1 - q) + (2 * q - 1) ** 2 * p * (1 - p)) / n
    of_chance += 4 * p * q * (1 - p) * (1 - q) / n**2
    np.testing.assert_allclose(
        found.p_value, stats.norm.sf(0.125 / np.sqrt(of_share - of_chance)), rtol=1e-12
    )


def test_what_has_no_direction_is_left_out():
    actual = np.array([[1.0, -1.0, 0.0], [2.0, NAN, -2.0]])
    forecast = np.array([[1.0, -2.0, 1.0], [0.0, 1.0, 3.0]])
    found = directional_accuracy(actual, forecast)
    assert found.steps == 3
    np.testing.assert_allclose(found.share, 200 / 3)
    nothing = directional_accuracy(np.zeros(4), np.ones(4))
    assert nothing.steps == 0
    assert np.isnan([nothing.share, nothing.p_value]).all()
    with pytest.raises(ValueError, match="actual changes are"):
        directional_accuracy(actual, forecast[0])


def test_forecasts_of_one_sign_have_a_share_but_no_test():
    actual = np.array([1.0, 2.0, -1.0, 3.0])
    for pair in ((actual, np.ones(4)), (-np.ones(4), actual), (actual[:1], actual[:1])):
        assert np.isnan(directional_accuracy(*pair).p_value)
    assert directional_accuracy(actual, np.ones(4)).share == 75.0


def test_the_directional_test_rejects_independent_forecasts_as_often_as_it_says(generator):
    # A drift and a bias to rises: most directions are right by chance.
    actual, forecast = generator.normal(0.5, 1, (2, 2000, 400))
    p_values = np.array([directional_accuracy(*pair).p_value for pair in zip(actual, forecast, strict=True)])
    assert 3.5 < 100 * np.mean(p_values < 0.05) < 6.5  # 5, give or take 3 standard errors
    assert 3.5 < 100 * np.mean(p_values > 0.95) < 6.5


def test_the_directional_test_finds_forecasts_that_know_something(generator):
    actual = generator.normal(size=400)
    assert directional_accuracy(actual, actual + generator.normal(size=400)).p_value < 1e-10
    assert directional_accuracy(actual, -actual + generator.normal(size=400)).p_value > 1 - 1e-10
