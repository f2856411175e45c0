"""Daily prices from Yahoo Finance: the provider, and the data module."""

from __future__ import annotations

import contextlib
import logging
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, Literal

import pandas as pd

from tsrnn.codecs import Codec
from tsrnn.data.prices.checks import check_prices
from tsrnn.data.prices.panels import panel_of
from tsrnn.data.prices.series import PriceSeries
from tsrnn.data.providers.adjustment import tidy_prices, usable
from tsrnn.data.providers.base import (
    History,
    Outcome,
    Provider,
    calendar_close,
    checked_day,
    checked_symbols,
    closed_sessions,
)
from tsrnn.data.providers.cache import Fetched, PriceCache
from tsrnn.errors import ConfigError, argument
from tsrnn.protocols import Panel, time_text

_PROBE = "^GSPC"  # a symbol that Yahoo has whenever it has anything
# Yahoo's names of exchanges. Where its answer has no hours of today, these calendars have.
_CALENDARS = {
    **dict.fromkeys(("NMS", "NGM", "NCM", "NYQ", "PCX", "ASE", "BTS"), "XNYS"),
    **dict.fromkeys(("KSC", "KOE"), "XKRX"),
    **dict.fromkeys(("SHH", "SHZ"), "XSHG"),
    **{"JPX": "XTKS", "LSE": "XLON", "GER": "XETR", "HKG": "XHKG", "TOR": "XTSE", "ASX": "XASX"},
}
_UNKNOWN = re.compile(r"no data found|\bnot found\b|may be delisted", re.IGNORECASE)
_NO_ROWS = re.compile(r"data doesn't exist for|start date cannot be after end date", re.IGNORECASE)
# What yfinance writes of its own when it does not know why there are no prices, and a library's reference.
_GUESS = re.compile(r"possibly delisted;?|no price data found|no timezone found|See https?:.*", re.IGNORECASE)


class YahooProvider(Provider):
    """Yahoo Finance, by way of yfinance, which is imported when the first symbol is asked for.

    yfinance has one message, "possibly delisted", for a symbol that is unknown and for a network that is
    down. `not_found` is therefore said only where Yahoo's answer says so and a symbol that surely exists
    is answered at the same time.

    Args:
        now: the moment, in UTC.
        arguments: those of `Provider`.
    """

    name = "yahoo"
    title = "Yahoo"

    def __init__(
        self, now: Callable[[], pd.Timestamp] = lambda: pd.Timestamp.now("UTC"), **arguments: Any
    ) -> None:
        super().__init__(**arguments)
        self.now = now

    def fetch(self, symbol: str, start: pd.Timestamp) -> History:
        """Ask once for the closed daily sessions of one symbol, from the day `start`."""
        ticker: Any = None
        with _yfinance() as (yfinance, arguments):
            try:
                ticker = yfinance.Ticker(symbol)
                table = ticker.history(
                    start=f"{start:%Y-%m-%d}", interval="1d", auto_adjust=False, actions=True, **arguments
                )
                facts = _metadata(ticker)
                if len(table):
                    return self._history(symbol, table, facts)
                outcome = Outcome.EMPTY if facts else Outcome.NETWORK
                detail = "no session since then" if facts else "Yahoo gave no answer"
            except Exception as error:
                # yfinance raises what it likes, up to a KeyError for an answer that it does not understand.
                outcome, detail = _explained(error, yfinance.exceptions, ticker)
            if outcome is Outcome.NOT_FOUND and not _answers(yfinance, arguments):
                outcome, detail = Outcome.NETWORK, "Yahoo gave no answer"
        if outcome is Outcome.NOT_FOUND:
            detail = "Yahoo knows no such symbol"
            if re.fullmatch(r"\d{6}", symbol):
                detail += f": shares of Korea end in .KS (KOSPI) or .KQ (KOSDAQ), as in {symbol}.KS"
        return History(symbol, outcome, detail=detail)

    def _history(self, symbol: str, table: pd.DataFrame, facts: Mapping[str, Any]) -> History:
        zone = str(facts.get("exchangeTimezoneName") or table.index.tz or "UTC")
        days = pd.DatetimeIndex(table.index)
        if days.tz is not None:
            days = days.tz_convert(zone).tz_localize(None)
        columns = {name: table[name.capitalize()] for name in ("open", "high", "low", "close", "volume")}
        # A fund's gains are paid out as its dividends are, and Yahoo adjusts for both.
        columns["dividends"] = table["Dividends"] + table.get("Capital Gains", 0.0)
        columns["splits"] = table["Stock Splits"]
        values = {name: column.to_numpy(dtype="float64") for name, column in columns.items()}
        frame = pd.DataFrame({"ds": days.normalize().as_unit("ns"), **values})
        frame = frame.drop_duplicates("ds", keep="last").sort_values("ds", ignore_index=True)
        frame = closed_sessions(frame, self.now(), zone, lambda today: _close_of(today, facts, zone))
        if frame.empty:
            return History(symbol, Outcome.EMPTY, detail="no session but the open one since then")
        currency, exchange = (str(facts.get(name) or "") for name in ("currency", "exchangeName"))
        return History(symbol, Outcome.OK, frame, currency, exchange, zone)


