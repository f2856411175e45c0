"""Are the numbers of two commits the same, bit for bit? For a change that is to change none.

    python benchmarks/same_numbers.py BEFORE [AFTER] [--only run losses forecasts words backtest]

AFTER is the working tree where it is not named, with what is not committed yet. Both are laid out in
temporary folders and do the same work at the same time, each in its own process, on one CPU thread:

    run        what `make run` does, in full: training, test and forecast
    losses     the first 20 training losses of every shipped configuration
    forecasts  a forecast of each kind, from several origins
    words      generated words and the scores of sentences
    backtest   a small backtest and its verdicts, and the estimator

Prices are the bundled ones, and words are Python's help topics; the rest is made up, once for both. Of
the package only the command line and the names of `tsrnn` itself are used, so that its rooms may change. No
clock chooses the kernels (`--tune_cpu false`): two runs of one commit could then differ.

Stored figures would not do in place of BEFORE: another processor, or another torch, has other last bits. The
exit status is 1 if something differs, fails, or is there on one side alone. Takes 2 minutes on two cores.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import traceback
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
SIDES = ("before", "after")
STEPS = 20
NAN = np.array(np.nan)


# --- What is the same for both: the made-up data -----------------------------------------------------------


def make_data(folder: Path) -> None:
    """Prices, panels of three frequencies, and a text with the frequencies of words of Zipf."""
    generator = np.random.default_rng(0)
    days = pd.bdate_range("2015-01-01", periods=600)
    write_long(folder / "prices.csv", days, 100 * np.exp(0.01 * generator.standard_t(5, (3, 600)).cumsum(1)))
    for name, frequency, period, count in (("daily", "D", 7, 1500), ("monthly", "MS", 12, 300)):
        values = seasonal(generator, period, count)
        values[1, : count // 5] = np.nan  # a series that begins late, and one with gaps
        values[2, generator.integers(0, count, count // 20)] = np.nan
        write_long(folder / f"{name}.csv", pd.date_range("2015-01-01", periods=count, freq=frequency), values)
    hours = seasonal(generator, 24, 1008)
    for name, part in (("hourly_train", hours[:, :960]), ("hourly_test", hours[:, 960:])):
        wide = pd.DataFrame(part, index=pd.Index([f"H{row}" for row in range(len(part))], name="V1"))
        wide.columns = pd.Index([f"V{column + 2}" for column in range(part.shape[1])])
        wide.to_csv(folder / f"{name}.csv")
    (folder / "text").mkdir()
    often = (generator.zipf(1.3, 40_000) - 1) % 12_000
    ranks = generator.permutation(np.concatenate([often, np.arange(12_000)]))  # each word at least once
    for name, some in (("train", ranks), ("valid", often[:2_000]), ("test", often[2_000:4_000])):
        lines = [" ".join(f"word{rank}" for rank in line) for line in np.array_split(some, len(some) // 20)]
        (folder / "text" / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def seasonal(generator: np.random.Generator, period: int, count: int) -> np.ndarray:
    """Four series with a season and noise."""
    return 100 + 10 * np.sin(2 * np.pi * np.arange(count) / period) + generator.standard_normal((4, count))


def write_long(path: Path, ds: pd.DatetimeIndex, values: np.ndarray) -> None:
    """A CSV with a row for each value."""
    frames = [pd.DataFrame({"unique_id": f"S{row}", "ds": ds, "y": y}) for row, y in enumerate(values)]
    pd.concat(frames).dropna().to_csv(path, index=False)


# --- What runs inside a checkout, in a process of its own --------------------------------------------------


class Worker:
    """One side's work, and what it found: arrays by their bytes, lone floats by their hexadecimals, texts."""

    def __init__(self, checkout: Path, data: Path, out: Path) -> None:
        import pytorch_lightning as pl
        import torch

        import tsrnn
        from tsrnn.cli.main import main

        self.checkout, self.data, self.out, self.tsrnn, self._main = checkout, data, out, tsrnn, main
        self.configs = checkout / "configs"
        self.losses: list[float] = []
        self.stop_after: int | None = None
        self._arrays: dict[str, np.ndarray] = {}
        self._found: dict[str, dict[str, Any]] = {}
        self.refuse_another()
        torch.set_num_threads(1)
        watch = type("Watch", (pl.Callback,), {"on_train_batch_end": self._watch})
        # A hook that Lightning asks every module for: no signature changes that its parser could read.
        pl.LightningModule.configure_callbacks = lambda module: [watch()]
        known = self.command("fit", "--help")
        self.always = ["--tune_cpu", "false"] if "--tune_cpu" in known else []

    def _watch(self, trainer: Any, module: Any, outputs: Any, *_: Any) -> None:
        self.losses.append(float(outputs["loss"] if isinstance(outputs, dict) else outputs))
        if self.stop_after is not None and len(self.losses) >= self.stop_after:
            trainer.should_stop = True

    def refuse_another(self) -> None:
        """Stop where a module of the package comes from anywhere but the checkout."""
        for name, module in list(sys.modules.items()):
            if name.partition(".")[0] == "tsrnn" and getattr(module, "__file__", None):
                place = Path(str(module.__file__)).resolve()
                if not place.is_relative_to(self.checkout):
                    raise SystemExit(f"{name} is {place}, and not that of {self.checkout}")

    def command(self, *arguments: str) -> str:
        """What `tsrnn ...` prints."""
        printed, complaints = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(complaints):
            status = self._main(list(arguments))
        if status:
            last = complaints.getvalue().strip().rpartition("\n")[2]
            raise RuntimeError(f"exit status {status} of {arguments[0]}: {last}")
        return printed.getvalue()

    def fit(self, config: str, *options: str) -> str:
        """Train a configuration in the current folder; the losses are in `losses`."""
        self.losses.clear()
        path = self.configs / f"{config}.yaml"
        printed = self.command("fit", "--config", str(path), *self.always, *options)
        if not self.losses:
            raise RuntimeError(f"{config}: no training loss was seen")
        return printed

    def keep(self, what: str, **parts: Any) -> None:
        """Note what was found, under a name: arrays, floats, texts, and frames by their columns."""
        columns: dict[str, Any] = {}
        for name, part in parts.items():
            if isinstance(part, pd.DataFrame):
                columns |= {f"{name}.{column}": part[column].to_numpy() for column in part}
            else:
                columns[name] = part
        self._found[what] = {name: self._plain(f"{what}/{name}", part) for name, part in columns.items()}

    def _plain(self, key: str, part: Any) -> Any:
        if isinstance(part, str):
            return [part]
        if isinstance(part, list | tuple) and all(isinstance(value, float) for value in part):
            return {"floats": [value.hex() for value in part]}
        array = np.asarray(part)
        if array.dtype.kind == "M":
            array = array.astype("datetime64[ns]").astype(np.int64)
        if array.dtype.kind not in "biuf":
            return [str(value) for value in array.ravel()]
        place = f"a{len(self._arrays)}"
        self._arrays[place] = np.ascontiguousarray(array)
        return {"array": place}

    @contextlib.contextmanager
    def guarded(self, what: str) -> Any:
        """What fails is noted under its name, and the rest still runs; in a folder of its own."""
        folder = self.out / what.replace("/", "_").replace(" ", "_")
        folder.mkdir()
        started = time.perf_counter()
        with contextlib.chdir(folder):
            try:
                yield
            except (Exception, SystemExit) as error:
                traceback.print_exc()
                self._found[what] = {"failed": [f"{type(error).__name__}: {error}".splitlines()[0]]}
        print(f"{what}: {time.perf_counter() - started:.1f} s", flush=True)

    def write(self) -> None:
        """Hand over what was found."""
        np.savez(self.out / "arrays.npz", **self._arrays)
        (self.out / "found.json").write_text(json.dumps(self._found), encoding="utf-8")


