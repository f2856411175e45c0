"""The rooms: imports go strictly downward, siblings do not import each other, and no room overflows."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "tsrnn"
LAYERS = [
    {"__main__"},
    {"cli/main"},
    {"cli/verbs"},
    {"cli"},
    {"training"},
    {"training/tasks"},
    {"training/checkpoints"},
    {"training/runtime"},
    {"evaluation"},
    {"evaluation/report", "evaluation/leakage"},
    {"evaluation/backtests"},
    {"evaluation/scores", "evaluation/language", "decoding"},
    {"predictors"},
    {"data"},
    {"data/providers"},
    {"data/prices"},
    {"data/panels", "data/text"},
    {"data/loaders", "data/tables"},
    {"data/calendars", "data/sample", "data/source"},
    {"models"},
    {"embeddings", "backbones", "heads", "codecs", "conditioning"},
    {"ops", "components", "files", "checks"},
    {"protocols"},
    {"forecasts", "errors", "exports"},
]
"""Top to bottom: a file may import from its own room and from the lines below it."""

RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
FILES = sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")
MOST_LINES, MOST_FILES = 350, 12


def room(parts):
    """The innermost room of a module's path below tsrnn; None for what has no layer."""
    for length in range(len(parts), 0, -1):
        if (name := "/".join(parts[:length])) in RANK:
            return name
    return None


def room_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return room(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_rooms(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            # What is imported may itself be a module: `from tsrnn.ops import state`.
            modules = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for module in modules:
            first, *parts = module.split(".")
            if first == "tsrnn" and (found := room(parts)) is not None:
                yield node.lineno, found


def test_every_file_has_a_layer():
    assert [path for path in FILES if room_of(path) is None] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down(path):
    here = room_of(path)
    for line, other in imported_rooms(path):
        assert other == here or RANK[other] > RANK[here], f"{path}:{line}: {here} imports {other}"


def test_no_file_and_no_folder_is_too_large():
    long = {str(path): lines for path in FILES if (lines := len(path.read_text().splitlines())) > MOST_LINES}
    assert long == {}
    folders = [folder for folder in [ROOT, *ROOT.rglob("*")] if folder.is_dir()]
    count = {str(folder): sum(path.is_file() for path in folder.iterdir()) for folder in folders}
    assert {folder: files for folder, files in count.items() if files > MOST_FILES} == {}
