"""What a configuration says, its bases and the options beside it included, read without an import."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from tsrnn.cli.sources.classes import Class, class_named
from tsrnn.cli.sources.lineage import lineage
from tsrnn.errors import ConfigError, nearest
from tsrnn.files import existing

TRAINER = "pytorch_lightning.Trainer"
FROM_DATA = ("codec", "source_codec", "labels", "label_counts", "source_location", "source_scale")
"""Arguments of a task that follow from the data: attributes of the data module by the same names."""
_PATHS = {"data": ("path", "train_path", "valid_path", "test_path", "texts"), "model": ("word_vectors",)}
"""The arguments that are paths of files to read."""


class Configuration:
    """The keys of some files and options, each class by its name.

    It is for help, and for mistakes that can be said before anything is imported; what is trained is made by
    Lightning's parser.

    Args:
        files: the configurations, of two that say the same the later.
        changes: options as `fit` takes them, name and value: --data.path=prices.csv.

    Raises:
        ConfigError: if a base cannot be followed.
    """

    def __init__(self, files: Iterable[str | Path], changes: Sequence[str] = ()) -> None:
        self.keys: dict[str, Any] = {}
        for file in files:
            for path, keys in lineage(Path(file)):
                self.keys = _joined(self.keys, _resolved(keys, path.parent))
        self.changes = changes
        for change in changes:
            name, _, text = change.removeprefix("--").partition("=")
            _set(self.keys, name.rstrip("+").split("."), _resolved(_value(text), Path()))

    def check(self) -> None:
        """Look for the keys of the options, and for the files that are named.

        Raises:
            ConfigError: for an option that there is not.
            DataError: for a file that is not there.
        """
        for change in self.changes:
            self._check_name(change.partition("=")[0])
        for root, names in _PATHS.items():
            made = class_of(self.keys.get(root))
            if made is None or not made.path.startswith("tsrnn."):
                continue  # a class of one's own says itself what a path is
            for name in names:
                path = arguments_of(self.keys[root]).get(name)
                if isinstance(path, str) and name in made.arguments and not _is_a_side(path, made):
                    existing(path)

    def _check_name(self, option: str) -> None:
        """Follow an option from class to class, as far as their sources are found."""
        root, *names = option.removeprefix("--").rstrip("+").split(".")
        value = TRAINER if root == "trainer" else self.keys.get(root)
        place = f"--{root}"
        for name in names:
            made = class_of(value)
            if made is None or made.is_open or name in ("class_path", "help", "dict_kwargs"):
                return
            if name == "init_args":
                continue
            if name not in made.arguments:
                hint = nearest(name, made.arguments)
                hint = hint.replace("did you mean ", f"did you mean {place}.") if hint else ""
                raise ConfigError(f"there is no option {place}.{name}{hint or f' of {made.name}'}")
            place += f".{name}"
            value = arguments_of(value).get(name, made.arguments[name].default)


def _is_a_side(path: str, made: Class) -> bool:
    """Whether a path is what the names of two aligned files have in common."""
    return {"source", "target"} <= set(made.arguments) and any(Path(path).parent.glob(f"{Path(path).name}.*"))


def class_of(value: Any) -> Class | None:
    """The class that a value of a configuration names; None where it names none, or none that is found."""
    name = value.get("class_path") if isinstance(value, dict) else value
    return class_named(name) if isinstance(name, str) and name.replace(".", "").isidentifier() else None


def arguments_of(value: Any) -> dict[str, Any]:
    """What a configuration says of the arguments of the class that a value names."""
    found = value.get("init_args") if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def _resolved(value: Any, folder: Path) -> Any:
    """The value with what its files say in the place of their paths."""
    if isinstance(value, dict):
        return {str(key): _resolved(item, folder) for key, item in value.items()}
    if isinstance(value, str) and value.endswith((".yaml", ".yml")) and (folder / value).is_file():
        path = folder / value
        (_, keys), *_ = lineage(path)
        return _resolved(keys, path.parent) or value
    return value


def _joined(below: Any, above: Any) -> Any:
    """Of two values the upper one; mappings are joined, and so are a class and arguments for it."""
    if isinstance(below, str) and isinstance(above, dict) and "init_args" in above:
        below = {"class_path": below}
    if isinstance(below, dict) and "init_args" in below and isinstance(above, str):
        above = {"class_path": above}
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return {**below, **{key: _joined(below.get(key), value) for key, value in above.items()}}


def _set(keys: dict[str, Any], names: list[str], value: Any) -> None:
    """Set a value at `data.path`, which stands in a file at data: init_args: path."""
    root, *inner = (name for name in names if name != "init_args")
    for name in reversed(inner):
        value = {name: value} if name == "class_path" or root == "trainer" else {"init_args": {name: value}}
    keys[root] = _joined(keys.get(root), value)


def _value(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text
