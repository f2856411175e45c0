"""Imports go strictly downward, and siblings on a line do not import each other."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "tsrnn"
LAYERS = [
    {"__main__"},
    {"cli"},
    {"training"},
    {"evaluation", "decoding"},
    {"baselines"},
    {"models", "data"},
    {"embeddings", "backbones", "heads", "codecs"},
    {"ops", "components"},
    {"protocols"},
    {"forecasts", "errors"},
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
FILES = sorted(PACKAGE.rglob("*.py"))


def room(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            modules = [node.module or ""]
            if node.module == "tsrnn":
                modules = [f"tsrnn.{alias.name}" for alias in node.names]
        else:
            continue
        for module in modules:
            parts = module.split(".")
            if parts[0] == "tsrnn" and len(parts) > 1 and parts[1] in RANK:
                yield node.lineno, parts[1]


def test_every_file_has_a_layer():
    assert {room(path) for path in FILES} - set(RANK) == {"__init__"}


@pytest.mark.parametrize("path", [path for path in FILES if room(path) != "__init__"], ids=str)
def test_imports_go_down(path):
    here = room(path)
    for line, other in imported_rooms(path):
        assert other == here or RANK[other] > RANK[here], f"{path}:{line}: {here} imports {other}"
