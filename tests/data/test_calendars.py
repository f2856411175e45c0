from __future__ import annotations

import os
import time
import warnings
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from tsrnn.data import PriceSeries, read_series
from tsrnn.data.calendars import check_calendar, detect_calendar, exchanges, following_sessions
from tsrnn.errors import ConfigError, DataWarning


def sessions(first: str, last: str, calendar: str = "XNYS") -> npt.NDArray[np.datetime64]:
    trading_day, _, _ = exchanges.trading_day(calendar)
    return pd.date_range(first, last, freq=trading_day).to_numpy()


def dates(first: str, periods: int, freq: str) -> npt.NDArray[np.datetime64]:
    return pd.date_range(first, periods=periods, freq=freq).to_numpy()


def as_text(ds: npt.NDArray[np.datetime64]) -> list[str]:
    return [str(date) for date in ds.astype("datetime64[D]")]


def test_detects_an_exchange_by_its_holidays() -> None:
    assert detect_calendar(sessions("1995-01-01", "2013-03-01")) == "XNYS"
    assert detect_calendar(sessions("2015-01-01", "2020-03-01", "XTKS")) == "XTKS"
    assert detect_calendar(sessions("2015-01-01", "2020-03-01", "XETR")) == "XETR"


def test_a_missing_session_leaves_the_exchange_as_it_is() -> None:
    ds = sessions("2010-01-01", "2013-03-01")
    assert detect_calendar(np.delete(ds, [100, 700])) == "XNYS"


def test_a_short_span_is_new_york() -> None:
    assert detect_calendar(dates("2013-02-04", 9, "B")) == "XNYS"


def test_detects_every_day_weekdays_and_no_calendar() -> None:
    assert detect_calendar(dates("2015-01-01", 900, "D")) == "24/7"
    assert detect_calendar(np.delete(dates("2015-01-01", 900, "D"), np.arange(0, 900, 13))) == "24/7"
    assert detect_calendar(dates("2005-01-03", 4000, "B")) == "24/5"
    for ds in (dates("2015-01-01", 90, "h"), dates("2015-01-01", 90, "W"), dates("2015-01-31", 90, "ME")):
        assert detect_calendar(ds) == "none"
    assert detect_calendar(dates("2015-01-01 16:00", 90, "D")) == "none"
    assert detect_calendar(np.arange(100)) == "none"
    assert detect_calendar(dates("2015-01-01", 1, "D")) == "none"


def test_detection_is_fast() -> None:
    weekdays, new_york = dates("1990-01-01", 8000, "B"), sessions("1990-01-01", "2022-12-28")
    start = time.perf_counter()
    assert (detect_calendar(weekdays), detect_calendar(new_york)) == ("24/5", "XNYS")
    assert time.perf_counter() - start < 1


def test_sessions_after_the_last_skip_weekends_and_good_friday() -> None:
    ds = sessions("2010-01-01", "2013-03-01").astype("datetime64[s]")
    following = following_sessions(ds, "XNYS", 21)
    assert following.dtype == np.dtype("datetime64[ns]")
    assert as_text(following)[:2] == ["2013-03-04", "2013-03-05"]
    assert as_text(following)[-3:] == ["2013-03-28", "2013-04-01", "2013-04-02"]
    assert as_text(following_sessions(ds, "24/5", 20))[-1] == "2013-03-29"
    assert as_text(following_sessions(ds, "24/7", 2)) == ["2013-03-02", "2013-03-03"]
    assert len(following_sessions(ds, "XNYS", 0)) == 0


def test_a_close_keeps_its_time_of_day() -> None:
    following = following_sessions(dates("2013-02-25 16:00", 5, "B"), "XNYS", 1)
    assert following[0] == np.datetime64("2013-03-04T16:00")


def test_a_horizon_beyond_the_known_holidays_is_an_error_of_one_line() -> None:
    with pytest.raises(ConfigError, match="XHKG is known from 1970-01-01 to 2049-12-31") as caught:
        following_sessions(dates("2049-12-01", 20, "B"), "XHKG", 20)
    assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match="known from 1997-01-01"):
        following_sessions(dates("1990-12-03", 20, "B"), "XTKS", 20)


