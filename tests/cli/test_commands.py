"""The commands as a user types them: what they do, and what they say when something is wrong."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import tsrnn
from tests.prices import random_walks, write_long
from tsrnn.cli.main import main

ROOT = Path(__file__).parent.parent.parent
CONFIG = str(ROOT / "configs" / "forecast" / "prices_lstm.yaml")
QUICK = [
    *("--trainer.max_epochs", "2", "--data.batches_per_epoch", "3", "--data.window_length", "40"),
    *("--data.warm_up", "10", "--data.batch_size", "8", "--model.backbone.hidden_size", "8"),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with prices, a cell of one's own, and a run."""
    folder = tmp_path_factory.mktemp("home")
    write_long(folder / "mine.csv", random_walks())
    (folder / "my_cells.py").write_text((ROOT / "tests" / "cli" / "my_cells.py").read_text())
    before = Path.cwd()
    os.chdir(folder)
    try:
        assert main(["fit", "--config", CONFIG, "--data.path", "mine.csv", *QUICK]) == 0
    finally:
        os.chdir(before)
    return folder


@pytest.fixture(autouse=True)
def _in_home(home, monkeypatch):
    monkeypatch.chdir(home)


def facts(text):
    """Tab-separated facts as a dict."""
    return dict(line.split("\t", 1) for line in text.splitlines() if line.count("\t") == 1)


def test_help_and_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"tsrnn {tsrnn.__version__}\n"
    assert main([]) == 0
    text = capsys.readouterr().out
    assert all(verb in text for verb in ("fit", "validate", "test", "predict", "forecast", "inspect"))


def test_a_run_has_its_own_folder_and_a_second_overwrites_nothing(capsys):
    first = Path("runs/latest").resolve()
    config = yaml.safe_load((first / "config.yaml").read_text())
    assert config["data"]["init_args"]["path"] == "mine.csv"
    assert {path.name for path in (first / "checkpoints").iterdir()} == {"best.ckpt", "last.ckpt"}
    metrics = pd.read_csv(first / "metrics.csv")
    assert {"train_nats", "valid_nats", "epoch"} <= set(metrics.columns)
    kept = (first / "checkpoints" / "best.ckpt").read_bytes()
    assert main(["fit", "--config", CONFIG, "--data.path", "mine.csv", *QUICK]) == 0
    said = facts(capsys.readouterr().out)
    assert Path(said["run"]).resolve() != first
    assert float(said["valid_nats"]) == pytest.approx(metrics["valid_nats"].min(), abs=1e-4)
    assert (first / "checkpoints" / "best.ckpt").read_bytes() == kept
    assert (Path(said["run"]) / "metrics.csv").read_bytes() == (first / "metrics.csv").read_bytes()


def test_the_configuration_of_a_run_runs_again(capsys):
    assert main(["fit", "--config", "runs/latest/config.yaml"]) == 0
    assert "valid_nats" in capsys.readouterr().out


def test_test_prints_the_model_beside_the_random_walk(capsys):
    assert main(["test", "--ckpt_path", "runs/latest"]) == 0
    out = capsys.readouterr().out
    lines = [line.split("\t") for line in out.splitlines()]
    assert lines[0] == [
        *("model", "values", "nats per step ↓", "sMAPE, % ↓", "scaled CRPS ↓", "covers, % → 80"),
        "covers, % → 95",
    ]
    assert [line[0] for line in lines[1:4]] == ["LSTM", "random walk", "random walk, EWMA volatility"]
    assert len({line[1] for line in lines[1:4]}) == 1
    said = facts(out)
    assert list(pd.read_csv(said["scores"]).columns) == lines[0]
    assert said["reference"] == "random walk, the reference of prices"
    assert main(["test", "--ckpt_path", "runs/latest"]) == 0  # a second run does not fail


def test_validate_and_predict(capsys):
    assert main(["validate", "--ckpt_path", "runs/latest/checkpoints/best.ckpt"]) == 0
    assert float(facts(capsys.readouterr().out)["valid_nats"]) < 0
    assert main(["predict", "--ckpt_path", "runs/latest"]) == 0
    assert Path(facts(capsys.readouterr().out)["picture"]).is_file()


