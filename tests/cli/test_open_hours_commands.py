"""Hourly rates by the commands: every time step that they name is an open hour, and tables tell rates."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.cli.test_commands import CONFIG, QUICK, facts
from tests.hours import currency_hours, rate_frame
from tsrnn.cli.main import main

CHANGES = [f"{key}={value}" for key, value in zip(QUICK[::2], QUICK[1::2], strict=True)]
SIZE = ["--horizon", "5", "--paths", "20"]
CUT = np.datetime64("2024-03-08T20:00")  # the last hours of a Friday; on Sunday the clocks change


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Rates and a run of them."""
    folder = tmp_path_factory.mktemp("hours")
    rate_frame(currency_hours("2024-02-01", str(CUT))).to_csv(folder / "rates.csv", index=False)
    before = Path.cwd()
    os.chdir(folder)
    try:
        assert main(["fit", "--config", CONFIG, "--data.path", "rates.csv", *QUICK]) == 0
    finally:
        os.chdir(before)
    return folder


@pytest.fixture(autouse=True)
def _in_home(home, monkeypatch):
    monkeypatch.chdir(home)


@pytest.mark.parametrize("file", [[], ["rates.csv"]], ids=["checkpoint", "file"])
def test_a_forecast_names_open_hours_alone_and_rates_by_their_digits(file, capsys):
    assert main(["forecast", "runs/latest", *file, "--horizon", "60", "--paths", "100", "--past", "0"]) == 0
    out = capsys.readouterr().out
    frame = pd.read_csv(facts(out)["table"], parse_dates=["ds"]).set_index("ds")
    hours = currency_hours(str(CUT), "2024-03-15")
    np.testing.assert_array_equal(frame.index.to_numpy(), hours[hours > CUT][:60])
    rows = [line.split("\t") for line in out.splitlines() if line.count("\t") > 1][1:]
    assert [row[1] for row in rows] == [str(frame.index[place]) for place in (0, 4, 9, 19, 59)]
    for row in rows:
        low, high = (float(bound) for bound in row[3].split("–"))
        line = frame.loc[row[1]]
        assert line["q0.9"] - line["q0.1"] > 0.0002
        assert high - low == pytest.approx(line["q0.9"] - line["q0.1"], rel=1e-3)
        assert float(row[6].rstrip("%")) == pytest.approx(100 * line["value_at_risk_5"], rel=0.06)


def test_hourly_rates_are_backtested_and_do_not_leak(capsys):
    assert main(["backtest", "runs/latest", "--stride", "20", *SIZE, "--out", "tested"]) == 0
    frame = pd.read_parquet("tested/backtest.parquet")
    rates = pd.read_csv("rates.csv", parse_dates=["ds"])["ds"]
    assert set(frame["ds"]) | set(frame["cutoff"]) <= set(rates)
    assert main(["leaktest", CONFIG, "rates.csv", *CHANGES, "--pairs", "12"]) == 0
    assert "no leak found" in capsys.readouterr().out