def test_integers_go_on_by_their_median_step() -> None:
    ds = np.array([0, 5, 10, 15, 25, 30], dtype=np.int32)
    following = following_sessions(ds, "none", 3)
    assert following.tolist() == [35, 40, 45]
    assert following.dtype == np.int32
    assert following_sessions(np.array([7]), "none", 2).tolist() == [8, 9]


@pytest.mark.parametrize(
    ("freq", "start"),
    [
        ("h", "2020-02-28"),
        ("15min", "2020-02-28"),
        ("D", "2020-02-20"),
        ("W-WED", "2020-01-01"),
        ("ME", "2019-01-31"),
        ("MS", "2019-01-01"),
        ("BME", "2019-01-31"),
        ("BMS", "2019-01-01"),
        ("QE", "2015-03-31"),
        ("QS-FEB", "2015-02-01"),
        ("YE", "2001-12-31"),
        ("YS", "2001-01-01"),
        ("30D", "2001-01-01"),
    ],
)
def test_regular_dates_go_on_with_and_without_a_gap(freq: str, start: str) -> None:
    ds = dates(start, 30, freq)
    known, expected = ds[:22], ds[22:]
    np.testing.assert_array_equal(following_sessions(known, "none", 8), expected)
    np.testing.assert_array_equal(following_sessions(np.delete(known, 9), "none", 8), expected)


def test_the_fifteenth_stays_the_fifteenth() -> None:
    ds = dates("2020-01-01", 12, "MS") + np.timedelta64(14, "D") + np.timedelta64(9, "h")
    following = following_sessions(ds, "none", 2)
    assert following.tolist() == np.array(["2021-01-15T09", "2021-02-15T09"], "datetime64[ns]").tolist()


def test_the_last_trading_day_of_a_month_becomes_the_last_weekday() -> None:
    days = pd.Series(sessions("2009-01-01", "2013-03-01"))
    ds = days.groupby(days.dt.to_period("M")).max().to_numpy()[:-1]
    assert as_text(following_sessions(ds, "none", 2)) == ["2013-03-29", "2013-04-30"]


def test_one_date_tells_no_step() -> None:
    with pytest.raises(ConfigError, match="one date tells no step"):
        following_sessions(dates("2020-01-01", 1, "D"), "none", 3)
    assert as_text(following_sessions(dates("2020-01-01", 1, "D"), "XNYS", 1)) == ["2020-01-02"]


def test_check_resolves_auto_in_silence_where_all_agrees() -> None:
    assert check_calendar(sessions("2010-01-01", "2013-03-01"), "auto") == "XNYS"
    assert check_calendar(sessions("2010-01-01", "2013-03-01"), "NYSE") == "NYSE"
    assert check_calendar(np.arange(5), "auto") == "none"
    assert check_calendar(dates("2015-01-01", 90, "W"), "none") == "none"


def test_holidays_before_1970_are_unknown_and_warn_of_nothing() -> None:
    ds = np.union1d(sessions("1970-01-01", "1975-03-01"), dates("1965-01-01", 300, "B")[::2])
    assert check_calendar(ds, "XNYS") == "XNYS"
    assert check_calendar(dates("1960-01-01", 300, "B"), "auto") == "24/5"


def test_check_warns_once_with_counts_and_the_first_example() -> None:
    ds = sessions("2010-01-01", "2013-03-01")
    ds = np.union1d(np.delete(ds, [50, 51]), np.array(["2012-12-25"], "datetime64[D]"))
    with pytest.warns(DataWarning) as caught:
        assert check_calendar(ds, "auto", Path("prices.csv")) == "XNYS"
    assert [str(warning.message) for warning in caught] == [
        "prices.csv and calendar XNYS disagree (2 of 795 sessions missing, 1 of 794 dates extra), "
        "first on 2010-03-17"
    ]


