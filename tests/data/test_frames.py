"""Frames in the forms that people have them: one rule for prices and for other series."""

import warnings

import numpy as np
import pandas as pd
import pytest

from tests.panels import seasonal_frame
from tests.prices import random_walks
from tsrnn.data import PriceSeries, SeriesPanel
from tsrnn.data.panels.frames import panel_from_frame
from tsrnn.data.tables.frames import Labels, frame_columns
from tsrnn.errors import DataError

PRICES = random_walks(sessions=60)
SMALL = {"window_length": 16, "warm_up": 2, "calendar": "none"}
WIDE = PRICES.pivot(index="ds", columns="unique_id", values="y")
ONE = PRICES[PRICES["unique_id"] == "S0"].drop(columns="unique_id")
SEOUL = "Asia/Seoul"


def same(given, expected=WIDE):
    """Both data modules read the same values from a frame."""
    for data in (PriceSeries(given, **SMALL), SeriesPanel(given, horizon=4, calendar="none")):
        np.testing.assert_array_equal(data.panel.ds, expected.index.to_numpy())
        np.testing.assert_array_equal(data.panel.values, expected.to_numpy().T)
        assert data.source == "the frame"
    return data.panel.unique_ids


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(PRICES, id="long"),
        pytest.param(PRICES.sort_values("ds", kind="stable"), id="long, in order of time"),
        pytest.param(PRICES.set_index(["unique_id", "ds"]), id="long, names and dates in the index"),
        pytest.param(
            PRICES.set_axis(["Ticker", "Date", "Adj Close"], axis=1), id="long, names of price files"
        ),
        pytest.param(PRICES.assign(ds=PRICES["ds"].astype(str)), id="long, dates as text"),
        pytest.param(WIDE, id="wide, dates in the index"),
        pytest.param(WIDE.reset_index(), id="wide, dates in a column"),
        pytest.param(WIDE.rename_axis(index=None), id="wide, an index without a name"),
        pytest.param(
            WIDE.rename_axis(index="week").reset_index(), id="wide, the only column that holds dates"
        ),
    ],
)
def test_a_frame_may_be_long_or_wide(form):
    assert same(form) == ("S0", "S1")


@pytest.mark.parametrize(
    ("form", "name"),
    [
        pytest.param(ONE, "y", id="without names"),
        pytest.param(
            ONE.rename(columns={"y": "close"}).assign(open=1.0, volume=2), "close", id="one symbol's bars"
        ),
        pytest.param(ONE.set_index("ds")["y"].rename("load"), "load", id="a series"),
        pytest.param(ONE.set_index("ds")["y"].rename(None), "y", id="a series without a name"),
        pytest.param(ONE.set_index("ds").rename(columns={"y": "load"}), "load", id="one column and an index"),
    ],
)
def test_one_series_needs_no_name(form, name):
    assert same(form, WIDE[["S0"]]) == (name,)


def test_names_that_are_no_text_are_kept_for_what_is_forecast():
    ids = PRICES["unique_id"].map({"S0": 5930, "S1": 660})
    data = SeriesPanel(PRICES.assign(unique_id=ids), horizon=4, calendar="none")
    assert data.panel.unique_ids == ("5930", "660")
    named = data.labels.put_on(pd.DataFrame({"unique_id": ["660", "5930"], "ds": 0, "cutoff": 0}))
    assert named["unique_id"].tolist() == [660, 5930]
    assert named["unique_id"].dtype == np.int64
    assert SeriesPanel(WIDE.set_axis([1, 2], axis=1), horizon=4).labels.ids == {"1": 1, "2": 2}


@pytest.mark.parametrize(
    ("dates", "kept"),
    [
        pytest.param(pd.date_range("2024-03-01", periods=30, tz="America/New_York"), "2024-03-01", id="days"),
        pytest.param(
            pd.date_range("2024-03-01 16:00", periods=30, tz="America/New_York"),
            "2024-03-01 16:00",
            id="closes",
        ),
        pytest.param(
            pd.date_range("2024-03-10", periods=30, freq="h", tz="America/New_York"),
            "2024-03-10 05:00",
            id="hours",
        ),
        pytest.param(
            pd.date_range("2024-03-01 09:00", periods=30, tz=SEOUL), "2024-03-01", id="midnight in UTC"
        ),
    ],
)
def test_dates_have_their_zone_again_in_what_is_forecast(dates, kept):
    """Days are counted where they are, hours in UTC: the clocks of New York change on 10 March 2024."""
    columns = frame_columns(pd.DataFrame({"ds": dates, "y": 1.0}))
    assert columns.ds.iloc[0] == pd.Timestamp(kept)
    assert columns.ds.diff().nunique() == 1
    back = columns.labels.put_on(pd.DataFrame({"unique_id": "y", "ds": columns.ds, "cutoff": columns.ds}))
    assert back["ds"].tolist() == back["cutoff"].tolist() == list(dates)
    assert str(back["ds"].dt.tz) == str(dates.tz)


