"""A parser's many lines of complaint as one line that a person can act on."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from tsrnn import backbones, codecs, conditioning, data, heads, training
from tsrnn.errors import nearest

_ROOMS = (backbones, codecs, conditioning, data, heads, training)
"""Where the classes come from that a configuration names; whatever one exports is offered in a hint."""

_LONGEST = 300


def explain(message: str, options: list[str]) -> str:
    """What is wrong, in one line, with the nearest right name.

    Args:
        message: what jsonargparse says.
        options: the names of the options that there are.
    """
    message = " ".join(message.split())
    # What went wrong inside a class stands among the complaints about the class; it was explained there.
    inside = re.search(r"Errors: - (?!Expected)(.+?) - Expected a <class 'NoneType'>", message)
    if inside:
        return explain(inside[1], options)
    if match := re.search(r"[Uu]nrecognized arguments?: (\S+)", message):
        option = match[1].partition("=")[0]
        return f"there is no option {option}{nearest(option, options)}"
    if match := re.search(r"File does not exist: '(.+?)'", message):
        path = Path(match[1])
        return f"{path}: there is no such file{nearest(path.name, _names_in(path.parent))}"
    if match := re.search(r"Option '(.+?)' is not accepted", message):
        key = match[1].rpartition(".")[2]
        return f"there is no key {match[1]} here{nearest(key, [known for known in _keys() if known != key])}"
    if match := re.search(r"No module named '(.+?)'\. Got value: ([\w.]+)", message):
        return f"{match[2]}: there is no module {match[1]} in the current folder or the environment"
    if match := re.search(
        r'Parser key "(?:\w+\.)*(\w+)": - Expected a path but (\S+) .*dot import path', message
    ):
        return f"{match[1]}: there is no class {match[2]}{nearest(match[2], _classes())}"
    if match := re.search(r"arguments are required: (.+)", message):
        missing = re.sub(r"\w+\.", "", match[1]).replace(",", " and")
        return f"{missing} must be given: name a configuration, --config FILE"
    # The innermost key is the one that was wrong, and what it expected stands right behind it.
    inner = re.split(r'Parser key "([\w.]+)": ', message)
    if len(inner) > 1:
        key, rest = inner[-2:]
        # What follows a second "Expected" of another branch of a union is not about this key.
        value = re.search(r"(?:Got|Given) value: (.+?)(?= - Expected | Given value|$)", rest)
        about = rest[: value.start()] if value else rest
        kinds = list(
            dict.fromkeys(
                re.findall(
                    r"Expected an? (<class '[\w.]+'>|typing\.\w+\[.*?\]|[^.]+?)(?=\.| - | Given |$)", about
                )
            )
        )
        if kinds and value:
            return f"{key} must be {' or '.join(_kind(kind) for kind in kinds)}, not {_shortened(value[1])}"
        return f"{key}: {one_line(rest)}"
    return one_line(message)


def one_line(message: str) -> str:
    """The message without its line breaks; of a long one, the sentences that end within 300 characters.

    The first is kept whole, however long it is.
    """
    said, *others = re.split(r"(?<=[.!?]) +(?=[A-Z`'\"])", " ".join(message.split()))
    for sentence in others:
        if len(said) + len(sentence) >= _LONGEST:
            break
        said = f"{said} {sentence}"
    return said


def _shortened(value: str) -> str:
    """A value as it was given; of a long one, the beginning."""
    value = value.strip()
    return value if len(value) <= 80 else f"{value[:77]}..."


def _kind(expected: str) -> str:
    if expected.startswith("typing.Literal"):
        return f"one of {expected.partition('[')[2].rstrip(']')}"
    kind = re.sub(r"<class '(?:[\w.]*\.)?(\w+)'>", r"\1", expected)
    return {
        "NoneType": "null",
        "int": "an integer",
        "float": "a number",
        "str": "a text",
        "bool": "true or false",
    }.get(kind, kind)


def _names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()] if folder.is_dir() else []


def _classes() -> list[str]:
    return [name for room in _ROOMS for name in room.__all__]


def _keys() -> list[str]:
    found = [getattr(room, name) for room in _ROOMS for name in room.__all__]
    return sorted(
        {key for item in found if inspect.isclass(item) for key in inspect.signature(item).parameters}
    )
