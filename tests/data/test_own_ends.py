"""Dated series that end on different dates: each is forecast, tested and drawn from its own end."""

import numpy as np
import pandas as pd
import pytest

from tests.panels import seasonal_frame
from tsrnn.checkpoints.panels import panel_from_plain, plain_panel
from tsrnn.data import SeriesPanel, read_series
from tsrnn.data.panels.ends import at_own_ends
from tsrnn.errors import DataError, Notice
from tsrnn.evaluation import Origins, backtest
from tsrnn.evaluation.report.charts import fan_data
from tsrnn.evaluation.report.plots import fan_chart
from tsrnn.predictors import SeasonalNaive
from tsrnn.protocols import Panel

NAN = float("nan")
CUTS = {"S0": 0, "S1": 7, "S2": 30}
"""How many months before the others each series ends."""


def frame_of(cuts=CUTS, steps=100, freq="MS"):
    """Monthly series of which each ends some months before the last date."""
    whole = seasonal_frame(len(cuts), steps, season=12, freq=freq)
    parts = [part.iloc[: steps - cuts[name]] for name, part in whole.groupby("unique_id")]
    return pd.concat(parts, ignore_index=True)


def own_values(frame, name):
    return frame[frame["unique_id"] == name]["y"].to_numpy()


@pytest.mark.parametrize("form", ["long", "wide", "file"])
def test_each_series_stands_at_its_own_end(form, tmp_path):
    frame = frame_of()
    given = frame
    if form == "wide":
        given = frame.pivot(index="ds", columns="unique_id", values="y").reset_index()
    if form == "file":
        given = str(tmp_path / "series.csv")
        frame.to_csv(given, index=False)
    with pytest.warns(Notice, match=r"2 of 3 series end before 2028-04-01: each is forecast from its own la"):
        panel = SeriesPanel(given, horizon=6).panel
    assert panel.ds[-1] == np.datetime64("2028-04-01")
    assert list(panel.ends) == [0, -7, -30]
    for row, name in enumerate(CUTS):
        own = own_values(frame, name)
        np.testing.assert_array_equal(panel.values[row, -len(own) :], own)
        assert np.isnan(panel.values[row, : -len(own)]).all()


def test_forecasts_and_tests_have_the_dates_and_the_values_of_each_series():
    frame = frame_of()
    data = SeriesPanel(frame, horizon=6)
    assert (data.frequency, data.season, data.spans) == ("monthly", 12, (88, 94, 100))
    table = SeasonalNaive(12).forecast(data.panel, 6, num_samples=2).to_frame()
    for name, part in table.groupby("unique_id"):
        own = frame[frame["unique_id"] == name]
        expected = pd.date_range(own["ds"].iloc[-1], periods=7, freq="MS")[1:]
        assert list(part["ds"]) == list(expected)
        assert (part["cutoff"] == own["ds"].iloc[-1]).all()
    (holdout,) = data.test_dataloader()
    actual = holdout.panel.values[:, holdout.origin + 1 :]
    for row, name in enumerate(CUTS):
        np.testing.assert_array_equal(actual[row], own_values(frame, name)[-6:])