def default_run(worker: Worker) -> None:
    """What `make run` does."""
    with worker.guarded("make run"):
        worker.fit("forecast/prices_lstm")
        worker.keep("make run: every training loss", losses=list(worker.losses))
        printed = worker.command("test", "--ckpt_path", "runs/latest", *worker.always)
        (table,) = Path("runs").rglob("test.csv")
        worker.keep("make run: test.csv", table=exact_csv(table))
        verdicts = [line for line in printed.splitlines() if line.startswith("verdict")]
        worker.keep("make run: verdicts", sentences="\n".join(verdicts))
        levels = ["--horizon", "20", "--levels", "80", "95"]
        worker.command("forecast", "runs/latest", *levels, "--out", "forecast")
        worker.keep("make run: forecast.csv", table=exact_csv(Path("forecast", "forecast.csv")))


def exact_csv(path: Path) -> pd.DataFrame:
    """A table whose numbers are read to the last bit."""
    return pd.read_csv(path, float_precision="round_trip")


def first_losses(worker: Worker) -> None:
    """The first losses of every configuration, each with its own optimizer, schedule and batch size."""
    fake_yahoo()
    for room in ("forecast", "language"):
        for path in sorted((worker.configs / room).glob("*.yaml")):
            name = f"{room}/{path.stem}"
            worker.stop_after = STEPS
            with worker.guarded(f"losses: {name}"):
                worker.fit(name, *data_options(name, worker.data))
                if len(worker.losses) < STEPS:
                    raise RuntimeError(f"only {len(worker.losses)} steps: the made-up data are too few")
                worker.keep(f"losses: {name}", losses=worker.losses[:STEPS])
            worker.stop_after = None


