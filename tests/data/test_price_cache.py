"""Prices on the disk: only the rest is asked for, and nothing is lost."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pyarrow.parquet
import pytest

from tests.prices import raw_prices
from tsrnn.data.providers.base import History, Outcome, Provider, checked_symbols
from tsrnn.data.providers.cache import PriceCache
from tsrnn.errors import ConfigError, DataWarning

ROOT = Path(__file__).parent.parent.parent
START = pd.Timestamp("2024-01-01")
NOW = pd.Timestamp("2024-03-01 12:00", tz="UTC")


class FakeProvider(Provider):
    """Prices from memory; `asked` are the questions."""

    name, title = "fake", "Fake"

    def __init__(self, frame=None):
        super().__init__(attempts=1)
        self.frame = raw_prices() if frame is None else frame
        self.outcome = Outcome.OK
        self.asked = []

    def fetch(self, symbol, start):
        self.asked.append((symbol, start))
        if self.outcome is not Outcome.OK:
            return History(symbol, self.outcome, detail="the reason")
        frame = self.frame[self.frame["ds"] >= start].reset_index(drop=True)
        return History(symbol, Outcome.OK, frame, "USD", "NMS", "America/New_York")


@pytest.fixture
def provider():
    return FakeProvider()


@pytest.fixture
def cache(provider, tmp_path):
    return PriceCache(provider, tmp_path / "prices", now=lambda: NOW)


def test_the_cache_gives_back_what_was_fetched(cache, provider):
    fetched = cache.fetch("AAPL", START)
    assert fetched.outcome is Outcome.OK
    kept = cache.read("AAPL")
    pd.testing.assert_frame_equal(kept.frame, provider.frame)
    assert (kept.currency, kept.exchange, kept.timezone) == ("USD", "NMS", "America/New_York")
    assert (kept.asked_from, kept.fetched_at) == (START, NOW)
    facts = pyarrow.parquet.read_schema(cache.path("AAPL")).metadata
    assert facts[b"currency"] == b"USD"
    assert facts[b"timezone"] == b"America/New_York"


def test_the_folder_follows_the_environment(provider, monkeypatch, tmp_path):
    monkeypatch.setenv("TSRNN_CACHE", str(tmp_path))
    assert PriceCache(provider).folder == tmp_path / "prices" / "fake"
    monkeypatch.delenv("TSRNN_CACHE")
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda *_, **__: "/home/me/.cache/tsrnn")
    assert PriceCache(provider).folder.as_posix() == "/home/me/.cache/tsrnn/prices/fake"


@pytest.mark.parametrize(
    "symbol", ["BRK-B", "^GSPC", "005930.KS", "BTC-USD", "EURUSD=X", "../x", "..", "CON", "A/B", "%2E", "a:b"]
)
def test_every_symbol_has_a_file_of_its_own_in_the_folder(cache, symbol):
    assert cache.path(symbol).parent == cache.folder
    cache.fetch(symbol, START)
    assert [path.name for path in cache.folder.iterdir()] == [cache.path(symbol).name]
    assert cache.path(symbol).resolve().parent == cache.folder.resolve()
    assert cache.path(symbol).name.split(".")[0] != "CON"
    assert cache.read(symbol) is not None


def test_different_symbols_have_different_files(cache):
    symbols = ["A/B", "A%2FB", "A.B", "A-B", "A_B", "^A", "A=X"]
    assert len({cache.path(symbol).name for symbol in symbols}) == len(symbols)


def test_an_end_that_is_cached_asks_nobody(cache, provider):
    cache.fetch("AAPL", START)
    cache.fetch("AAPL", START + pd.Timedelta(days=3), provider.frame["ds"].iloc[-1])
    assert len(provider.asked) == 1


def test_a_refresh_asks_only_for_the_rest_with_a_few_sessions_again(cache, provider):
    whole = provider.frame
    provider.frame = whole[:30]
    cache.fetch("AAPL", START)
    provider.frame = whole
    fetched = cache.fetch("AAPL", START)
    assert provider.asked == [("AAPL", START), ("AAPL", whole["ds"].iloc[25])]
    pd.testing.assert_frame_equal(fetched.prices.frame, whole)
    pd.testing.assert_frame_equal(cache.read("AAPL").frame, whole)


def test_a_split_restates_everything_so_everything_is_fetched_again(cache, provider):
    before = provider.frame
    provider.frame = before[:30]
    cache.fetch("AAPL", START)
    after = before.copy()
    after[["open", "high", "low", "close"]] /= 4
    after.loc[33, "splits"] = 4.0
    provider.frame = after
    fetched = cache.fetch("AAPL", START)
    assert [start for _, start in provider.asked] == [START, before["ds"].iloc[25], START]
    pd.testing.assert_frame_equal(fetched.prices.frame, after)


def test_a_split_in_the_rest_is_enough_where_the_overlap_agrees(cache, provider):
    whole = provider.frame
    provider.frame = whole[:30]
    cache.fetch("AAPL", START)
    provider.frame = whole.copy()
    provider.frame.loc[33, "splits"] = 2.0
    cache.fetch("AAPL", START)
    assert len(provider.asked) == 3


@pytest.mark.parametrize("fault", ["a session less", "a dividend more", "another close"])
def test_an_overlap_that_disagrees_fetches_everything_again(cache, provider, fault):
    cache.fetch("AAPL", START)
    changed = provider.frame.copy()
    if fault == "a session less":
        changed = changed.drop(37).reset_index(drop=True)
    else:
        changed.loc[37, "dividends" if "dividend" in fault else "close"] = 1.5
    provider.frame = changed
    fetched = cache.fetch("AAPL", START)
    assert len(provider.asked) == 3
    pd.testing.assert_frame_equal(fetched.prices.frame, changed)


def test_refresh_and_an_earlier_start_fetch_everything(cache, provider):
    cache.fetch("AAPL", START)
    cache.fetch("AAPL", START + pd.Timedelta(days=9), refresh=True)
    earlier = START - pd.Timedelta(days=9)
    cache.fetch("AAPL", earlier)
    assert [start for _, start in provider.asked] == [START, START, earlier]


@pytest.mark.parametrize("outcome", [Outcome.NETWORK, Outcome.RATE_LIMITED, Outcome.NOT_FOUND, Outcome.EMPTY])
def test_without_an_answer_the_cache_is_used_with_its_age(cache, provider, outcome):
    cache.fetch("AAPL", START)
    provider.outcome = outcome
    cache.now = lambda: NOW + pd.Timedelta(days=3, hours=1)
    for refresh in (False, True):
        with pytest.warns(DataWarning, match=f"AAPL: Fake says {outcome}.*fetched 3 days ago") as caught:
            fetched = cache.fetch("AAPL", START, refresh=refresh)
        assert len(caught) == 1
        assert fetched.outcome is outcome
        pd.testing.assert_frame_equal(fetched.prices.frame, provider.frame)


def test_offline_asks_nobody(cache, provider):
    nothing = cache.fetch("AAPL", START, offline=True)
    assert (nothing.prices, nothing.detail) == (None, "it is not in the cache")
    assert provider.asked == []
    cache.fetch("AAPL", START)
    cache.now = lambda: NOW + pd.Timedelta(hours=1)
    with pytest.warns(
        DataWarning, match="offline; the cached prices are used, up to 2024-02-26, .* 1 hour ago"
    ):
        assert cache.fetch("AAPL", START, offline=True).prices is not None
    too_early = cache.fetch("AAPL", START - pd.Timedelta(days=1), offline=True)
    assert too_early.prices is None
    assert "begins on 2024-01-01 only" in too_early.detail
    assert len(provider.asked) == 1


@pytest.mark.parametrize("damage", ["cut", "noise", "empty", "no metadata"])
def test_a_damaged_file_is_one_warning_and_fetched_again(cache, provider, damage):
    cache.fetch("AAPL", START)
    path = cache.path("AAPL")
    content = path.read_bytes()
    if damage == "no metadata":
        table = pyarrow.parquet.ParquetFile(path).read().replace_schema_metadata({})
        pyarrow.parquet.write_table(table, path)
    else:
        path.write_bytes(
            {"cut": content[:-100], "noise": b"PAR1" + b"\x07" * 500 + b"PAR1", "empty": b""}[damage]
        )
    with pytest.warns(DataWarning, match="AAPL_1d.parquet: the cached prices are damaged") as caught:
        fetched = cache.fetch("AAPL", START)
    assert len(caught) == 1
    assert fetched.outcome is Outcome.OK
    pd.testing.assert_frame_equal(cache.read("AAPL").frame, provider.frame)


class Killed(BaseException):
    """Stands for a process that ends between two statements."""


def test_a_kill_between_write_and_rename_leaves_the_old_file(cache, provider, monkeypatch):
    old = provider.frame[:30]
    provider.frame = old
    cache.fetch("AAPL", START)
    provider.frame = raw_prices()

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        patch.setattr(os, "unlink", killed)  # no process that is killed tidies up
        with pytest.raises(Killed):
            cache.fetch("AAPL", START)
    assert len(list(cache.folder.glob("*.partial"))) == 1
    pd.testing.assert_frame_equal(cache.read("AAPL").frame, old)
    assert len(cache.fetch("AAPL", START).prices.frame) == 40


KILLED = """
import os, sys, time
from pathlib import Path
import pandas as pd
from tests.data.test_price_cache import FakeProvider, NOW, START
from tests.prices import raw_prices
from tsrnn.data.providers.cache import PriceCache

