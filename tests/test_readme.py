"""The README's commands and examples, run as they stand but for the size of the training."""

import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.prices import random_walks, write_long
from tsrnn.cli.main import _VERBS, _told, main

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
QUICK = [
    *("--trainer.max_epochs", "1", "--data.batches_per_epoch", "2", "--data.batch_size", "4"),
    *("--data.window_length", "40", "--data.warm_up", "10"),
]

QUICK_SERIES = ["--trainer.max_epochs", "1", "--data.batches_per_epoch", "2", "--data.batch_size", "4"]
QUICK_WORDS = ["--trainer.max_epochs", "1", "--trainer.limit_train_batches", "2", "--data.batch_size", "4"]
SMALL = {
    "backtest": ["--horizon", "2", "--stride", "40", "--paths", "20"],
    "leaktest": ["--pairs", "12"],
    "forecast": ["--paths", "20", "--horizon", "3"],
}


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


COMMANDS = [line.partition("#")[0].strip() for block in blocks("bash") for line in block.splitlines()]
EXAMPLES = {verb: _told(verb).parser(verb).format_help().split("\n")[-2].strip() for verb in _VERBS}
OF_HELP = [EXAMPLES["validate"], EXAMPLES["predict"]]
"""Those that the README does not have."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What a reader has: the checkout's configurations, prices of their own, and the example cell."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "configs").symlink_to(ROOT / "configs")
    write_long(folder / "my_prices.csv", random_walks())
    days = pd.date_range("2023-01-01", periods=400)
    visits = 100 + 20 * (days.day_of_week > 4) + np.random.default_rng(0).normal(size=400)
    visits = pd.DataFrame({"unique_id": "visits", "ds": days, "y": visits})
    visits.to_csv(folder / "my_series.csv", index=False)
    (folder / "my_text.txt").write_text("The class is an object.\n" * 400)
    reviews = [f"film {row} is a {word} film,{word}\n" for row in range(60) for word in ("fine", "dull")]
    (folder / "my_reviews.csv").write_text("text,label\n" + "".join(reviews))
    np.save(folder / "my_vectors.npy", np.zeros((2, 64)))
    (folder / "my_cells.py").write_text((ROOT / "tests" / "cli" / "my_cells.py").read_text())
    return folder


def test_the_make_targets_are_there():
    targets = {command.split()[1] for command in COMMANDS if command.startswith("make ")}
    assert targets == {"run", "test"}
    makefile = (ROOT / "Makefile").read_text()
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


def test_the_commands_work_in_the_order_they_stand(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    commands = [command for command in COMMANDS if command.startswith("tsrnn ")]
    assert len(commands) >= 8
    place = commands.index(EXAMPLES["inspect"])
    commands[place:place] = OF_HELP
    for command in commands:
        arguments = shlex.split(command)[1:]
        if arguments[0] == "fit":
            rooms = ("language", "translate", "classify", "caption")
            sizes = {**{f"configs/{room}": QUICK_WORDS for room in rooms}, "/panel": QUICK_SERIES}
            named = (sizes[key] for key in sizes if any(key in part for part in arguments))
            arguments += next(named, QUICK)
        elif any(part.endswith(".yaml") for part in arguments):
            arguments += QUICK
        arguments += SMALL.get(arguments[0], [])
        assert main(arguments) == 0, command
        assert capsys.readouterr().out, command


@pytest.mark.parametrize(
    "verb", [verb for verb in _VERBS if verb != "fetch"]
)  # tests/cli/test_fetch.py runs it
def test_the_help_of_each_verb_ends_with_an_example_that_is_run_above(verb):
    assert EXAMPLES[verb] in [*COMMANDS, *OF_HELP]


@pytest.mark.parametrize("source", blocks("python"), ids=["estimator", "model", "backtest", "words"])
def test_the_examples_run(source, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    for name, size in {"RNNForecaster": "batches_per_epoch=2", "RNNLanguageModel": "hidden_size=8"}.items():
        source = source.replace(f"{name}(", f"{name}(max_epochs=1, batch_size=4, {size}, ")
    exec(compile(source, "README.md", "exec"), {})
    assert len(capsys.readouterr().out.splitlines()) < 40


def test_the_links_lead_somewhere():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