def data_options(name: str, data: Path) -> list[str]:
    """What gives a configuration data here, where those it names are not bundled."""
    if name.startswith("language/") and "python_docs" not in name:
        cache = str(Path("cache").resolve())
        return ["--data.corpus", "null", "--data.path", str(data / "text"), "--data.cache_dir", cache]
    if "hourly" in name:
        files = {"path": data / "hourly_train.csv", "test_path": data / "hourly_test.csv"}
    else:
        kinds = [kind for kind in ("daily", "monthly") if kind in name]
        files = {"path": data / f"{kinds[0]}.csv"} if kinds else {}
    return [word for key, file in files.items() for word in (f"--data.{key}", str(file))]


def fake_yahoo() -> None:
    """Yahoo's place is taken by random walks with a dividend now and then, wherever its module is."""
    try:
        yahoo = importlib.import_module("tsrnn.data.providers.yahoo")
    except ModuleNotFoundError:
        yahoo = importlib.import_module("tsrnn.data.yahoo")

    class Walks(yahoo.Provider):
        """From 2005 to past the end of 2024, for any symbol."""

        name, title = "walks", "Yahoo"

        def fetch(self, symbol: str, start: pd.Timestamp) -> Any:
            days = pd.bdate_range("2005-01-03", "2025-01-31").as_unit("ns")
            steps = np.random.default_rng(zlib.crc32(symbol.encode())).standard_normal(len(days))
            prices = dict.fromkeys(("open", "high", "low", "close"), 100 * np.exp(0.01 * steps.cumsum()))
            paid = np.where(np.arange(len(days)) % 63 == 62, 0.25, 0.0)
            frame = pd.DataFrame({"ds": days, **prices, "volume": 1e6, "dividends": paid, "splits": 0.0})
            frame = frame[frame["ds"] >= start].reset_index(drop=True)
            return yahoo.History(symbol, yahoo.Outcome.OK, frame, "USD")

    yahoo.YahooProvider = Walks


