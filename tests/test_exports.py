"""What the package exports, and what importing it costs."""

import ast
import importlib
import pkgutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import tsrnn

ROOT = Path(tsrnn.__file__).parent
PACKAGES = sorted(
    ".".join(file.parent.relative_to(ROOT.parent).parts)
    for file in ROOT.glob("*/**/__init__.py")
    if "_publish(__name__)" in file.read_text(encoding="utf-8")
)
FRONT_DOOR = {
    *("GRU", "LSTM", "RNN", "AdaptiveSoftmax", "AutoregressiveModel", "Backbone", "Blocks", "Categorical"),
    *("Codec", "Comparison", "Conformal", "Forecast", "Forecaster", "Head", "LanguageModel", "LogReturns"),
    *("Normal", "NormalMixture", "Panel", "Predictor", "PriceSeries", "QuantileForecast", "Quantiles"),
    *("RNNForecaster", "RandomWalk", "SeasonalNaive", "SeriesPanel", "StudentT", "TextCorpus"),
    *("TsrnnError", "Vocabulary", "Origins", "Yahoo", "backtest", "load", "read_prices", "read_series"),
    "tune_cpu",
}
"""Names that stay where they are, whatever the rooms are called."""


def test_every_public_name_is_there_and_listed():
    assert set(tsrnn.__all__) >= FRONT_DOOR
    for name in tsrnn.__all__:
        assert getattr(tsrnn, name) is not None
        assert name in dir(tsrnn)
    with pytest.raises(AttributeError, match="no attribute 'LSTMM'"):
        tsrnn.LSTMM  # noqa: B018


def test_what_a_room_of_parts_exports_is_public_under_one_name():
    rooms = ["backbones", "codecs", "conditioning", "data", "heads", "predictors", "training.tasks"]
    homes = [(name, room) for room in rooms for name in importlib.import_module(f"tsrnn.{room}").__all__]
    assert [name for name, count in Counter(name for name, _ in homes).items() if count > 1] == []
    for name, room in homes:
        assert getattr(tsrnn, name) is getattr(importlib.import_module(f"tsrnn.{room}"), name)


def test_a_star_imports_what_is_listed():
    found: dict = {}
    exec("from tsrnn import *", found)
    assert set(tsrnn.__all__) == found.keys() - {"__builtins__"}


@pytest.mark.parametrize("package", PACKAGES)
def test_what_a_package_imports_it_exports_when_it_is_used(package):
    """A name that it lacks was imported without `as` itself, or where it is imported at once."""
    module = importlib.import_module(package)
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    assert ast.unparse(block.test) == "TYPE_CHECKING"
    imported = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert {node.module for node in imported} <= {"__future__", "typing", "tsrnn.exports"}
    listed = {alias.asname or alias.name for node in block.body for alias in node.names}
    assert listed - {"*"} <= set(module.__all__)
    assert all(getattr(module, name) is not None for name in module.__all__)
    assert len(module.__all__) >= 1
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'nothing'"):
        module.nothing  # noqa: B018


def test_every_module_has_a_docstring():
    for info in pkgutil.walk_packages(tsrnn.__path__, "tsrnn."):
        if info.name != "tsrnn.__main__":
            assert importlib.import_module(info.name).__doc__, info.name


def modules_after(statement):
    code = f"import sys; {statement}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_importing_the_package_imports_nothing_heavy():
    assert not modules_after("import tsrnn") & {"torch", "numpy", "pandas", "pytorch_lightning", "scipy"}


def test_the_root_of_the_command_is_the_standard_library_alone():
    loaded = modules_after("import tsrnn.cli.main as m; m.main(['--help']); m.main(['--version'])")
    third_party = {name for name in loaded if name not in sys.stdlib_module_names and name != "tsrnn"}
    # What site-packages' .pth files load at every start of Python is not ours.
    assert third_party <= modules_after("pass")
