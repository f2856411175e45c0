"""Exponential smoothing, ARIMA and Theta by statsforecast, run on from each origin."""

import os
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.panels import seasonal_panel
from tsrnn.errors import ConfigError, DataError, DataWarning
from tsrnn.evaluation import mase, smape
from tsrnn.predictors.statistical import AutoARIMA, AutoETS, Theta
from tsrnn.protocols import Fittable, Panel, Predictor

models = pytest.importorskip("statsforecast.models", reason="needs statsforecast: 'tsrnn[baselines]'")

ALL = [AutoETS(4), AutoARIMA(), Theta(4)]
every_model = pytest.mark.parametrize("model", ALL, ids=[model.name for model in ALL])


@pytest.fixture(scope="module")
def panel():
    return seasonal_panel(2, 90, 4)


@pytest.fixture(scope="module", params=ALL, ids=[model.name for model in ALL])
def fitted(request, panel):
    """A model that was fitted on sessions 10 to 79: the season of 4 is cut in two."""
    return request.param.fit(panel.part(10, 80))


def test_the_median_at_the_fit_is_the_librarys_forecast(fitted, panel):
    assert isinstance(fitted, Predictor)
    assert isinstance(fitted, Fittable)
    forecast = fitted.forecast(panel, 6, origins=[79])
    theirs = getattr(models, type(fitted).__name__)(season_length=fitted.season)
    theirs.fit(panel.values[0, 10:80])
    np.testing.assert_allclose(forecast.median[0, 0], theirs.predict(6)["mean"], rtol=1e-6)
    np.testing.assert_array_equal(forecast.ds[0], panel.ds[80:86])
    assert (np.diff(forecast.values, axis=2) > 0).all()


def test_later_origins_run_the_same_model_on(fitted, panel):
    forecast = fitted.forecast(panel, 3, origins=[79, 81, 85])
    assert np.isfinite(forecast.values).all()
    np.testing.assert_allclose(forecast.last, panel.values[:, [79, 81, 85]].T)
    alone = fitted.forecast(panel, 3, origins=[81])
    np.testing.assert_array_equal(forecast.values[1], alone.values[0])


def test_a_model_that_was_fitted_on_a_window_keeps_its_place_in_the_season(fitted, panel):
    whole = fitted.forecast(panel, 5, origins=[85])
    window = fitted.forecast(panel.part(10, 90), 5, origins=[75])
    np.testing.assert_array_equal(whole.values, window.values)


def test_nothing_after_the_origin_is_seen(fitted, panel):
    changed = Panel(panel.unique_ids, panel.ds, panel.values.copy())
    changed.values[:, 81:] *= 5
    ours, theirs = (fitted.forecast(one, 3, origins=[80]) for one in (panel, changed))
    np.testing.assert_array_equal(ours.values, theirs.values)


@pytest.mark.parametrize("model", [AutoETS(4), Theta(4)], ids=["ETS", "Theta"])
def test_what_is_not_fitted_fits_itself_up_to_the_first_origin(model, panel):
    changed = Panel(panel.unique_ids, panel.ds, panel.values.copy())
    changed.values[:, 71:] *= 5
    ours, theirs = (model.forecast(one, 3, origins=[70]) for one in (panel, changed))
    np.testing.assert_array_equal(ours.values, theirs.values)
    forecast = model.forecast(panel, 3, origins=[70, 85])
    np.testing.assert_array_equal(
        forecast.values, model.fit(panel.part(0, 71)).forecast(panel, 3, origins=[70, 85]).values
    )


def test_series_that_count_their_own_sessions_are_the_same_series(panel):
    own = Panel(panel.unique_ids, np.arange(-89, 1), panel.values, ends=np.array([89, 400]))
    ours, theirs = (AutoETS(4).fit(one.part(0, 80)).forecast(one, 4, origins=[84]) for one in (own, panel))
    np.testing.assert_array_equal(ours.values, theirs.values)
    np.testing.assert_array_equal(ours.to_frame()["ds"], [*range(85, 89), *range(396, 400)])


