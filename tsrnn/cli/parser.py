"""What the parsers of the verbs share, on the standard library alone."""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import os
import re
import sys
import textwrap
from typing import Any, NoReturn

from tsrnn.checkpoints.paths import checkpoint_path
from tsrnn.errors import ConfigError, nearest
from tsrnn.files import existing

KEYS = ("data", "model", "trainer", "seed_everything", "threads", "tune_cpu")
"""What stands at the top of a configuration."""
OF_PRICES = ("column", "symbols", "on_missing")
"""Options of a FILE that are arguments of `read_prices` alone."""
OF_SERIES = ("id_column", "time_column", "value_column")
"""Options of a FILE that are arguments of `read_series` alone."""
_READING = (*OF_PRICES, *OF_SERIES, "calendar", "decimal", "thousands", "dates", "on_units", "comment")
_KEY = re.compile(rf"--({'|'.join(KEYS)})\b")


class LineParser(argparse.ArgumentParser):
    """argparse for one verb, with errors in one line that name the nearest right option, and an example.

    Args:
        verb: that is parsed for.
        description: what it does, in a sentence or two.
        example: a command line that works, which ends the help.
        add_help: False where the verb has a help of its own.
    """

    def __init__(self, verb: str, description: str, example: str, add_help: bool = True) -> None:
        super().__init__(
            prog=f"tsrnn {verb}",
            description=description,
            epilog=f"example:\n  {example}",
            add_help=add_help,
            allow_abbrev=False,
            formatter_class=_Formatter,
        )
        self.set_defaults(verb=verb)

    def error(self, message: str) -> NoReturn:
        """Raise the mistake as a ConfigError."""
        raise ConfigError(re.sub(r"^argument (\S+): (?=must)", r"\1 ", message))

    def parse(self, arguments: list[str]) -> argparse.Namespace:
        """The parsed arguments, options and others in any order.

        Raises:
            ConfigError: for an unknown option, with the nearest right one, or one argument too many.
        """
        parsed, unknown = self.parse_known_intermixed_args(arguments)
        if unknown and not unknown[0].startswith("-"):
            raise ConfigError(f"one argument too many: {unknown[0]!r} (a text with spaces needs quotes)")
        if unknown:
            raise ConfigError(
                f"there is no option {unknown[0]}{nearest(unknown[0].partition('=')[0], self.names())}"
            )
        return parsed

    def names(self) -> list[str]:
        """The names of the options."""
        return list(self._option_string_actions)

    def option(self, key: str) -> str | None:
        """The option for an argument that a message names by its key, `--decimal` for "data.decimal"."""
        name = f"--{key.rpartition('.')[2].replace('_', '-')}"
        return name if name in self._option_string_actions else None


class KeysParser(LineParser):
    """Of a verb that takes the keys of a configuration, too: they are in `changes`, as `fit` takes them."""

    def parse(self, arguments: list[str]) -> argparse.Namespace:
        """The parsed arguments, and the keys of the configuration with their values."""
        own: list[str] = []
        changes: list[str] = []
        rest = iter(arguments)
        for argument in rest:
            name, equals, _ = argument.partition("=")
            if name in self._option_string_actions or not _KEY.match(argument):
                own.append(argument)
            elif equals:
                changes.append(argument)
            elif (value := next(rest, None)) is not None:
                changes.append(f"{argument}={value}")
            else:
                raise ConfigError(f"{argument} needs a value")
        options = super().parse(own)
        options.changes = changes
        return options

    def names(self) -> list[str]:
        """The names of the options, and of the keys that stand at the top of a configuration."""
        return [*super().names(), *(f"--{key}" for key in KEYS)]

    def option(self, key: str) -> str | None:
        """The option for an argument that a message names by its key: the verb's own, or the key's."""
        return super().option(key) or f"--{key}"


