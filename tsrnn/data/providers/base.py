"""Providers of daily prices: what one must do, what can come of it, and how often it is asked again."""

from __future__ import annotations

import random
import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import pandas as pd
from tenacity import RetryCallState, Retrying, retry_if_result

from tsrnn.data.tables.source import shown
from tsrnn.errors import ConfigError

PRICE_COLUMNS = ("open", "high", "low", "close")
COLUMNS = ("ds", *PRICE_COLUMNS, "volume", "dividends", "splits")
_SETTLED = pd.Timedelta(minutes=30)  # some exchanges' prices are shown 20 minutes late


class Outcome(StrEnum):
    """What came of asking a provider for one symbol.

    `not_found` is said only where the provider itself answered that it knows no such symbol. A provider
    that gave no answer is `network`, whatever its client library makes of the silence.
    """

    OK = "ok"
    NOT_FOUND = "not_found"
    RATE_LIMITED = "rate_limited"
    NETWORK = "network"
    EMPTY = "empty"


PASSING = (Outcome.RATE_LIMITED, Outcome.NETWORK)
"""The outcomes that may be others a little later."""


@dataclass(frozen=True)
class History:
    """A provider's answer for one symbol.

    Args:
        symbol: the symbol that was asked for.
        outcome: what came of it.
        frame: with `ok` the sessions in increasing order, in COLUMNS: ds (datetime64[ns], the exchange's
            own day), open, high, low and close in `currency`, volume in units, dividends in `currency` a
            unit on their ex-date, splits as new units for one old on their first day (0: none). All
            prices and dividends are in the units of the last session: those before a split are divided.
        currency: of the prices; "" where unknown.
        exchange: the provider's name of it; "" where unknown.
        timezone: the exchange's time zone, such as Asia/Seoul.
        detail: why the outcome is not `ok`, in a few words.
    """

    symbol: str
    outcome: Outcome
    frame: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(COLUMNS)))
    currency: str = ""
    exchange: str = ""
    timezone: str = "UTC"
    detail: str = ""

    def __post_init__(self) -> None:
        if (self.outcome is Outcome.OK) == self.frame.empty:
            raise ValueError(f"{self.symbol}: {self.outcome} with {len(self.frame)} sessions")


class Provider(ABC):
    """A source of daily prices; a new one defines `name`, `title` and `fetch`.

    Args:
        attempts: how often at most one symbol is asked for; at least 1.
        first_wait: seconds before the second attempt; each further wait is twice as long.
        longest_wait: seconds of the longest wait. Each wait is drawn from 50 to 100 % of its length, so
            that many processes that failed together do not come back together.
        sleep: waits for a number of seconds.
    """

    name: str
    """The folder of its cache."""
    title: str
    """Its name in a sentence."""

    def __init__(
        self,
        attempts: int = 4,
        first_wait: float = 2.0,
        longest_wait: float = 30.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.attempts = attempts
        self.first_wait = first_wait
        self.longest_wait = longest_wait
        self.sleep = sleep
        self._gave_up = False
        # Its own generator: how often a network fails must not move the random numbers of a training.
        self._random = random.Random()

    @abstractmethod
    def fetch(self, symbol: str, start: pd.Timestamp) -> History:
        """Ask once for the closed daily sessions of one symbol.

        Args:
            symbol: in the provider's spelling.
            start: the first day, midnight without a zone.

        Returns:
            The answer. Nothing is raised for what can go wrong: it is the outcome.
        """

    def history(self, symbol: str, start: pd.Timestamp) -> History:
        """`fetch`, again after a wait where the outcome is `rate_limited` or `network`, and only there.

        A provider that stayed silent through all attempts is asked once for each further symbol, until it
        answers again: a hundred symbols without a network do not take a hundred times the waits.
        """
        attempts = 1 if self._gave_up else self.attempts
        asking = Retrying(
            retry=retry_if_result(lambda answer: answer.outcome in PASSING),
            stop=lambda state: state.attempt_number >= attempts,
            wait=self._wait,
            sleep=self.sleep,
            retry_error_callback=_last_answer,
        )
        answer = asking(self.fetch, symbol, start)
        self._gave_up = answer.outcome in PASSING
        return answer

    def _wait(self, state: RetryCallState) -> float:
        longest = min(self.first_wait * 2.0 ** (state.attempt_number - 1), self.longest_wait)
        return longest * self._random.uniform(0.5, 1.0)


def _last_answer(state: RetryCallState) -> History:
    assert state.outcome is not None  # an attempt was made
    answer: History = state.outcome.result()
    return answer


def closed_sessions(
    frame: pd.DataFrame,
    now: pd.Timestamp,
    timezone: str,
    close_of: Callable[[pd.Timestamp], pd.Timestamp | None],
) -> pd.DataFrame:
    """The sessions that have ended by the exchange's clock.

    Args:
        frame: sessions in increasing order of ds, the exchange's own days.
        now: the moment, with a zone.
        timezone: of the exchange.
        close_of: when the session of a day ends; None where that is unknown. It is asked for today alone,
            and only where the frame has it; without an answer today's session counts as open.
    """
    today = now.tz_convert(timezone).tz_localize(None).normalize()
    if frame["ds"].iloc[-1] < today:
        return frame
    close = close_of(today)
    ended = close is not None and now >= close + _SETTLED
    return frame[frame["ds"] <= today] if ended else frame[frame["ds"] < today]


def calendar_close(code: str | None, day: pd.Timestamp) -> pd.Timestamp | None:
    """When the session of a day ends by a calendar of exchange_calendars; None where it does not say."""
    if code is None:
        return None
    import exchange_calendars

    week = pd.Timedelta(days=7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # exchange_calendars 4.13 under pandas 3
        try:
            calendar = exchange_calendars.get_calendar(code, start=day - week, end=day + week)
            return pd.Timestamp(calendar.session_close(day))
        except (NotImplementedError, ValueError):
            return None  # no session, or a calendar that this pandas cannot build


def checked_symbols(symbols: Sequence[str]) -> list[str]:
    """The symbols in capitals, each once.

    Raises:
        ConfigError: there is none, one is given twice, or one cannot be a symbol.
    """
    if not symbols:
        raise ConfigError("no ticker is given, such as AAPL or 005930.KS")
    names = [str(symbol).strip().upper() for symbol in symbols]
    for index, name in enumerate(names):
        if not 0 < len(name) <= 40 or not name.isprintable() or " " in name:
            raise ConfigError(f"'{shown(name)}' is not a ticker, such as AAPL or 005930.KS")
        if name in names[:index]:
            raise ConfigError(f"the ticker {name} is given twice")
    return names


def checked_day(text: str, name: str) -> pd.Timestamp:
    """The day that is written as YYYY-MM-DD.

    Raises:
        ConfigError: it is not; `name` says where it stands.
    """
    try:
        return pd.Timestamp(pd.to_datetime(str(text), format="%Y-%m-%d"))
    except ValueError:
        raise ConfigError(f"{name}: '{shown(str(text))}' is not a date: write YYYY-MM-DD") from None
