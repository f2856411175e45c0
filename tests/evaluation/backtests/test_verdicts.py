"""The sentences at the end of a test."""

from dataclasses import dataclass

import numpy as np

from tests.panels import seasonal_panel
from tests.reports import random_walks
from tsrnn.evaluation import judge_holdout, judge_steps
from tsrnn.predictors import Drift, SeasonalNaive
from tsrnn.protocols import Holdout, Panel


def test_a_span_is_judged_against_the_walk_fitted_on_the_training_span():
    panel = random_walks(3, 400)
    (verdict,) = judge_steps(Drift(), panel, (200, 300, 390))
    assert verdict.startswith("drift: no skill shown in the point forecast")
    changed = Panel(panel.unique_ids, panel.ds, panel.values.copy())
    changed.values[:, 390:] *= 2  # after the test span
    assert judge_steps(Drift(), changed, (200, 300, 390)) == [verdict]


def test_what_cannot_be_judged_is_said_and_stops_nothing():
    still = Panel(("a",), np.arange(100), np.full((1, 100), 5.0))
    (verdict,) = judge_steps(Drift(), still, (40, 60, 100))
    assert verdict.startswith("no verdict: no row was forecast by every model and has a scale")

    @dataclass(frozen=True)
    class Seen(Drift):
        seen = "90"

    (verdict,) = judge_steps(Seen(), random_walks(2, 100, dates=False), (40, 60, 100))
    assert verdict.startswith("no verdict: drift was trained or chosen on data up to 90")


def test_a_holdout_is_judged_against_the_seasonal_naive_over_its_series():
    panel = seasonal_panel(40, 60, 4)
    holdout = Holdout(panel, 51, 8, 4)
    forecast = SeasonalNaive(1).forecast(panel, 8, origins=[51], num_samples=50)
    (verdict,) = judge_holdout("walk", forecast, holdout)
    assert verdict.startswith("walk: no skill shown in the point forecast")
    assert "larger than that of the seasonal naive (4)" in verdict
    (verdict,) = judge_holdout("walk", forecast, holdout._replace(season=1))
    assert "it is that of the naive" in verdict
