"""The options of a configuration on a page: its own model and data first, each with the value that it has."""

from __future__ import annotations

import ast
import re
import shutil
import textwrap
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from tsrnn.cli.sources.classes import Argument
from tsrnn.cli.sources.configuration import FROM_DATA, TRAINER, Configuration, arguments_of, class_of

_LINKED = {"model": FROM_DATA, "model.head": ("event_shape",)}
"""The arguments that follow from other parts of the configuration."""
_COLUMN = 34


class Group(NamedTuple):
    """The options of one class.

    Args:
        title: the key that it stands at, and the class.
        rows: option and value, and what it means.
    """

    title: str
    rows: list[tuple[str, str]]


def page(configuration: Configuration) -> str:
    """All options that a configuration has, in groups."""
    keys = configuration.keys
    groups = [group for root in ("data", "model") for group in _groups(root, keys.get(root))]
    groups += _groups("trainer", {"class_path": TRAINER, "init_args": keys.get("trainer") or {}})
    width = max(min(shutil.get_terminal_size().columns, 110), 60)
    return "\n\n".join(_text(group, width) for group in groups)


def _groups(key: str, value: Any) -> Iterator[Group]:
    """The group of a value that names a class, and those of the values of its arguments."""
    made, said = class_of(value), arguments_of(value)
    own = made is not None and made.path.startswith("tsrnn.")
    if made is None:
        named = value.get("class_path", "") if isinstance(value, dict) else ""
        if said:
            yield Group(
                f"{key}: {named}", [(f"--{key}.{name} {_written(item)}", "") for name, item in said.items()]
            )
        return
    rows, inner = [], []
    for name, argument in made.arguments.items():
        if name in _LINKED.get(key, ()) or (argument.default is None and name not in said):
            continue  # what makes the object gives it
        at = said.get(name, _default(argument))
        if own:
            inner.append((f"{key}.{name}", at))
        elif name not in said and key != "trainer":
            continue  # of another library's class, what the configuration says of it
        rows.append((f"--{key}.{name} {_short(at)}".rstrip(), _meaning(argument, own)))
    yield Group(f"{key}: {made.name}. {made.text}" if own else f"{key}: {made.name}", rows)
    for place, at in inner:
        if class_of(at) is not None or arguments_of(at):
            yield from _groups(place, at)


def _default(argument: Argument) -> Any:
    try:
        return ast.literal_eval(argument.default or "None")
    except (ValueError, SyntaxError):
        return argument.default


def _short(value: Any) -> str:
    """A value as it is typed; of a class with arguments, which have options of their own, the class."""
    if isinstance(value, str) and value.isupper():
        return ""  # a constant of the source
    if isinstance(value, dict) and "class_path" in value:
        value = value["class_path"]
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return "LIST"
    return _written(value)


def _written(value: Any) -> str:
    if isinstance(value, str) and value not in ("", " "):
        return value
    value = list(value) if isinstance(value, tuple) else value
    text: str = yaml.safe_dump(value, default_flow_style=True, width=10_000)
    return text.removesuffix("...\n").strip()


def _meaning(argument: Argument, own: bool) -> str:
    """What an argument means: of another library's, the first sentence, without its markup."""
    text = argument.text
    if not own:
        text = re.sub(r":\w+:`~?(?:[\w.]*\.)?(\w+)`", r"\1", text).replace("`", "")
        return re.split(r"(?<=[a-z)][.!?]) +(?=[A-Z])", text)[0]
    choices = re.search(r"Literal\[(.*?)\]", argument.kind)
    words = [] if choices is None else [str(word) for word in ast.literal_eval(f"[{choices[1]}]")]
    return text if all(word in text for word in words) else f"{text} One of {', '.join(map(repr, words))}."


def _text(group: Group, width: int) -> str:
    lines = textwrap.wrap(group.title, width, subsequent_indent="    ")
    for option, meaning in group.rows:
        folded = textwrap.wrap(meaning, width - _COLUMN) or [""]
        if len(option) + 4 > _COLUMN:
            lines.append(f"  {option}")
        else:
            lines.append(f"  {option:<{_COLUMN - 2}}{folded.pop(0)}".rstrip())
        lines += [" " * _COLUMN + line for line in folded if line]
    return "\n".join(lines)
