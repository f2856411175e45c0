"""What the parsers of the verbs share, on the standard library alone."""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import sys
import textwrap
from typing import NoReturn

from tsrnn.checkpoints.paths import checkpoint_path
from tsrnn.errors import ConfigError, nearest

KEYS = ("data", "model", "trainer", "seed_everything", "threads", "tune_cpu")
"""What stands at the top of a configuration."""
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


def positive(text: str) -> int:
    """A whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)
