"""tsrnn backtest and leaktest as a user types them."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.cli.test_commands import CONFIG, QUICK, facts
from tests.panels import seasonal_frame
from tests.prices import random_walks, write_long
from tsrnn.cli.main import main
from tsrnn.protocols import time_text

PANEL = str(Path(CONFIG).parent / "panel_daily.yaml")
SMALL = ["--trainer.max_epochs=1", "--data.batches_per_epoch=3", "--data.batch_size=8"]
CHANGES = [f"{key}={value}" for key, value in zip(QUICK[::2], QUICK[1::2], strict=True)]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with prices, a panel, a leaky codec, and a run."""
    folder = tmp_path_factory.mktemp("home")
    write_long(folder / "mine.csv", random_walks())
    seasonal_frame(4, 120, season=7).to_csv(folder / "panel.csv", index=False)
    (folder / "my_codecs.py").write_text(
        "from tsrnn.codecs import LogReturns\n\n\n"
        "class Peeking(LogReturns):\n"
        "    def encode(self, raw, state=None):\n"
        "        encoding, state = super().encode(raw, state)\n"
        "        inputs = encoding.inputs.clone()\n"
        "        inputs[..., 0] = encoding.targets\n"
        "        return encoding._replace(inputs=inputs), state\n"
    )
    before = Path.cwd()
    os.chdir(folder)
    try:
        assert main(["fit", "--config", CONFIG, "--data.path", "mine.csv", *QUICK]) == 0
        Path("prices_run").symlink_to(Path("runs/latest").resolve())
    finally:
        os.chdir(before)
    return folder


@pytest.fixture(autouse=True)
def _in_home(home, monkeypatch):
    monkeypatch.chdir(home)


def verdicts(text):
    return [line.split("\t", 1)[1] for line in text.splitlines() if line.startswith("verdict\t")]


def test_a_checkpoint_is_backtested_beside_the_random_walk_with_a_report(capsys):
    command = ["backtest", "prices_run", "--horizon", "3", "--stride", "2", "--paths", "30"]
    assert main([*command, "--out", "first", "--report", "report.html"]) == 0
    out = capsys.readouterr().out
    said = facts(out)
    frame = pd.read_parquet(said["forecasts"])
    assert list(frame["model"].unique()) == ["LSTM", "random walk", "random walk, EWMA volatility"]
    assert set(frame["step"]) == {1, 2, 3}
    assert [verdict.split(":")[0] for verdict in verdicts(out)] == ["LSTM", "random walk, EWMA volatility"]
    assert all("skill shown in the point forecast" in verdict for verdict in verdicts(out))
    page = Path("report.html").read_text()
    assert "no skill shown" in page
    assert "data sha256" in page
    assert {"scores.csv", "significance.csv"} <= {path.name for path in Path("first").iterdir()}
    # A second time, everything is there already.
    before = Path("first/backtest.parquet").stat().st_mtime
    assert main([*command, "--out", "first"]) == 0
    assert verdicts(capsys.readouterr().out) == verdicts(out)
    assert Path("first/backtest.parquet").stat().st_mtime >= before


