"""Yahoo: every outcome, the exchange's clock, and the data module."""

import json

import numpy as np
import pandas as pd
import pytest
import yfinance
from yfinance.exceptions import (
    YFDataException,
    YFPricesMissingError,
    YFRateLimitError,
    YFTzMissingError,
)

from tsrnn.data import PriceSeries, Yahoo
from tsrnn.data.providers.adjustment import adjusted
from tsrnn.data.providers.base import History, Outcome, Provider
from tsrnn.data.providers.cache import PriceCache
from tsrnn.data.providers.yahoo import YahooProvider
from tsrnn.errors import ConfigError, DataError, DataWarning

START = pd.Timestamp("2024-01-01")
EVENING = pd.Timestamp("2024-03-09", tz="UTC")  # a Saturday, in New York and in Seoul


def table(zone="America/New_York", first="2024-03-04", sessions=5, **columns):
    """What yfinance returns: midnights in the exchange's zone."""
    days = pd.bdate_range(first, periods=sessions, tz=zone, name="Date")
    prices = {name: 100.0 + np.arange(sessions) for name in ("Open", "High", "Low", "Close", "Adj Close")}
    return pd.DataFrame(
        {**prices, "Volume": 1000, "Dividends": 0.0, "Stock Splits": 0.0, **columns}, index=days
    )


def facts(zone="America/New_York", day=None, hours=("09:30", "16:00"), exchange="NMS", currency="USD"):
    """What Yahoo says of a symbol, with the hours of one day."""
    answer = {"exchangeTimezoneName": zone, "exchangeName": exchange, "currency": currency}
    if day is not None:
        start, end = (pd.Timestamp(f"{day} {hour}", tz=zone) for hour in hours)
        answer["currentTradingPeriod"] = {"regular": {"start": start, "end": end}}
    return answer


class Market:
    """Stands for yfinance.Ticker; what it has for a symbol is a table with facts, or an exception."""

    def __init__(self):
        self.answers = {"^GSPC": (table(), facts())}
        self.asked = []

    def __call__(self, symbol):
        self.symbol = symbol
        return _Ticker(self, symbol)


class _Ticker:
    def __init__(self, market, symbol):
        self.market, self.symbol = market, symbol
        self.history_metadata = {}

    def history(self, start=None, period=None, **arguments):
        self.market.asked.append((self.symbol, start or period, arguments))
        # Where exceptions are hidden, a network that is down is an empty table.
        assert not yfinance.config.debug.hide_exceptions
        answer = self.market.answers[self.symbol]
        answers = answer if isinstance(answer, list) else [answer]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        frame, self.history_metadata = answer if isinstance(answer, tuple) else (answer, {})
        if isinstance(frame, Exception):
            raise frame
        return frame


@pytest.fixture
def market(monkeypatch):
    market = Market()
    monkeypatch.setattr(yfinance, "Ticker", market)
    return market


@pytest.fixture
def waits():
    return []


@pytest.fixture
def provider(waits):
    return YahooProvider(now=lambda: EVENING, sleep=waits.append)


class HTTPError(OSError):
    """An error of the client library with the status of the answer."""

    def __init__(self, status):
        super().__init__(f"HTTP Error {status}: ")
        self.response = type("Response", (), {"status_code": status})()


