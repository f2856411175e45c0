"""The arguments of the estimator: what each may be, and its default for prices and for other series."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from tsrnn import backbones, heads
from tsrnn.backbones import Backbone
from tsrnn.checks import one_of, real, whole
from tsrnn.codecs import Codec
from tsrnn.errors import ConfigError, nearest
from tsrnn.heads import Head

Kind: TypeAlias = Literal["prices", "series"]

DEFAULTS: Mapping[Kind, Mapping[str, Any]] = {
    "prices": {
        "head": "StudentT",
        "hidden_size": 48,
        "dropout": 0.2,
        "embedding_size": 32,
        "learning_rate": 1e-3,
        "weight_decay": 0.01,
        "max_epochs": 40,
        "patience": 10,
        "batch_size": 32,
        "batches_per_epoch": 25,
        "split": (0.7, 0.15, 0.15),
        "on_missing": "error",
        "num_samples": 1000,
    },
    "series": {
        "head": "Quantiles",
        "hidden_size": 64,
        "dropout": 0.3,
        "embedding_size": 64,
        "learning_rate": 3e-3,
        "weight_decay": 1.0,
        "max_epochs": 12,
        "batch_size": 64,
        "batches_per_epoch": 50,
        "num_samples": 200,
    },
}
"""What stands for None: the settings of configs/forecast/prices_lstm.yaml and panel.yaml."""

OF_ONE_KIND: Mapping[Kind, tuple[str, ...]] = {
    "prices": ("split", "window_length", "warm_up", "on_missing"),
    "series": ("frequency", "valid_size", "test_size"),
}
"""Arguments that say something of one kind alone."""

_LEAST = {
    **{"horizon": 1, "hidden_size": 1, "num_layers": 1, "embedding_size": 1, "max_epochs": 1, "patience": 1},
    **{"batch_size": 1, "batches_per_epoch": 1, "window_length": 2, "warm_up": 0, "threads": 1},
    **{"valid_size": 0, "test_size": 0},
}
_NEVER_NONE = ("num_layers",)
_SHAPE: Mapping[str, Any] = {"hidden_size": None, "num_layers": 1, "dropout": None}
"""Arguments of the cell, and what they are unless given; custom cells may omit them."""


def checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, each of its type; cell and head as classes.

    Raises:
        ConfigError: if one is of another type, or out of bounds.
    """
    found = dict(given)
    one_of("kind", found["kind"], ("auto", "prices", "series"))
    one_of("progress", found["progress"], ("auto", True, False))
    found["seed"] = whole("seed", found["seed"], 0, 2**32 - 1)
    for name, least in _LEAST.items():
        if found[name] is not None or name in _NEVER_NONE:
            found[name] = whole(name, found[name], least)
    for name, bounds in _BOUNDS.items():
        if found[name] is not None:
            found[name] = real(name, found[name], **bounds)
    if found["on_missing"] is not None:
        one_of("on_missing", found["on_missing"], ("error", "drop"))
    for name in ("calendar", "frequency"):
        if not (isinstance(found[name], str) or (name == "frequency" and found[name] is None)):
            raise ConfigError(f"{name} is a word, not a {type(found[name]).__name__}")
    if found["codec"] is not None and not isinstance(found["codec"], Codec):
        raise ConfigError(f"codec must be a Codec, such as tsrnn.Blocks(7), not {found['codec']!r}")
    if found["split"] is not None:
        found["split"] = shares(found["split"])
    found["cell"] = class_of(found["cell"], backbones, Backbone)
    for name, default in _SHAPE.items():
        if found[name] != default and name not in inspect.signature(found["cell"]).parameters:
            raise ConfigError(f"{found['cell'].__name__} takes no {name}: leave it out")
    if found["head"] is not None:
        found["head"] = class_of(found["head"], heads, Head)
    return found


_BOUNDS: dict[str, dict[str, Any]] = {
    "dropout": {"least": 0, "below": 1},
    "learning_rate": {"least": 0, "open_": True},
    "weight_decay": {"least": 0},
    "gradient_clip": {"least": 0, "open_": True},
}


def told_kind(settings: Mapping[str, Any]) -> tuple[Kind, str] | None:
    """The kind that the arguments tell, and by which; None if they tell none.

    Raises:
        ConfigError: if they tell of both kinds, or of another than `kind`.
    """
    kind = settings["kind"]
    told: dict[Kind, list[str]] = {
        one: [name for name in names if settings[name] is not None] for one, names in OF_ONE_KIND.items()
    }
    if kind == "auto" and all(told.values()):
        first, second = told["prices"][0], told["series"][0]
        raise ConfigError(f"{first} is an argument of prices, and {second} of series: leave one of them out")
    for one, names in told.items():
        if kind not in ("auto", one) and names:
            raise ConfigError(
                f"{names[0]} is an argument of kind='{one}', and kind is '{kind}': leave it out"
            )
    if kind != "auto":
        return kind, ""
    return next(((one, f"{names[0]} is given") for one, names in told.items() if names), None)


def settled(settings: Mapping[str, Any], kind: Kind) -> dict[str, Any]:
    """The arguments with the kind's defaults for what is None."""
    found = {name: DEFAULTS[kind].get(name) if value is None else value for name, value in settings.items()}
    found["head"] = class_of(found["head"], heads, Head)
    return {"num_samples": DEFAULTS[kind]["num_samples"], **found}


def shape_of(settings: Mapping[str, Any], **others: Any) -> dict[str, Any]:
    """The arguments of the cell, and others, of those that it takes."""
    taken = inspect.signature(settings["cell"]).parameters
    given = {**{name: settings[name] for name in _SHAPE}, **others}
    return {name: value for name, value in given.items() if name in taken}


def class_of(given: Any, package: Any, base: type) -> Any:
    """The class itself, or that of a name in a package.

    Raises:
        ConfigError: if there is none, with the nearest.
    """
    if isinstance(given, type) and issubclass(given, base):
        return given
    found = getattr(package, given, None) if isinstance(given, str) else None
    if not (isinstance(found, type) and issubclass(found, base)):
        known = [name for name in package.__all__ if name != base.__name__]
        hint = nearest(given, known) if isinstance(given, str) else f": it is one of {', '.join(known)}"
        raise ConfigError(f"{given!r} is not a {base.__name__.lower()}{hint}")
    return found


def shares(given: Any) -> tuple[float, float, float]:
    """The shares of a split.

    Raises:
        ConfigError: if they are not three numbers.
    """
    if not isinstance(given, tuple | list) or len(given) != 3:
        raise ConfigError(f"split is three shares, for training, validation and test, not {given!r}")
    first, second, third = (real("a share of split", share, 0) for share in given)
    return first, second, third


def checked_levels(levels: Any) -> list[float]:
    """The levels of intervals, in percent.

    Raises:
        ConfigError: if they are none.
    """
    if not isinstance(levels, Sequence) or isinstance(levels, str) or not levels:
        raise ConfigError(f"levels are numbers between 0 and 100, such as (80, 95), not {levels!r}")
    return [real("a level", level, 0, below=100, open_=True) for level in levels]
