"""What the package exports, and what importing it costs."""

import importlib
import pkgutil
import subprocess
import sys
import types

import pytest

import tsrnn

PACKAGES = ["backbones", "codecs", "data", "evaluation", "heads", "models", "training"]


def test_every_public_name_is_there_and_listed():
    assert sorted(tsrnn.__all__) == sorted(tsrnn._HOMES)
    for name in tsrnn.__all__:
        assert getattr(tsrnn, name) is not None
        assert name in dir(tsrnn)
    with pytest.raises(AttributeError, match="no attribute 'LSTMM'"):
        tsrnn.LSTMM  # noqa: B018


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_exports_what_it_lists(package):
    module = importlib.import_module(f"tsrnn.{package}")
    own = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert own == set(module.__all__)


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