NOT_FOUND = {
    "Yahoo says so": YFPricesMissingError("X", "", yahoo_reason="No data found, symbol may be delisted"),
    "no zone": YFTzMissingError("X"),
    "404": HTTPError(404),
    "no such ISIN": ValueError("Invalid ISIN number: US0000000000"),
}
OTHERS = {
    "rate": (YFRateLimitError(), Outcome.RATE_LIMITED),
    "429": (HTTPError(429), Outcome.RATE_LIMITED),
    "no rows": (
        YFPricesMissingError("X", "", yahoo_reason="Data doesn't exist for startDate = 1, endDate = 2"),
        Outcome.EMPTY,
    ),
    "no rows of a known symbol": ((YFPricesMissingError("X", "(1d)"), facts()), Outcome.EMPTY),
    "an empty table of a known symbol": ((table(sessions=0), facts()), Outcome.EMPTY),
    "an empty table": ((table(sessions=0), {}), Outcome.NETWORK),
    "no answer": (YFPricesMissingError("X", "(1d 2024-01-01 -> )"), Outcome.NETWORK),
    "another reason": (YFPricesMissingError("X", "", yahoo_reason="Internal error"), Outcome.NETWORK),
    "Yahoo is down": (YFDataException("*** YAHOO! FINANCE IS CURRENTLY DOWN! ***"), Outcome.NETWORK),
    "503": (HTTPError(503), Outcome.NETWORK),
    "no connection": (ConnectionError("Could not resolve host"), Outcome.NETWORK),
    "no time": (TimeoutError(), Outcome.NETWORK),
    "no JSON": (json.JSONDecodeError("Expecting value", "", 0), Outcome.NETWORK),
    "an answer that yfinance cannot read": (KeyError("currency"), Outcome.NETWORK),
}


@pytest.mark.parametrize("name", NOT_FOUND)
def test_a_symbol_that_yahoo_does_not_know_is_not_found(provider, market, name):
    market.answers["X"] = NOT_FOUND[name]
    assert provider.fetch("X", START).outcome is Outcome.NOT_FOUND


@pytest.mark.parametrize("name", OTHERS)
def test_every_other_fault_has_its_outcome(provider, market, name):
    market.answers["X"], outcome = OTHERS[name]
    answer = provider.fetch("X", START)
    assert answer.outcome is outcome
    assert answer.detail
    assert "delisted" not in answer.detail
    assert "\n" not in answer.detail


@pytest.mark.parametrize("name", [*NOT_FOUND, *OTHERS])
@pytest.mark.parametrize("down", [ConnectionError("down"), YFRateLimitError(), (table(sessions=0), {})])
def test_nothing_is_not_found_while_the_network_is_down(provider, market, name, down):
    market.answers = {"X": NOT_FOUND.get(name) or OTHERS[name][0], "^GSPC": down}
    answer = provider.fetch("X", START)
    assert answer.outcome is not Outcome.NOT_FOUND
    assert "delisted" not in answer.detail


def test_yfinance_is_left_as_it_was_and_says_nothing(provider, market, capfd):
    market.answers["X"] = NOT_FOUND["no zone"]
    provider.fetch("X", START)
    assert yfinance.config.debug.hide_exceptions is True
    assert capfd.readouterr() == ("", "")


def test_a_korean_code_without_its_exchange_is_explained(provider, market):
    market.answers["005930"] = NOT_FOUND["no zone"]
    assert "as in 005930.KS" in provider.fetch("005930", START).detail


@pytest.mark.parametrize("outcome", list(Outcome))
def test_only_what_may_pass_is_asked_again(market, provider, waits, outcome):
    faults = {Outcome.NOT_FOUND: NOT_FOUND["404"], Outcome.EMPTY: OTHERS["no rows"][0]}
    faults |= {Outcome.RATE_LIMITED: YFRateLimitError(), Outcome.NETWORK: ConnectionError()}
    market.answers["X"] = faults.get(outcome, (table(), facts()))
    assert provider.history("X", START).outcome is outcome
    times = 4 if outcome in (Outcome.RATE_LIMITED, Outcome.NETWORK) else 1
    assert [symbol for symbol, *_ in market.asked].count("X") == times
    assert len(waits) == times - 1


def test_waits_grow_and_differ(market, waits):
    market.answers["X"] = ConnectionError()
    for _ in range(20):
        provider = YahooProvider(attempts=6, first_wait=2, longest_wait=10, sleep=waits.append)
        provider.history("X", START)
    drawn = np.array(waits).reshape(20, 5)
    longest = np.array([2, 4, 8, 10, 10])
    assert (drawn >= longest / 2).all()
    assert (drawn <= longest).all()
    assert (drawn.std(0) > 0.02 * longest).all()


