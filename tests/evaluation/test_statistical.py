"""Exponential smoothing, ARIMA and Theta by statsforecast, run on from each origin."""

import numpy as np
import pytest
from scipy import stats

from tests.panels import seasonal_panel
from tsrnn.errors import ConfigError, DataError, DataWarning
from tsrnn.evaluation.statistical import AutoARIMA, AutoETS, Theta
from tsrnn.protocols import Fittable, Panel, Predictor

models = pytest.importorskip("statsforecast.models", reason="needs statsforecast: 'tsrnn[baselines]'")

ALL = [AutoETS(4), AutoARIMA(4), Theta(4)]
every_model = pytest.mark.parametrize("model", ALL, ids=[model.name for model in ALL])


@pytest.fixture(scope="module")
def panel():
    return seasonal_panel(2, 90, 4)


@every_model
def test_the_median_at_the_fit_is_the_librarys_forecast(model, panel):
    assert isinstance(model, Predictor)
    assert isinstance(model, Fittable)
    fitted = model.fit(panel.part(0, 80))
    forecast = fitted.forecast(panel, 6, origins=[79])
    theirs = getattr(models, type(model).__name__)(season_length=4).fit(panel.values[0, :80]).predict(6)
    np.testing.assert_allclose(forecast.median[0, 0], theirs["mean"], rtol=1e-6)
    np.testing.assert_array_equal(forecast.ds[0], panel.ds[80:86])
    assert (np.diff(forecast.values, axis=2) > 0).all()


@every_model
def test_later_origins_run_the_same_model_on(model, panel):
    fitted = model.fit(panel.part(0, 70))
    forecast = fitted.forecast(panel, 3, origins=[69, 75, 85])
    assert np.isfinite(forecast.values).all()
    np.testing.assert_allclose(forecast.last, panel.values[:, [69, 75, 85]].T)
    alone = fitted.forecast(panel, 3, origins=[75])
    np.testing.assert_array_equal(forecast.values[1], alone.values[0])


@every_model
def test_nothing_after_the_origin_is_seen(model, panel):
    changed = Panel(panel.unique_ids, panel.ds, panel.values.copy())
    changed.values[:, 71:] *= 5
    ours, theirs = (model.forecast(one, 3, origins=[70]) for one in (panel, changed))
    np.testing.assert_array_equal(ours.values, theirs.values)


@pytest.mark.parametrize(
    "model",
    [AutoETS(4), pytest.param(AutoARIMA(4), marks=pytest.mark.slow), Theta(4)],
    ids=["ETS", "ARIMA", "Theta"],
)
def test_intervals_hold_what_they_say(model):
    generator = np.random.default_rng(0)
    count = 12 if isinstance(model, AutoARIMA) else 30
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
    rows[2, 80:] = 1.0
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
    with pytest.raises(DataError, match="was fitted from session 0 on"):
        fitted.forecast(bad.last(40), 3)


def test_a_season_that_the_library_would_drop_is_refused():
    with pytest.raises(ConfigError, match="at most 24"):
        AutoETS(48)
    with pytest.raises(ConfigError, match="from 1 on"):
        Theta(0)
