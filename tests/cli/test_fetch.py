"""tsrnn fetch: what came of each ticker, the file, and the exit status."""

import re

import numpy as np
import pandas as pd
import pytest

from tsrnn.cli.main import main
from tsrnn.cli.options.fetch import parser
from tsrnn.data import PriceSeries
from tsrnn.data.providers.base import History, Outcome, Provider

# A warning is a line on standard error, as it is for a user.
pytestmark = pytest.mark.filterwarnings("always::tsrnn.errors.DataWarning")
DAYS = pd.bdate_range("2023-01-02", "2023-12-29")


class Exchange(Provider):
    """Symbols with a name of three letters or more, while the network is up."""

    name, title, up = "exchange", "Exchange", True

    def __init__(self):
        super().__init__(attempts=1)

    def fetch(self, symbol, start):
        if not self.up:
            return History(symbol, Outcome.NETWORK, detail="no route to the host")
        if len(symbol) < 3:
            return History(symbol, Outcome.NOT_FOUND, detail="no such symbol")
        close = 100 + np.sin(np.arange(len(DAYS))) + len(symbol)
        frame = pd.DataFrame({"ds": DAYS, **dict.fromkeys(("open", "high", "low", "close", "volume"), close)})
        frame = frame.astype({"ds": "datetime64[ns]"}).assign(dividends=0.0, splits=0.0)
        frame.loc[100, "dividends"] = 1.0
        frame = frame[frame["ds"] >= start].reset_index(drop=True)
        if frame.empty:
            return History(symbol, Outcome.EMPTY, detail="no session since then")
        return History(symbol, Outcome.OK, frame, "KRW" if symbol.endswith(".KS") else "USD")


@pytest.fixture(autouse=True)
def _exchange(monkeypatch, tmp_path):
    monkeypatch.setenv("TSRNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tsrnn.cli.verbs.fetch.YahooProvider", Exchange)


def rows(text):
    lines = [line.split("\t") for line in text.splitlines()]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:] if len(line) == len(lines[0])]


def test_a_table_of_what_came_of_each_ticker(capsys, tmp_path):
    assert main(["fetch", "AAPL", "005930.KS", "--start", "2023-01-01"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    apple, samsung = rows(printed.out)
    assert (apple["symbol"], samsung["symbol"]) == ("AAPL", "005930.KS")
    assert apple["outcome"] == "ok"
    assert (apple["sessions"], apple["first"], apple["last"]) == (str(len(DAYS)), "2023-01-02", "2023-12-29")
    assert (apple["currency"], samsung["currency"]) == ("USD", "KRW")
    assert apple["age"] == "0 minutes"
    assert apple["file"] == str(tmp_path / "cache" / "prices" / "exchange" / "AAPL_1d.parquet")


def test_the_example_of_the_help_runs(tmp_path):
    (example,) = re.findall("example:\n +tsrnn (.*)", parser("fetch").format_help())
    assert main(example.split()) == 0
    assert (tmp_path / "prices.csv").is_file()


def test_the_file_is_what_price_series_reads(capsys):
    arguments = ["--start", "2023-01-01", "--end", "2023-11-30", "--output", "prices.csv"]
    assert main(["fetch", "AAPL", "005930.KS", *arguments]) == 0
    assert "as_of\t2023-11-30" in capsys.readouterr().out
    frame = pd.read_csv("prices.csv")
    assert list(frame.columns) == ["unique_id", "ds", "y", "close"]
    assert frame["ds"].max() == "2023-11-30"
    panel = PriceSeries(path="prices.csv", window_length=40, warm_up=10, calendar="24/5").panel
    assert panel.unique_ids == ("AAPL", "005930.KS")
    np.testing.assert_allclose(panel.values[0], frame.loc[frame["unique_id"] == "AAPL", "y"], rtol=1e-12)
    first, *_, last = frame[frame["unique_id"] == "AAPL"].itertuples()
    assert first.y < first.close
    assert last.y == last.close


def test_a_ticker_without_prices_is_an_error_in_one_line(capsys, tmp_path):
    assert main(["fetch", "AAPL", "ZZ", "--output", "prices.csv"]) == 2
    printed = capsys.readouterr()
    assert [row["outcome"] for row in rows(printed.out)] == ["ok", "not_found"]
    assert printed.err.startswith("tsrnn: error: ZZ: not_found (no such symbol); --on-missing skip")
    assert printed.err.count("\n") == 1
    assert not (tmp_path / "prices.csv").exists()


def test_skip_names_it_and_goes_on(capsys):
    assert main(["fetch", "AAPL", "ZZ", "--on-missing", "skip", "--output", "prices.csv"]) == 0
    assert capsys.readouterr().err == "tsrnn: warning: left out: ZZ: not_found (no such symbol)\n"
    assert set(pd.read_csv("prices.csv")["unique_id"]) == {"AAPL"}
    assert main(["fetch", "ZZ", "YY", "--on-missing", "skip"]) == 2
    assert "no ticker has prices: ZZ: not_found" in capsys.readouterr().err


def test_offline_and_without_a_network_the_cache_is_used(capsys, monkeypatch):
    monkeypatch.setattr(Exchange, "up", False)
    assert main(["fetch", "AAPL"]) == 2
    assert "AAPL: network (no route to the host)\n" in capsys.readouterr().err
    monkeypatch.setattr(Exchange, "up", True)
    assert main(["fetch", "AAPL"]) == 0
    capsys.readouterr()
    monkeypatch.setattr(Exchange, "up", False)
    for options, reason in (([], "Exchange says network"), (["--offline"], "offline")):
        assert main(["fetch", "AAPL", *options]) == 0
        printed = capsys.readouterr()
        assert printed.err.startswith(f"tsrnn: warning: AAPL: {reason}")
        assert "fetched 0 minutes ago" in printed.err
        assert rows(printed.out)[0]["sessions"] == str(len(DAYS))
    assert main(["fetch", "MSFT", "--offline"]) == 2
    assert "it is not in the cache" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "TICKER"),
        (["AAPL", "aapl"], "the ticker AAPL is given twice"),
        (["AAPL", "--start", "soon"], "--start: 'soon' is not a date: write YYYY-MM-DD"),
        (["AAPL", "--start", "2023-02-01", "--end", "2023-01-01"], "lies before --start"),
        (["AAPL", "--offline", "--refresh"], "give one of them"),
        (["AAPL", "--on-missing", "drop"], "'drop'"),
        (["AAPL", "--outptu", "x"], "did you mean --output?"),
        (["AAPL", "--output", "no/such/folder/prices.csv"], "no/such/folder"),
        (["AAPL", "--start", "2030-01-01"], "AAPL: empty (no session since then)"),
        (
            ["AAPL", "--start", "2023-01-07", "--end", "2023-01-08", "--output", "x.csv"],
            "no session from 2023",
        ),
    ],
)
def test_a_mistake_is_one_line(arguments, words, capsys):
    assert main(["fetch", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("tsrnn: error: ")
    assert words in error
    assert error.count("\n") == 1