@contextlib.contextmanager
def _yfinance() -> Iterator[tuple[Any, dict[str, Any]]]:
    """yfinance, silent and with its exceptions let out, and the arguments that `history` needs for that.

    Hidden exceptions are what makes a network that is down look like a symbol that is not there. What is
    set is set back.
    """
    logger = logging.getLogger("yfinance")
    level = logger.level
    with warnings.catch_warnings():
        import yfinance  # sets filters of warnings, and takes a moment

        warnings.simplefilter("ignore")
        debug = getattr(getattr(yfinance, "config", None), "debug", None)
        hidden = getattr(debug, "hide_exceptions", None)
        logger.setLevel(logging.CRITICAL + 1)
        with contextlib.suppress(AttributeError):
            # It remembers answers that were none, and would give them to every further attempt.
            yfinance.data.YfData.cache_get.cache_clear()
        try:
            if debug is None or hidden is None:  # before yfinance 0.2.66
                yield yfinance, {"raise_errors": True}
            else:
                debug.hide_exceptions = False
                yield yfinance, {}
        finally:
            logger.setLevel(level)
            if debug is not None and hidden is not None:
                debug.hide_exceptions = hidden


def _explained(error: Exception, faults: Any, ticker: Any) -> tuple[Outcome, str]:
    """The outcome that an exception of yfinance means, and its words."""
    words = " ".join(_GUESS.sub("", str(error)).split())[:120] or type(error).__name__
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, faults.YFRateLimitError) or status == 429:
        return Outcome.RATE_LIMITED, "too many requests"
    if isinstance(error, faults.YFPricesMissingError):
        if _NO_ROWS.search(words):
            return Outcome.EMPTY, "no session since then"
        if _UNKNOWN.search(words):
            return Outcome.NOT_FOUND, words
        return (Outcome.EMPTY, "no session since then") if _metadata(ticker) else (Outcome.NETWORK, words)
    # yfinance looks for an unknown symbol's time zone on a page that answers 404, or 401 to a stranger. A
    # plain ValueError is an ISIN that is none; that of an unreadable answer has a class of its own.
    if isinstance(error, faults.YFTzMissingError) or status in (401, 404) or type(error) is ValueError:
        return Outcome.NOT_FOUND, words
    return Outcome.NETWORK, words


def _metadata(ticker: Any) -> Mapping[str, Any]:
    """What Yahoo's answer said of the symbol; nothing where there was no answer that knows it."""
    facts = ticker.history_metadata if ticker is not None else None
    return facts if isinstance(facts, Mapping) and facts.get("exchangeTimezoneName") else {}


def _answers(yfinance: Any, arguments: dict[str, Any]) -> bool:
    """Whether Yahoo answers at all: it has a price of the S&P 500."""
    try:
        return bool(len(yfinance.Ticker(_PROBE).history(period="5d", **arguments)))
    except Exception:
        return False


def _close_of(today: pd.Timestamp, facts: Mapping[str, Any], zone: str) -> pd.Timestamp | None:
    """When today's session ends: as Yahoo says, else by the exchange's calendar, else None."""
    period = (facts.get("currentTradingPeriod") or {}).get("regular") or {}
    start, end = (_moment(period.get(name), zone) for name in ("start", "end"))
    if start is not None and end is not None and today in (_day(start), _day(end)):
        return end
    return calendar_close(_CALENDARS.get(str(facts.get("exchangeName"))), today)


def _moment(value: Any, zone: str) -> pd.Timestamp | None:
    """Seconds since 1970, or a time, in the exchange's zone."""
    if value is None:
        return None
    moment = pd.Timestamp(value, unit="s", tz="UTC") if isinstance(value, int) else pd.Timestamp(value)
    return moment.tz_convert(zone)


def _day(moment: pd.Timestamp) -> pd.Timestamp:
    return moment.tz_localize(None).normalize()