def test_a_short_trouble_passes(provider, market, waits):
    market.answers["X"] = [YFRateLimitError(), ConnectionError(), (table(), facts())]
    assert provider.history("X", START).outcome is Outcome.OK
    assert len(waits) == 2


def test_a_network_that_is_down_is_waited_for_once(provider, market, waits):
    market.answers |= {"X": ConnectionError(), "Y": ConnectionError(), "Z": (table(), facts())}
    for symbol in ("X", "Y", "Z", "X"):
        provider.history(symbol, START)
    assert len(waits) == 3 + 0 + 0 + 3


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Seoul", "America/Sao_Paulo", "Europe/London"])
def test_days_are_the_exchanges_own(provider, market, zone):
    """Midnight in Seoul is the day before in UTC."""
    market.answers["X"] = (table(zone), facts(zone))
    frame = provider.fetch("X", START).frame
    assert [f"{day:%m-%d}" for day in frame["ds"]] == ["03-04", "03-05", "03-06", "03-07", "03-08"]
    assert frame["ds"].dtype == "datetime64[ns]"


def test_raw_prices_with_dividends_splits_and_gains(provider, market):
    actions = {"Dividends": [0, 0.5, 0, 0, 0], "Stock Splits": [0, 0, 4.0, 0, 0]}
    gains = {"Capital Gains": [0, 0, 0, 0.25, 0]}
    market.answers["005930.KS"] = (
        table("Asia/Seoul", **actions, **gains),
        facts("Asia/Seoul", currency="KRW"),
    )
    answer = provider.fetch("005930.KS", START)
    assert answer.frame["dividends"].tolist() == [0, 0.5, 0, 0.25, 0]
    assert answer.frame["splits"].tolist() == [0, 0, 4, 0, 0]
    assert (answer.currency, answer.timezone) == ("KRW", "Asia/Seoul")
    _, start, arguments = market.asked[0]
    assert start == "2024-01-01"
    assert arguments == {"interval": "1d", "auto_adjust": False, "actions": True}


NEW_YORK, SEOUL = "America/New_York", "Asia/Seoul"


@pytest.mark.parametrize(
    ("zone", "hours", "clock", "last"),
    [
        (NEW_YORK, ("09:30", "16:00"), "15:59", "03-07"),
        (NEW_YORK, ("09:30", "16:00"), "16:05", "03-07"),  # prices are late
        (NEW_YORK, ("09:30", "16:00"), "16:31", "03-08"),
        (NEW_YORK, ("09:30", "13:00"), "13:31", "03-08"),  # a half day
        (SEOUL, ("09:00", "15:30"), "09:01", "03-07"),
        (SEOUL, ("09:00", "15:30"), "15:29", "03-07"),
        (SEOUL, ("09:00", "15:30"), "16:01", "03-08"),
        ("UTC", ("00:00", "23:59"), "23:58", "03-07"),  # it never closes
    ],
)
@pytest.mark.parametrize("whole_seconds", [False, True])
def test_the_bar_of_an_open_session_is_dropped(market, zone, hours, clock, last, whole_seconds):
    now = pd.Timestamp(f"2024-03-08 {clock}", tz=zone).tz_convert("UTC")
    known = facts(zone, "2024-03-08", hours)
    if whole_seconds:
        period = known["currentTradingPeriod"]["regular"]
        known["currentTradingPeriod"]["regular"] = {
            name: int(time.timestamp()) for name, time in period.items()
        }
    market.answers["X"] = (table(zone), known)
    frame = YahooProvider(now=lambda: now).fetch("X", START).frame
    assert f"{frame['ds'].iloc[-1]:%m-%d}" == last


