"""How configurations and options are read, by Lightning's parser, and mistakes in them said in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import yaml
from jsonargparse import get_loader, set_loader
from lightning_fabric.utilities.exceptions import MisconfigurationException

from tsrnn.cli.explain import explain, one_line
from tsrnn.cli.inheritance import InheritingParser
from tsrnn.errors import ConfigError, TsrnnError


def _load_value(text: str) -> Any:
    """A value as YAML has it; "#" and " " are text, where YAML sees a comment and nothing."""
    only_comment = "\n" not in text and text.lstrip().startswith("#")
    return text if only_comment or text.isspace() else _load_yaml(text)


_load_yaml = get_loader("yaml")
set_loader("yaml_and_marks", _load_value, exceptions=(yaml.YAMLError,))


class ConfigurationParser(InheritingParser):
    """Lightning's parser, with bases, and with errors in one line that name the nearest right key."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **{"parser_mode": "yaml_and_marks", **settings})

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise the mistake as a ConfigError of one line."""
        raise ConfigError(explain(message, self._option_names()))

    def _option_names(self) -> list[str]:
        return [option for action in self._actions for option in action.option_strings]


@contextmanager
def mistakes_in_one_line() -> Iterator[None]:
    """Inside, what Lightning and its parser raise for a mistake becomes a ConfigError, or the error of ours.

    Raises:
        ConfigError: for a mistake in a configuration.
    """
    try:
        yield
    except MisconfigurationException as error:
        raise ConfigError(one_line(str(error))) from error
    except ValueError as error:
        # jsonargparse wraps what a class raises while it is made: what was meant is inside.
        raise _own_error(error) or ConfigError(one_line(str(error))) from error


def _own_error(error: BaseException | None) -> TsrnnError | None:
    """The error of ours that another was raised from."""
    while error is not None and not isinstance(error, TsrnnError):
        error = error.__cause__ or error.__context__
    return error


def class_paths(description: Any) -> set[str]:
    """Every class path that a configuration names, at whatever depth."""
    if hasattr(description, "as_dict"):
        description = description.as_dict()
    if isinstance(description, list | tuple):
        return set().union(*(class_paths(item) for item in description))
    if not isinstance(description, dict):
        return set()
    own = {description["class_path"]} if isinstance(description.get("class_path"), str) else set()
    return own.union(*(class_paths(value) for value in description.values()))


def modules_of(description: Any) -> set[str]:
    """The modules of the classes that a configuration names: whoever wrote it trusts them."""
    return {path.rpartition(".")[0] for path in class_paths(description)}