def forecasts(worker: Worker) -> None:
    """A forecast of each kind, from origins inside the series and from the last."""
    tsrnn, daily = worker.tsrnn, str(worker.data / "daily.csv")
    short = ["--trainer.max_epochs", "2", "--data.batches_per_epoch", "10"]
    prices, series = tsrnn.PriceSeries().panel, tsrnn.read_series(daily)

    def returns() -> Any:
        worker.fit("forecast/prices_lstm", *short)
        return tsrnn.load("runs/latest")

    def blocks(*head: str) -> Any:
        worker.fit("forecast/panel_daily", "--data.path", daily, *short, *head)
        return tsrnn.load("runs/latest")

    kinds: dict[str, tuple[Callable[[], Any], Any]] = {
        "LogReturns, Student-t": (returns, prices),
        "Blocks, quantiles": (blocks, series),
        "Blocks, Student-t": (lambda: blocks("--model.head", "StudentT"), series),
        "random walk": (lambda: tsrnn.RandomWalk("constant").fit(prices.part(0, 2500)), prices),
        "random walk, EWMA": (lambda: tsrnn.RandomWalk("ewma"), prices),
        "seasonal naive": (lambda: tsrnn.SeasonalNaive(7), series),
        "rolling conformal, random walk": (
            lambda: tsrnn.Conformal(tsrnn.RandomWalk("ewma"), "rolling", calibration=60),
            prices,
        ),
        "rolling conformal, LogReturns": (
            lambda: tsrnn.Conformal(returns(), "rolling", calibration=30),
            prices,
        ),
    }
    for name, (make, panel) in kinds.items():
        with worker.guarded(f"forecast: {name}"):
            predictor, sessions = make(), len(panel.ds)
            origins = [sessions - 400, sessions - 150, sessions - 1]
            forecast = predictor.forecast(panel, 20, origins=origins, num_samples=100, seed=3)
            held = forecast.samples if hasattr(forecast, "samples") else forecast.values
            worker.keep(f"forecast: {name}", held=held, median=forecast.median, table=forecast.to_frame())
            density = getattr(forecast, "density", None)
            if density is not None:
                later = [min(origin + 1, sessions - 20) for origin in origins]
                actual = np.stack([panel.values[:, one : one + 20] for one in later])
                exact = {"log_prob": density.log_prob(actual), "cdf": density.cdf(actual)}
                worker.keep(f"forecast: {name}, closed form", median=density.median, **exact)


def words(worker: Worker) -> None:
    """Words drawn and searched, and what sentences score."""
    ways = {
        "plain": [],
        "temperature and top k": ["--temperature", "0.8", "--top-k", "50"],
        "temperature and top p": ["--temperature", "1.2", "--top-p", "0.9"],
        "beam": ["--beam", "3"],
    }
    with worker.guarded("words"):
        short = ["--trainer.max_epochs", "1", "--trainer.limit_train_batches", "120"]
        worker.fit("language/python_docs_lstm", *short)
        worker.keep("words: every training loss", losses=list(worker.losses))
        worker.command("test", "--ckpt_path", "runs/latest", *worker.always)
        (table,) = Path("runs").rglob("test.csv")
        worker.keep("words: test.csv", table=exact_csv(table))
        for name, options in ways.items():
            text = worker.command("generate", "runs/latest", "The class", "--words", "40", *options)
            worker.keep(f"words: 40, {name}", text=text)
        model = worker.tsrnn.load("runs/latest")
        sentences = ["The class is an object.", "class The object an is.", "A function returns a value."]
        for number, score in enumerate(model.score(sentences), 1):
            whole = [score.log_prob, score.perplexity]
            parts = {"tokens": score.tokens, "log_probs": score.log_probs, "whole": whole}
            worker.keep(f"words: sentence {number}", **parts)


