"""Any series from a frame: what follows by its kind, what is forecast, and from what."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from tests.estimator.sizes import PRICES, SERIES, TINY
from tests.panels import seasonal_frame
from tests.prices import random_walks
from tsrnn import Origins, RNNForecaster
from tsrnn.errors import ConfigError, DataError, DataWarning, Notice

FRAME = seasonal_frame(3, 120, season=7)
LATER = seasonal_frame(3, 130, season=7)  # other noise after day 120 than before, the same dates


def wide(frame):
    return frame.pivot(index="ds", columns="unique_id", values="y")


def after(frame, day):
    return frame[frame["ds"] > day]


def test_a_few_lines_forecast_weekly_values_of_both_signs():
    weeks = pd.date_range("2018-01-07", periods=160, freq="W")
    values = np.random.default_rng(0).normal(size=(160, 2)).cumsum(axis=0)
    frame = pd.DataFrame(values, index=weeks, columns=["north", "south"])
    with pytest.warns(
        Notice, match=r"kind='series', as there are values at or below 0; 2 series, weekly: 13"
    ):
        forecaster = RNNForecaster(**TINY).fit(frame)
    forecast = forecaster.predict()
    assert (forecast["q0.1"] < forecast["q0.9"]).all()
    assert list(forecast["ds"].unique()) == list(pd.date_range(weeks[-1], periods=14, freq="W")[1:])
    assert forecaster.score_frame()["model"].iloc[0] == "LSTM"


def test_names_and_zones_are_those_of_the_frame():
    frame = FRAME.assign(
        ds=FRAME["ds"].dt.tz_localize("Asia/Seoul"), unique_id=FRAME["unique_id"].str[1:].astype(int)
    )
    fitted = RNNForecaster(**SERIES).fit(frame)
    forecast = fitted.predict(5)
    assert forecast["unique_id"].dtype == np.int64
    assert sorted(forecast["unique_id"].unique()) == [0, 1, 2]
    assert str(forecast["ds"].dt.tz) == str(forecast["cutoff"].dt.tz) == "Asia/Seoul"
    assert forecast["ds"].iloc[0] == pd.Timestamp("2020-04-30", tz="Asia/Seoul")
    found = fitted.backtest().frame
    assert str(found["ds"].dt.tz) == "Asia/Seoul"
    assert set(found["unique_id"]) == {0, 1, 2}
    # A later frame, in another zone, goes on after them.
    later = seasonal_frame(3, 4, season=7, start="2020-04-30").assign(unique_id=list(np.repeat([0, 1, 2], 4)))
    later["ds"] = later["ds"].dt.tz_localize("Asia/Seoul").dt.tz_convert("UTC")
    assert fitted.predict(1, later)["ds"].tolist() == [pd.Timestamp("2020-05-04", tz="Asia/Seoul")] * 3


def test_a_forecast_goes_on_after_what_has_come_since(series):
    """The fitted frame with five more days is the same, whether all of it is given or the days alone."""
    ahead = seasonal_frame(3, 5, season=7, start="2020-04-30")
    whole = pd.concat([FRAME, ahead]).sort_values(["unique_id", "ds"])
    pd.testing.assert_frame_equal(series.predict(6, ahead), series.predict(6, whole))
    assert series.predict(6, ahead)["cutoff"].iloc[0] == pd.Timestamp("2020-05-04")
    pd.testing.assert_frame_equal(series.predict(6, wide(ahead)), series.predict(6, ahead))
    only = series.predict(6, ahead[ahead["unique_id"] == "S1"])
    assert only["unique_id"].unique().tolist() == ["S1"]


def test_other_series_are_forecast_from_their_own_past(series):
    other = seasonal_frame(2, 60, season=7, seed=5, start="2022-01-01").replace({"S0": "A", "S1": "B"})
    forecast = series.predict(6, other)
    assert forecast["unique_id"].unique().tolist() == ["A", "B"]
    assert forecast["ds"].iloc[0] == pd.Timestamp("2022-03-02")
    with pytest.raises(DataError, match="the values are monthly, and the network was trained on daily ones"):
        series.predict(6, seasonal_frame(2, 60, freq="MS"))


def test_a_forecast_is_of_the_horizon_that_was_fitted_or_is_asked_for(series):
    assert len(series.predict()) == 3 * 4
    assert len(series.predict(9, num_samples=20)) == 3 * 9
    assert series.forecast(9, num_samples=20).ds.shape == (1, 9)


def test_a_score_is_minus_the_scaled_crps_of_what_follows(series):
    ahead = seasonal_frame(3, 6, season=7, seed=3, start="2020-04-30")
    frame = pd.concat([FRAME, ahead]).sort_values(["unique_id", "ds"])
    found = series.score(ahead)
    assert found < 0
    # The same as by hand: one forecast of six days from the last fitted one, beside what came.
    rows = series.backtest(frame, 6, origins=Origins(119, 119)).frame
    own = rows[rows["model"] == "LSTM"]
    assert found == pytest.approx(-(own["crps"] / own["scale"]).mean())
    assert series.score(wide(ahead)) == found
    # A day of gap: the days after it are the same steps ahead as without.
    assert series.score(after(ahead, "2020-04-30")) == pytest.approx(-_scaled(own[own["step"] > 1]))


def _scaled(rows):
    return (rows["crps"] / rows["scale"]).mean()


def test_a_score_of_values_that_were_seen_is_refused(series):
    early = FRAME[FRAME["ds"] < "2020-04-01"]
    with pytest.raises(ConfigError, match=r"was trained or chosen on data up to .*sort_values\('ds'\)"):
        series.score(early)
    with pytest.raises(DataError, match="2 time steps are too few to be scored 4 ahead"):
        series.score(seasonal_frame(1, 2, start="2021-01-04").replace({"S0": "new"}))


def test_a_backtest_is_a_frame_and_its_comparison(series):
    found = series.backtest(horizon=2, baselines=["drift"])
    assert found.comparison.reference.startswith("seasonal naive")
    assert "on the validation span: MASE" in str(found.reference)
    assert set(found.frame["model"]) == {"LSTM", found.comparison.reference, "drift"}
    assert found.frame["cutoff"].min() == pd.Timestamp("2020-04-25")  # the last day that was seen
    with pytest.raises(ConfigError, match="no baseline 'drif', did you mean drift"):
        series.backtest(baselines=["drif"])


def test_a_backtest_can_train_anew_on_the_way(series):
    found = series.backtest(horizon=2, origins=Origins(100, 110, stride=5), refit=2, warm_start=True)
    assert found.comparison.origins == 3
    assert found.frame.loc[found.frame["model"] == "LSTM", "median"].notna().all()


def test_series_without_a_past_are_named_and_left_out(series):
    ahead = seasonal_frame(4, 6, season=7, start="2020-04-30")
    with pytest.warns(DataWarning, match="left out, because what was fitted has no past of them: S3"):
        assert series.predict(2, ahead)["unique_id"].unique().tolist() == ["S0", "S1", "S2"]


def test_files_serve_as_well_as_frames(series, tmp_path):
    FRAME.to_csv(tmp_path / "series.csv", index=False)
    fitted = clone(series).fit(tmp_path / "series.csv")
    np.testing.assert_allclose(fitted.predict()["mean"], series.predict()["mean"], rtol=1e-6)
    np.testing.assert_allclose(
        series.predict(frame=str(tmp_path / "series.csv"))["mean"], series.predict()["mean"], rtol=1e-6
    )


def test_prices_go_on_as_well():
    frame = random_walks(sessions=320)
    days = sorted(frame["ds"].unique())
    past, ahead = frame[frame["ds"] <= days[299]], frame[frame["ds"] > days[299]]
    fitted = RNNForecaster(**PRICES).fit(past)
    assert fitted.kind_ == "prices"
    expected = fitted.predict(3, frame)
    pd.testing.assert_frame_equal(fitted.predict(3, ahead), expected)
    assert expected["cutoff"].iloc[0] == days[-1]
    assert fitted.score(ahead) < 0
    assert "random walk" in fitted.backtest(horizon=2, num_samples=20).comparison.models


def test_series_that_end_on_dates_of_their_own_go_on_from_there():
    late = pd.Timestamp("2020-04-26")
    frame = FRAME[(FRAME["unique_id"] != "S1") | (FRAME["ds"] <= late)]
    fitted = RNNForecaster(**SERIES).fit(frame)
    first = fitted.predict(2).groupby("unique_id")["ds"].min()
    assert first.tolist() == [
        pd.Timestamp("2020-04-30"),
        late + pd.Timedelta("1D"),
        pd.Timestamp("2020-04-30"),
    ]
    ahead = seasonal_frame(3, 5, season=7, start="2020-04-30")
    ahead = ahead[(ahead["unique_id"] != "S2") | (ahead["ds"] < "2020-05-02")]
    last = fitted.predict(2, ahead).groupby("unique_id")["cutoff"].min()
    assert last.tolist() == [
        pd.Timestamp("2020-05-04"),
        pd.Timestamp("2020-05-04"),
        pd.Timestamp("2020-05-01"),
    ]
    assert fitted.score(ahead) < 0
    fitted.plot(2, ahead)


def test_columns_that_are_not_used_are_named():
    with pytest.warns(Notice, match="the frame: column y is used; columns that are not used: holiday"):
        RNNForecaster(**SERIES).fit(FRAME.assign(holiday=0))