def test_without_hours_the_exchanges_calendar_tells(market):
    """At 20:00 UTC New York trades for another hour in winter; Seoul has long closed, but who says so?"""
    market.answers["X"] = (table(), facts(day="2024-03-07"))  # hours of another day
    market.answers["Y"] = (table(exchange := "Asia/Seoul"), facts(exchange, exchange="???"))
    for clock, last in (("20:00", "03-07"), ("21:31", "03-08")):
        now = pd.Timestamp(f"2024-03-08 {clock}", tz="UTC")
        frame = YahooProvider(now=lambda now=now: now).fetch("X", START).frame
        assert f"{frame['ds'].iloc[-1]:%m-%d}" == last
    now = pd.Timestamp("2024-03-08 12:00", tz="UTC")
    frame = YahooProvider(now=lambda: now).fetch("Y", START).frame
    assert f"{frame['ds'].iloc[-1]:%m-%d}" == "03-07"


def test_the_open_session_alone_is_empty(market):
    now = pd.Timestamp("2024-03-04 12:00", tz=NEW_YORK).tz_convert("UTC")
    market.answers["X"] = (table(sessions=1), facts(day="2024-03-04"))
    assert YahooProvider(now=lambda: now).fetch("X", START).outcome is Outcome.EMPTY


class Response:
    """An answer of Yahoo's server."""

    def __init__(self, content, status=200):
        self.text, self.status_code = json.dumps(content), status

    def json(self):
        return json.loads(self.text)

    def raise_for_status(self):
        if self.status_code >= 400:
            raise HTTPError(self.status_code)


@pytest.fixture
def server(monkeypatch, tmp_path):
    """yfinance itself, above a server of ours; `server` maps a symbol to an answer or an exception."""
    from yfinance import cache, data

    answers = {}

    def get(_, url, params=None, timeout=30):
        answer = answers.get(url.rpartition("/")[2], ConnectionError("no route"))
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(data.YfData, "get", get)
    monkeypatch.setattr(data.YfData, "cache_get", get)
    memory = {}
    zones = type("Zones", (), {"lookup": lambda _, key: memory.get(key), "store": lambda _, k, v: None})()
    monkeypatch.setattr(cache, "get_tz_cache", lambda: zones)
    return answers


def chart(days, closes, **meta):
    stamps = [int(pd.Timestamp(f"{day} 09:00", tz="Asia/Seoul").timestamp()) for day in days]
    known = {"currency": "KRW", "exchangeName": "KSC", "instrumentType": "EQUITY", "validRanges": ["5d"]}
    known |= {"exchangeTimezoneName": "Asia/Seoul", "symbol": "005930.KS", **meta}
    quote = dict.fromkeys(("open", "high", "low", "close", "volume"), closes)
    dividends = {str(stamps[1]): {"amount": 361.0, "date": stamps[1]}}
    result = {"meta": known, "timestamp": stamps, "events": {"dividends": dividends}}
    result["indicators"] = {"quote": [quote], "adjclose": [{"adjclose": closes}]}
    return Response({"chart": {"result": [result], "error": None}})


def test_through_yfinance_itself(provider, server):
    server["005930.KS"] = chart(["2024-03-06", "2024-03-07", "2024-03-08"], [73000.0, 72200.0, 73300.0])
    answer = provider.fetch("005930.KS", START)
    assert answer.outcome is Outcome.OK
    assert [f"{day:%m-%d}" for day in answer.frame["ds"]] == ["03-06", "03-07", "03-08"]
    assert answer.frame["close"].tolist() == [73000.0, 72200.0, 73300.0]
    assert answer.frame["dividends"].tolist() == [0, 361, 0]
    assert (answer.currency, answer.exchange) == ("KRW", "KSC")


@pytest.mark.parametrize(("status", "pages"), [(404, 0), (401, 0), (404, 2)])
def test_through_yfinance_itself_a_network_that_is_down_is_never_not_found(
    provider, server, monkeypatch, status, pages
):
    """It reads two further pages for symbols without a time zone, and then no more."""
    monkeypatch.setattr("yfinance.base._tz_info_fetch_ctr", pages)
    assert provider.fetch("005930.KS", START).outcome is Outcome.NETWORK
    missing = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
    server["NOPE"] = Response({"chart": {"result": None, "error": missing}}, status)
    assert provider.fetch("NOPE", START).outcome is Outcome.NETWORK
    server["^GSPC"] = chart(["2024-03-06", "2024-03-07"], [1.0, 2.0], currency="USD")
    assert provider.fetch("NOPE", START).outcome is Outcome.NOT_FOUND