@pytest.mark.parametrize(
    ("frame", "calendar"),
    [
        pytest.param(frame_of(dict.fromkeys(CUTS, 0)), "auto", id="one end"),
        pytest.param(frame_of({"S0": 0, "S1": 3}, freq="B"), "XNYS", id="an exchange"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*disagree")
def test_series_of_an_exchange_or_of_one_end_stay_on_their_dates(frame, calendar):
    panel = SeriesPanel(frame, calendar=calendar, horizon=5).panel
    assert panel.ends is None
    assert panel.dates is None
    assert np.isnan(panel.values[:, -1]).sum() == (calendar == "XNYS")


def test_a_panel_that_is_given_keeps_its_dates(tmp_path):
    """What is planted or removed after a cut must not move what lies before it."""
    frame_of().to_csv(tmp_path / "series.csv", index=False)
    panel = read_series(tmp_path / "series.csv")
    assert panel.ends is None
    assert SeriesPanel.from_panel(panel, horizon=6).panel.ends is None


def test_parts_of_the_panel_keep_each_series_own_dates():
    panel = at_own_ends(read_panel(frame_of()), "x")
    part = panel.part(10, 90)
    assert part.dates[-1] == part.ds[-1] == panel.ds[89]
    assert list(part.rows([2, 0]).ends) == [-30, 0]
    kept = panel_from_plain(plain_panel(part.last(40)))
    for name in ("ds", "ends", "dates", "values"):
        np.testing.assert_array_equal(getattr(kept, name), getattr(part.last(40), name))
    table = SeasonalNaive(12).forecast(kept, 2, num_samples=2).to_frame()
    assert table[table["unique_id"] == "S2"]["ds"].iloc[0] == pd.Timestamp("2025-01-01")


def read_panel(frame):
    names = list(dict.fromkeys(frame["unique_id"]))
    wide = frame.pivot(index="ds", columns="unique_id", values="y")[names]
    return Panel(tuple(names), wide.index.to_numpy(), wide.to_numpy().T.copy(), "none")


@pytest.mark.parametrize("layout", ["ends", "starts"])
def test_a_test_file_follows_each_series_own_end(tmp_path, layout):
    """Of one first date, or of one last date: the test values of each follow its own training values."""
    whole = seasonal_frame(3, 100, season=12, freq="MS")
    frame = frame_of()
    if layout == "starts":
        frame = pd.concat([whole[whole["unique_id"] == name].iloc[cut:] for name, cut in CUTS.items()])
    last = frame.groupby("unique_id").cumcount(ascending=False)
    frame[last >= 5].to_csv(tmp_path / "train.csv", index=False)
    frame[last < 5].to_csv(tmp_path / "test.csv", index=False)
    joined = SeriesPanel(frame, horizon=5)
    data = SeriesPanel(str(tmp_path / "train.csv"), str(tmp_path / "test.csv"))
    assert (data.horizon, data.spans) == (5, joined.spans)
    np.testing.assert_array_equal(data.panel.values, joined.panel.values)
    np.testing.assert_array_equal(data.panel.ds, joined.panel.ds)
    if layout == "ends":
        np.testing.assert_array_equal(data.panel.ends, joined.panel.ends)


def test_a_test_file_that_does_not_follow_a_series_own_end_is_refused(tmp_path):
    frame = frame_of()
    last = frame.groupby("unique_id").cumcount(ascending=False)
    frame[last >= 5].to_csv(tmp_path / "train.csv", index=False)
    overlapping = (last < 5) | ((frame["unique_id"] == "S1") & (last < 7))
    frame[overlapping].to_csv(tmp_path / "test.csv", index=False)
    with pytest.raises(DataError, match="do not follow those of the training data, those of S1 for one"):
        _ = SeriesPanel(str(tmp_path / "train.csv"), str(tmp_path / "test.csv")).panel


def test_a_backtest_and_its_pictures_have_each_series_own_dates():
    frame = frame_of()
    panel = SeriesPanel(frame, horizon=6).panel
    scored = backtest([SeasonalNaive(12)], panel, 3, Origins("2027-10-01", stride=3), num_samples=4)
    for name, part in scored.groupby("unique_id", observed=True):
        own = frame[frame["unique_id"] == name].set_index("ds")["y"]
        np.testing.assert_array_equal(part["y"], own[part["ds"]])
        assert part["ds"].max() == own.index[-1]
    fans = fan_data(scored, panel)
    times, lead = fans["times"], fans["lead"]
    for row, name in enumerate(fans["series"]):
        place = fans["targets"][-1][-1] + lead + fans["ends"][row]
        assert times[place] == str(frame[frame["unique_id"] == name]["ds"].iloc[-1].date())
    forecast = SeasonalNaive(12).forecast(panel, 6, num_samples=4)
    (axis, *_) = fan_chart(panel, forecast, context=40).axes
    assert axis.get_lines()[0].get_xdata()[-1] == 0  # steps from each one's end, where they differ