folder, at_the_rename = Path(sys.argv[1]), sys.argv[2] == "at the rename"
cache = PriceCache(FakeProvider(), folder, now=lambda: NOW)
frames = [raw_prices(30), raw_prices(40)]
cache.provider.frame = frames[0]
cache.fetch("AAPL", START)
if at_the_rename:
    os.replace = lambda *_: (print("ready", flush=True), time.sleep(600))
else:
    print("ready", flush=True)
while True:
    frames.reverse()
    cache.provider.frame = frames[0]
    cache.fetch("AAPL", START, refresh=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
@pytest.mark.parametrize("moment", ["at the rename", 0.0, 0.0173, 0.1051])
def test_a_process_that_is_killed_leaves_a_whole_file(cache, provider, moment):
    arguments = [sys.executable, "-c", KILLED, str(cache.folder), str(moment)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout.readline() == b"ready\n"
        time.sleep(moment if isinstance(moment, float) else 0)
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    kept = cache.read("AAPL").frame
    pd.testing.assert_frame_equal(kept, raw_prices(len(kept)))
    assert len(kept) == 30 if moment == "at the rename" else len(kept) in (30, 40)
    leftovers = list(cache.folder.glob("*.partial"))
    assert len(leftovers) == 1 if moment == "at the rename" else len(leftovers) <= 1
    assert len(cache.fetch("AAPL", START).prices.frame) == 40


def test_what_was_left_more_than_a_day_ago_is_removed_at_the_next_write(cache):
    cache.fetch("AAPL", START)
    hours = {".old.partial": 25, ".new.partial": 23, "old.txt": 25}
    for name, age in hours.items():
        (cache.folder / name).write_text("")
        os.utime(cache.folder / name, (NOW.timestamp() - 3600 * age,) * 2)
    os.utime(cache.path("AAPL"), (0, 0))
    cache.fetch("MSFT", START)
    left = {path.name for path in cache.folder.iterdir()}
    assert left == {".new.partial", "old.txt", "AAPL_1d.parquet", "MSFT_1d.parquet"}


def test_a_cache_that_cannot_be_written_is_a_warning(provider, tmp_path):
    (tmp_path / "file").write_text("")
    cache = PriceCache(provider, tmp_path / "file" / "prices", now=lambda: NOW)
    with pytest.warns(DataWarning, match="cannot be kept"):
        cache.write("AAPL", PriceCache(provider, tmp_path, now=lambda: NOW).fetch("AAPL", START).prices)


@pytest.mark.parametrize(
    ("symbols", "words"),
    [([], "no ticker"), (["AAPL", "aapl"], "AAPL is given twice"), ([""], "''"), (["A B"], "'A B' is not")],
)
def test_what_is_no_ticker_is_said(symbols, words):
    with pytest.raises(ConfigError, match=words):
        checked_symbols(symbols)