class Walks(Provider):
    """Random walks on weekdays up to the end of 2023, for any symbol without a question mark."""

    name, title = "walks", "Yahoo"

    def fetch(self, symbol, start):
        if "?" in symbol:
            return History(symbol, Outcome.NOT_FOUND, detail="no such symbol")
        days = pd.bdate_range("2022-01-03", "2023-12-29")
        steps = np.random.default_rng(len(symbol)).standard_normal(len(days))
        close = 100 * np.exp(0.01 * steps.cumsum())
        frame = pd.DataFrame({"ds": days, **dict.fromkeys(("open", "high", "low", "close", "volume"), close)})
        frame = frame.astype({"ds": "datetime64[ns]"}).assign(dividends=0.0, splits=0.0)
        frame.loc[frame["ds"].isin(pd.to_datetime(["2022-06-01", "2023-06-01"])), "dividends"] = 1.0
        frame = frame[frame["ds"] >= start].reset_index(drop=True)
        if frame.empty:
            return History(symbol, Outcome.EMPTY, detail="no session since then")
        return History(symbol, Outcome.OK, frame, "USD")


@pytest.fixture
def _walks(monkeypatch, tmp_path):
    monkeypatch.setenv("TSRNN_CACHE", str(tmp_path))
    monkeypatch.setattr("tsrnn.data.providers.yahoo.YahooProvider", Walks)


SMALL = {"window_length": 40, "warm_up": 10, "start": "2022-01-01", "calendar": "24/5"}


@pytest.mark.usefixtures("_walks")
def test_the_data_module_serves_adjusted_prices():
    data = Yahoo(["aapl", "BRK-B"], end="2022-12-30", **SMALL)
    assert isinstance(data, PriceSeries)
    assert data.panel.unique_ids == ("AAPL", "BRK-B")
    assert (data.panel.ds[0], data.panel.ds[-1]) == (np.datetime64("2022-01-03"), np.datetime64("2022-12-30"))
    raw = PriceCache(Walks()).read("AAPL").frame
    factor = 1 - 1.0 / raw["close"][raw["ds"] < "2022-06-01"].iloc[-1]
    assert data.panel.values[0, 0] == pytest.approx(raw["close"][0] * factor)
    assert data.panel.values[0, -1] == raw.loc[raw["ds"] == "2022-12-30", "close"].item()
    assert len(data.train_dataloader()) == 25
    description = data.description()
    assert (description["as_of"], description["source"]) == ("2022-12-30", "Yahoo")
    assert description["currencies"] == {"AAPL": "USD", "BRK-B": "USD"}
    assert json.loads(json.dumps(description)) == description


@pytest.mark.usefixtures("_walks")
def test_the_end_is_included_and_as_of_adds_the_dividends_up_to_it():
    ended = Yahoo(["AAPL"], end="2023-03-31", **SMALL)
    later = Yahoo(["AAPL"], end="2023-03-31", as_of="2023-06-01", **SMALL)
    assert ended.description()["last"] == later.description()["last"] == "2023-03-31"
    raw = PriceCache(Walks()).read("AAPL").frame
    factor = 1 - 1.0 / raw["close"][raw["ds"] < "2023-06-01"].iloc[-1]
    np.testing.assert_allclose(later.panel.values, ended.panel.values * factor)
    assert later.description()["as_of"] == "2023-06-01"
    assert ended.description()["sha256"] == Yahoo(["AAPL"], end="2023-03-31", **SMALL).description()["sha256"]


@pytest.mark.usefixtures("_walks")
def test_a_missing_ticker_is_an_error_or_is_named_and_skipped():
    with pytest.raises(DataError, match=r"NO\?: not_found \(no such symbol\); on_missing_ticker=skip"):
        _ = Yahoo(["AAPL", "NO?"], **SMALL).panel
    with pytest.warns(DataWarning, match=r"left out: NO\?: not_found"):
        assert Yahoo(["AAPL", "NO?"], on_missing_ticker="skip", **SMALL).panel.unique_ids == ("AAPL",)
    with pytest.raises(DataError, match="no ticker has prices"):
        _ = Yahoo(["NO?"], on_missing_ticker="skip", **SMALL).panel


