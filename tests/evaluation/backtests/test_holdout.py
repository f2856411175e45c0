"""The test of a span: the scores and the verdict that a backtest of it has, over the best naive forecast."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from tests.panels import seasonal_panel
from tests.reports import random_walks
from tsrnn.errors import ConfigError, DataError
from tsrnn.evaluation import (
    Comparison,
    Origins,
    backtest,
    choose_reference,
    mase,
    score_holdout,
    weighted_quantile_loss,
)
from tsrnn.forecasts import QuantileForecast
from tsrnn.predictors import Drift, RandomWalk, SeasonalNaive
from tsrnn.protocols import Holdout, Panel

NAN = float("nan")
DECILES = np.arange(1, 10) / 10


@dataclass(frozen=True)
class Says:
    """A predictor that says these deciles, (9, N, H)."""

    deciles: np.ndarray
    name: str = "ours"

    def forecast(self, panel, horizon, *, origins, num_samples=1000, context=None):
        ds = panel.ds[origins][:, None] + np.arange(1, horizon + 1)
        values = self.deciles.swapaxes(0, 1)[None]
        return QuantileForecast(
            panel.unique_ids, panel.ds[origins], ds, values, DECILES, panel.values[:, origins].T
        )


def holdout(values, origin, seasons=(1,), train=None):
    values = np.asarray(values, dtype=np.float64)
    names = tuple(f"S{place}" for place in range(len(values)))
    panel = Panel(names, np.arange(values.shape[1]), values)
    return Holdout(panel, origin, values.shape[1] - 1 - origin, seasons, origin if train is None else train)


def weekly_walks(series=8, steps=260, seed=0):
    """Weekly values without a season: the value of a year ago is worth little."""
    moves = np.random.default_rng(seed).standard_normal((series, steps))
    return Panel(tuple(f"W{place}" for place in range(series)), np.arange(steps), 500 + moves.cumsum(axis=1))


def test_the_scores_of_hand_made_numbers():
    # The naive error in the history is 2 for the first series; the second never moves.
    held = holdout([[0, 2, 0, 2, 5, 3], [7, 7, 7, 7, 8, 7]], 3)
    median = np.array([[4.0, 4.0], [7.0, 7.0]])
    spread = np.linspace(-2, 2, 9)[:, None, None]
    scores = score_holdout(Says(median + spread), held).scores
    own = scores.iloc[0]
    assert (own["model"], own["values"]) == ("ours", 4)
    assert own["mase"] == pytest.approx(0.5)  # both errors are 1, in units of 2
    assert own["coverage_80"] == 100
    # The pinball losses of 1, −1, 1 and 0 above the median.
    errors = np.array([1.0, -1.0, 1.0, 0.0])[:, None] - spread[:, 0, 0]
    pinball = np.maximum(DECILES * errors, (DECILES - 1) * errors).sum()
    assert own["wql"] == pytest.approx(2 * pinball / (9 * (5 + 3 + 8 + 7)))
    assert score_holdout(Says(median + spread / 4), held).scores["coverage_80"][0] == 25


def test_the_scores_are_those_of_the_functions_with_values_missing():
    generator = np.random.default_rng(0)
    values = generator.gamma(2.0, 10.0, (5, 38))
    values[1, 33], values[2, :10] = NAN, NAN
    held = holdout(values, 31, (1, 4), train=26)
    deciles = np.sort(generator.gamma(2.0, 10.0, (9, 5, 6)), axis=0)
    own = score_holdout(Says(deciles), held).scores.iloc[0]
    actual, history = values[:, 32:], values[:, :32]
    assert own["values"] == 29
    assert own["mase"] == pytest.approx(mase(actual, deciles[4], history, 4).mean(), rel=1e-12)
    assert own["wql"] == pytest.approx(weighted_quantile_loss(actual, deciles, DECILES), rel=1e-12)
    seen = ~np.isnan(actual)
    inside = (deciles[0] <= actual) & (actual <= deciles[8])
    assert own["coverage_80"] == pytest.approx(100 * inside[seen].mean())


def test_a_test_and_a_backtest_from_the_same_origin_have_the_same_numbers():
    panel = seasonal_panel(12, 64, 4)
    held = Holdout(panel, 55, 8, (1, 4), 44)
    found = score_holdout(SeasonalNaive(2), held)
    models = [SeasonalNaive(2), found.reference.predictor]
    frame = backtest(models, panel, 8, Origins(55, last=55), season=4)
    comparison = Comparison(frame, found.reference.name)
    ours, theirs = (one.set_index("model").astype(float) for one in (found.scores, comparison.scores))
    np.testing.assert_allclose(ours.loc[theirs.index], theirs, rtol=1e-9)
    assert comparison.verdicts == [found.verdict]
    prices = replace(random_walks(3, 300), kind="prices")
    found = score_holdout(Drift(), Holdout(prices, 249, 1, (1,), 200))
    frame = backtest([Drift(), RandomWalk()], prices, 1, Origins(249))
    ours = found.scores.set_index("model").loc[["drift", "random walk"]].astype(float)
    theirs = Comparison(frame, "random walk").scores.set_index("model").astype(float)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    assert list(found.scores["model"]) == ["drift", "random walk", "random walk, EWMA volatility"]


def test_the_reference_of_weekly_walks_is_the_last_value_and_of_seasons_the_season():
    walks = score_holdout(SeasonalNaive(3), Holdout(weekly_walks(), 246, 13, (1, 52), 234))
    assert walks.reference.name == "naive (last value)"
    assert str(walks.reference).startswith(
        "naive (last value), the best naive forecast on the validation span: MASE "
    )
    assert list(walks.scores["model"])[1:] == ["naive (last value)", "seasonal naive (52)", "drift"]
    assert "than that of the naive (last value)" in walks.verdict
    mase_of = walks.scores.set_index("model")["mase"]
    assert mase_of["naive (last value)"] < 0.6 * mase_of["seasonal naive (52)"]
    seasons = score_holdout(SeasonalNaive(3), Holdout(seasonal_panel(40, 60, 4), 51, 8, (1, 4), 44))
    assert seasons.reference.name == "seasonal naive (4)"
    trend = Panel(("a",), np.arange(80), 3.0 * np.arange(80)[None] + np.sin(np.arange(80.0)))
    assert choose_reference(trend, 8, (1, 4), 64, 72).name == "drift"


def test_the_reference_is_chosen_on_the_validation_span_alone():
    panel = weekly_walks(3, 120)
    chosen = choose_reference(panel, 5, (1, 12), 90, 100)
    changed = panel.values.copy()
    changed[:, 100:] = changed[:, 88:108]  # after the span the year repeats itself
    assert str(choose_reference(panel.with_values(changed), 5, (1, 12), 90, 100)) == str(chosen)
    errors = [
        np.abs(panel.values[:, origin + 1 : origin + 6] - panel.values[:, [origin]]).mean(axis=1)
        / np.abs(panel.values[:, 12 : origin + 1] - panel.values[:, : origin - 11]).mean(axis=1)
        for origin in (89, 94)
    ]
    assert f"MASE {np.mean(errors):.4g} (" in str(chosen)


def test_without_a_validation_span_the_last_time_steps_choose():
    panel = weekly_walks(8, 120)
    chosen = choose_reference(panel, 5, (1, 12), 100, 100)
    assert "on the last time steps before the test span" in chosen.reason
    assert chosen.name == "naive (last value)"
    assert str(choose_reference(panel, 5, (1, 12), None, 100)) == str(chosen)
    nothing = choose_reference(panel, 5, (1, 12), None, 1)
    assert str(nothing) == (
        "naive (last value), as nothing was observed before the first origin to choose on"
    )
    panel.values[:, 90:100] = NAN
    assert choose_reference(panel, 5, (1, 12), 90, 100) == nothing


def test_the_reference_of_prices_is_the_random_walk_and_another_may_be_asked_for():
    prices = replace(random_walks(2, 200), kind="prices")
    assert str(choose_reference(prices, 1, (1,), 100, 150)) == "random walk, the reference of prices"
    assert choose_reference(prices, 1, (1,), 100, 150, "drift").predictor == Drift()
    panel = seasonal_panel()
    assert choose_reference(panel, 4, (1, 4), 180, 190, "naive").name == "naive (last value)"
    assert choose_reference(panel, 4, (1, 4), 180, 190, "seasonal-naive").name == "seasonal naive (4)"
    assert str(choose_reference(panel, 4, (1, 4), 180, 190, "drift")) == "drift, as asked"
    negative = score_holdout(
        SeasonalNaive(4), Holdout(panel.with_values(-panel.values), 191, 8, (1, 4), 180), reference="drift"
    )
    assert "than that of the drift" in negative.verdict
    with pytest.raises(ConfigError, match="no reference 'drft', did you mean drift"):
        choose_reference(panel, 4, (1, 4), 180, 190, "drft")


def test_what_cannot_be_judged_is_said_and_scored():
    found = score_holdout(SeasonalNaive(1), holdout([np.full(40, 5.0)], 35, (1, 4), train=30))
    assert found.verdict.startswith("naive (last value): no verdict: no series moved")
    assert found.scores["wql"].tolist() == [0, 0, 0]
    assert found.scores["mase"].isna().all()


def test_what_the_model_has_seen_and_what_nobody_observed_is_refused():
    @dataclass(frozen=True)
    class Seen(Drift):
        seen = "90"

    with pytest.raises(ConfigError, match="drift was trained or chosen on data up to 90"):
        score_holdout(Seen(), Holdout(random_walks(2, 100, dates=False), 59, 1, (1,), 40))
    values = np.random.default_rng(0).normal(10, 1, (2, 40))
    values[:, 36:] = NAN
    with pytest.raises(DataError, match="nothing can be compared"):
        score_holdout(SeasonalNaive(4), holdout(values, 35))