class _Formatter(argparse.HelpFormatter):
    """Defaults are said where there is one; lines of a text that are indented stay as they are."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        plain = action.default is None or isinstance(action.default, bool) or action.default in ("", [])
        said = plain or action.default == argparse.SUPPRESS or "default" in (action.help or "")
        if said or not action.option_strings:
            return action.help
        default = action.default if isinstance(action.default, list) else [action.default]
        return f"{action.help} (default: {' '.join(map(str, default))})"

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n".join(
            line if line.startswith(" ") else textwrap.fill(line, width) for line in text.splitlines()
        )


def add_checkpoint(parser: LineParser) -> None:
    """Add what every verb has that runs a model: CKPT, --import and --threads."""
    parser.add_argument("checkpoint", metavar="CKPT", help="a checkpoint, or the folder of a run")
    parser.add_argument(
        "--import", dest="modules", nargs="+", default=[], help="modules of your own that CKPT uses"
    )
    parser.add_argument("--threads", type=positive, default=1, help="CPU threads")


def check_checkpoint(options: argparse.Namespace) -> None:
    """Look for the checkpoint and the modules that `add_checkpoint` has asked for.

    Raises:
        CheckpointError: if the checkpoint is not there.
        ConfigError: if a module is not.
    """
    checkpoint_path(options.checkpoint)
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())  # modules of one's own are found in the current folder
    for module in options.modules:
        if importlib.util.find_spec(module.partition(".")[0]) is None:
            raise ConfigError(f"--import {module}: there is no such module, here or in the environment")


def add_reading(parser: LineParser) -> None:
    """Add how FILE is read: the arguments of `read_prices` and `read_series`, None where it is not said."""
    group = parser.add_argument_group("how FILE is read")
    group.add_argument("--column", metavar="NAME", help="of the prices; default: Adj Close, Close, ...")
    group.add_argument("--symbols", nargs="+", metavar="NAME", help="of prices, those to read; default: all")
    group.add_argument(
        "--on-missing",
        choices=("error", "drop"),
        help="at a missing price; default: error",
    )
    for name, of, others in (
        ("id", "names of series", "unique_id, Symbol"),
        ("time", "times of series", "ds, Date"),
        ("value", "values of series", "y, Value"),
    ):
        group.add_argument(f"--{name}-column", metavar="NAME", help=f"of the {of}; default: {others}, ...")
    group.add_argument("--calendar", metavar="NAME", help="XNYS, week, 24/7, none, ...; default: auto")
    group.add_argument("--decimal", choices=(".", ","), help="the mark before decimals in a CSV")
    group.add_argument("--thousands", choices=(",", ".", " ", "'"), help="the mark between thousands there")
    group.add_argument(
        "--dates",
        choices=("auto", "epoch", "dmy", "mdy"),
        help="day or month first, or seconds since 1970; default: auto, where there is no doubt",
    )
    group.add_argument(
        "--on-units", choices=("error", "drop"), help="at a currency or percent sign; default: error"
    )
    group.add_argument("--comment", metavar="MARK", help="what begins a line of a CSV to skip, such as #")


def check_file(options: argparse.Namespace) -> None:
    """Look for the FILE.

    Raises:
        DataError: if it is not there.
        ConfigError: if none is named, and an option says how it is read.
    """
    if options.file is not None:
        existing(options.file)
    elif given := how_to_read(options):
        raise ConfigError(f"--{next(iter(given)).replace('_', '-')} is about a FILE, and none is named")


def how_to_read(options: argparse.Namespace) -> dict[str, Any]:
    """What the options of `add_reading` say, by the names of the arguments."""
    return {name: value for name in _READING if (value := getattr(options, name)) is not None}


def file_as_keys(options: argparse.Namespace) -> list[str]:
    """FILE, if there is one, and how it is read as keys of a configuration."""
    given = {} if options.file is None else {"path": options.file, **how_to_read(options)}
    text = {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}
    return [f"--data.{name}={value}" for name, value in text.items()]


def not_negative(text: str) -> float:
    """A finite number of at least 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"must be 0 or more, not {text}")
    return value


def positive(text: str) -> int:
    """A whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)