class Yahoo(PriceSeries):
    """Adjusted daily prices from Yahoo Finance, through a cache on the disk, as a `PriceSeries`.

    What was fetched once is read from the cache; Yahoo is asked only for what the cache lacks. With `end`
    given, the same arguments give the same prices whenever they run, because the adjustment counts only the
    dividends and splits up to `as_of`. Where Yahoo cannot be reached, the cache is used, and a DataWarning
    says its age. Sessions that have not closed are left out.

    Args:
        tickers: Yahoo's symbols: AAPL, 005930.KS, ^GSPC, BTC-USD, EURUSD=X, ...
        start: the first day, YYYY-MM-DD.
        end: the last day, itself included. Default: the last closed session, a later one every day.
        as_of: the day whose knowledge of dividends and splits adjusts the prices; not before `end`, and
            a day that has passed. Default: the last session up to `end`.
        on_missing_ticker: error stops at a ticker without prices; skip leaves it out with a warning.
        refresh: fetch everything again, whatever is in the cache.
        split: shares of the sessions for training, validation and test.
        train_end: last day of the training span; overrides `split`, together with valid_end.
        valid_end: last day of the validation span.
        test_end: last day of the test span. Default: the last session.
        calendar: an exchange's code (XNYS, XKRX, ...), week (the data's own), 24/7, 24/5, none, or auto.
        on_missing: error stops at a session without a close and names it; drop leaves such rows out.
        window_length: sessions of a training window. Default: as in `PriceSeries`.
        warm_up: sessions at a window's start that are read but not scored. Default: as in `PriceSeries`.
        horizon: sessions that a forecast is wanted for.
        batch_size: windows per batch.
        batches_per_epoch: training batches between two validations.
        codec: how prices become model steps. Default: LogReturns.
        seed: of the drawing of windows.

    Raises:
        ConfigError: a ticker or a day cannot be one, a ticker stands twice, or the days are out of order.
    """

    def __init__(
        self,
        tickers: list[str],
        start: str = "2000-01-01",
        end: str | None = None,
        as_of: str | None = None,
        on_missing_ticker: Literal["error", "skip"] = "error",
        refresh: bool = False,
        split: tuple[float, float, float] = (0.7, 0.15, 0.15),
        train_end: str | None = None,
        valid_end: str | None = None,
        test_end: str | None = None,
        calendar: str = "auto",
        on_missing: Literal["error", "drop"] = "error",
        window_length: int | None = None,
        warm_up: int | None = None,
        horizon: int = 20,
        batch_size: int = 32,
        batches_per_epoch: int = 25,
        codec: Codec | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(
            split=split,
            train_end=train_end,
            valid_end=valid_end,
            test_end=test_end,
            calendar=calendar,
            on_missing=on_missing,
            window_length=window_length,
            warm_up=warm_up,
            horizon=horizon,
            batch_size=batch_size,
            batches_per_epoch=batches_per_epoch,
            codec=codec,
            seed=seed,
        )
        if on_missing_ticker not in ("error", "skip"):
            raise ConfigError(
                f"{argument('data.on_missing_ticker')} must be error or skip, not {on_missing_ticker}"
            )
        self.tickers = checked_symbols(tickers)
        self.start = checked_day(start, argument("data.start"))
        self.end = None if end is None else checked_day(end, argument("data.end"))
        self.as_of = None if as_of is None else checked_day(as_of, argument("data.as_of"))
        self.on_missing_ticker = on_missing_ticker
        self.refresh = refresh
        if self.end is not None and self.end < self.start:
            raise ConfigError(
                f"{argument('data.end')} ({end}) lies before {argument('data.start')} ({start})"
            )
        if self.as_of is not None and (self.as_of < self.start or (self.end and self.as_of < self.end)):
            raise ConfigError(
                f"{argument('data.as_of')} ({as_of}) lies before "
                f"{argument('data.end' if self.end else 'data.start')}"
            )
        if self.as_of is not None and self.as_of >= pd.Timestamp.now().normalize():
            raise ConfigError(
                f"{argument('data.as_of')} ({as_of}) has not passed: its dividends are not known yet"
            )

    @property
    def source(self) -> str:
        """Where the prices are from, in the words of a message."""
        return YahooProvider.title

    @cached_property
    def fetched(self) -> list[Fetched]:
        """The tickers that have prices, from the cache and from Yahoo."""
        cache = PriceCache(YahooProvider())
        # As of a later day than the end, the dividends up to that day are needed as well.
        needed = self.end if self.as_of is None else self.as_of
        fetched = [cache.fetch(name, self.start, needed, refresh=self.refresh) for name in self.tickers]
        return usable(fetched, self.on_missing_ticker, "on_missing_ticker=skip")

    @cached_property
    def tidy(self) -> tuple[pd.DataFrame, pd.Timestamp]:
        """The adjusted prices in unique_id, ds, y and close, and the day that they are as of."""
        return tidy_prices(self.fetched, self.start, self.end, self.as_of)

    @cached_property
    def panel(self) -> Panel:
        """All prices, series by session, held to the rules of `check_prices`."""
        if self.given is not None:
            return self.given
        frame = check_prices(self.tidy[0], on_missing=self.on_missing)
        return panel_of(frame, self.calendar, self.source, shortest=self.shortest(frame))

    def description(self) -> dict[str, Any]:
        """What a checkpoint says of the data, with the day that the prices are adjusted as of."""
        if self.given is not None:
            return super().description()
        prices = {item.symbol: item.prices for item in self.fetched if item.prices is not None}
        return {
            **super().description(),
            "as_of": time_text(self.tidy[1].to_datetime64()),
            "currencies": {symbol: item.currency for symbol, item in prices.items()},
            "fetched_at": {symbol: f"{item.fetched_at:%Y-%m-%d %H:%M}" for symbol, item in prices.items()},
        }
