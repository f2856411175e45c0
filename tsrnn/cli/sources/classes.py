"""A class's arguments, and what its docstring says of them, read from its source: nothing is imported."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tsrnn.exports import offered

ROOMS = tuple(
    f"tsrnn.{room}"
    for room in ("backbones", "codecs", "conditioning", "data", "embeddings", "heads", "training")
)
"""Where the classes come from that a configuration names by a short name."""


@dataclass(frozen=True)
class Argument:
    """An argument of a class.

    Args:
        name: of the argument.
        kind: its annotation, as it stands in the source.
        default: its default, as it stands there; None where it must be given.
        text: what the docstring says of it.
    """

    name: str
    kind: str
    default: str | None
    text: str


@dataclass(frozen=True)
class Class:
    """A class as its source has it.

    Args:
        path: of its import: tsrnn.data.prices.series.PriceSeries.
        text: the first line of its docstring.
        arguments: by their names, in their order.
        is_open: it takes others, too, which its source does not name.
    """

    path: str
    text: str
    arguments: dict[str, Argument]
    is_open: bool = False

    @property
    def name(self) -> str:
        """Without its module."""
        return self.path.rpartition(".")[2]


@cache
def class_named(name: str) -> Class | None:
    """The class of an import path, or of the short name of a room's class; None where no source is found."""
    module, _, short = name.rpartition(".")
    if not module:
        module = next((room for room in ROOMS if short in _offered(room)), "")
    found = _definition(module, short)
    if found is None:
        return None
    where, node = found
    lineage = list(_lineage(where, node))
    text = inspect.cleandoc(ast.get_docstring(node) or "")
    said: dict[str, str] = {}
    for _, ancestor in reversed(lineage):
        said |= _said(ast.get_docstring(ancestor) or "")
    path, title = f"{where}.{node.name}", text.partition("\n\n")[0]
    makers = (
        part
        for _, ancestor in lineage
        for part in ancestor.body
        if isinstance(part, ast.FunctionDef) and part.name == "__init__"
    )
    made = next(makers, None)
    if made is None:
        return Class(path, title, {}, is_open=True)
    said = {**_said(ast.get_docstring(made) or ""), **said}
    arguments = [Argument(*part, said.get(part[0], "")) for part in _signature(made)]
    return Class(path, title, {one.name: one for one in arguments}, made.args.kwarg is not None)


def _offered(room: str) -> dict[str, str]:
    """The names that a room offers; those of one that is a single file are its classes."""
    file = _file(room)
    if file is not None and file.name == "__init__.py":
        return offered(room)
    return {node.name: room for node in _tree(room).body if isinstance(node, ast.ClassDef)}


def _file(module: str) -> Path | None:
    """The file of a module. Of a package nothing is imported, where `find_spec` imports its parents."""
    top, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(top) if top else None
    except ValueError:  # of a module that was made by hand
        spec = None
    if spec is None or spec.origin is None:
        return None
    place = Path(spec.origin)
    if rest:
        place = place.parent.joinpath(*rest, "__init__.py")
    files = (place, place.parent.with_suffix(".py")) if rest else (place,)
    return next((file for file in files if file.is_file() and file.suffix == ".py"), None)


@cache
def _tree(module: str) -> ast.Module:
    file = _file(module)
    try:
        return ast.parse("" if file is None else file.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return ast.Module(body=[], type_ignores=[])


def _definition(module: str, name: str) -> tuple[str, ast.ClassDef] | None:
    """The module that defines a class of the module's name, and its definition there."""
    stars: list[str] = []
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.ClassDef) and node.name == name:
            return module, node
        if not isinstance(node, ast.ImportFrom):
            continue
        source = _source(module, node)
        for alias in node.names:
            if (alias.asname or alias.name) == name and source != module:
                return _definition(source, alias.name)
            if alias.name == "*":
                stars.append(source)
    return next((found for source in stars if (found := _definition(source, name))), None)


def _source(module: str, node: ast.ImportFrom) -> str:
    """The module that names are imported from, a relative one too."""
    if not node.level:
        return node.module or ""
    file = _file(module)
    package = module if file is not None and file.name == "__init__.py" else module.rpartition(".")[0]
    for _ in range(node.level - 1):
        package = package.rpartition(".")[0]
    return f"{package}.{node.module}" if node.module else package


def _lineage(module: str, node: ast.ClassDef, depth: int = 0) -> Iterator[tuple[str, ast.ClassDef]]:
    """The class and those that it inherits from, the nearest first, as far as their sources are found."""
    yield module, node
    for base in node.bases if depth < 8 else []:
        name = ast.unparse(base).partition("[")[0]
        if found := _definition(module, name):
            yield from _lineage(*found, depth + 1)


def _signature(made: ast.FunctionDef) -> list[tuple[str, str, str | None]]:
    """Name, annotation and default of each argument but self."""
    given = made.args
    plain = given.args[1:]
    defaults = [None] * (len(plain) - len(given.defaults)) + list(given.defaults)
    pairs = [*zip(plain, defaults, strict=True), *zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    return [
        (
            argument.arg,
            "" if argument.annotation is None else ast.unparse(argument.annotation),
            None if default is None else ast.unparse(default),
        )
        for argument, default in pairs
    ]


def _said(docstring: str) -> dict[str, str]:
    """What the section Args of a docstring says of each argument; of several at once, the same of each."""
    _, _, section = inspect.cleandoc(docstring).partition("Args:\n")
    said: dict[str, str] = {}
    names: list[str] = []
    for line in section.splitlines():
        if line and not line.startswith(" "):
            break
        if match := re.match(r" {4}(\*{0,2}\w+(?:, \*{0,2}\w+)*)(?: \(.*?\))?: ?(.*)", line):
            names = [name.lstrip("*") for name in match[1].split(", ")]
            said.update(dict.fromkeys(names, match[2]))
        elif line.strip():
            said.update({name: f"{said[name]} {line.strip()}" for name in names})
    return {name: " ".join(text.split()) for name, text in said.items()}
