"""Are the numbers of two commits the same, bit for bit? For a change that is to change none.

Both commits are checked out side by side, and do the same work at the same time, each in a process of its
own: the default run in full, the first 20 training losses of every shipped configuration, a forecast of each
kind, generated words, and a small backtest. What each makes is compared by its bytes.

    python benchmarks/same_numbers.py BEFORE [AFTER]

AFTER is the commit that is checked out. Stored figures would not do: another processor has other last bits.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent


def work(checkout: Path, data: Path, out: Path) -> None:
    """All that one commit makes, into `out`. Of the package only the command and its top names are used."""
    import pandas as pd
    import pytorch_lightning as pl
    import torch

    import tsrnn
    from tsrnn.cli.main import main

    assert Path(tsrnn.__file__).is_relative_to(checkout), tsrnn.__file__
    torch.set_num_threads(1)
    found: dict[str, list[str]] = {}
    losses: list[str] = []
    run_trainer = pl.Trainer._run

    class Watch(pl.Callback):
        def on_train_batch_end(self, trainer, module, outputs, *_):
            losses.append(float(outputs["loss"]).hex())

    def watched(self, *arguments, **settings):
        self.callbacks.append(Watch())
        return run_trainer(self, *arguments, **settings)

    pl.Trainer._run = watched  # and not __init__, whose signature Lightning's parser reads
    _fake_yahoo()

    def run(*arguments: str) -> None:
        assert main(list(arguments)) == 0, arguments

    def keep(name: str, values) -> None:
        array = np.ascontiguousarray(values)
        found[name] = [
            hashlib.sha256(array.tobytes()).hexdigest()[:16], *map(repr, array.ravel()[:3].tolist())
        ]  # fmt: skip
        np.save(out / f"{name.replace(' ', '_').replace('/', '-')}.npy", array)

    configs = checkout / "configs"
    always = ["--tune_cpu", "false"]
    # 1. The default run in full.
    run("fit", "--config", str(configs / "forecast/prices_lstm.yaml"), *always)
    keep("make run: losses", np.array([float.fromhex(loss) for loss in losses]))
    run("test", "--ckpt_path", "runs/latest", *always)
    (scores,) = Path("runs/prices_lstm_test").glob("*/test.csv")
    keep("make run: test", pd.read_csv(scores).select_dtypes("number").to_numpy())
    run("forecast", "runs/latest", "--horizon", "20", "--levels", "80", "95", "--out", "forecast")
    keep("make run: forecast", pd.read_csv("forecast/forecast.csv").select_dtypes("number").to_numpy())
    network = tsrnn.load("runs/latest")
    # 2. The first losses of every configuration.
    for path in sorted([*configs.glob("forecast/*.yaml"), *configs.glob("language/*.yaml")]):
        text = path.read_text()
        if "base:" not in text and "class_path" not in text:
            continue
        losses.clear()
        options = ["--trainer.max_epochs", "1", "--trainer.limit_train_batches", "20", *always]
        kind = path.stem
        if path.parent.name == "language":
            options += ["--data.corpus", "null", "--data.path", str(data / "text"), "--data.batch_size", "4"]
            options += ["--data.minimum_count", "1", "--data.cache_dir", str(Path("cache").resolve())]
        elif "hourly" in kind:
            options += ["--data.path", str(data / "train.csv"), "--data.test_path", str(data / "test.csv")]
        elif "daily" in kind or "monthly" in kind:
            options += ["--data.path", str(data / f"{kind}.csv")]
        run("fit", "--config", str(path), "--trainer.default_root_dir", f"of_{kind}", *options)
        assert len(losses) >= 10, (path, len(losses))
        keep(f"losses of {kind}", np.array([float.fromhex(loss) for loss in losses[:20]]))
    # 3. A forecast of each kind.
    prices = tsrnn.PriceSeries().panel
    daily = str(configs / "forecast/panel_daily.yaml")
    run("fit", "--config", daily, "--data.path", str(data / "panel_daily.csv"), "--model.head", "StudentT",
        "--trainer.max_epochs", "2", "--data.batches_per_epoch", "5", "--trainer.default_root_dir", "student",
        *always)  # fmt: skip
    series = tsrnn.read_series(data / "panel_daily.csv")
    origins = [2500, 2900, prices.num_steps - 1]
    places = [1000, 1400, series.num_steps - 1]
    kinds = {
        "network of returns": (network, prices, origins),
        "random walk": (tsrnn.RandomWalk("constant", 2000), prices, origins),
        "EWMA walk": (tsrnn.RandomWalk("ewma"), prices, origins),
        "conformal": (tsrnn.Conformal(tsrnn.RandomWalk("ewma"), "rolling", calibration=50), prices, origins),
        "blocks of quantiles": (tsrnn.load("of_panel_daily/latest/checkpoints/last.ckpt"), series, places),
        "blocks of a density": (tsrnn.load("student/latest"), series, places),
        "seasonal naive": (tsrnn.SeasonalNaive(7), series, places),
    }
    for name, (predictor, panel, at) in kinds.items():
        forecast = predictor.forecast(panel, 10, origins=at, num_samples=50)
        keep(f"forecast: {name}", getattr(forecast, "samples", getattr(forecast, "values", None)))
        density = getattr(forecast, "density", None)
        if density is not None:
            keep(f"median: {name}", density.median)
    # 4. Words.
    run("fit", "--config", str(configs / "language/python_docs_lstm.yaml"), "--data.corpus", "null",
        "--data.path", str(data / "text"), "--trainer.max_epochs", "1", "--trainer.limit_train_batches", "60",
        "--data.batch_size", "4", "--data.cache_dir", str(Path("cache").resolve()),
        "--trainer.default_root_dir", "words", *always)  # fmt: skip
    model = tsrnn.load("words/latest")
    for name, options in {"plain": [], "nucleus": ["--temperature", "0.8", "--top-k", "50", "--top-p", "0.9"],
                          "beam": ["--beam", "3"]}.items():  # fmt: skip
        text = subprocess.run(
            [sys.executable, "-m", "tsrnn", "generate", "words/latest", "word1 word2", "--words", "40",
             *options],
            check=True, capture_output=True,
        ).stdout  # fmt: skip
        keep(f"40 words: {name}", np.frombuffer(text, dtype=np.uint8))
    (score,) = model.score(["word1 word2 word3 word4 word5"])
    keep("a sentence", np.array(score.log_probs))
    # 5. A backtest, and the estimator.
    at = getattr(tsrnn, "Origins", None) or tsrnn.Windows
    models = [tsrnn.RandomWalk("ewma"), tsrnn.RandomWalk("constant")]
    frame = tsrnn.backtest(models, prices, 5, at(3000, stride=10), refit=5, num_samples=50)
    keep("backtest", frame.select_dtypes("number").to_numpy(dtype=np.float64))
    comparison = tsrnn.Comparison(frame, models[1].name, stride=10)
    keep("backtest: scores", comparison.scores.select_dtypes("number").to_numpy(dtype=np.float64))
    keep("backtest: verdicts", np.frombuffer("\n".join(comparison.verdicts).encode(), dtype=np.uint8))
    long = pd.read_csv(data / "prices.csv", parse_dates=["ds"])
    estimator = tsrnn.RNNForecaster(max_epochs=3, window_length=64, warm_up=8, seed=1).fit(long)
    keep("estimator", estimator.predict(10, num_samples=100).select_dtypes("number").to_numpy())
    keep("estimator: scores", estimator.score_frame().select_dtypes("number").to_numpy(dtype=np.float64))
    (out / "found.json").write_text(json.dumps(found))


def _fake_yahoo() -> None:
    """Yahoo's place is taken by random walks, whatever the module is called."""
    import importlib

    import pandas as pd

    names = ("tsrnn.data.providers.yahoo", "tsrnn.data.yahoo")
    module = importlib.import_module(next(name for name in names if _there(name)))
    base = importlib.import_module(module.Provider.__module__)

    class Walks(base.Provider):
        name, title = "walks", "Yahoo"

        def fetch(self, symbol, start):
            days = pd.bdate_range("2005-01-03", "2025-01-31").as_unit("ns")
            steps = np.random.default_rng(len(symbol)).standard_normal(len(days))
            close = 100 * np.exp(0.01 * steps.cumsum())
            columns = dict.fromkeys(("open", "high", "low", "close", "volume"), close)
            frame = pd.DataFrame({"ds": days, **columns})
            frame = frame[frame["ds"] >= start].reset_index(drop=True).assign(dividends=0.0, splits=0.0)
            return base.History(symbol, base.Outcome.OK, frame, "USD")

    module.YahooProvider = Walks


