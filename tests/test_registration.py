"""A new cell, head, codec, data source, predictor or task is one file, and one line in its room's `__init__`.

Each is added here to a copy of the package, and is then found wherever the others are.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import pkgutil
import shutil
import subprocess
import sys
import types
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest
import pytorch_lightning as pl

import tsrnn
from tests.prices import random_walks, write_long
from tsrnn.cli import explain
from tsrnn.components import _ROOMS, Component
from tsrnn.predictors.by_name import baselines
from tsrnn.protocols import Predictor
from tsrnn.training.tasks.base import Task

ROOT = Path(__file__).parent.parent
CONFIG = ROOT / "configs" / "forecast" / "prices_lstm.yaml"
SMALL = [
    *("--trainer.max_epochs=1", "--data.batches_per_epoch=1", "--data.batch_size=2"),
    *("--data.window_length=20", "--data.warm_up=5"),
]


@dataclass(frozen=True)
class Kind:
    """A component to add.

    Args:
        room: the package whose `__init__` has one line more.
        name: of the class.
        source: of the file that defines it.
        option: of `fit`, which takes its name.
        checks: what else holds of `made`, the class; after the fit, where `task` is what it trained.
    """

    room: str
    name: str
    source: str
    option: str
    checks: str


KINDS = {
    "cell": Kind(
        "tsrnn.backbones",
        "MyCell",
        (ROOT / "tests" / "cli" / "my_cells.py").read_text(encoding="utf-8").replace("Leaky(", "MyCell("),
        "--model.backbone",
        """
        assert type(task.model.backbone) is made
        assert type(build(describe(made(3)), tsrnn.Backbone)) is made
        shared = tests_of("backbones/test_every_cell.py")
        (case,) = [case for case in shared.cases() if case.cell is made]
        shared.test_chunks_with_a_carried_state_are_the_full_pass(case, [4, 1, 6])
        """,
    ),
    "head": Kind(
        "tsrnn.heads",
        "MyHead",
        '''
        """The Laplace distribution."""

        from torch.distributions import Laplace

        from tsrnn.heads.base import ParametricHead, positive


        class MyDistribution(Laplace):
            def affine(self, location, scale):
                return MyDistribution(location + scale * self.loc, scale * self.scale)


        class MyHead(ParametricHead):
            num_parameters = 2

            def distribution(self, *parameters):
                location, scale = parameters
                return MyDistribution(location, positive(scale), validate_args=False)
        ''',
        "--model.head",
        """
        assert type(task.model.head) is made
        assert type(build(describe(made(3)), tsrnn.Head)) is made
        shared = tests_of("heads/test_every_head.py")
        assert made in shared.HEADS
        assert fails(shared.test_the_table_holds_every_head)  # until scipy's distribution is said
        """,
    ),
    "codec": Kind(
        "tsrnn.codecs",
        "MyCodec",
        '''
        """Log returns, of a volatility that never changes."""

        from typing import NamedTuple

        import torch
        from torch import Tensor

        from tsrnn.codecs.base import Codec, Known


        class MyState(NamedTuple):
            price: Tensor


        class MyCodec(Codec):
            input_size = 1

            def __init__(self, volatility: float = 0.02) -> None:
                self.volatility = volatility

            def initial_state(self, *batch):
                return MyState(torch.full(batch, torch.nan, dtype=torch.float64))

            def known(self, state):
                nothing = torch.zeros_like(state.price)
                return Known(nothing.unsqueeze(-1), nothing, nothing + self.volatility)

            def target(self, raw, state):
                step = torch.log(raw / state.price)
                return step.nan_to_num(0.0), ~step.isnan()

            def update(self, raw, state):
                return MyState(torch.where(raw.isnan(), state.price, raw))

            def decode(self, step, state):
                return state.price * step.exp()

            def last(self, state):
                return state.price

            def log_jacobian(self, raw):
                return -torch.log(raw).nan_to_num(0.0)
        ''',
        "--data.codec",
        """
        assert type(task.model.codec) is made
        assert type(build(describe(made(0.5)), tsrnn.Codec)) is made
        shared = tests_of("codecs/test_every_codec.py")
        assert made in shared.CODECS
        assert fails(shared.test_the_table_holds_every_codec)  # until data for it are said
        """,
    ),
    "data source": Kind(
        "tsrnn.data",
        "MySource",
        '''
        """Prices in another currency."""

        from functools import cached_property

        from tsrnn.data.prices.series import PriceSeries


        class MySource(PriceSeries):
            @cached_property
            def panel(self):
                panel = super().panel
                return panel.with_values(1300.0 * panel.values)
        ''',
        "--data",
        """
        assert task.history.values.min() > 1300
        """,
    ),
    "predictor": Kind(
        "tsrnn.predictors",
        "MyDrift",
        '''
        """The drift, by another name."""

        from tsrnn.predictors.prices import Drift


        class MyDrift(Drift):
            name = "my drift"
        ''',
        "--baselines",
        """
        import pandas as pd

        assert "my drift" in set(pd.read_csv("backtested/scores.csv")["model"])
        """,
    ),
    "task": Kind(
        "tsrnn.training.tasks",
        "MyTask",
        '''
        """A forecaster that weighs every loss twice."""

        from tsrnn.training.tasks.forecaster import Forecaster


        class MyTask(Forecaster):
            def losses(self, batch, stage):
                losses, observed = super().losses(batch, stage)
                return 2 * losses, observed
        ''',
        "--model",
        """
        assert type(task) is made
        """,
    ),
}

SCRIPT = """
import contextlib, importlib, importlib.util, io, json, sys, traceback
from pathlib import Path

