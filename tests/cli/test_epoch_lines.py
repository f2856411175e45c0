"""What `fit` says and keeps of each epoch, for every kind of model."""

import re
from pathlib import Path

import pandas as pd
import pytest

from tests.prices import random_walks, write_long
from tsrnn.cli.main import main
from tsrnn.training.runtime import epoch_lines

CONFIGS = Path(__file__).parent.parent.parent / "configs"
KINDS = {
    "prices": ["forecast/prices_lstm.yaml", "--data.path", "prices.csv", "--data.window_length", "40",
               "--data.warm_up", "10", "--data.batches_per_epoch", "2"],
    "series": ["forecast/panel_daily.yaml", "--data.path", "series.csv", "--data.batches_per_epoch", "2"],
    "text": ["language/python_docs_lstm.yaml", "--data.corpus", "null", "--data.path", "text.txt"],
}  # fmt: skip
SIZES = ["--data.batch_size", "4", "--trainer.limit_train_batches", "2", "--trainer.accelerator", "cpu"]


@pytest.fixture(autouse=True)
def _in_a_folder_with_data(tmp_path, monkeypatch):
    write_long(tmp_path / "prices.csv", random_walks())
    days = pd.date_range("2023-01-01", periods=400)
    visits = pd.DataFrame({"unique_id": "visits", "ds": days, "y": 100.0 + 20 * (days.day_of_week > 4)})
    visits.to_csv(tmp_path / "series.csv", index=False)
    (tmp_path / "text.txt").write_text("the cat sat on a mat\n" * 200)
    monkeypatch.chdir(tmp_path)


def fit(kind, epochs, *options):
    config, *data = KINDS[kind]
    return main(
        [
            "fit",
            "--config",
            str(CONFIGS / config),
            *data,
            *SIZES,
            "--trainer.max_epochs",
            str(epochs),
            *options,
        ]
    )


def epochs_in(text):
    return [line.split("  ") for line in text.splitlines() if line.startswith("epoch ")]


@pytest.mark.parametrize("kind", KINDS)
def test_every_epoch_is_a_line(kind, capsys):
    assert fit(kind, 3) == 0
    printed = capsys.readouterr()
    lines = epochs_in(printed.err)
    assert [line[0] for line in lines] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    assert all(re.fullmatch(r"[\d.]+ (s|min|h) left", line[-1]) for line in lines[:2])
    assert re.fullmatch(r"[\d.]+ (s|min|h) in all", lines[2][-1])
    logged = pd.read_csv("runs/latest/metrics.csv").groupby("epoch").first()
    for number, line in enumerate(lines):
        said = dict(part.split(" ") for part in line[1:-1])
        assert {name.partition("_")[0] for name in said} == {"train", "valid"}
        for name, value in said.items():
            assert float(value) == pytest.approx(logged[name][number], abs=6e-5)
    assert epochs_in(printed.out) == []  # there a program reads


def test_a_progress_bar_says_it_instead(capsys):
    assert fit("prices", 2, "--trainer.enable_progress_bar", "true") == 0
    assert epochs_in(capsys.readouterr().err) == []


def test_a_long_epoch_says_how_far_it_is(capsys, monkeypatch):
    monkeypatch.setattr(epoch_lines, "_LONGEST_SILENCE", -1.0)
    assert fit("text", 2) == 0
    assert [line[:2] for line in epochs_in(capsys.readouterr().err) if "batch" in line[1]] == [
        [f"epoch {epoch}/2", f"batch {batch}/2"] for epoch in (1, 2) for batch in (1, 2)
    ]


def test_a_resumed_run_keeps_the_earlier_epochs_and_counts_on(capsys):
    assert fit("text", 2) == 0
    first = Path("runs/latest").resolve()
    capsys.readouterr()
    assert fit("text", 4, "--ckpt_path", str(first)) == 0
    assert [line[0] for line in epochs_in(capsys.readouterr().err)] == ["epoch 3/4", "epoch 4/4"]
    assert pd.read_csv("runs/latest/metrics.csv")["epoch"].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert len(pd.read_csv(first / "metrics.csv")) == 4  # it stays as it was


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "0 s"), (99, "99 s"), (100, "2 min"), (5900, "98 min"), (7200, "2.0 h")]
)
def test_times_are_as_exact_as_they_are_of_use(seconds, words):
    assert epoch_lines._duration(seconds) == words
