"""What the parsers of the verbs share; `fit` and its like have jsonargparse's own."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

from tsrnn.errors import ConfigError, nearest


class LineParser(argparse.ArgumentParser):
    """argparse, with errors in one line that name the nearest right option, and no abbreviations."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(
            allow_abbrev=False, formatter_class=argparse.ArgumentDefaultsHelpFormatter, **arguments
        )

    def error(self, message: str) -> NoReturn:
        """Raise the mistake as a ConfigError."""
        raise ConfigError(message)

    def parse(self, arguments: list[str]) -> argparse.Namespace:
        """The parsed arguments, options and others in any order.

        Raises:
            ConfigError: for an unknown option, with the nearest right one, or one argument too many.
        """
        parsed, unknown = self.parse_known_intermixed_args(arguments)
        if unknown and not unknown[0].startswith("-"):
            raise ConfigError(f"one argument too many: {unknown[0]!r} (a text with spaces needs quotes)")
        if unknown:
            options = [option for action in self._actions for option in action.option_strings]
            raise ConfigError(
                f"there is no option {unknown[0]}{nearest(unknown[0].partition('=')[0], options)}"
            )
        return parsed


def add_checkpoint(parser: LineParser) -> None:
    """Add what every verb has that runs a model: CKPT, --import and --threads."""
    parser.add_argument("checkpoint", metavar="CKPT", help="a checkpoint, or the folder of a run")
    parser.add_argument(
        "--import", dest="modules", nargs="+", default=[], help="modules of your own that CKPT uses"
    )
    parser.add_argument("--threads", type=positive, default=1, help="CPU threads")


def positive(text: str) -> int:
    """A whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)