import tsrnn

root, config, kinds, *small = sys.argv[1:]
kinds = json.loads(kinds)
assert Path(tsrnn.__file__).parent == Path("tsrnn").resolve()
assert {kind["name"] for kind in kinds.values()} <= set(tsrnn.__all__) & set(dir(tsrnn))
assert "torch" not in sys.modules

from tsrnn.cli.main import main
from tsrnn.components import build, describe


def tests_of(file):
    spec = importlib.util.spec_from_file_location("shared", Path(root, "tests", file))
    sys.modules["shared"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fails(test):
    try:
        test()
    except AssertionError:
        return True
    return False


def run(*arguments):
    output = io.StringIO()
    with contextlib.redirect_stderr(output), contextlib.redirect_stdout(output):
        status = main(arguments)
    return status, output.getvalue()


def check(room, name, option, checks):
    made = getattr(tsrnn, name)
    assert made is getattr(importlib.import_module(room), name)
    task = None
    if option == "--baselines":
        command = ["backtest", config, "prices.csv", "--out", "backtested", "--horizon", "2", "--paths", "8"]
        command += small
        wrong, right = run(*command, option, "my-drif"), run(*command, option, "my-drift")
        assert wrong[0] == 2 and "'my-drift'" in wrong[1], wrong
        assert right[0] == 0, right
    else:
        command = ["fit", "--config", config, "--data.path=prices.csv", "--tune_cpu=false", *small]
        wrong, right = run(*command, option, name[:-1]), run(*command, option, name)
        assert wrong[0] == 2 and f"did you mean {name}?" in wrong[1], wrong
        assert right[0] == 0, right
        task = tsrnn.load("runs/latest")
    exec(checks, {**globals(), "made": made, "task": task})


found = {}
for kind, described in kinds.items():
    try:
        check(**described)
        found[kind] = ""
    except Exception:
        found[kind] = traceback.format_exc()
Path("found.json").write_text(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict[str, str]:
    """What went wrong with each kind, all of them in one copy of the package: to import it takes seconds."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "tsrnn", folder / "tsrnn")
    for kind in KINDS.values():
        room = folder.joinpath(*kind.room.split("."))
        (room / "mine.py").write_text(dedent(kind.source), encoding="utf-8")
        before, call, after = (room / "__init__.py").read_text(encoding="utf-8").partition("\n_publish(")
        line = f"    from {kind.room}.mine import {kind.name} as {kind.name}\n"
        (room / "__init__.py").write_text(before + line + call + after, encoding="utf-8")
    write_long(folder / "prices.csv", random_walks(2, 120))

    described = {
        name: {"room": kind.room, "name": kind.name, "option": kind.option, "checks": dedent(kind.checks)}
        for name, kind in KINDS.items()
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(ROOT), str(CONFIG), json.dumps(described), *SMALL],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((folder / "found.json").read_text())


@pytest.mark.parametrize("kind", KINDS)
def test_one_file_and_one_line_add_a_component(kind, found):
    assert found[kind] == ""


def modules_of(room):
    """All modules of a room, at whatever depth, but those of base classes."""
    package = importlib.import_module(room)
    for info in pkgutil.walk_packages(package.__path__, f"{room}."):
        if not info.name.endswith(".base"):
            yield importlib.import_module(info.name)


def is_a_part(found):
    return issubclass(found, Component | Task | pl.LightningDataModule) or (
        isinstance(getattr(found, "forecast", None), types.FunctionType) and issubclass(found, Predictor)
    )


@pytest.mark.parametrize(
    "room", sorted({kind.room for kind in KINDS.values()} | {"tsrnn.conditioning", "tsrnn.encoders"})
)
def test_no_class_of_a_room_was_forgotten_in_its_init(room):
    exported = importlib.import_module(room).__all__
    forgotten = {
        f"{module.__name__}.{name}"
        for module in modules_of(room)
        for name, found in vars(module).items()
        if inspect.isclass(found) and found.__module__ == module.__name__ and not name.startswith("_")
        if is_a_part(found) and not inspect.isabstract(found) and name not in exported
    }
    assert forgotten == set()


def test_every_room_of_components_may_be_named_by_a_checkpoint():
    rooms = {
        ".".join(found.__module__.split(".")[:2])
        for info in pkgutil.walk_packages(tsrnn.__path__, "tsrnn.")
        if info.name != "tsrnn.__main__"
        for found in vars(importlib.import_module(info.name)).values()
        if inspect.isclass(found) and found is not Component and issubclass(found, Component | Task)
        if found.__module__.startswith("tsrnn.")
    }
    assert rooms - set(_ROOMS) == set()


def test_every_room_that_a_configuration_names_is_offered_in_hints():
    rooms = {kind.room for kind in KINDS.values() if kind.option != "--baselines"}
    offered = {name for room in explain._ROOMS for name in room.__all__}
    assert {name for room in rooms for name in importlib.import_module(room).__all__} <= offered


def test_every_predictor_but_what_corrects_another_is_a_baseline():
    exported = [getattr(tsrnn, name) for name in importlib.import_module("tsrnn.predictors").__all__]
    predictors = {found.__name__ for found in exported if inspect.isclass(found) and is_a_part(found)}
    assert {type(make()).__name__ for make in baselines(5).values()} == predictors - {
        "Conformal",
        "NetworkPredictor",
        "PanelPredictor",
    }
    assert baselines(5)["seasonal-naive"]().season == 5
    assert baselines(5)["gjr-garch"]().leverage
    assert not baselines(5)["garch"]().leverage