def test_arima_runs_on_as_statsmodels_filter_does_with_the_same_parameters():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from statsmodels.tsa.arima.model import ARIMA
    noise, values = np.random.default_rng(2).standard_normal(400), np.zeros(400)
    for session in range(1, 400):
        values[session] = 0.6 * values[session - 1] + noise[session]
    panel = Panel(("a",), np.arange(400), 50 + values[None])
    fitted = AutoARIMA().fit(panel.part(0, 200))
    model = fitted.fitted["a"].model.model_
    p, q, *_, d, _ = model["arma"]
    assert (p, q, d) == (3, 1, 0)
    parameters = [model["coef"][name] for name in ("intercept", "ar1", "ar2", "ar3", "ma1")]
    filtered = ARIMA(panel.values[0, :351], order=(p, d, q), trend="c").filter([*parameters, model["sigma2"]])
    theirs = filtered.get_forecast(6)
    ours = fitted.forecast(panel, 6, origins=[350])
    np.testing.assert_allclose(ours.median[0, 0], theirs.predicted_mean, rtol=1e-6)
    low, high = ours.interval(95)
    np.testing.assert_allclose(np.stack([low[0, 0], high[0, 0]], axis=1), theirs.conf_int(), rtol=1e-6)


def test_exponential_smoothing_runs_on_by_its_recursion():
    level = 100 + np.random.default_rng(0).standard_normal(200).cumsum()
    values = level + 2 * np.random.default_rng(1).standard_normal(200) - 200  # not positive: additive errors
    panel = Panel(("a",), np.arange(200), values[None])
    fitted = AutoETS().fit(panel.part(0, 120))
    model = fitted.fitted["a"].model.model_
    assert model["components"] == "ANNN"
    alpha, now, squares = model["par"][0], model["par"][4], 0.0
    for value in values[:160]:
        squares += (value - now) ** 2
        now += alpha * (value - now)
    forecast = fitted.forecast(panel, 3, origins=[159])
    np.testing.assert_allclose(forecast.median[0, 0], now, rtol=1e-9)
    low, high = forecast.interval(95)
    variance = squares / (160 - model["n_params"] - 1)
    expected = np.sqrt(variance * (1 + alpha**2 * np.arange(3)))
    np.testing.assert_allclose((high - low)[0, 0] / (2 * stats.norm.ppf(0.975)), expected, rtol=1e-6)