def _there(name: str) -> bool:
    import importlib.util

    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def make_data(folder: Path) -> None:
    """The same made-up files for both: prices, panels and a text."""
    import pandas as pd

    generator = np.random.default_rng(0)
    days = pd.bdate_range("2015-01-01", periods=600)
    walks = 100 * np.exp(0.01 * generator.standard_t(5, (3, len(days))).cumsum(1))
    frames = [pd.DataFrame({"unique_id": f"S{row}", "ds": days, "y": walks[row]}) for row in range(3)]
    pd.concat(frames).to_csv(folder / "prices.csv", index=False)
    for name, count, period, freq in (("panel_daily", 1500, 7, "D"), ("panel_monthly", 300, 12, "MS")):
        values = (
            100 + 10 * np.sin(2 * np.pi * np.arange(count) / period) + generator.standard_normal((4, count))
        )
        ds = pd.date_range("2015-01-01", periods=count, freq=freq)
        frames = [pd.DataFrame({"unique_id": f"S{row}", "ds": ds, "y": values[row]}) for row in range(4)]
        pd.concat(frames).to_csv(folder / f"{name}.csv", index=False)
    hours = 100 + 10 * np.sin(2 * np.pi * np.arange(1008) / 24) + generator.standard_normal((4, 1008))
    for name, part in (("train", hours[:, :960]), ("test", hours[:, 960:])):
        wide = pd.DataFrame(part, index=pd.Index([f"H{row}" for row in range(4)], name="V1"))
        wide.columns = [f"V{column + 2}" for column in range(part.shape[1])]
        wide.to_csv(folder / f"{name}.csv")
    (folder / "text").mkdir()
    ranks = generator.zipf(1.3, 60_000) % 12_000
    words = [f"word{rank}" for rank in ranks] + [f"word{rank}" for rank in range(12_000)]
    for place, part in enumerate(("train", "valid", "test")):
        some = words if part == "train" else words[place * 3_000 : place * 3_000 + 3_000]
        lines = (" ".join(some[start : start + 20]) for start in range(0, len(some), 20))
        (folder / "text" / f"{part}.txt").write_text("\n".join(lines) + "\n")


