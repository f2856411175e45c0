"""What `tsrnn fetch` can be told."""

from __future__ import annotations

import argparse
from pathlib import Path

from tsrnn.cli.parser import LineParser
from tsrnn.errors import ConfigError


def parser(verb: str) -> LineParser:
    """The parser of the verb."""
    made = LineParser(
        verb,
        "Daily prices from Yahoo Finance. Only what the cache lacks is asked for.",
        "tsrnn fetch AAPL 005930.KS --output prices.csv",
    )
    made.add_argument("tickers", metavar="TICKER", nargs="+", help="Yahoo's symbol: AAPL, 005930.KS, ^GSPC")
    made.add_argument("--start", default="2000-01-01", help="the first day, YYYY-MM-DD")
    made.add_argument("--end", help="the last day, itself included; without one: the last closed session")
    made.add_argument(
        "--on-missing",
        choices=("error", "skip"),
        default="error",
        help="a ticker without prices is an error, or is named and left out",
    )
    made.add_argument("--output", metavar="FILE", help="a CSV of adjusted prices, for --data.path")
    made.add_argument("--offline", action="store_true", help="use the cache alone")
    made.add_argument("--refresh", action="store_true", help="fetch everything again")
    return made


def check(options: argparse.Namespace) -> None:
    """Look for the folder of the file, and at what does not go together.

    Raises:
        ConfigError: in one line.
    """
    if options.output is not None and not Path(options.output).resolve().parent.is_dir():
        raise ConfigError(f"--output {options.output}: there is no such folder")
    if options.offline and options.refresh:
        raise ConfigError("--offline and --refresh exclude each other: give one of them")
