"""The rooms: imports go strictly downward, siblings do not import each other, and no room overflows."""

import ast
from pathlib import Path

import pytest

from tsrnn.exports import reexports

ROOT = Path(__file__).parent.parent / "tsrnn"
LAYERS = [
    {"__main__"},
    {"cli/main"},
    {"cli/verbs"},
    {"cli/options"},
    {"cli"},
    {"cli/sources"},
    {"estimator"},
    {"training"},
    {"training/tasks"},
    {"training/checkpoints"},
    {"training/runtime"},
    {"checkpoints"},
    {"evaluation"},
    {"evaluation/report", "evaluation/leakage"},
    {"evaluation/backtests"},
    {"evaluation/scores", "evaluation/language", "decoding"},
    {"predictors"},
    {"data"},
    {"data/providers"},
    {"data/prices"},
    {"data/pairs"},
    {"data/panels", "data/text"},
    {"data/loaders", "data/tables"},
    {"data/calendars", "data/sample", "data/source"},
    {"models"},
    {"conditioning", "encoders"},
    {"embeddings", "backbones", "heads", "codecs"},
    {"ops", "components", "files", "checks"},
    {"protocols"},
    {"forecasts", "errors", "exports"},
]
"""Top to bottom: a file may import from its own room and from the lines below it."""

RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
FILES = sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")
MODULES = {
    path.relative_to(ROOT).with_suffix("").as_posix().removesuffix("/__init__"): path for path in FILES
}
MOST_LINES, MOST_FILES = 350, 12


def room(module):
    """The innermost room of a module, both as paths below tsrnn; None for what has no layer."""
    parts = module.split("/")
    for length in range(len(parts), 0, -1):
        if (name := "/".join(parts[:length])) in RANK:
            return name
    return None


def path_of(dotted):
    """`tsrnn.data.sample` as a path below tsrnn."""
    return dotted.removeprefix("tsrnn").removeprefix(".").replace(".", "/")


def defined_in(package, name):
    """The module that `from package import name` means: `name` itself, or where the package has it from."""
    while (module := f"{package}/{name}".strip("/")) not in MODULES:
        init = ROOT / package / "__init__.py"
        offered = reexports(init) if init.is_file() else {}
        if name not in offered:
            return package
        package = path_of(offered[name])
    return module


def imports(path):
    """The line of each import of a file, wherever it stands, and the module, as a path below tsrnn."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            found = [path_of(name) for name in names if name.startswith("tsrnn.")]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            package = node.module or ""
            of_tsrnn = package.partition(".")[0] == "tsrnn"
            found = [defined_in(path_of(package), alias.name) for alias in node.names] if of_tsrnn else []
        else:
            continue
        for module in filter(None, found):
            yield node.lineno, module


IMPORTS = {module: list(imports(path)) for module, path in MODULES.items()}
EACH_MODULE = pytest.mark.parametrize("module", MODULES)


def test_every_file_has_a_layer():
    assert [module for module in MODULES if room(module) is None] == []


@EACH_MODULE
def test_imports_go_down(module):
    here = room(module)
    for line, imported in IMPORTS[module]:
        other = room(imported)
        assert other is not None, f"{module}:{line}: {imported} has no layer"
        assert other == here or RANK[other] > RANK[here], f"{module}:{line}: {here} imports {other}"


def files_meant(module):
    """The module itself; of a package, whose `__init__` hands names on, the modules that they come from."""
    if MODULES[module].name != "__init__.py":
        return {module}
    return {path_of(source) for source in reexports(MODULES[module]).values()}


def test_no_import_leads_back_to_its_file():
    """Inside a room, too. A file is done when all that it imports is done: those of a circle never are."""
    left = {
        module: set().union(*(files_meant(imported) for _, imported in found))
        for module, found in IMPORTS.items()
        if MODULES[module].name != "__init__.py"
    }
    while done := [module for module, wanted in left.items() if not wanted & left.keys()]:
        for module in done:
            del left[module]
    assert left == {}


def test_no_file_and_no_folder_is_too_large():
    folders = [
        folder for folder in [ROOT, *ROOT.rglob("*")] if folder.is_dir() and folder.name != "__pycache__"
    ]
    files = {folder: [path for path in folder.iterdir() if path.is_file()] for folder in folders}
    assert {folder: len(found) for folder, found in files.items() if len(found) > MOST_FILES} == {}
    lines = {path: len(path.read_bytes().splitlines()) for found in files.values() for path in found}
    assert {path: count for path, count in lines.items() if count > MOST_LINES} == {}


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("from tsrnn import Forecaster", "training/tasks/forecaster"),
        ("from tsrnn.training import Forecaster", "training/tasks/forecaster"),
        ("def f():\n    from tsrnn import heads", "heads"),
        ("import tsrnn.heads.normal", "heads/normal"),
        ("from tsrnn.ops import state", "ops/state"),
        ("from tsrnn import __version__", None),
    ],
)
def test_an_import_is_followed_to_the_file_that_is_meant(tmp_path, line, meant):
    file = tmp_path / "file.py"
    file.write_text(line)
    assert [found for _, found in imports(file)] == ([] if meant is None else [meant])
