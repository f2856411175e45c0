"""Wherever a run ends, by its steps or by a signal, it is kept, it says so, and it can be resumed."""

import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml

from tests.prices import random_walks, write_long
from tsrnn.cli.configuration import ConfiguredNetwork
from tsrnn.cli.main import main
from tsrnn.training import experiment
from tsrnn.training.runtime.run_keeper import RunKeeper

ROOT = Path(__file__).parent.parent.parent
CONFIG = str(ROOT / "configs" / "forecast" / "prices_lstm.yaml")
SMALL = [
    *("--data.path", "mine.csv", "--data.window_length", "40", "--data.warm_up", "10"),
    *("--data.batch_size", "4"),
    *("--model.backbone.hidden_size", "8", "--trainer.accelerator", "cpu"),
]  # fmt: skip
ENDLESS = ["--trainer.max_epochs", "100000", "--data.batches_per_epoch", "100000"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.fixture(autouse=True)
def _in_a_folder_with_prices(tmp_path, monkeypatch):
    write_long(tmp_path / "mine.csv", random_walks())
    monkeypatch.chdir(tmp_path)


def command(*arguments):
    return [sys.executable, "-m", "tsrnn", *map(str, arguments)]


def facts(text):
    return dict(line.split("\t", 1) for line in text.splitlines() if line.count("\t") == 1)


def weights_of(path):
    checkpoint = torch.load(path, weights_only=True)
    return checkpoint["global_step"], checkpoint["state_dict"]


def stopped_by(number, *arguments, ready):
    """The output of a command that gets a signal once `ready` says so."""
    process = subprocess.Popen(
        command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    )
    try:
        deadline = time.monotonic() + 600
        while not ready(process) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(number)
        out, err = process.communicate(timeout=600)
    finally:
        process.kill()
    return process.returncode, out, err


def training(_=None):
    """Whether a run has begun to train: its configuration is written when it does."""
    return Path("runs/latest/config.yaml").is_file()


@pytest.mark.parametrize(
    ("number", "status", "word"),
    [(15, 143, "terminated"), pytest.param(2, 130, "interrupted", marks=pytest.mark.slow)],
)
def test_a_run_that_is_told_to_stop_is_saved_and_resumes_to_the_same_numbers(number, status, word):
    code, out, err = stopped_by(number, "fit", "--config", CONFIG, *SMALL, *ENDLESS, ready=training)
    assert (code, out) == (status, "")
    run = Path("runs/latest").resolve()
    (line,) = (line for line in err.splitlines() if "warning" not in line)
    assert line.startswith(f"tsrnn: {word}; to resume: tsrnn fit --config ")
    assert line.endswith(f"--ckpt_path {os.path.relpath(run)}")
    step, _ = weights_of(run / "checkpoints" / "last.ckpt")
    assert step > 0
    if number == signal.SIGINT:
        return
    more = ["--trainer.max_steps", str(step + 20), "--trainer.max_epochs", "100000"]
    resume = line.partition("to resume: tsrnn ")[2].split()
    assert main([*resume, *more]) == 0
    resumed = weights_of("runs/latest/checkpoints/last.ckpt")
    assert main(["fit", "--config", CONFIG, *SMALL, *ENDLESS, *more]) == 0
    whole = weights_of("runs/latest/checkpoints/last.ckpt")
    assert resumed[0] == whole[0] == step + 20
    assert all(torch.equal(resumed[1][name], weight) for name, weight in whole[1].items())


def listening(process):
    """Whether the process has said what SIGTERM is to do."""
    (caught,) = (
        line.split()[1] for line in Path(f"/proc/{process.pid}/status").read_text().splitlines()
        if line.startswith("SigCgt")
    )  # fmt: skip
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


def test_a_signal_during_the_start_is_said_too():
    code, out, err = stopped_by(15, "fit", "--config", CONFIG, *SMALL, *ENDLESS, ready=listening)
    assert (code, out, err) == (143, "", "tsrnn: terminated\n")
    assert not training()


@pytest.fixture
def signal_after(monkeypatch):
    """Makes this process get a signal at a step of its training."""
    counted = RunKeeper.on_train_batch_end

    def after(step, number=signal.SIGTERM):
        def stop(self, trainer, *arguments):
            if trainer.global_step == step:
                os.kill(os.getpid(), number)
            counted(self, trainer, *arguments)

        monkeypatch.setattr(RunKeeper, "on_train_batch_end", stop)

    yield after
    monkeypatch.setattr(RunKeeper, "on_train_batch_end", counted)


def test_a_backtest_that_is_told_to_stop_counts_no_half_trained_network(signal_after, capsys):
    signal_after(3)
    assert (
        main(["backtest", CONFIG, "mine.csv", *SMALL[2:], *ENDLESS, "--horizon", "2", "--out", "out"]) == 143
    )
    assert capsys.readouterr().err.endswith("tsrnn: terminated\n")
    assert Path("out/fits/runs").is_dir()
    assert list(Path("out/fits").glob("*.ckpt")) == []
    assert list(Path("out").rglob("*.parquet")) == []


@pytest.mark.parametrize("steps", [1, 7, 10, 15])  # of epochs of 10
def test_a_run_that_ends_by_its_steps_is_validated_and_kept(steps, capsys):
    options = ["--data.batches_per_epoch", "10", "--trainer.max_steps", str(steps)]
    assert main(["fit", "--config", CONFIG, *SMALL, *options]) == 0
    said = facts(capsys.readouterr().out)
    assert said["stopped"] == f"after {steps} steps, as max_steps asks"
    assert float(said["valid_nats"]) < 0
    run = Path("runs/latest/checkpoints")
    assert weights_of(run / "last.ckpt")[0] == steps
    assert (run / "best.ckpt").is_file()


@pytest.mark.parametrize("nothing", [["--trainer.max_epochs", "0"], ["--trainer.limit_train_batches", "0"]])
def test_a_run_without_a_step_is_kept_all_the_same(nothing, capsys):
    assert main(["fit", "--config", CONFIG, *SMALL, *nothing]) == 0
    assert facts(capsys.readouterr().out)["checkpoint"].endswith("last.ckpt")
    assert weights_of("runs/latest/checkpoints/last.ckpt")[0] == 0


@pytest.mark.parametrize("end", [("--trainer.max_steps", "2"), ("--trainer.max_epochs", "1")])
def test_the_end_is_validated_where_no_validation_was_due(end, capsys):
    options = ["--data.batches_per_epoch", "3", "--trainer.check_val_every_n_epoch", "2", *end]
    assert main(["fit", "--config", CONFIG, *SMALL, *options]) == 0
    assert float(facts(capsys.readouterr().out)["valid_nats"]) < 0
    assert {path.name for path in Path("runs/latest/checkpoints").iterdir()} == {"best.ckpt", "last.ckpt"}


def test_a_dry_run_keeps_nothing(capsys):
    assert main(["fit", "--config", CONFIG, *SMALL, "--trainer.fast_dev_run", "true"]) == 0
    assert "checkpoint" not in facts(capsys.readouterr().out)
    assert list(Path("runs").rglob("*.ckpt")) == []


def test_a_choice_by_a_validation_that_is_switched_off_is_one_line(capsys):
    assert main(["fit", "--config", CONFIG, *SMALL, "--trainer.limit_val_batches", "0"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "tsrnn: error: limit_val_batches is 0, but the callbacks choose by valid_nats"
    assert not Path("runs").exists()


EPOCHS = ["--data.batches_per_epoch", "6", "--trainer.max_epochs", "3", "--trainer.val_check_interval", "2"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nobody stops: its folder."""
    folder = tmp_path_factory.mktemp("whole")
    write_long(folder / "mine.csv", random_walks())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["fit", "--config", CONFIG, *SMALL, *EPOCHS]) == 0
    return folder / "runs" / "latest"


@pytest.mark.parametrize(("step", "number"), [(1, 2), (2, 15), (6, 15), (13, 15), (16, 2), (18, 15)])
def test_a_run_that_is_told_to_stop_at_any_step_misses_no_validation_and_no_best(
    step, number, whole, signal_after, capsys
):
    """A validation is due after every second step, and the last one is the best."""
    scores = pd.read_csv(whole / "metrics.csv")["valid_nats"].dropna().tolist()
    assert len(scores) == 9
    assert min(scores) == scores[-1]
    fit = ["fit", "--config", CONFIG, *SMALL, *EPOCHS, "--trainer.default_root_dir"]
    signal_after(step, number)
    assert main([*fit, "stopped"]) == 128 + number
    assert {2: "tsrnn: interrupted; to", 15: "tsrnn: terminated; to"}[number] in capsys.readouterr().err
    signal_after(-1)
    assert main([*fit, "resumed", "--ckpt_path", "stopped/latest"]) == 0
    resumed = Path("resumed/latest")
    pd.testing.assert_frame_equal(*(pd.read_csv(run / "metrics.csv") for run in (resumed, whole)))
    for name in ("best", "last"):
        ours, theirs = (weights_of(run / "checkpoints" / f"{name}.ckpt") for run in (resumed, whole))
        assert ours[0] == theirs[0] == 18
        assert all(torch.equal(ours[1][key], weight) for key, weight in theirs[1].items())


def test_a_folder_that_cannot_be_written_is_one_line(capsys):
    Path("runs").write_text("a file in its place")
    assert main(["fit", "--config", CONFIG, *SMALL, "--trainer.max_steps", "1"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("tsrnn: error: runs")


def test_the_other_processes_of_a_run_share_the_first_one_s_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("TSRNN_RUN_FOLDER", raising=False)
    folder = experiment.run_folder("runs", "name")
    assert folder.is_dir()
    monkeypatch.setattr(experiment.rank_zero_only, "rank", 1)
    assert not experiment.is_main_process()
    assert experiment.run_folder("runs", "name") == folder.resolve()
    assert [path.name for path in Path("runs/name").iterdir()] == [folder.name]


def test_the_first_process_of_a_further_machine_is_not_the_main_one(monkeypatch):
    monkeypatch.setattr(experiment.rank_zero_only, "rank", 0)
    monkeypatch.setenv("NODE_RANK", "1")
    assert not experiment.is_main_process()
    monkeypatch.setenv("NODE_RANK", "0")
    assert experiment.is_main_process()


TWO = ["--trainer.devices", "2", "--trainer.strategy", "ddp"]


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(15, 143), (2, 130)])
def test_two_processes_stop_at_one_step_and_one_of_them_says_so(number, status):
    arguments = ["fit", "--config", CONFIG, *SMALL, *ENDLESS, *TWO]
    code, _, err = stopped_by(number, *arguments, ready=training)
    assert code == status
    (line,) = (line for line in err.splitlines() if "to resume" in line)
    assert line.endswith(os.path.relpath(Path("runs/latest").resolve()))
    assert weights_of("runs/latest/checkpoints/last.ckpt")[0] > 0


@pytest.mark.slow
def test_processes_that_another_launcher_started_share_a_run():
    """None of them is told the folder, and they must agree on what is there already."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "-m", "tsrnn"]
    options = [*TWO, "--trainer.max_epochs", "1", "--data.batches_per_epoch", "3"]
    subprocess.run(
        [*launcher, "fit", "--config", CONFIG, *SMALL, *options], check=True, env=ENVIRONMENT, timeout=600,
        capture_output=True,
    )  # fmt: skip
    (folder,) = Path("runs/prices_lstm").iterdir()
    assert weights_of(folder / "checkpoints" / "last.ckpt")[0] == 3


@pytest.mark.slow
def test_of_two_processes_one_makes_the_folder_and_speaks():
    options = ["--trainer.devices", "2", "--trainer.strategy", "ddp", "--trainer.max_epochs", "2"]
    options += ["--data.batches_per_epoch", "3"]
    done = subprocess.run(
        command("fit", "--config", CONFIG, *SMALL, *options), capture_output=True, text=True, env=ENVIRONMENT,
        timeout=300, check=True,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if "\t" in line]
    assert sorted(line.split("\t")[0] for line in lines) == ["checkpoint", "run", "valid_nats"]
    assert [path.name for path in Path("runs").iterdir() if not path.is_symlink()] == ["prices_lstm"]
    (folder,) = Path("runs/prices_lstm").iterdir()
    assert Path("runs/latest").resolve() == folder.resolve()
    assert {path.name for path in (folder / "checkpoints").iterdir()} == {"best.ckpt", "last.ckpt"}


def test_a_fit_is_a_job_that_another_process_runs_to_the_same_numbers(tmp_path):
    changes = [*SMALL, "--trainer.max_epochs", "2", "--data.batches_per_epoch", "3"]
    network = ConfiguredNetwork(CONFIG, changes, tmp_path / "here")
    job = network.job(network.data.panel.part(0, 300))
    ours = network.fit(network.data.panel.part(0, 300))
    shutil.rmtree(tmp_path / "here")
    (tmp_path / "job.pickle").write_bytes(pickle.dumps(job))
    script = (
        "import pickle, sys, torch\ntorch.set_num_threads(1)\n"
        "task = pickle.load(open('job.pickle', 'rb')).run()\n"
        "torch.save(task.model.state_dict(), 'theirs.pt')\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, env=ENVIRONMENT, timeout=600)
    theirs = torch.load("theirs.pt", weights_only=True)
    assert all(torch.equal(theirs[name], weight) for name, weight in ours.model.state_dict().items())
    warm = network.job(network.data.panel, previous=ours)
    assert pickle.loads(pickle.dumps(warm)).previous.keys() == theirs.keys()


def test_a_refit_logs_as_callbacks_may_ask(tmp_path):
    callbacks = ["LearningRateMonitor", "tsrnn.training.RunCheckpoint"]
    changes = [
        f"--trainer.callbacks{'' if place == 0 else '+'}={name}" for place, name in enumerate(callbacks)
    ]
    network = ConfiguredNetwork(CONFIG, [*SMALL, "--trainer.max_steps", "2", *changes], tmp_path)
    assert network.fit(network.data.panel.part(0, 300)).history.num_steps == 300


TEXT = ["--data.corpus", "null", "--data.path", "text.txt", "--model.embedding.output_size", "8"]
TEXT += ["--model.backbone.hidden_size", "8", "--data.minimum_count", "1"]


def fits_beside_a_busy_machine(times, steps, fit):
    """The weights of identical fits while other processes eat both cores, every option at its default."""
    words = [f"word{number % 97}" for number in range(4_000)]
    Path("text.txt").write_text("\n".join(" ".join(words[row : row + 8]) for row in range(0, 4_000, 8)))
    language = str(ROOT / "configs" / "language" / "python_docs_lstm.yaml")
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 2)]
    try:
        for name, options in (("prices", [CONFIG, *SMALL]), ("text", [language, *TEXT])):
            found = []
            for number in range(times):
                root = f"{name}{number}"
                fit(["fit", "--config", *options, "--trainer.max_steps", str(steps),
                     "--trainer.default_root_dir", root])  # fmt: skip
                found.append(weights_of(f"{root}/latest/checkpoints/last.ckpt")[1])
                cpu = yaml.safe_load(Path(f"{root}/latest/cpu.yaml").read_text())
                assert cpu["matmul_precision"] in ("highest", "medium")
            yield found
    finally:
        for process in busy:
            process.kill()
            process.wait()


def same(found):
    return all(torch.equal(other[name], weight) for other in found for name, weight in found[0].items())


def test_identical_fits_are_equal_in_every_bit_on_a_busy_machine(monkeypatch):
    precision = torch.get_float32_matmul_precision()

    def fit(arguments):
        torch.set_float32_matmul_precision("highest")  # the choice is made anew
        assert main(arguments) == 0

    try:
        assert all(same(found) for found in fits_beside_a_busy_machine(2, 5, fit))
    finally:
        torch.set_float32_matmul_precision(precision)


@pytest.mark.slow
def test_ten_identical_fits_in_processes_of_their_own_are_equal_in_every_bit():
    def fit(arguments):
        subprocess.run(command(*arguments), check=True, env=ENVIRONMENT, timeout=600, capture_output=True)

    assert all(same(found) for found in fits_beside_a_busy_machine(10, 60, fit))
