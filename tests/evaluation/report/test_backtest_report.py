"""A backtest as a report."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.reports import random_walks
from tsrnn.evaluation import Comparison, Origins, backtest, write_report
from tsrnn.evaluation.report.backtest import backtest_report
from tsrnn.predictors import Drift, RandomWalk
from tsrnn.predictors.prices import EWMAStudentT, HistoricalSimulation

HOSTILE = "</script><b>S&amp;P</b>"


@pytest.fixture(scope="module")
def made():
    panel = random_walks(25, 330, (HOSTILE, *(f"S{place}" for place in range(24))))
    models = [EWMAStudentT(), Drift(), HistoricalSimulation(100), RandomWalk()]
    frame = backtest(models, panel, 3, Origins(260, stride=4), num_samples=20)
    comparison = Comparison(frame, "random walk", stride=4)
    return frame, comparison, panel


def report_of(made, **settings):
    frame, comparison, panel = made
    return backtest_report(frame, comparison, panel, settings, title="A backtest", created="2026-11-24 10:00")


def test_a_report_shows_some_forecasts_and_tells_of_all(made):
    _, comparison, panel = made
    report = report_of(made, **{"data sha256": "abc"})
    assert report.fans["unique_id"].nunique() == 20
    assert list(report.fans["model"].unique()) == [EWMAStudentT().name, "drift", "random walk"]
    assert report.settings["series"] == "25"
    assert report.settings["forecasts shown"] == "3 models, 20 series, 17 origins"
    assert report.settings["data sha256"] == "abc"
    assert report.verdicts == comparison.verdicts
    assert len(report.scores) == 4
    assert set(report.by_horizon["step"]) == {1, 2, 3}
    assert sum(report.pit["drift"]) == 25 * 17 * 3
    assert report.panel is panel


def test_more_forecasts_than_a_page_holds_are_thinned_in_time(made, monkeypatch):
    monkeypatch.setattr("tsrnn.evaluation.report.backtest._MOST_FANS", 3 * 20 * 3 * 5)
    report = report_of(made)
    origins = np.sort(report.fans["origin"].unique())
    assert len(origins) == 5
    every = np.sort(made[0]["origin"].unique())
    assert (origins[0], origins[-1]) == (every[0], every[-1])


def test_one_step_and_one_model_have_a_report_too(made, tmp_path):
    frame, _, panel = made
    lone = frame[(frame["model"] == "random walk") & (frame["step"] == 1)]
    report = backtest_report(lone, Comparison(lone, "random walk"), panel, {}, title="t", created="now")
    assert report.by_horizon.empty
    assert report.verdicts == []
    write_report(report, tmp_path / "lone.html")
    assert (tmp_path / "lone.html").stat().st_size < 5e6
    few = replace(report, cumulative=pd.DataFrame())
    write_report(few, tmp_path / "few.html")