def test_a_later_frame_counts_its_dates_as_the_first_did():
    hours = pd.date_range("2024-03-10", periods=30, freq="h", tz=SEOUL)
    first = frame_columns(pd.DataFrame({"ds": hours, "y": 1.0})).labels
    later = frame_columns(pd.DataFrame({"ds": hours[-1:] + pd.Timedelta("1h"), "y": 1.0}), like=first)
    assert later.ds.iloc[0] == pd.Timestamp("2024-03-10 21:00")
    assert later.labels == first


def test_a_local_hour_that_is_not_there_is_the_next_one():
    labels = Labels(zone="America/New_York")
    frame = pd.DataFrame({"unique_id": "y", "ds": pd.to_datetime(["2024-03-10 02:00"]), "cutoff": 0})
    assert labels.put_on(frame)["ds"].iloc[0] == pd.Timestamp("2024-03-10 03:00", tz="America/New_York")


def test_periods_stay_periods():
    frame = pd.Series(np.arange(8.0), index=pd.period_range("2020Q1", periods=8, freq="Q"), name="sales")
    columns = frame_columns(frame)
    assert columns.ds.iloc[1] == pd.Timestamp("2020-04-01")
    back = columns.labels.put_on(pd.DataFrame({"unique_id": "y", "ds": columns.ds, "cutoff": columns.ds}))
    assert back["ds"].tolist() == list(frame.index)


LONG = seasonal_frame(2, 8)


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (LONG.drop(columns="y"), "the frame: column y is missing; the columns are unique_id, ds"),
        (LONG.drop(columns="ds"), "column ds is missing, or an index of dates; the columns are unique_id, y"),
        (LONG.drop(columns="unique_id"), "2020-01-01 is on rows 0 and 8, and column unique_id is missing"),
        (
            LONG.set_axis(["shop", "week", "sales"], axis=1),
            "column y is missing, and column shop holds no numbers",
        ),
        (
            LONG.set_axis(["shop", "week", "sales"], axis=1).assign(shop=1),
            "2020-01-01 is on rows 0 and 8, and column y is missing",
        ),
        (LONG.iloc[:0], "the frame has no rows"),
        (pd.concat([LONG, LONG["y"]], axis=1), "column y appears twice"),
        (LONG.assign(unique_id=[1, "1"] * 8), "two series are called 1"),
        (LONG.assign(unique_id=["a", None] * 8), "column unique_id: row 1: no unique_id"),
        (LONG.set_axis(pd.MultiIndex.from_product([["a"], LONG.columns]), axis=1), "several levels"),
        (
            LONG.assign(
                ds=pd.Series([pd.Timestamp("2020-01-01", tz=z) for z in ("UTC", SEOUL)] * 8, dtype=object)
            ),
            "column ds: dates of several time zones",
        ),
    ],
)
def test_what_is_wrong_with_a_frame_is_one_line(frame, words):
    for read in (panel_from_frame, lambda frame: PriceSeries(frame).panel):
        with pytest.raises(DataError) as caught:
            read(frame)
        assert words in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", [PriceSeries, SeriesPanel])
@pytest.mark.parametrize("given", [np.zeros((3, 2)), [1.0, 2.0], {"y": [1.0]}, 3])
def test_what_is_neither_a_frame_nor_a_path_is_said_at_once(kind, given):
    words = f"a frame of pandas or polars .* is needed, not {type(given).__name__}"
    with pytest.raises(DataError, match=words):
        kind(given)


def test_a_frame_is_left_as_it_was():
    frame = PRICES.set_index(["unique_id", "ds"])
    before = frame.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _ = SeriesPanel(frame, horizon=4).panel
    pd.testing.assert_frame_equal(frame, before)