def test_forecast_from_the_checkpoint_alone_and_from_its_file_are_the_same(capsys):
    common = ["--horizon", "5", "--paths", "50", "--levels", "50", "90"]
    assert main(["forecast", "runs/latest", *common]) == 0
    alone = facts(capsys.readouterr().out)
    assert main(["forecast", "runs/latest", "mine.csv", *common]) == 0
    filed = facts(capsys.readouterr().out)
    left, right = pd.read_csv(alone["table"]), pd.read_csv(filed["table"])
    assert list(left.columns[:8]) == ["unique_id", "ds", "mean", "q0.05", "q0.25", "q0.5", "q0.75", "q0.95"]
    assert len(left) == 10
    np.testing.assert_allclose(left["mean"], right["mean"], rtol=1e-9)
    assert Path(alone["picture"]).read_bytes()[:4] == b"\x89PNG"
    assert alone["table"] != filed["table"]


def test_the_table_shows_what_the_csv_holds(capsys):
    assert main(["forecast", "runs/latest", "--horizon", "5", "--paths", "50"]) == 0
    out = capsys.readouterr().out
    rows = [line.split("\t") for line in out.splitlines() if line.count("\t") > 1]
    assert rows[0] == ["series", "time", "median", "80 %", "95 %", "P(up)", "VaR", "ES"]
    frame = pd.read_csv(facts(out)["table"])
    for row in rows[1:]:
        (line,) = frame[(frame["unique_id"] == row[0]) & (frame["ds"] == row[1])].to_dict("records")
        # Prices of about 90, intervals from 2 on: four significant digits are three decimals.
        assert row[2] == f"{line['q0.5']:.3f}"
        assert row[3] == f"{line['q0.1']:.3f}–{line['q0.9']:.3f}"
        assert row[4] == f"{line['q0.025']:.3f}–{line['q0.975']:.3f}"
        assert row[6] == f"{100 * line['value_at_risk_5']:.1f}%"
        assert row[7] == f"{100 * line['expected_shortfall_5']:.1f}%"


def test_forecast_goes_on_from_another_file(capsys):
    write_long(Path("other.csv"), random_walks(1, 90, seed=5, start="2024-01-01"))
    assert (
        main(["forecast", "runs/latest", "other.csv", "--horizon", "3", "--paths", "20", "--out", "here"])
        == 0
    )
    frame = pd.read_csv("here/forecast.csv", parse_dates=["ds"])
    assert (frame["ds"] > "2024-05-01").all()
    assert len(frame) == 3


def test_inspect_says_what_a_checkpoint_holds(capsys):
    assert main(["inspect", "runs/latest"]) == 0
    page = yaml.safe_load(capsys.readouterr().out)
    assert page["data"]["unique_ids"] == ["S0", "S1"]
    assert page["data"]["first"] == "2020-01-01"
    assert page["model"]["init_args"]["backbone"]["init_args"]["hidden_size"] == 8
    assert page["parameters"] == (7 * 32 + 32) + (4 * 8 * (32 + 8) + 2 * 32) + (8 * 3 + 3)
    assert page["scores"]["valid_nats"] < 0


