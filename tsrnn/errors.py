"""Every error that a user of tsrnn can meet, one tree.

A user's mistake ends in one line: what is wrong, where, and what to do. The command line prints the
line and exits with status 2; Python code catches `TsrnnError`, or a branch of it. A message names an
argument by `argument`, so that each of the two reads the name that it can use.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

_ARGUMENT = re.compile("\x02(.*?)\x1f(.*?)\x1f(.*?)\x03")
"""An argument in a message: its key, then its value as Python and as a shell write it."""
_NO_VALUE = object()


def argument(key: str, value: object = _NO_VALUE) -> str:
    """An argument in a message: `decimal` in Python is `--data.decimal` on the command line.

    Args:
        key: the argument's name, behind the key of a configuration that it stands under: "data.decimal".
        value: what to set it to: `decimal=','` in Python, `--data.decimal ,` on the command line.
    """
    if value is _NO_VALUE:
        return f"\x02{key}\x1f\x1f\x03"
    import shlex  # needed only where something is wrong

    words = {None: "null", True: "true", False: "false"}
    text = words[value] if value is None or isinstance(value, bool) else shlex.quote(str(value))
    return f"\x02{key}\x1f={value!r}\x1f {text}\x03"


class _Message(Exception):
    """What is said in one line, and may name arguments."""

    def __str__(self) -> str:
        return self.said(lambda key: None)

    def said(self, option: Callable[[str], str | None]) -> str:
        """The message, its arguments named as the command line has them.

        Args:
            option: the command's option for a key such as "data.decimal", or None where it has none.
        """

        def named(match: re.Match[str]) -> str:
            key, in_python, in_a_shell = match.groups()
            found = option(key)
            return key.rpartition(".")[2] + in_python if found is None else found + in_a_shell

        return _ARGUMENT.sub(named, super().__str__())


class TsrnnError(_Message):
    """The root of the tree: a mistake that its message explains in one line."""


class DataError(TsrnnError):
    """Data that cannot be used as it is: the message names the file, the line and the column.

    Args:
        problem: what is wrong and what to do about it, without the place.
        path: the file, or None for a frame that was given from Python.
        line: the line in that file, counting the header as line 1.
        column: the name of the column.
    """

    def __init__(
        self,
        problem: str,
        *,
        path: str | Path | None = None,
        line: int | None = None,
        column: str | None = None,
    ) -> None:
        place = [str(path)] if path is not None else []
        if line is not None:
            place.append(f"line {line}")
        if column is not None:
            place.append(f"column {column}")
        super().__init__(f"{', '.join(place)}: {problem}" if place else problem)
        self.path = path
        self.line = line
        self.column = column


class DataWarning(_Message, UserWarning):
    """Data that is used as it is, although it looks odd: a jump, a long gap, a missing session."""


class Notice(_Message, UserWarning):
    """What was chosen or left aside without being asked for; nothing is wrong."""


class ConfigError(TsrnnError):
    """A key, a value or an option that does not fit."""


class CheckpointError(TsrnnError):
    """A file that is not a whole checkpoint of tsrnn, or one that does not fit what is asked of it."""


class TrainingError(TsrnnError):
    """Training that cannot continue: it diverged."""


class Interrupted(BaseException):
    """A signal stopped the process; as with KeyboardInterrupt, `except Exception` does not catch it.

    Args:
        signal: its number: 15 for SIGTERM, 2 for Ctrl-C. The exit status is 128 more.
        message: what to say, in one line.
    """

    def __init__(self, signal: int, message: str) -> None:
        super().__init__(message)
        self.signal = int(signal)


def level_of_the_user() -> int:
    """The `stacklevel` by which a warning of the caller points to the first line outside the package."""
    frame, level = sys._getframe(1), 1
    # A property that is cached stands between the package and its user.
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] in ("tsrnn", "functools"):
        frame, level = frame.f_back, level + 1
    return level


def first_line(error: BaseException) -> str:
    """The first line of what an error says; of one too long to read, the beginning."""
    line = (str(error).strip() or type(error).__name__).splitlines()[0]
    return line if len(line) <= 300 else f"{line[:297]}..."


def first_few(names: Sequence[str]) -> str:
    """The first five names, and how many more there are."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


def nearest(name: str, known: Iterable[str]) -> str:
    """The words ", did you mean X?" for the known name nearest to `name`, or nothing."""
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.55)
    return f", did you mean {matches[0]}?" if matches else ""
