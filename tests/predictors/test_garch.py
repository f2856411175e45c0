"""GARCH models by `arch`, filtered on."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from tsrnn.data import PriceSeries
from tsrnn.errors import ConfigError, DataWarning
from tsrnn.evaluation import Origins, backtest
from tsrnn.predictors.garch import GARCH, _filtered
from tsrnn.predictors.random_walk import log_returns
from tsrnn.protocols import Panel

arch = pytest.importorskip("arch", reason="needs arch: pip install 'tsrnn[baselines]'")


def clustered(series=2, sessions=1500, seed=0):
    """Prices whose volatility clusters, and whose bad days are followed by worse."""
    generator = np.random.default_rng(seed)
    variance, returns = np.ones(series), np.empty((series, sessions))
    for session in range(sessions):
        returns[:, session] = np.sqrt(variance) * generator.standard_t(6, series) * np.sqrt(4 / 6)
        shock = returns[:, session]
        variance = 0.03 + (0.04 + 0.1 * (shock < 0)) * shock**2 + 0.88 * variance
    names = tuple(f"S{place}" for place in range(series))
    return Panel(names, np.arange(sessions), 100 * np.exp(returns.cumsum(axis=1) / 100))


@pytest.fixture(scope="module")
def panel():
    return clustered()


@pytest.fixture(scope="module", params=[False, True], ids=["GARCH", "GJR"])
def model(request, panel):
    return GARCH(request.param).fit(panel.part(0, 1200))


def test_the_filter_is_that_of_arch(model, panel):
    returns = 100 * log_returns(panel).numpy()
    table = np.array([model.fitted[name] for name in panel.unique_ids])
    for series, name in enumerate(panel.unique_ids):
        values = returns[series, 1:]
        theirs = arch.arch_model(
            values, vol="GARCH", p=1, o=int(model.leverage), q=1, dist="t", rescale=False
        )
        said = model.fitted[name]
        parameters = [
            said.mu,
            said.omega,
            said.alpha,
            *([said.gamma] if model.leverage else []),
            said.beta,
            said.nu,
        ]
        volatility = theirs.fix(parameters).conditional_volatility
        # arch begins with a variance of the residuals that it is given: here both begin with that.
        table[series, -1] = volatility[0] ** 2
        ours = _filtered(returns, table)[series]
        np.testing.assert_allclose(np.sqrt(ours[1:-1]), volatility, rtol=1e-6)


def test_the_density_is_a_t_of_that_variance_and_the_paths_are_drawn_from_it(model, panel):
    forecast = model.forecast(panel, 3, origins=[1300, 1400], num_samples=20_000)
    said = model.fitted["S1"]
    table = np.array([model.fitted[name] for name in panel.unique_ids])
    variance = _filtered(100 * log_returns(panel).numpy(), table)[1, 1401]
    exact = stats.t(said.nu, said.mu / 100, np.sqrt(variance * (said.nu - 2) / said.nu) / 100)
    value = panel.values[:, [[1301, 1302, 1303], [1401, 1402, 1403]]].swapaxes(0, 1)
    move = np.log(value[1, 1, 0] / panel.values[1, 1400])
    nats = forecast.density.log_prob(value)[1, 1, 0]
    assert nats == pytest.approx(exact.logpdf(move) - np.log(value[1, 1, 0]))
    assert forecast.density.cdf(value)[1, 1, 0] == pytest.approx(exact.cdf(move))
    assert forecast.median[1, 1, 0] == pytest.approx(panel.values[1, 1400] * np.exp(said.mu / 100))
    logs = np.log(forecast.samples[1, 1] / panel.values[1, 1400])
    assert stats.kstest(logs[:, 0], exact.cdf).pvalue > 1e-3
    # E σ²_{T+2} = ω + (α + γ/2 + β) σ²_{T+1}
    following = said.omega + (said.alpha + said.gamma / 2 + said.beta) * variance
    assert 1e4 * np.diff(logs, axis=1)[:, 0].var() == pytest.approx(following, rel=0.1)


def test_nothing_after_the_origin_is_seen(panel):
    changed = Panel(panel.unique_ids, panel.ds, panel.values.copy())
    changed.values[:, 1201:] *= 3
    ours, theirs = (GARCH().forecast(p, 2, origins=[1200], num_samples=20) for p in (panel, changed))
    np.testing.assert_array_equal(ours.samples, theirs.samples)


def test_a_missing_session_is_passed_over(model, panel):
    gap = Panel(panel.unique_ids, panel.ds, panel.values.copy())
    gap.values[0, 1250:1260] = np.nan
    kept = np.delete(panel.values, np.s_[1250:1260], axis=1)
    short = Panel(panel.unique_ids, panel.ds[: kept.shape[1]], kept)
    ours = model.forecast(gap, 1, origins=[1255, 1300], num_samples=2)
    theirs = model.forecast(short, 1, origins=[1249, 1290], num_samples=2)
    np.testing.assert_allclose(
        ours.density.distribution.scale[:, 0], theirs.density.distribution.scale[:, 0], rtol=1e-12
    )
    np.testing.assert_array_equal(ours.last[:, 0], theirs.last[:, 0])


def test_the_paths_of_an_origin_do_not_depend_on_the_others(model, panel):
    both = model.forecast(panel, 3, origins=[1300, 1400], num_samples=50)
    alone = model.forecast(panel, 3, origins=[1400], num_samples=50)
    np.testing.assert_array_equal(both.samples[1], alone.samples[0])
    assert both.samples.dtype == np.float32


def test_without_arch_the_error_says_what_to_install(panel, monkeypatch):
    monkeypatch.setitem(sys.modules, "arch", None)
    with pytest.raises(ConfigError, match=r"pip install 'tsrnn\[baselines\]'"):
        GARCH().fit(panel)


def test_a_series_that_cannot_be_fitted_is_named_and_has_a_constant_volatility(panel):
    rows = np.full((4, 1500), np.nan)
    rows[0] = panel.values[0]
    rows[1, :50] = panel.values[1, :50]
    rows[2] = 5.0
    wide = Panel(("sound", "short", "still", "empty"), panel.ds, rows)
    with pytest.warns(DataWarning, match="short, still, empty"):
        model = GARCH().fit(wide)
    forecast = model.forecast(wide, 2, origins=[1400], num_samples=100)
    assert np.isfinite(forecast.samples[0, :3]).all()
    own = (np.diff(np.log(rows[1, :50])) ** 2).mean()
    assert model.fitted["short"].omega == pytest.approx(1e4 * own)
    assert model.fitted["short"].nu == model.fitted["sound"].nu


@pytest.mark.slow
@pytest.mark.benchmark_data
def test_gjr_garch_has_its_known_score_on_twenty_stocks():
    """−2.7820 nats a day by benchmarks/density.py, by another path through the code."""
    folder = os.environ.get("TSRNN_BENCHMARK_DATA")
    if not folder:
        pytest.skip("TSRNN_BENCHMARK_DATA is not set")
    path = Path(folder, "prices", "us20_adjclose.csv.gz")
    with pytest.warns(DataWarning):  # a jump in one of the stocks
        panel = PriceSeries(str(path)).panel
    frame = backtest([GARCH(leverage=True)], panel, 1, Origins("2015-12-31"), num_samples=2)
    assert frame["nats"].mean() == pytest.approx(1.8232 - np.log(100), abs=5e-5)