def main() -> int:
    """Run both commits, and print what differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("before", help="a commit")
    parser.add_argument("after", nargs="?", default="HEAD", help="a commit")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(*(Path(path) for path in options.worker))
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "data").mkdir()
        make_data(folder / "data")
        running = []
        for side, commit in (("before", options.before), ("after", options.after)):
            place = folder / side
            for part in ("out", "home"):
                (place / part).mkdir(parents=True)
            subprocess.run(
                [
                    "git",
                    "-C",
                    str(ROOT),
                    "worktree",
                    "add",
                    "--quiet",
                    "--detach",
                    str(place / "tree"),
                    commit,
                ],
                check=True,
            )
            environment = {
                **os.environ,
                "PYTHONPATH": str(place / "tree"),
                "TSRNN_CACHE": str(place / "cache"),
            }
            command = [sys.executable, "-W", "ignore", __file__, "x", "--worker"]
            command += [str(place / "tree"), str(folder / "data"), str(place / "out")]
            with (folder / f"{side}.log").open("w") as log:
                running.append(
                    subprocess.Popen(command, cwd=place / "home", env=environment, stdout=log, stderr=log)
                )
        try:
            codes = [process.wait() for process in running]
        finally:
            for side in ("before", "after"):
                tree = str(folder / side / "tree")
                subprocess.run(["git", "-C", str(ROOT), "worktree", "remove", "--force", tree], check=False)
        for side, code in zip(("before", "after"), codes, strict=True):
            if code:
                print(f"{side} failed:\n{(folder / f'{side}.log').read_text()[-3000:]}")
                return 2
        return compare(folder / "before" / "out", folder / "after" / "out")


def compare(before: Path, after: Path) -> int:
    """Print a line for each thing; 1 if one differs."""
    ours, theirs = (json.loads((side / "found.json").read_text()) for side in (before, after))
    different = 0
    for name in sorted(ours | theirs):
        old, new = ours.get(name, ["missing"]), theirs.get(name, ["missing"])
        said = "equal"
        if old[0] != new[0]:
            different += 1
            file = f"{name.replace(' ', '_').replace('/', '-')}.npy"
            said = "DIFFERENT"
            if (before / file).is_file() and (after / file).is_file():
                left, right = np.load(before / file), np.load(after / file)
                if left.shape == right.shape:
                    said += f" by {np.nanmax(np.abs(left.astype(float) - right.astype(float))):.3g} at most"
        print(f"{name}\t{old[0]}\t{new[0]}\t{said}")
    print(f"{len(ours | theirs)} compared, {different} different")
    return int(different > 0)


if __name__ == "__main__":
    sys.exit(main())