def test_a_cell_of_ones_own_from_the_current_folder(capsys):
    own = ["--model.backbone", "my_cells.Leaky", *QUICK]
    assert main(["fit", "--config", CONFIG, "--data.path", "mine.csv", *own]) == 0
    run = facts(capsys.readouterr().out)["run"]
    assert main(["test", "--ckpt_path", run]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("Leaky\t")
    sys.modules.pop("my_cells")
    assert main(["forecast", run, "--paths", "20"]) == 2
    assert "--import my_cells" in capsys.readouterr().err
    assert main(["forecast", run, "--paths", "20", "--import", "my_cells"]) == 0
    assert main(["inspect", run]) == 0


def test_another_model_than_the_checkpoints_is_refused(capsys):
    assert main(["test", "--ckpt_path", "runs/latest", "--model.backbone.hidden_size", "9"]) == 2
    assert "model.backbone.hidden_size is 9 in the configuration but 8" in capsys.readouterr().err


def test_a_file_of_another_country_is_read_by_options(capsys):
    """The marks that YAML would take for a comment, or for nothing, reach the reader as they are."""
    frame = random_walks()
    prices = [f"1 {100 + y:06.2f} €".replace(".", ",") for y in frame.y]
    rows = zip(frame.ds.dt.strftime("%d/%m/%Y"), frame.unique_id, prices, strict=True)
    lines = ["# prices", "Date;Symbol;Close", *map(";".join, rows)]
    Path("written.csv").write_text("\n".join(lines), encoding="utf-8")
    values = {"decimal": ",", "thousands": " ", "dates": "dmy", "on-units": "drop", "comment": "#"}
    verb = [part for name, value in values.items() for part in (f"--{name}", value)]
    fit = [part for name, value in values.items() for part in (f"--data.{name.replace('-', '_')}", value)]
    assert main(["fit", "--config", CONFIG, "--data.path", "written.csv", *fit, *QUICK]) == 0
    run = Path(facts(capsys.readouterr().out)["run"])
    kept = yaml.safe_load((run / "config.yaml").read_text())["data"]["init_args"]
    assert {name: kept[name.replace("-", "_")] for name in values} == values
    assert main(["forecast", str(run), "written.csv", *verb, "--paths", "20", "--past", "0"]) == 0
    assert main(["forecast", "runs/latest", "--thousands", " "]) == 2
    assert "--thousands is about a FILE" in capsys.readouterr().err


def test_sessions_that_the_model_has_seen_are_not_scored(capsys):
    assert main(["test", "--ckpt_path", "runs/latest", "--data.split", "[0.3,0.3,0.4]"]) == 2
    assert "which the checkpoint has seen" in capsys.readouterr().err


def test_predict_takes_the_horizon_that_is_asked_for(capsys):
    assert main(["predict", "--ckpt_path", "runs/latest", "--data.horizon", "4"]) == 0
    assert len(pd.read_csv(facts(capsys.readouterr().out)["table"])) == 8


MISTAKES = [
    (["fti"], "no command fti, did you mean fit?"),
    (["--versoin"], "did you mean --version?"),
    (["fit", "--confg", CONFIG], "did you mean --config?"),
    (["fit", "--config", CONFIG.replace("lstm", "lst")], "did you mean prices_lstm.yaml?"),
    (["fit", "--config", CONFIG, "--trainer.max_epoch", "2"], "did you mean --trainer.max_epochs?"),
    (
        ["fit", "--config", CONFIG, "--trainer.max_epochs", "two"],
        "max_epochs must be an integer or null, not two",
    ),
    (["fit", "--config", CONFIG, "--model.backbone", "LSTMM"], "there is no class LSTMM, did you mean LSTM?"),
    (
        ["fit", "--config", CONFIG, "--model.backbone.hiden_size", "3"],
        "did you mean --model.backbone.hidden_size?",
    ),
    (
        ["fit", "--config", CONFIG, "--model.backbone.hidden_size", "x"],
        "hidden_size must be an integer, not x",
    ),
    (["fit", "--config", CONFIG, "--model.backbone", "no_cells.Cell"], "there is no module no_cells"),
    (["fit", "--config", CONFIG, "--data.batchsize", "3"], "did you mean --data.batch_size?"),
    (["fit", "--config", CONFIG, "--data.path", "min.csv"], "min.csv: there is no such file"),
    (["fit", "--config", CONFIG, "--data.on_missing", "x"], "one of 'error', 'drop'"),
    (["fit", "--config", CONFIG, "--data.calendar", "XNYSE"], "did you mean XNYS?"),
    (["fit", "--config", CONFIG, "--data.split", "[1,0,0]", *QUICK], "the validation span is empty"),
    (["fit"], "--config FILE"),
    (["fit", "--config", CONFIG, "--ckpt_path", "runs/lates"], "did you mean latest?"),
    (["test", "--config", CONFIG], "test needs RUN"),
    (["forecast"], "CKPT"),
    (["forecast", "runs/latest", "--hor", "3"], "no option --hor, did you mean --horizon?"),
    (["forecast", "runs/latest", "--horizon", "0"], "'0' is not a whole number of at least 1"),
    (["forecast", "runs/latest", "--levels", "120"], "'120' is not between 0 and 100 percent"),
    (["forecast", "runs/latest", "--symbols", "S0"], "--symbols is about a FILE"),
    (["forecast", "runs/latest", "min.csv"], "did you mean mine.csv?"),
    (["inspect", "mine.csv"], "mine.csv: not a whole checkpoint"),
]


@pytest.mark.parametrize(("arguments", "words"), MISTAKES, ids=lambda value: str(value)[-40:])
def test_a_mistake_is_one_line_with_the_nearest_right_name(arguments, words, capsys):
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert words in printed.err
    assert printed.err.startswith("tsrnn: error: ")
    assert printed.err.count("\n") == 1
    assert printed.out == ""


BAD_FILES = {
    "empty": ("", "empty"),
    "no_rows": ("date,close\n", "no rows"),
    "no_column": ("date,volume\n2020-01-01,3\n", ""),
    "missing": ("date,close\n2020-01-01,3\n2020-01-02,\n", "line 3, column close"),
    "zero": ("date,close\n2020-01-01,3\n2020-01-02,0\n", "line 3, column close"),
    "negative": ("date,close\n2020-01-01,3\n2020-01-02,-2\n", "line 3, column close"),
    "word": ("date,close\n2020-01-01,3\n2020-01-02,three\n", "line 3, column close"),
    "twice": ("date,close\n2020-01-01,3\n2020-01-01,4\n", "lines 2 and 3"),
    "short": ("date,close\n2020-01-01,3\n2020-01-02,4\n", "needs at least 40 prices"),
}


@pytest.mark.parametrize("name", BAD_FILES)
@pytest.mark.parametrize("verb", ["fit", "forecast"])
def test_a_bad_file_is_one_line_and_never_trained_on(name, verb, capsys):
    content, words = BAD_FILES[name]
    Path("bad.csv").write_text(content)
    if verb == "fit":
        assert main(["fit", "--config", CONFIG, "--data.path", "bad.csv", *QUICK]) == 2
    elif name == "short":
        return  # two prices are enough to forecast from
    else:
        assert main(["forecast", "runs/latest", "bad.csv"]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("tsrnn: error: bad.csv")
    assert words in printed
    assert printed.count("\n") == 1


def test_a_killed_run_goes_on_to_the_same_end(home, tmp_path):
    command = [sys.executable, "-m", "tsrnn", "fit", "--trainer.default_root_dir", str(tmp_path)]
    settings = [
        "--config",
        CONFIG,
        "--data.path",
        str(home / "mine.csv"),
        *QUICK,
        "--trainer.max_epochs",
        "60",
    ]
    process = subprocess.Popen([*command, *settings], cwd=home, env={**os.environ, "PYTHONPATH": str(ROOT)})
    deadline = time.monotonic() + 600  # reached where nothing comes at all, not where a machine is busy
    while not list(tmp_path.glob("*/*/checkpoints/last.ckpt")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (killed,) = tmp_path.glob("prices_lstm/*")
    assert tsrnn.load(killed / "checkpoints" / "last.ckpt").history is not None
    ends = ["--trainer.max_epochs", "20"]
    resumed = [
        *settings,
        *ends,
        "--trainer.default_root_dir",
        str(tmp_path / "resumed"),
        "--ckpt_path",
        str(killed),
    ]
    whole = [*settings, *ends, "--trainer.default_root_dir", str(tmp_path / "whole")]
    losses = []
    for arguments in (resumed, whole):
        assert main(["fit", *arguments]) == 0
        (metrics,) = (tmp_path / ("resumed" if arguments is resumed else "whole")).glob("*/*/metrics.csv")
        losses.append(pd.read_csv(metrics)["valid_nats"].dropna().iloc[-1])
    assert losses[0] == losses[1]
    best = [next((tmp_path / kind).glob("*/*/checkpoints/best.ckpt")) for kind in ("resumed", "whole")]
    scores = [tsrnn.load(path).contents["metrics"] for path in best]
    assert scores[0] == scores[1]