def backtest(worker: Worker) -> None:
    """Two random walks walk forward; the estimator learns, forecasts and scores."""
    tsrnn = worker.tsrnn
    with worker.guarded("backtest"):
        panel = tsrnn.PriceSeries().panel
        models = [tsrnn.RandomWalk("ewma"), tsrnn.RandomWalk("constant")]
        origins = tsrnn.Origins if "Origins" in dir(tsrnn) else tsrnn.Windows
        frame = tsrnn.backtest(models, panel, 5, origins(2900, stride=10), refit=8, num_samples=50)
        worker.keep("backtest", rows=frame)
        comparison = tsrnn.Comparison(frame, models[1].name, stride=10)
        worker.keep("backtest: scores", table=comparison.scores.reset_index())
        worker.keep("backtest: verdicts", sentences="\n".join(map(str, comparison.verdicts)))
    with worker.guarded("estimator"):
        prices = pd.read_csv(worker.data / "prices.csv", parse_dates=["ds"])
        worker.losses.clear()
        estimator = tsrnn.RNNForecaster(max_epochs=3, window_length=64, warm_up=8, seed=1).fit(prices)
        worker.keep("estimator: every training loss", losses=list(worker.losses))
        worker.keep("estimator: forecast", table=estimator.predict(10, num_samples=100))
        worker.keep("estimator: scores", table=estimator.score_frame())


SECTIONS: dict[str, Callable[[Worker], None]] = {
    "run": default_run,
    "losses": first_losses,
    "forecasts": forecasts,
    "words": words,
    "backtest": backtest,
}


def work(checkout: Path, data: Path, out: Path, sections: list[str]) -> None:
    """All that one side does."""
    worker = Worker(checkout.resolve(), data, out)
    for name in sections:
        SECTIONS[name](worker)
    worker.refuse_another()
    worker.write()


# --- What holds the two together ---------------------------------------------------------------------------


def lay_out(commit: str | None, folder: Path) -> None:
    """A commit's files, or the working tree's with all that git does not ignore."""
    folder.mkdir()
    if commit is not None:
        archive = subprocess.run(
            ["git", "-C", str(ROOT), "archive", commit], stdout=subprocess.PIPE, check=False
        )
        if archive.returncode:
            raise SystemExit(f"git knows no commit {commit}")
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
            files.extractall(folder, filter="data")
        return
    listed = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, capture_output=True, check=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():  # not one that was deleted
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def start(side: Path, data: Path, sections: list[str]) -> subprocess.Popen[bytes]:
    """Begin one side's work; what it says goes into a file."""
    (side / "out").mkdir()
    settings = {
        "PYTHONPATH": str(side / "tree"),
        "TSRNN_CACHE": str(side / "cache"),
        "CUDA_VISIBLE_DEVICES": "",
        "MPLBACKEND": "Agg",
        **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    }
    # -P: the folder of this script is not searched for modules.
    command = [sys.executable, "-P", "-W", "ignore", str(Path(__file__).resolve()), "--work"]
    command += [str(side / "tree"), str(data), str(side / "out"), "--only", *sections]
    with (side / "log").open("wb") as log:
        return subprocess.Popen(
            command, cwd=side / "out", env={**os.environ, **settings}, stdout=log, stderr=log
        )


def read(out: Path) -> dict[str, dict[str, Any]]:
    """What one side found, under each name by its parts: arrays, or lists of texts."""
    found = json.loads((out / "found.json").read_text(encoding="utf-8"))
    with np.load(out / "arrays.npz") as arrays:
        for parts in found.values():
            for name, part in parts.items():
                if isinstance(part, dict) and "floats" in part:
                    parts[name] = np.array([float.fromhex(value) for value in part["floats"]])
                elif isinstance(part, dict):
                    parts[name] = arrays[part["array"]]
    return found


def content(part: Any) -> bytes:
    """The bytes of a part; every NaN is the same."""
    if isinstance(part, list):
        return json.dumps(part).encode()
    if part.dtype.kind == "f":
        part = np.where(np.isnan(part), NAN.astype(part.dtype), part)
    return f"{part.dtype.str}{part.shape}".encode() + part.tobytes()


