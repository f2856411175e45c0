"""Time steps within a day: only open hours follow, of exchanges, of currencies, of anything with a week."""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from tests.hours import currency_hours, rate_frame, stock_bars
from tsrnn.data import PriceSeries, SeriesPanel
from tsrnn.data.calendars import check_calendar, detect_calendar, following_sessions, open_steps
from tsrnn.data.calendars.week import OpenWeek
from tsrnn.errors import ConfigError, DataWarning, Notice
from tsrnn.predictors import RandomWalk, SeasonalNaive

Times = npt.NDArray[np.datetime64]


def split(ds: Times, cut: str) -> tuple[Times, Times]:
    return ds[ds < np.datetime64(cut)], ds[ds >= np.datetime64(cut)]


def assert_followed(known: Times, after: Times, calendar: str = "auto") -> str:
    """The time steps after those known are those that come."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        name = check_calendar(known, calendar)
    np.testing.assert_array_equal(following_sessions(known, name, len(after)), after)
    return name


def with_gaps(ds: Times, share: float, seed: int = 0) -> Times:
    kept = np.random.default_rng(seed).random(len(ds)) >= share
    kept[[0, -1]] = True
    return ds[kept]


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Etc/GMT+5", "Asia/Seoul"])
@pytest.mark.parametrize("calendar", ["auto", "24/5", "week"])
def test_currencies_are_shut_at_the_weekend_and_at_christmas_in_summer_and_in_winter(zone, calendar):
    known, after = split(currency_hours("2023-03-01", "2025-04-15", zone), "2024-10-01")
    assert_followed(known, after, calendar)
    assert_followed(with_gaps(known, 0.05), after, calendar)
    if zone in ("UTC", "America/New_York"):
        assert not np.any((after.astype("datetime64[D]").astype(int) + 3) % 7 == 5)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
@pytest.mark.parametrize("days", [5, 7, 9, 16, 24, 60])
def test_a_week_of_currencies_is_enough(zone, days):
    ds = currency_hours("2024-01-07", "2024-05-01", zone)
    known, after = split(ds, str(ds[0] + np.timedelta64(days, "D")))
    # The clocks change on 10 March: in a file in UTC nothing has shown it yet.
    for part in (known, with_gaps(known, 0.03)):
        assert_followed(part, after[:800])


@pytest.mark.parametrize("zone", ["America/New_York", "UTC"])
@pytest.mark.parametrize(("minutes", "labels"), [(30, "left"), (30, "right"), (5, "left"), (60, "left")])
def test_stocks_follow_the_sessions_of_new_york(zone, minutes, labels):
    ds = stock_bars("2023-02-01", "2025-01-31", minutes, zone, labels)
    for start, cut in (
        ("2023-02-01", "2024-06-20"),
        ("2024-06-24", "2024-07-02"),
        ("2023-10-02", "2023-11-20"),
    ):
        known, after = split(ds[ds >= np.datetime64(start)], cut)
        # Summer and winter time, Thanksgiving, and sessions that close at 13:00.
        assert assert_followed(known, after[: 140 * 13]) == "XNYS"
        assert assert_followed(with_gaps(known, 0.05), after[:200]) == "XNYS"


def test_within_a_session_the_next_time_step_is_the_next_bar():
    ds = stock_bars("2024-01-02", "2024-03-28", 30, "UTC")
    known, after = ds[:400], ds[400:]
    assert np.diff(after[:2]) == np.timedelta64(30, "m")
    assert_followed(known, after)


def test_crypto_is_open_day_and_night():
    ds = pd.date_range("2023-01-04 05:00", periods=24 * 500, freq="h").to_numpy()
    for count in (60, 100, 168, 400, 9000):
        for known in (ds[:count], with_gaps(ds[:count], 0.03), np.delete(ds[:count], np.arange(20, 28))):
            assert detect_calendar(known) == "none"
            assert check_calendar(known, "24/7") == "24/7"
            for name in ("none", "24/7"):
                np.testing.assert_array_equal(following_sessions(known, name, 300), ds[count : count + 300])


def test_without_a_weekend_to_learn_from_24_5_is_monday_to_friday():
    ds = pd.date_range("2023-01-04", periods=24 * 60, freq="h").to_numpy()
    name = check_calendar(ds, "24/5")
    assert name == "week Mon-Fri 00:00-23:00/60min"
    following = following_sessions(ds, name, 500)
    hours = pd.date_range(ds[-1], periods=800, freq="h")[1:]
    np.testing.assert_array_equal(following, hours[hours.day_of_week < 5][:500].to_numpy())


def week(hours: list[list[int]], days: int) -> Times:
    """From Monday on, at some hours of each day of the week."""
    start = np.datetime64("2023-01-02", "h")
    return np.array(
        [start + 24 * day + hour for day in range(days) for hour in hours[day % 7]], "datetime64[ns]"
    )


WEEKS = {
    "shop": [[*range(10, 20)]] * 6 + [[]],
    "shop with a short Saturday": [[*range(9, 18)]] * 5 + [[9, 10, 11, 12], []],
    "every day": [[*range(6, 24)]] * 7,
    "Sunday to Thursday": [[*range(10, 15)]] * 4 + [[], [], [*range(10, 15)]],
    "twice a day": [[9, 18]] * 7,
    "over midnight": [[]] * 4 + [[22, 23], [0, 1, 2, 22, 23], [0, 1, 2]],
    "with a break": [[9, 10, 11, 14, 15, 16, 17]] * 5 + [[], []],
    "every four hours": [[*range(0, 24, 4)]] * 5 + [[], []],
}


@pytest.mark.parametrize("name", WEEKS)
@pytest.mark.parametrize("days", [9, 20, 300])
def test_any_week_that_is_kept_to_is_learned(name, days):
    ds = week(WEEKS[name], 400)
    known, after = split(ds, str(ds[0].astype("datetime64[D]") + days))
    found = assert_followed(known, after[:300])
    assert found.startswith("week ")
    if days > 9:  # of a single Sunday, nobody knows whether its first hour is missing or closed
        assert assert_followed(with_gaps(known, 0.04), after[:300]) == found


def test_one_value_on_a_saturday_opens_no_saturday():
    known, after = split(currency_hours("2023-03-01", "2024-11-01"), "2024-06-01")
    stray = np.array(["2023-07-15T10", "2023-11-04T03"], "datetime64[ns]")
    assert_followed(np.union1d(known, stray), after)


def test_hours_not_seen_for_a_year_are_closed():
    """A market that traded on Saturdays until the end of 2021."""
    ds = week([[*range(9, 17)]] * 6 + [[]], 1500)
    weekdays = (ds.astype("datetime64[D]").astype(int) + 3) % 7
    known = ds[(weekdays < 5) | (ds < np.datetime64("2025-01-01"))]
    following = following_sessions(known, detect_calendar(known), 100)
    assert not np.any((following.astype("datetime64[D]").astype(int) + 3) % 7 == 5)


def test_what_repeats_in_no_week_has_none():
    generator = np.random.default_rng(0)
    seconds = np.sort(generator.choice(86_400 * 300, 4000, replace=False)).astype("timedelta64[s]")
    ds = (np.datetime64("2024-01-01") + seconds).astype("datetime64[ns]")
    for count in (2, 13, 50, 4000):
        assert detect_calendar(ds[:count]) == "none"
    with pytest.raises(ConfigError, match="no fixed times of the week: use calendar='none'"):
        check_calendar(ds, "week")


@pytest.mark.parametrize(("code", "zone"), [("XNYS", "America/New_York"), ("XLON", "Europe/London")])
def test_daily_closes_keep_to_the_clock_of_the_exchange(code, zone):
    """Midnight, or 16:00, of a zone in a file in UTC: what a frame with a time zone becomes."""
    days = pd.DatetimeIndex(following_sessions(np.array(["2021-01-01"], "datetime64[D]"), code, 900))
    for hour in (0, 16):
        local = (days + pd.Timedelta(hours=hour)).tz_localize(zone)
        ds = local.tz_convert("UTC").tz_localize(None).to_numpy()
        assert assert_followed(ds[:600], ds[600:]) == code
        assert assert_followed(ds[:90], ds[90:500]) == code


def test_daily_rates_at_the_close_of_new_york_are_not_forecast_at_the_weekend():
    local = (pd.bdate_range("2019-01-01", periods=900) + pd.Timedelta(hours=17)).tz_localize(
        "America/New_York"
    )
    ds = local.tz_convert("UTC").tz_localize(None).to_numpy()
    assert assert_followed(ds[:500], ds[500:]) == "week Mon-Fri 17:00; America/New_York"


def test_an_exchange_of_which_the_hours_are_others_is_refused():
    ds = currency_hours("2024-01-01", "2024-06-01")
    for known in (ds, pd.date_range("2024-01-01", periods=90, freq="h").to_numpy()):
        with pytest.raises(
            ConfigError, match="XNYS is open from 09:30 to 16:00 in America/New_York"
        ) as caught:
            check_calendar(known, "XNYS")
        assert "use calendar='week'" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_sessions_that_open_on_the_evening_before():
    """Futures from Sunday 17:00 in Chicago; the days between are those of sessions, and none is missing."""
    local = pd.date_range("2024-01-07 17:00", "2024-05-24 15:00", freq="h", tz="America/Chicago")
    since = local.day_of_week * 24 + local.hour
    ds = (
        local[((since < 4 * 24 + 17) | (since >= 6 * 24 + 17))].tz_convert("UTC").tz_localize(None).to_numpy()
    )
    with pytest.warns(
        DataWarning, match=r"0 of 99 sessions missing, 1 of 100 dates extra\), first on 2024-03-29"
    ):
        assert check_calendar(ds, "CMES") == "CMES"
    following = following_sessions(ds, "CMES", 3)
    assert (
        following.astype("datetime64[h]").tolist()
        == pd.to_datetime(["2024-05-24 21:00", "2024-05-26 22:00", "2024-05-26 23:00"])
        .to_pydatetime()
        .tolist()
    )


def test_a_session_that_is_missing_is_named():
    ds = stock_bars("2024-01-02", "2024-06-28", 30)
    known = ds[ds.astype("datetime64[D]") != np.datetime64("2024-04-03")]
    with pytest.warns(
        DataWarning, match=r"1 of 124 sessions missing, 0 of 123 dates extra\), first on 2024-04-03"
    ):
        assert check_calendar(known, "auto", "bars.csv") == "XNYS"


def test_open_steps_are_those_of_the_calendar():
    hours = pd.date_range("2024-02-01", "2024-04-30 23:30", freq="30min").to_numpy()
    days = np.unique(hours.astype("datetime64[D]"))
    rates, bars = currency_hours("2024-02-01", "2024-04-30 23:30"), stock_bars("2024-02-01", "2024-04-30", 60)
    sessions = np.unique(bars.astype("datetime64[D]"))
    for every, known, calendar in ((hours, rates, "auto"), (hours, bars, "XNYS"), (days, sessions, "XNYS")):
        found = open_steps(every, check_calendar(known, calendar), known)
        np.testing.assert_array_equal(every[found], known)
    assert open_steps(hours, "none", hours).all()
    assert open_steps(np.arange(5), "none", np.arange(5)).all()


@pytest.mark.parametrize(
    "name",
    [
        "week Mon-Thu 00:00-23:00/60min, Fri 00:00-16:00/60min, Sun 17:00-23:00/60min; America/New_York; "
        "shut 12-24 17:00 to 12-25 16:00, 01-01 00:00 to 01-01 16:00",
        "week Mon 09:00 18:30, Wed 00:00:30",
        "week Mon-Sun 00:00-23:59:30/30s",
    ],
)
def test_a_week_has_a_name_from_which_it_is_made_again(name):
    assert OpenWeek.from_name(name).name == name
    assert check_calendar(pd.date_range("2024-01-01", periods=50, freq="h").to_numpy(), name) == name


@pytest.mark.parametrize(
    "name", ["week ", "week Mon", "week Mon 09:00; Mars", "week Moon 9", "week Mon 9-17/0min"]
)
def test_a_week_that_cannot_be_read_is_an_error_of_one_line(name):
    with pytest.raises(ConfigError, match="is no week: write it as") as caught:
        check_calendar(pd.date_range("2024-01-01", periods=50, freq="h").to_numpy(), name)
    assert "\n" not in str(caught.value)


def test_a_week_that_is_always_shut_ends_in_an_error():
    never = OpenWeek.from_name("week Mon 09:00; shut 01-01 00:00 to 12-31 23:59")
    with pytest.raises(ConfigError, match="is shut all year"):
        never.following(np.datetime64("2024-01-01"), 3)


@pytest.mark.parametrize("data", [PriceSeries, SeriesPanel])
@pytest.mark.parametrize("zone", ["UTC", None])
def test_a_forecast_of_a_panel_names_open_hours(data, zone):
    """Over a session that closes early and a holiday, and over a weekend and the change to summer time."""
    bars = stock_bars("2024-03-01", "2024-07-31", 30, zone or "America/New_York")
    hours = currency_hours("2024-01-07", "2024-03-20", zone or "America/New_York")
    for ds, cut in ((bars, "2024-07-02T18:00"), (hours, "2024-03-08T19:00")):
        known, after = split(ds, cut)
        panel = data(rate_frame(known)).panel
        for predictor in (RandomWalk(), SeasonalNaive(24)):
            forecast = predictor.forecast(panel, 60, num_samples=2)
            np.testing.assert_array_equal(forecast.ds[0], after[:60])


@pytest.mark.parametrize("market", ["currencies", "stocks"])
def test_closed_hours_without_values_are_left_out_of_a_panel(market, tmp_path):
    """A table of every hour, with nothing at night or at weekends: closed as if they were not there."""
    if market == "currencies":
        ds, after = split(currency_hours("2024-01-08", "2024-03-07 23:00"), "2024-03-02")
    else:
        ds, after = split(stock_bars("2024-01-08", "2024-03-07", 60), "2024-03-02")
    ends = {"train": ("2024-01-08", "2024-03-02 23:30"), "test": ("2024-03-03", "2024-03-07 23:30")}
    for name, known in (("train", rate_frame(np.delete(ds, [100, 101, 200]))), ("test", rate_frame(after))):
        every = pd.DataFrame({"ds": pd.date_range(*ends[name], freq="30min"), "unique_id": "EURUSD"})
        every.merge(known, "left").to_csv(tmp_path / f"{name}.csv", index=False)
    data = SeriesPanel(str(tmp_path / "train.csv"))
    np.testing.assert_array_equal(data.panel.ds, ds)
    assert np.flatnonzero(np.isnan(data.panel.values[0])).tolist() == [100, 101, 200]
    np.testing.assert_array_equal(following_sessions(data.panel.ds, data.panel.calendar, 20), after[:20])
    tested = SeriesPanel(str(tmp_path / "train.csv"), str(tmp_path / "test.csv")).panel
    np.testing.assert_array_equal(tested.ds, np.concatenate([ds, after]))


def test_series_of_a_week_that_end_apart_are_each_forecast_in_open_hours():
    rates, after = split(currency_hours("2024-01-07", "2024-03-01"), "2024-02-20")
    early = rate_frame(rates[:-30]).assign(unique_id="EARLY")
    with pytest.warns(Notice, match="1 of 2 series end before"):
        panel = SeriesPanel(pd.concat([rate_frame(rates), early])).panel
    frame = SeasonalNaive(24).forecast(panel, 40, num_samples=2).to_frame()
    for name, last in (("EURUSD", len(rates)), ("EARLY", len(rates) - 30)):
        expected = np.concatenate([rates, after])[last : last + 40]
        np.testing.assert_array_equal(frame[frame["unique_id"] == name]["ds"], expected)


def test_a_shop_that_is_shut_on_sundays_is_not_forecast_on_sundays_by_day_either():
    days = pd.date_range("2024-01-01", periods=300)
    ds = days[days.day_of_week < 6].to_numpy()
    assert assert_followed(ds[:100], ds[100:]) == "week Mon-Sat 00:00"
