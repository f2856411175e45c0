"""What a command imports: nothing before its options and paths are checked, and then what it needs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import pytorch_lightning as pl

from tests.cli.test_text_commands import TOKENS
from tests.language_models import language_model
from tests.prices import random_walks
from tsrnn.backbones import GRU
from tsrnn.cli.main import _VERBS
from tsrnn.data import PriceSeries
from tsrnn.training import Forecaster, LanguageModel

ROOT = Path(__file__).parent.parent.parent
CONFIG = str(ROOT / "configs" / "forecast" / "prices_gru.yaml")
HEAVY = [
    *("torch", "torch._dynamo", "pytorch_lightning", "lightning_fabric", "torchmetrics", "jsonargparse"),
    *(
        "numpy",
        "pandas",
        "pyarrow",
        "matplotlib",
        "scipy",
        "scipy.stats",
        "sklearn",
        "exchange_calendars",
        "rich",
        "yaml",
    ),
    *("platformdirs", "tenacity", "yfinance", "plotly", "jinja2"),
]
HELP = [[verb, "--help"] for verb in _VERBS]
MISTAKES = [
    *[[verb, "runs/latset"] for verb in ("test", "validate", "predict", "forecast", "inspect", "score")],
    *[[verb, "pirces.ckpt", "words"] for verb in ("generate", "neighbours", "score")],
    *(["translate", "pirces.ckpt", "a"], ["classify", "words.ckpt", "--file", "wrods.txt"]),
    ["caption", "words.ckpt", "vecs.npy"],
    *(["backtest", "pirces.ckpt"], ["backtest", "pirces.yaml"], ["leaktest", "pirces.yaml"]),
    *(["fit", "--config", "pirces.yaml"], ["forecast", "prices.ckpt", "pirces.csv"]),
    *(["score", "words.ckpt", "--file", "wrods.txt"], ["fetch", "AAPL", "--output", "nowhere/prices.csv"]),
    *(["forecast", "prices.ckpt", "--horizn", "3"], ["generate", "words.ckpt", "--temperature", "hot"]),
]
IN_A_CONFIGURATION = [
    ["fit", "--config", CONFIG, "--data.path", "pirces.csv"],
    ["fit", "--config", CONFIG, "--data.windowlength", "3"],
    ["fit", "--config", CONFIG, "--trainer.max_epoch", "3"],
    ["backtest", CONFIG, "pirces.csv"],
    ["leaktest", CONFIG, "--data.path=pirces.csv"],
]
STEPS = {
    "help": (HELP, 0, set()),
    "a mistake": (MISTAKES, 2, set()),
    "a mistake in what a configuration says": (IN_A_CONFIGURATION, 2, {"yaml"}),
    "help of a configuration": ([["fit", "--config", CONFIG, "--help"]], 0, set()),
    "inspect": ([["inspect", "prices.ckpt"]], 0, {"torch", "numpy"}),
    "words": (
        [
            ["score", "words.ckpt", "the cat"],
            ["generate", "words.ckpt", "the", "--words", "2"],
            ["generate", "words.ckpt", "the", "--words", "2", "--beam", "2"],
            ["neighbours", "words.ckpt", "cat"],
        ],
        0,
        set(),
    ),
    "forecast": (
        [["forecast", "prices.ckpt", "--horizon", "2", "--paths", "9"]],
        0,
        {"pandas", "pyarrow", "matplotlib"},
    ),
    "backtest": ([["backtest", "prices.ckpt", "--horizon", "2", "--paths", "2"]], 0, {"scipy"}),
}
"""Commands, their status, and what they import besides what those before them have."""

SCRIPT = """
import contextlib, io, json, sys
from tsrnn.cli.main import main

heavy, commands = map(json.loads, sys.argv[1:])
found = []
for command in commands:
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        status = main(command)
    found.append([status, said.getvalue(), [name for name in heavy if name in sys.modules]])
print(json.dumps(found))
"""


def save(task, path, data=None):
    """The checkpoint of a task that was never trained, of some data."""
    trainer = pl.Trainer(
        accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False
    )
    task.trainer = trainer
    trainer.datamodule = data
    trainer.strategy.connect(task)
    trainer.save_checkpoint(path)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The status, the output and the imports of every command: one process, since torch takes seconds."""
    folder = tmp_path_factory.mktemp("home")
    data = PriceSeries(random_walks(1, 120), window_length=20, warm_up=5, calendar="none")
    save(LanguageModel.of_model(language_model(TOKENS)), folder / "words.ckpt")
    save(Forecaster(data.codec, lambda size: GRU(size, hidden_size=4)), folder / "prices.ckpt", data)
    commands = [command for step, _, _ in STEPS.values() for command in step]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(HEAVY), json.dumps(commands)],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(zip(map(tuple, commands), json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("step", STEPS)
def test_a_command_imports_what_it_needs_and_no_more(step, found):
    names = list(STEPS)
    allowed = set().union(*(STEPS[name][2] for name in names[: names.index(step) + 1]))
    commands, status, _ = STEPS[step]
    for command in commands:
        ended, said, imported = found[tuple(command)]
        assert ended == status, (command, said)
        assert set(imported) - allowed == set(), command


@pytest.mark.parametrize("command", [*MISTAKES, *IN_A_CONFIGURATION], ids=" ".join)
def test_a_mistake_is_one_line(command, found):
    _, said, _ = found[tuple(command)]
    assert said.startswith("tsrnn: error: ")
    assert said.count("\n") == 1