def digest(parts: dict[str, Any] | None) -> str:
    """A few letters that tell contents apart."""
    if parts is None:
        return "-"
    whole = hashlib.sha256()
    for name in sorted(parts):
        whole.update(name.encode() + hashlib.sha256(content(parts[name])).digest())
    return whole.hexdigest()[:12]


def judged(before: dict[str, Any] | None, after: dict[str, Any] | None) -> str:
    """One word on two findings, and where they differ the largest difference."""
    for side, parts in zip(SIDES, (before, after), strict=True):
        if parts is not None and "failed" in parts:
            return f"FAILED {side} ({parts['failed'][0]})"
    if before is None or after is None:
        return f"DIFFERENT (only {SIDES[before is None]})"
    sayings, largest = [], (-1.0, "")
    for name in sorted(before | after):
        if name not in before or name not in after:
            sayings.append(f"{name} only {SIDES[name not in before]}")
            continue
        old, new = before[name], after[name]
        if content(old) == content(new):
            continue
        if isinstance(old, list) or isinstance(new, list):
            sayings.append(f"text of {name}")
        elif old.shape != new.shape or old.dtype != new.dtype:
            sayings.append(f"{name}: {old.dtype}{list(old.shape)} and {new.dtype}{list(new.shape)}")
        elif (np.isnan(old.astype(float)) != np.isnan(new.astype(float))).any():
            sayings.append(f"{name} is NaN in one alone")
        else:
            with np.errstate(invalid="ignore"):
                apart = np.abs(old.astype(float) - new.astype(float))
            largest = max(largest, (float(np.nanmax(apart)), name))
    if largest[1]:
        sayings.insert(0, f"{largest[0]:.3g} in {largest[1]}")
    return f"DIFFERENT ({'; '.join(sayings)})" if sayings else "equal"


def compare(before: Path, after: Path) -> int:
    """Print a line for each thing; how many are not equal."""
    old, new = read(before), read(after)
    wrong = 0
    print("what", *SIDES, "", sep="\t")
    for what in [*old, *(what for what in new if what not in old)]:
        ours, theirs = old.get(what), new.get(what)
        verdict = judged(ours, theirs)
        wrong += verdict != "equal"
        print(what, digest(ours), digest(theirs), verdict, sep="\t")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("before", nargs="?", help="a commit")
    parser.add_argument("after", nargs="?", help="a commit; default: the working tree")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS), metavar="PART")
    parser.add_argument("--work", nargs=3, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(*options.work, options.only)
        return 0
    if options.before is None:
        parser.error("name a commit")
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="tsrnn-same-") as name:
        folder, running = Path(name).resolve(), []
        (folder / "data").mkdir()
        make_data(folder / "data")
        for side, commit in zip(SIDES, (options.before, options.after), strict=True):
            (folder / side).mkdir()
            lay_out(commit, folder / side / "tree")
        try:
            running = [start(folder / side, folder / "data", options.only) for side in SIDES]
            ended = [process.wait() for process in running]
        finally:
            for process in running:
                process.kill()
        wrong = 0 if any(ended) else compare(folder / "before" / "out", folder / "after" / "out")
        for side, status in zip(SIDES, ended, strict=True):
            log = (folder / side / "log").read_text(encoding="utf-8", errors="replace")
            if status or "Traceback" in log:
                print(f"--- {side} said at last:\n{log[-3000:]}", file=sys.stderr)
    verdict = f"{wrong} not equal" if wrong else "all equal"
    if any(ended):
        verdict = "nothing was compared"
    print(f"{verdict}, in {time.perf_counter() - started:.0f} s", file=sys.stderr)
    return int(wrong > 0 or any(ended))


if __name__ == "__main__":
    sys.exit(main())
