"""What a package offers: the names that its `__init__` imports under themselves, `from x import A as A`.

This is how type checkers tell a public name from one that is merely used (PEP 484). It is read here from the
source, so that one line makes a name public, for them and at run time, and nothing is imported to know it.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

_PACKAGE = Path(__file__).parent


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
                room = _PACKAGE.joinpath(*node.module.split(".")[1:], "__init__.py")
                found.update(dict.fromkeys(reexports(room), node.module))
            elif alias.asname == alias.name:
                found[alias.name] = node.module
    return dict(sorted(found.items()))


def publish(package: str) -> None:
    """Set the `__all__` of a package that is being imported.

    It is not written down there: a type checker that cannot read an `__all__` would take it for empty.
    """
    module = sys.modules[package]
    assert module.__file__ is not None
    module.__dict__["__all__"] = list(reexports(module.__file__))
