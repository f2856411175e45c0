"""What a package offers: the names that its `__init__` imports under themselves, `from x import A as A`.

This is how type checkers tell a public name from one that is merely used (PEP 484). It is read here from the
source, so that one line makes a name public, for them and at run time. The line stands under
`if TYPE_CHECKING:`, and is carried out when the name is first used: a package costs what is used of it.
"""

from __future__ import annotations

import ast
import importlib
import sys
from functools import cache
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).parent


@cache
def reexports(file: str | Path) -> dict[str, str]:
    """Each public name of an `__init__`, sorted, and the module that it is imported from.

    Args:
        file: of the `__init__`. Where it says `from room import *`, the room's public names are meant.
    """
    found: dict[str, str] = {}
    for node in ast.walk(ast.parse(Path(file).read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or node.module is None:
            continue
        for alias in node.names:
            if alias.name == "*":
                found.update(dict.fromkeys(offered(node.module), node.module))
            elif alias.asname == alias.name:
                found[alias.name] = node.module
    return dict(sorted(found.items()))


def offered(package: str) -> dict[str, str]:
    """The `reexports` of a package of tsrnn, such as "tsrnn.data", which is not imported."""
    return reexports(_PACKAGE.joinpath(*package.split(".")[1:], "__init__.py"))


def publish(package: str) -> None:
    """Let a package, which is being imported, offer its public names, each imported when it is first used.

    `__all__` is not written down there: a type checker that cannot read one would take it for empty.
    """
    namespace = sys.modules[package].__dict__

    def first_use(name: str) -> Any:
        if name == "__all__":
            value: Any = list(offered(package))
        elif name.startswith("_") or name not in offered(package):
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        else:
            value = getattr(importlib.import_module(offered(package)[name]), name)
        return namespace.setdefault(name, value)

    def names() -> list[str]:
        return sorted({*namespace, "__all__", *offered(package)})

    namespace.update(__getattr__=first_use, __dir__=names)


def import_all(package: str) -> list[Any]:
    """Everything that a package offers, in the order of the names."""
    module = importlib.import_module(package)
    return [getattr(module, name) for name in offered(package)]
