"""tsrnn fetch AAPL 005930.KS: daily prices from Yahoo Finance, into the cache and a file."""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from tsrnn.cli.output import say, show
from tsrnn.data.providers.adjustment import tidy_prices, usable
from tsrnn.data.providers.base import checked_day, checked_symbols
from tsrnn.data.providers.cache import Fetched, PriceCache
from tsrnn.data.providers.yahoo import YahooProvider
from tsrnn.errors import ConfigError, DataWarning
from tsrnn.files import atomic_file


def run(options: argparse.Namespace) -> int:
    """Fetch the tickers, say what came of each, and write the prices where a file is named."""
    names = checked_symbols(options.tickers)
    start = checked_day(options.start, "--start")
    end = None if options.end is None else checked_day(options.end, "--end")
    if end is not None and end < start:
        raise ConfigError(f"--end ({options.end}) lies before --start ({options.start})")
    cache = PriceCache(YahooProvider())
    modes = {"refresh": options.refresh, "offline": options.offline}
    fetched = [cache.fetch(name, start, end, **modes) for name in names]
    show(_table(cache, fetched, start, end), "Daily sessions")
    found = usable(fetched, options.on_missing, "--on-missing skip")
    if options.output is not None:
        tidy, as_of = tidy_prices(found, start, end)
        _write(tidy, Path(options.output))
        say("as_of", f"{as_of:%Y-%m-%d}")
        say("output", options.output)
    return 0


def _table(
    cache: PriceCache, fetched: Sequence[Fetched], start: pd.Timestamp, end: pd.Timestamp | None
) -> dict[str, list[str]]:
    rows = []
    for item in fetched:
        row = dict.fromkeys(("sessions", "first", "last", "currency", "age", "file"), "-")
        if item.prices is not None:
            ds = item.prices.frame["ds"]
            ds = ds[(ds >= start) & (ds <= (ds.iloc[-1] if end is None else end))]
            row["sessions"] = str(len(ds))
            if len(ds):
                row["first"], row["last"] = (f"{day:%Y-%m-%d}" for day in (ds.iloc[0], ds.iloc[-1]))
            row["currency"] = item.prices.currency or "-"
            row["age"], row["file"] = cache.age(item.prices), str(cache.path(item.symbol))
        rows.append({"symbol": item.symbol, "outcome": str(item.outcome), **row})
    return {name: [row[name] for row in rows] for name in rows[0]}


def _write(tidy: pd.DataFrame, path: Path) -> None:
    """The table as CSV, written beside its place and renamed: what was there is whole until then."""
    if tidy["y"].isna().any():
        count = int(tidy["y"].isna().sum())
        problem = f"{path}: {count} sessions have no close; read the file with on_missing=drop"
        warnings.warn(DataWarning(problem), stacklevel=2)
    with atomic_file(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        tidy.to_csv(file, index=False, date_format="%Y-%m-%d", lineterminator="\n")