@pytest.mark.usefixtures("_walks")
def test_the_rules_of_prices_hold(monkeypatch):
    with pytest.raises(DataError, match="AAPL: no session from 2022-12-24 to 2022-12-25"):
        _ = Yahoo(["AAPL"], **{**SMALL, "start": "2022-12-24"}, end="2022-12-25").panel
    whole = Walks.fetch

    def fetch(self, symbol, start):
        answer = whole(self, symbol, start)
        answer.frame.loc[50, "close"] = np.nan
        return answer

    monkeypatch.setattr(Walks, "fetch", fetch)
    ended = {**SMALL, "end": "2023-12-29", "calendar": "none"}
    with pytest.raises(DataError, match="series AAPL, row 50"):
        _ = Yahoo(["AAPL"], refresh=True, **ended).panel
    assert Yahoo(["AAPL"], on_missing="drop", **ended).panel.num_steps == 519


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"tickers": []}, "no ticker is given"),
        ({"tickers": ["AAPL", "AAPL"]}, "AAPL is given twice"),
        ({"start": "01/02/2020"}, "start: '01/02/2020' is not a date"),
        ({"end": "1999-01-01"}, r"end \(1999-01-01\) lies before start"),
        ({"end": "2020-01-01", "as_of": "2019-01-01"}, "lies before end"),
        ({"as_of": "2199-01-01"}, "has not passed"),
        ({"on_missing_ticker": "ignore"}, "error or skip"),
        ({"warm_up": 999}, "warm_up"),
    ],
)
def test_arguments_that_do_not_fit_are_said_at_once(arguments, words):
    with pytest.raises(ConfigError, match=words) as caught:
        Yahoo(**{"tickers": ["AAPL"], **arguments})
    assert "\n" not in str(caught.value)


@pytest.fixture
def _own_zones(tmp_path):
    """yfinance keeps time zones on the disk: here in a folder of the test's own."""
    yfinance.set_tz_cache_location(str(tmp_path))


@pytest.mark.network
@pytest.mark.filterwarnings("ignore")  # those of yfinance, which is asked directly as well
@pytest.mark.usefixtures("_own_zones")
@pytest.mark.parametrize(
    ("symbol", "currency", "zone"),
    [("AAPL", "USD", NEW_YORK), ("005930.KS", "KRW", SEOUL), ("BTC-USD", "USD", "UTC")],
)
def test_real_prices_are_adjusted_as_yahoo_adjusts_them(symbol, currency, zone):
    answer = YahooProvider().history(symbol, pd.Timestamp("2015-01-01"))
    assert answer.outcome is Outcome.OK, answer.detail
    assert (answer.currency, answer.timezone) == (currency, zone)
    assert len(answer.frame) > 2000
    table = yfinance.Ticker(symbol).history(start="2015-01-01", interval="1d", auto_adjust=False)
    theirs = table["Adj Close"]
    theirs = theirs.set_axis(theirs.index.tz_convert(zone).tz_localize(None).normalize().as_unit("ns"))
    theirs = theirs[~theirs.index.duplicated(keep="last")]
    ours = adjusted(answer.frame, answer.frame["ds"].iloc[-1]).set_index("ds")["y"]
    assert ours.index.isin(theirs.index).all()
    # Yahoo's are as of today, whose session may be open: its dividend scales all of theirs alike.
    ratio = (ours / theirs.reindex(ours.index)).dropna()
    assert len(ratio) > 2000
    np.testing.assert_allclose(ratio / ratio.iloc[-1], 1, rtol=1e-5)


@pytest.mark.network
@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("_own_zones")
def test_a_symbol_that_the_real_yahoo_does_not_know_is_not_found():
    assert YahooProvider().history("NOSUCHSYMBOL0", START).outcome is Outcome.NOT_FOUND