def test_a_found_calendar_that_misses_more_than_half_of_its_sessions_is_none() -> None:
    """Together, series of different spans are daily at the end and leave years out before."""
    recent = dates("2015-01-01", 800, "D")
    apart = np.union1d(dates("1960-01-01", 300, "D"), recent)
    assert detect_calendar(apart) == "24/7"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check_calendar(apart, "auto") == "none"
    with pytest.warns(DataWarning, match=r"of \d+ sessions missing, 0 of 1100 dates extra"):
        assert check_calendar(apart, "24/7") == "24/7"
    assert as_text(following_sessions(apart, "none", 2)) == ["2017-03-11", "2017-03-12"]
    # Half of the sessions, and one more than half.
    half = np.union1d(recent[:1] - np.timedelta64(802, "D"), recent)
    with pytest.warns(DataWarning, match="801 of 1602 sessions missing"):
        assert check_calendar(half, "auto") == "24/7"
    assert check_calendar(np.union1d(half[:1] - np.timedelta64(1, "D"), recent), "auto") == "none"


def test_a_warning_points_to_the_line_of_the_user(tmp_path: Path) -> None:
    ds = np.delete(sessions("2018-01-01", "2020-01-01"), 50)
    frame = pd.DataFrame({"unique_id": "A", "ds": ds, "y": np.linspace(100, 120, len(ds))})
    frame.to_csv(tmp_path / "prices.csv", index=False)
    for ask in (
        lambda: check_calendar(ds, "XNYS"),
        lambda: PriceSeries(frame, calendar="XNYS").panel,
        lambda: read_series(tmp_path / "prices.csv", calendar="XNYS"),
    ):
        with pytest.warns(DataWarning, match="disagree") as caught:
            ask()
        assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize(
    ("name", "hint"), [("XNY", "XNYS"), ("xkrx", "XKRX"), ("24/6", "24/"), ("?", "use auto")]
)
def test_an_unknown_name_gets_a_hint(name: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=hint) as caught:
        check_calendar(np.arange(5), name)
    assert "\n" not in str(caught.value)


def test_a_daily_calendar_needs_daily_dates() -> None:
    for ds in (np.arange(5), dates("2015-01-01", 90, "W")):
        with pytest.raises(ConfigError, match="XNYS is for daily dates"):
            check_calendar(ds, "XNYS")
    assert check_calendar(np.array(["2013-03-01", "2013-03-04"], "datetime64[D]"), "XNYS") == "XNYS"


def test_a_calendar_that_cannot_be_built_is_an_error_of_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise NotImplementedError("implemented by subclasses")

    monkeypatch.setattr("exchange_calendars.get_calendar", fail)
    with pytest.raises(ConfigError, match="fails on ASEX"):
        check_calendar(dates("2015-01-01", 90, "B"), "ASEX")


@pytest.mark.slow
def test_candidates_never_trade_on_their_holidays_and_are_not_alike() -> None:
    every = {code: sessions("1997-01-01", "2026-12-31", code) for code in exchanges.CANDIDATES}
    for code, candidate in exchanges.CANDIDATES.items():
        assert not np.isin([str(day)[5:10] for day in every[code]], candidate.holidays).any(), code
    for one, other in combinations(every, 2):
        difference = len(np.setxor1d(every[one], every[other]))
        assert difference > 2 * exchanges.DISAGREEMENT * len(every[one]), (one, other)


def benchmark_dates(name: str, column: str = "Date") -> npt.NDArray[np.datetime64]:
    folder = os.environ.get("TSRNN_BENCHMARK_DATA")
    if not folder:
        pytest.skip("TSRNN_BENCHMARK_DATA is not set")
    frame = pd.read_csv(Path(folder, "prices", name), na_values=["null"], parse_dates=[column]).dropna()
    return np.unique(frame[column].to_numpy())


@pytest.mark.benchmark_data
def test_real_korean_prices_follow_seoul() -> None:
    ds = benchmark_dates("kospi_2010_2022_raw.csv.gz")
    with pytest.warns(DataWarning, match=r"6 of 3140 sessions missing, 0 of 3134 .* first on 2011-10-04"):
        assert check_calendar(ds, "auto") == "XKRX"


@pytest.mark.benchmark_data
@pytest.mark.parametrize("name", ["us20_adjclose.csv.gz", "wiki_stocks.csv.gz", "sp500_ohlcv.csv.gz"])
def test_real_american_prices_follow_new_york(name: str) -> None:
    ds = benchmark_dates(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check_calendar(ds, "auto") == "XNYS"
    following = as_text(following_sessions(ds[ds <= np.datetime64("2013-03-01")], "XNYS", 21))
    assert {"2013-03-28", "2013-04-01"} <= set(following)
    assert "2013-03-29" not in following
