"""Prices on the disk: one Parquet file a symbol, of which only the rest is asked for."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet

from tsrnn.data.providers.base import COLUMNS, PRICE_COLUMNS, History, Outcome, Provider
from tsrnn.errors import DataWarning
from tsrnn.files import atomic_file, cache_folder

_FORMAT = "1"
_LEFTOVER = 86_400  # seconds, after which nobody still writes a file
_OVERLAP = 5  # sessions that are asked for again, to see whether the provider restated them
_LATE = pd.Timedelta(days=3)  # after which no session of a day is still to come


@dataclass(frozen=True)
class CachedPrices:
    """What the cache holds of one symbol.

    Args:
        frame: sessions in the columns of `History.frame`.
        asked_from: the first day that was asked for; the symbol may be younger.
        fetched_at: when the provider answered, in UTC.
        currency: of the prices.
        exchange: the provider's name of it.
        timezone: the exchange's time zone.
    """

    frame: pd.DataFrame
    asked_from: pd.Timestamp
    fetched_at: pd.Timestamp
    currency: str
    exchange: str
    timezone: str

    def reaches(self, end: pd.Timestamp | None) -> bool:
        """Whether no session up to `end` can be missing; False without an end."""
        if end is None:
            return False
        return bool(self.frame["ds"].iloc[-1] >= end) or self.fetched_at.tz_localize(None) >= end + _LATE


@dataclass(frozen=True)
class Fetched:
    """What came of one symbol: `prices` is None where there are none to use."""

    symbol: str
    outcome: Outcome
    prices: CachedPrices | None = None
    detail: str = ""


class PriceCache:
    """Raw prices of a provider's symbols, in the user's cache folder.

    Args:
        provider: who is asked for what the cache lacks.
        folder: where the files are. Default: `prices/<provider>` in $TSRNN_CACHE, else in the user's cache.
        now: the moment, in UTC.
    """

    def __init__(
        self,
        provider: Provider,
        folder: Path | None = None,
        now: Callable[[], pd.Timestamp] = lambda: pd.Timestamp.now("UTC"),
    ) -> None:
        self.provider = provider
        self.folder = folder if folder is not None else cache_folder("prices") / provider.name
        self.now = now

    def fetch(
        self,
        symbol: str,
        start: pd.Timestamp,
        end: pd.Timestamp | None = None,
        *,
        refresh: bool = False,
        offline: bool = False,
    ) -> Fetched:
        """Prices of one symbol: the cached ones, with what they lack from the provider.

        After the last cached session only the rest is asked for, and the last few sessions again. Where
        these are not what they were, or the rest has a split, the provider has restated its history, and
        everything is fetched again. Where the provider does not answer, the cache is used, and a
        DataWarning says its age.

        Args:
            symbol: in the provider's spelling.
            start: the first day that is needed.
            end: the last day that is needed. Default: the last session there is.
            refresh: fetch everything again.
            offline: use the cache alone.
        """
        cached = self.read(symbol)
        if cached is not None and cached.asked_from > start:
            if offline:
                detail = f"the cache begins on {cached.asked_from:%Y-%m-%d} only"
                return Fetched(symbol, Outcome.NETWORK, None, detail)
            start, cached = min(start, cached.asked_from), None
        if offline:
            if cached is None:
                return Fetched(symbol, Outcome.NETWORK, None, "it is not in the cache")
            self._warn(symbol, cached, "offline")
            return Fetched(symbol, Outcome.OK, cached)
        if cached is not None and not refresh and cached.reaches(end):
            return Fetched(symbol, Outcome.OK, cached)
        asked_from = start if cached is None else cached.asked_from
        answer, frame = self._ask(symbol, asked_from, None if refresh else cached)
        if answer.outcome is Outcome.OK:
            facts = (answer.currency, answer.exchange, answer.timezone)
            prices = CachedPrices(frame, asked_from, self.now(), *facts)
            self.write(symbol, prices)
            return Fetched(symbol, Outcome.OK, prices)
        if cached is not None:
            self._warn(symbol, cached, f"{self.provider.title} says {answer.outcome} ({answer.detail})")
        return Fetched(symbol, answer.outcome, cached, answer.detail)

    def _ask(
        self, symbol: str, start: pd.Timestamp, cached: CachedPrices | None
    ) -> tuple[History, pd.DataFrame]:
        """The provider's last answer, and the whole history that it makes."""
        if cached is not None:
            overlap = cached.frame["ds"].iloc[-min(_OVERLAP, len(cached.frame))]
            answer = self.provider.history(symbol, overlap)
            whole = _joined(cached.frame, answer.frame, overlap) if answer.outcome is Outcome.OK else None
            if answer.outcome is not Outcome.OK or whole is not None:
                return answer, answer.frame if whole is None else whole
        answer = self.provider.history(symbol, start)
        return answer, answer.frame

    def _warn(self, symbol: str, cached: CachedPrices, reason: str) -> None:
        last = f"up to {cached.frame['ds'].iloc[-1]:%Y-%m-%d}"
        problem = f"{symbol}: {reason}; the cached prices are used, {last}, fetched {self.age(cached)} ago"
        warnings.warn(DataWarning(problem), stacklevel=3)

    def age(self, cached: CachedPrices) -> str:
        """How long ago the prices were fetched, in words such as 3 days."""
        minutes = max(int((self.now() - cached.fetched_at).total_seconds() // 60), 0)
        count, unit = next(
            (minutes // size, unit)
            for size, unit in ((1440, "day"), (60, "hour"), (1, "minute"))
            if minutes >= size or size == 1
        )
        return f"{count} {unit}{'' if count == 1 else 's'}"

    def path(self, symbol: str) -> Path:
        """The file of a symbol, in the folder whatever the symbol is called."""
        # What is no letter, digit or one of ^=-. is written as %XX. The ending keeps clear of the names
        # that Windows reserves, such as CON.
        return self.folder / f"{quote(symbol, safe='^=')}_1d.parquet"

    def read(self, symbol: str) -> CachedPrices | None:
        """What the cache holds of a symbol; None where that is nothing or, with a warning, damaged."""
        path = self.path(symbol)
        try:
            table = pyarrow.parquet.ParquetFile(path).read()
            facts = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
            if facts["format"] != _FORMAT or facts["symbol"] != symbol or not table.num_rows:
                raise ValueError("another format, or another symbol's file")
            frame = pd.DataFrame({name: table.column(name).to_numpy() for name in COLUMNS})
            moments = pd.Timestamp(facts["asked_from"]), pd.Timestamp(facts["fetched_at"])
            return CachedPrices(frame, *moments, facts["currency"], facts["exchange"], facts["timezone"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, pyarrow.ArrowException):
            problem = f"{path}: the cached prices are damaged and not used"
            warnings.warn(DataWarning(problem), stacklevel=2)
            return None

    def write(self, symbol: str, prices: CachedPrices) -> None:
        """Keep the prices: written beside their place and renamed, so that a file that is there is whole.

        What a process that was killed left beside its place is removed after a day.
        """
        path = self.path(symbol)
        facts = {
            "format": _FORMAT,
            "symbol": symbol,
            "provider": self.provider.name,
            "asked_from": prices.asked_from.isoformat(),
            "fetched_at": prices.fetched_at.isoformat(),
            "currency": prices.currency,
            "exchange": prices.exchange,
            "timezone": prices.timezone,
        }
        table = pyarrow.table({name: prices.frame[name].to_numpy() for name in COLUMNS})
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._remove_leftovers()
            with atomic_file(path) as partial:
                pyarrow.parquet.write_table(table.replace_schema_metadata(facts), partial)
        except OSError as error:
            problem = f"{path}: the prices cannot be kept ({error.strerror}); they are used all the same"
            warnings.warn(DataWarning(problem), stacklevel=3)

    def _remove_leftovers(self) -> None:
        oldest = self.now().timestamp() - _LEFTOVER
        for path in self.folder.iterdir():
            if path.suffix == ".partial":
                # Another process may be removing it, or may not let us.
                with suppress(OSError):
                    if path.stat().st_mtime < oldest:
                        path.unlink()


def _joined(old: pd.DataFrame, new: pd.DataFrame, overlap: pd.Timestamp) -> pd.DataFrame | None:
    """The old sessions and the new ones after them; None where the new ones contradict the old."""
    last = old["ds"].iloc[-1]
    ours, theirs, rest = old[old["ds"] >= overlap], new[new["ds"] <= last], new[new["ds"] > last]
    if not np.array_equal(ours["ds"], theirs["ds"]) or not rest["splits"].isin([0, 1]).all():
        return None
    values = [*PRICE_COLUMNS, "dividends", "splits"]
    # The provider's numbers have 24 bits, which is 7 digits.
    if not np.allclose(ours[values], theirs[values], rtol=1e-6, atol=1e-9, equal_nan=True):
        return None
    return pd.concat([old, rest], ignore_index=True)