def test_the_spread_of_a_season_does_not_depend_on_the_horizon():
    """σ² (1 + α² (h − 1) + γ k (2α + γ)), k whole seasons before step h: Hyndman et al. (2008), table 6.1."""
    generator = np.random.default_rng(0)
    level, season, values = 0.0, [3.0, -1.0, -4.0, 2.0], np.empty(400)
    for session in range(400):
        error = generator.standard_normal()
        values[session] = level + season[session % 4] + error
        level, season[session % 4] = level + 0.2 * error, season[session % 4] + 0.5 * error
    panel = Panel(("a",), np.arange(400), values[None] - 100)
    fitted = AutoETS(4).fit(panel)
    model = fitted.fitted["a"].model.model_
    assert model["components"] == "ANAN"
    alpha, _, gamma, _ = model["par"][:4]
    assert gamma > 0.3
    ahead = np.arange(12)
    growth = 1 + alpha**2 * ahead + gamma * (ahead // 4) * (2 * alpha + gamma)
    for horizon in (1, 6, 12):
        low, high = fitted.forecast(panel, horizon).interval(95)
        deviation = (high - low)[0, 0] / (2 * stats.norm.ppf(0.975))
        np.testing.assert_allclose(deviation, np.sqrt(model["sigma2"] * growth[:horizon]), rtol=1e-6)


@pytest.mark.parametrize("level", [0.0, 1000.0], ids=["additive", "multiplicative"])
def test_thetas_spread_holds_no_season(level):
    values = np.tile([30.0, -20.0, 10.0, -20.0], 100) + np.random.default_rng(0).standard_normal(400)
    low, high = Theta(4).forecast(Panel(("a",), np.arange(400), level + values[None]), 2).interval(80)
    assert 0.9 < (high - low)[0, 0, 0] / (2 * stats.norm.ppf(0.9)) < 1.2  # the noise has 1


def test_thetas_spread_grows_as_the_error_does():
    generator = np.random.default_rng(0)
    errors = generator.standard_normal((80, 220))
    level = np.pad(0.5 * errors.cumsum(axis=1), ((0, 0), (1, 0)))[:, :-1]
    values = 100 + level + errors
    panel = Panel(tuple(map(str, range(80))), np.arange(220), values)
    low, high = Theta().forecast(panel, 10, origins=[199, 209]).interval(80)
    actual = values[:, [209, 219]].T
    inside = int(((low[..., -1] <= actual) & (actual <= high[..., -1])).sum())
    assert stats.binomtest(inside, actual.size, 0.8).pvalue > 1e-3
    assert ((high - low)[..., -1] / (high - low)[..., 0]).mean() == pytest.approx(np.sqrt(1 + 9 / 4), rel=0.1)


@pytest.mark.parametrize(
    "model",
    [AutoETS(4), pytest.param(AutoARIMA(4), marks=pytest.mark.slow), Theta(4)],
    ids=["ETS", "ARIMA", "Theta"],
)
def test_intervals_hold_what_they_say(model):
    generator = np.random.default_rng(0)
    count = {AutoETS: 16, AutoARIMA: 12, Theta: 30}[type(model)]
    pattern = np.tile([10.0, -5.0, 0.0, -5.0], 30)
    values = 100 + pattern + generator.standard_normal((count, 120))
    panel = Panel(tuple(f"S{place}" for place in range(count)), np.arange(120), values)
    origins = list(range(100, 116, 4))
    low, high = model.forecast(panel, 4, origins=origins).interval(80)
    actual = values[:, np.array(origins)[:, None] + np.arange(1, 5)].swapaxes(0, 1)
    inside = int(((low <= actual) & (actual <= high)).sum())
    assert stats.binomtest(inside, actual.size, 0.8).pvalue > 1e-4


@every_model
def test_series_that_cannot_be_fitted_are_named_and_harm_no_other(model, panel):
    rows = np.full((5, 90), np.nan)
    rows[0] = panel.values[0]
    rows[1] = 7.0
    rows[2, 81:] = 1.0
    rows[4, 10:] = panel.values[1, 10:]
    rows[4, 50:53] = np.nan
    bad = Panel(("sound", "still", "short", "empty", "late"), panel.ds, rows)
    with pytest.warns(DataWarning, match=r"short.*empty"):
        fitted = model.fit(bad)
    forecast = fitted.forecast(bad, 3)
    np.testing.assert_array_equal(forecast.values[0, 1], 7.0)
    assert np.isnan(forecast.values[0, 2:4]).all()
    assert np.isfinite(forecast.values[0, 4]).all()
    apart = model.fit(panel).forecast(panel, 3)
    np.testing.assert_array_equal(forecast.values[0, 0], apart.values[0, 0])
    with pytest.raises(DataError, match="was fitted from time step 0 on"):
        fitted.forecast(bad.last(40), 3)


def test_a_season_that_the_library_would_drop_is_refused():
    with pytest.raises(ConfigError, match="at most 24"):
        AutoETS(48)
    with pytest.raises(ConfigError, match="at least 1 step"):
        Theta(0)


@every_model
def test_without_the_library_the_error_says_what_to_install(model, panel, monkeypatch):
    monkeypatch.setitem(sys.modules, "statsforecast.models", None)
    with pytest.raises(ConfigError, match=r"pip install 'tsrnn\[baselines\]'"):
        model.fit(panel)


@pytest.mark.slow
@pytest.mark.benchmark_data
def test_theta_has_its_published_scores_on_m4_hourly():
    """sMAPE 18.138 and MASE 2.455: Makridakis, Spiliotis and Assimakopoulos (2020), The M4 competition."""
    folder = os.environ.get("TSRNN_BENCHMARK_DATA")
    if not folder:
        pytest.skip("TSRNN_BENCHMARK_DATA is not set")
    train, test = (
        pd.read_csv(Path(folder, "forecasting", f"m4_hourly_{part}.csv.gz"), index_col=0).to_numpy()
        for part in ("train", "test")
    )
    lengths = (~np.isnan(train)).sum(axis=1)
    longest = train.shape[1]
    history = np.full(train.shape, np.nan)
    for row, known, length in zip(history, train, lengths, strict=True):
        row[longest - length :] = known[:length]
    names = tuple(str(place) for place in range(len(train)))
    panel = Panel(names, np.arange(1 - longest, 1), history, ends=lengths)
    median = Theta(24).forecast(panel, 48).median[0]
    assert smape(test, median).mean() == pytest.approx(18.138, abs=0.01)
    assert mase(test, median, history, 24).mean() == pytest.approx(2.455, abs=0.01)
