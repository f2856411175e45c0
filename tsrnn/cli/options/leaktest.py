"""What `tsrnn leaktest` can be told."""

from __future__ import annotations

import argparse

from tsrnn.cli.parser import KeysParser, add_reading, check_file, file_as_keys, positive
from tsrnn.files import existing


def parser(verb: str) -> KeysParser:
    """The parser of the verb."""
    made = KeysParser(
        verb,
        "Change, truncate and delete what lies after many cut points, and compare everything up to them: "
        "values, features, codec, batches, and forecasts of the network with fresh weights. Keys of the "
        "configuration can be set as for fit: --data.codec=my_codecs.Mine.",
        "tsrnn leaktest configs/forecast/prices_lstm.yaml my_prices.csv",
    )
    made.add_argument("config", metavar="CONFIG", help="a configuration of prices or other series")
    made.add_argument(
        "file", metavar="FILE", nargs="?", help="series to test it on; default: those of CONFIG"
    )
    made.add_argument("--pairs", type=positive, default=1000, help="pairs of a series and a cut, at least")
    made.add_argument("--seed", type=int, default=0, help="of the cuts, and of what replaces the values")
    made.add_argument("--threads", type=positive, default=1, help="CPU threads")
    add_reading(made)
    return made


def check(options: argparse.Namespace) -> None:
    """Look for the files and the keys.

    Raises:
        TsrnnError: in one line.
    """
    existing(options.config, "configuration")
    from tsrnn.cli.sources.configuration import Configuration  # neither help nor a mistyped path needs YAML

    check_file(options)
    options.changes = [*options.changes, *file_as_keys(options)]
    Configuration([options.config], options.changes).check()
