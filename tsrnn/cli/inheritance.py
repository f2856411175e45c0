"""A configuration that says only what it has of its own: its key `base` names the one that says the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from jsonargparse import get_loader
from jsonargparse.typing import Path_fr
from pytorch_lightning.cli import LightningArgumentParser

from tsrnn.errors import ConfigError, nearest

Keys = dict[str, Any]
_load_yaml = get_loader("yaml")


class InheritingParser(LightningArgumentParser):
    """Lightning's parser, for which `base: other.yaml` in a file means `--config other.yaml` before the file.

    So there is one set of rules, jsonargparse's, for a base, for a second `--config` and for an option:
    mappings are joined key by key, and of two values the later is taken; a list is a value. Where the later
    file names another class, the arguments that the new class has too stay, and the others go.

    A base may have one of its own. Its path, like every path of a configuration to another, is relative to
    the file that it is in. Only a file that `--config` names can have a base; what the parser returns,
    and so what a run's folder keeps, has none.
    """

    def parse_path(self, path: Any, *arguments: Any, **settings: Any) -> Any:
        """Read a configuration's file, over its base.

        Raises:
            ConfigError: for a base that cannot be followed.
        """
        (first, _), *later = lineage(Path(path))
        parsed = super().parse_path(str(first), *arguments, **settings)
        # Of what jsonargparse hands from one of its functions to the next, a mapping has no use for this.
        settings.pop("_fail_no_subcommand", None)
        for file, keys in later:
            with Path_fr(str(file)).relative_path_context():
                parsed = self.parse_object(keys, parsed, **settings)
        return parsed


def lineage(path: Path) -> list[tuple[Path, Keys]]:
    """The files that make up a configuration, the most general first, each with its keys besides `base`.

    Raises:
        ConfigError: if a base is not the path of a YAML file, is not there, says nothing, or leads back to
            a file that it came from.
    """
    found: list[tuple[Path, Keys]] = []
    met: set[Path] = set()
    while True:
        keys = _keys(path)
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


def _keys(path: Path) -> Keys:
    """What a file says; nothing, where it is not a mapping in YAML: the parser says so better."""
    try:
        keys = _load_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return keys if isinstance(keys, dict) else {}