def test_a_configuration_is_fitted_before_its_first_origin_and_again_warm(capsys):
    command = ["backtest", CONFIG, "mine.csv", *CHANGES, "--horizon", "1", "--stride", "10", "--paths", "20"]
    assert main([*command, "--refit", "5", "--warm-start", "--out", "warm"]) == 0
    capsys.readouterr()
    frame = pd.read_parquet("warm/backtest.parquet")
    weights = sorted(path.name for path in Path("warm/fits").glob("*.ckpt"))
    origins = np.sort(frame["cutoff"].unique())
    assert len(weights) == -(-len(origins) // 5)
    # Each fit saw sessions up to its own first origin, and all after the first began from the one before.
    for place, name in enumerate(weights):
        assert time_text(origins[5 * place]) in name
        assert name.endswith("_warm.ckpt") == (place > 0)
    assert main([*command, "--refit", "5", "--warm-start", "--out", "warm"]) == 0
    capsys.readouterr()
    assert main([*command, "--data.seed=1", "--refit", "5", "--warm-start", "--out", "warm"]) == 2
    assert "warm holds another LSTM" in capsys.readouterr().err


@pytest.mark.parametrize("method", ["split", "rolling"])
def test_intervals_are_corrected_in_a_backtest_and_in_a_forecast(method, capsys):
    late = ["--first", "2021-06-15"] if method == "split" else []
    command = ["backtest", "prices_run", "--horizon", "2", "--stride", "4", "--paths", "30"]
    assert main([*command, "--conformal", method, "--out", method, *late]) == 0
    models = pd.read_parquet(f"{method}/backtest.parquet")["model"].unique()
    assert f"LSTM + conformal ({method})" in models
    capsys.readouterr()
    command = ["forecast", "prices_run", "--horizon", "2", "--paths", "60", "--out"]
    assert main([*command, f"{method}_forecast", "--conformal", method]) == 0
    assert main([*command, "plain"]) == 0
    corrected, plain = (pd.read_csv(f"{name}/forecast.csv") for name in (f"{method}_forecast", "plain"))
    np.testing.assert_allclose(corrected["q0.5"], plain["q0.5"])
    assert (corrected["q0.9"] != plain["q0.9"]).all()


def test_a_panel_is_backtested_beside_the_seasonal_naive(capsys):
    sizes = ["--data.horizon=7", "--data.valid_size=7", "--data.test_size=21"]
    assert main(["backtest", PANEL, "panel.csv", *SMALL, *sizes, "--stride", "7", "--out", "panel"]) == 0
    out = capsys.readouterr().out
    frame = pd.read_parquet("panel/backtest.parquet")
    assert list(frame["model"].unique())[1] == "seasonal naive (7)"
    assert frame["cutoff"].nunique() == 3
    assert "that of the seasonal naive (7)" in verdicts(out)[0]


def test_test_ends_with_a_verdict(capsys):
    assert main(["test", "--ckpt_path", "prices_run"]) == 0
    (verdict,) = verdicts(capsys.readouterr().out)
    assert verdict.startswith("LSTM: no skill shown in the point forecast")
    assert "random walk" in verdict
    assert main(["fit", "--config", PANEL, "--data.path=panel.csv", *SMALL]) == 0
    run = facts(capsys.readouterr().out)["run"]
    assert main(["test", "--ckpt_path", run]) == 0
    out = capsys.readouterr().out
    (verdict,) = verdicts(out)
    assert "seasonal naive" in verdict
    assert facts(out)["reference"].startswith("seasonal naive (7), the best naive forecast on the validation")
    header = "model values MASE ↓ sMAPE, % ↓ wQL ↓ scaled CRPS ↓ covers, % → 80 covers, % → 95"
    assert out.splitlines()[0].replace("\t", " ") == header
    # From the same origin a backtest says the same, out of the checkpoint alone and out of the file.
    ours = pd.read_csv(facts(out)["scores"])
    for name, file in (("alone", []), ("filed", ["panel.csv"])):
        assert main(["backtest", run, *file, "--out", name]) == 0
        said = capsys.readouterr().out
        theirs = pd.read_csv(f"{name}/scores.csv")[ours.columns]
        assert theirs["model"].tolist() == ours["model"].tolist()
        np.testing.assert_allclose(theirs.drop(columns="model"), ours.drop(columns="model"), rtol=1e-9)
        assert verdicts(said) == [verdict]
        assert facts(said)["reference"] == facts(out)["reference"]
    # Another reference is another verdict, and changes no score.
    for command in (["test", "--ckpt_path", run], ["backtest", run, "--out", "naive"]):
        assert main([*command, "--reference", "naive"]) == 0
        said = capsys.readouterr().out
        assert "that of the naive (last value)" in verdicts(said)[0]
        assert facts(said)["reference"] == "naive (last value), as asked"
    assert main(["test", "--ckpt_path", run, "--reference", "naif"]) == 2
    assert "there is no reference 'naif', did you mean naive" in capsys.readouterr().err


def test_prices_have_the_same_numbers_by_test_and_by_backtest(capsys):
    assert main(["test", "--ckpt_path", "prices_run"]) == 0
    out = capsys.readouterr().out
    assert main(["backtest", "prices_run", "--horizon", "1", "--stride", "1", "--out", "ones"]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[2].split("\t")[2] == "nats per step ↓"
    ours, theirs = pd.read_csv(facts(out)["scores"]), pd.read_csv("ones/scores.csv")
    assert ours["model"].tolist() == theirs["model"].tolist()
    theirs = theirs[ours.columns].drop(columns="model")
    np.testing.assert_allclose(theirs, ours.drop(columns="model"), rtol=1e-9)
    assert verdicts(said)[0] == verdicts(out)[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.yaml"], "nowhere.yaml: there is no such configuration"),
        (["nowhere.ckpt"], "nowhere.ckpt: there is no such checkpoint"),
        (["prices_run", "--first", "100"], "up to"),
        (["prices_run", "--refit", "3"], "give its configuration instead"),
        (["prices_run", "--data.path=mine.csv"], "is a key of a configuration"),
        (["prices_run", "--purge", "3", "--horizon", "6"], "at least 5"),
        (["prices_run", "--horizon", "5000"], "no origin with 5000 time steps"),
        ([CONFIG, "mine.csv", "--data.pth=x"], "pth"),
        ([CONFIG, "mine.csv", *CHANGES, "--refit", "2", "--conformal", "split"], "leave out --refit"),
        (["prices_run", "--baseline", "drift"], "there is no option --baseline, did you mean --baselines?"),
        (["prices_run", "--baselines", "drft"], "drft"),
    ],
)
def test_a_mistake_is_said_in_one_line(arguments, said, capsys, tmp_path):
    assert main(["backtest", *arguments, "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    lines = [line for line in error.splitlines() if not line.startswith("tsrnn: warning")]
    assert len(lines) == 1
    assert said in lines[0]


def test_leaktest_of_a_run_asks_for_a_configuration(capsys):
    assert main(["leaktest", "prices_run", "mine.csv"]) == 2
    assert "prices_run: a folder is no configuration" in capsys.readouterr().err


def test_leaktest_finds_nothing_in_what_is_shipped(capsys):
    assert main(["leaktest", CONFIG, "mine.csv", *CHANGES, "--pairs", "60"]) == 0
    said = facts(capsys.readouterr().out)
    assert said["result"].startswith("no leak found")
    assert main(["leaktest", PANEL, "panel.csv", *SMALL, "--pairs", "60"]) == 0


def test_leaktest_finds_a_codec_of_ones_own_that_peeks(capsys):
    codec = "--data.codec=my_codecs.Peeking"
    assert main(["leaktest", CONFIG, "mine.csv", *CHANGES, codec, "--pairs", "30"]) == 1
    out = capsys.readouterr().out
    assert "future changed: features of" in out
    assert "future planted: probe" in out
    assert "depends on what comes after it" in facts(out)["result"]
