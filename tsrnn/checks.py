"""Arguments, checked where they are given: a wrong type or size is one line, before anything runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

from tsrnn.errors import ConfigError, argument, nearest


def whole(name: str, value: Any, least: int, most: int | None = None) -> int:
    """The value as an integer.

    Raises:
        ConfigError: if it is none, or not between `least` and `most`.
    """
    fits = not isinstance(value, bool) and isinstance(value, Integral)
    if not fits or value < least or (most is not None and value > most):
        bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise ConfigError(f"{name} must be a whole number {bounds}, not {_shown(value)}")
    return int(value)


def real(name: str, value: Any, least: float, below: float = math.inf, *, open_: bool = False) -> float:
    """The value as a number in [least, below), or in (least, below) where `open_`.

    Raises:
        ConfigError: if it is none, or lies elsewhere.
    """
    number = not isinstance(value, bool) and isinstance(value, Real) and math.isfinite(value)
    if not number or value < least or value >= below or (open_ and value == least):
        bounds = f"{'above' if open_ else 'of at least'} {least:g}"
        bounds += "" if below == math.inf else f" and below {below:g}"
        raise ConfigError(f"{name} must be a number {bounds}, not {_shown(value)}")
    return float(value)


def one_of(name: str, value: Any, known: Sequence[Any]) -> Any:
    """The value, one of those that are known.

    Raises:
        ConfigError: if it is none of them, with the nearest.
    """
    # By type as well: 1 is not True.
    if any(type(value) is type(one) and value == one for one in known):
        return value
    words = ", ".join(repr(one) for one in known)
    hint = nearest(value, [one for one in known if isinstance(one, str)]) if isinstance(value, str) else ""
    raise ConfigError(f"{name} is one of {words}, not {_shown(value)}{hint}")


def check_split(split: Sequence[float]) -> None:
    """Whether they are shares for training, validation and test.

    Raises:
        ConfigError: if they are not three, one is negative, the first is 0, or they do not add up to 1.
    """
    if len(split) != 3 or min(split) < 0 or split[0] == 0 or abs(sum(split) - 1) > 1e-6:
        raise ConfigError(
            f"{argument('data.split')} must be three shares that add up to 1, not {list(split)}"
        )


def _shown(value: Any) -> str:
    """A plain value as it is written, and the type of anything else."""
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)[:60]
    return str(value) if isinstance(value, Real) else f"a {type(value).__name__}"
