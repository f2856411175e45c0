"""The files that make up a configuration: its key `base` names the one that says the rest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tsrnn.errors import ConfigError, nearest

Keys = dict[str, Any]


def lineage(path: Path, load: Callable[[str], Any] = yaml.safe_load) -> list[tuple[Path, Keys]]:
    """The files that make up a configuration, the most general first, each with its keys besides `base`.

    Args:
        path: of the configuration.
        load: reads YAML.

    Raises:
        ConfigError: if a base is not the path of a YAML file, is not there, says nothing, or leads back to
            a file that it came from.
    """
    found: list[tuple[Path, Keys]] = []
    met: set[Path] = set()
    while True:
        keys = _keys(path, load)
        if found and not keys:
            raise ConfigError(f"{path}, the base of {found[0][0]}, is not a mapping in YAML")
        base = keys.pop("base", None)
        found.insert(0, (path, keys))
        met.add(path.resolve())
        if base is None:
            return found
        if not isinstance(base, str) or not base.endswith((".yaml", ".yml")):
            raise ConfigError(f"{path}: base is the path of one YAML file, not {base!r}")
        file = path.parent / base
        if not file.is_file():
            siblings = file.parent.iterdir() if file.parent.is_dir() else []
            known = [other.name for other in siblings]
            raise ConfigError(f"{path}: there is no base {base}{nearest(file.name, known)}")
        if file.resolve() in met:
            raise ConfigError(f"{path}: the base {base} leads back to itself")
        path = file


def _keys(path: Path, load: Callable[[str], Any]) -> Keys:
    """What a file says; nothing, where it is not a mapping in YAML: the parser says so better."""
    if path.is_dir():
        raise ConfigError(f"{path}: a folder is no configuration: name a YAML file")
    try:
        keys = load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return keys if isinstance(keys, dict) else {}
