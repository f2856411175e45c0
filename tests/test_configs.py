"""Every shipped configuration parses, takes one step, and explains each of its keys."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from tsrnn.cli.main import main
from tsrnn.cli.sources.lineage import lineage
from tsrnn.codecs import LogReturns, Vocabulary
from tsrnn.components import build
from tsrnn.data.providers.base import History, Outcome, Provider
from tsrnn.embeddings import TokenEmbedding, ValueEmbedding
from tsrnn.heads import Categorical, StudentT
from tsrnn.models import AutoregressiveModel

CONFIGS = Path(__file__).parent.parent / "configs"
FORECAST = sorted(CONFIGS.glob("forecast/*.yaml"))
LANGUAGE = sorted(CONFIGS.glob("language/*.yaml"))
PAIRS = sorted(
    path for room in ("translate", "classify", "caption") for path in CONFIGS.glob(f"{room}/*.yaml")
)
BACKBONES = sorted(CONFIGS.glob("backbones/*.yaml"))


def said(path):
    """All that a configuration says, its bases below it."""
    together = {}
    for _, keys in lineage(path):
        join(together, keys)
    return together


def join(below, keys):
    for key, value in keys.items():
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            join(below[key], value)
        else:
            below[key] = value


def data_of(path):
    """What a configuration says of its data: the class path, and the arguments."""
    data = said(path)["data"]
    return data["class_path"], data["init_args"]


PANELS = [path for path in FORECAST if data_of(path)[0].endswith("SeriesPanel")]
PRICES = [path for path in FORECAST if path not in PANELS]


def test_the_shipped_configurations_are_found():
    assert {path.stem for path in BACKBONES} == {"rnn", "lstm", "gru", "lstm_words", "lstm_zaremba_small"}
    assert {path.stem for path in LANGUAGE} == {
        *("python_docs_lstm", "ptb_small", "ptb_zaremba_small", "wikitext2", "korean", "my_text")
    }
    assert {path.stem for path in PRICES} == {"prices_rnn", "prices_lstm", "prices_gru", "yahoo_lstm"}
    assert {path.stem for path in PAIRS} == {"dates", "multi30k", "text", "digits"}
    assert {path.stem for path in PANELS} == {"m4_hourly", "panel", "panel_daily", "panel_monthly"}


class Walks(Provider):
    """Random walks on weekdays from 2005 to past the end of 2024, for any symbol."""

    name, title = "walks", "Yahoo"

    def fetch(self, symbol, start):
        days = pd.bdate_range("2005-01-03", "2025-01-31").as_unit("ns")
        steps = np.random.default_rng(len(symbol)).standard_normal(len(days))
        close = 100 * np.exp(0.01 * steps.cumsum())
        frame = pd.DataFrame({"ds": days, **dict.fromkeys(("open", "high", "low", "close", "volume"), close)})
        frame = frame[frame["ds"] >= start].reset_index(drop=True).assign(dividends=0.0, splits=0.0)
        return History(symbol, Outcome.OK, frame, "USD")


@pytest.mark.parametrize("path", PRICES, ids=lambda path: path.stem)
def test_a_configuration_takes_one_step(path, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("TSRNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("tsrnn.data.providers.yahoo.YahooProvider", Walks)
    options = ["--trainer.max_steps", "1", "--data.batches_per_epoch", "1"]
    assert main(["fit", "--config", str(path), "--trainer.default_root_dir", str(tmp_path), *options]) == 0
    assert "valid_nats" in capsys.readouterr().out
    assert (tmp_path / "latest" / "checkpoints" / "best.ckpt").is_file()


def made_up_panel(path, folder):
    """A small file of the kind that the configuration is for, and the options that name it."""
    _, given = data_of(path)
    frequency = next((name for name in ("hourly", "daily", "monthly") if name in path.stem), "monthly")
    count = {"hourly": 960, "daily": 1500, "monthly": 300}[frequency]
    period = {"hourly": 24, "daily": 7, "monthly": 12}[frequency]
    generator = np.random.default_rng(0)
    ahead = given.get("horizon") or 48
    season = 10 * np.sin(2 * np.pi * np.arange(count + ahead) / period)
    values = 100 + season + generator.standard_normal((4, count + ahead))
    if frequency == "hourly":
        for name, part in (("train", values[:, :count]), ("test", values[:, count:])):
            wide = pd.DataFrame(part, index=pd.Index([f"H{row}" for row in range(4)], name="V1"))
            wide.columns = [f"V{column + 2}" for column in range(part.shape[1])]
            wide.to_csv(folder / f"{name}.csv")
        return ["--data.path", str(folder / "train.csv"), "--data.test_path", str(folder / "test.csv")]
    days = pd.date_range("2015-01-01", periods=count, freq={"daily": "D", "monthly": "MS"}[frequency])
    names = [given.get(f"{name}_column", default) for name, default in NAMES.items()]
    parts = [(np.repeat(f"S{row}", count), days, values[row, :count]) for row in range(4)]
    frames = [pd.DataFrame(dict(zip(names, part, strict=True))) for part in parts]
    pd.concat(frames).to_csv(folder / "panel.csv", index=False)
    return ["--data.path", str(folder / "panel.csv")]


NAMES = {"id": "unique_id", "time": "ds", "value": "y"}


@pytest.mark.parametrize("path", PANELS, ids=lambda path: path.stem)
def test_a_configuration_for_a_panel_takes_one_step(path, tmp_path, capsys):
    options = [*made_up_panel(path, tmp_path), "--trainer.max_steps", "1", "--data.batches_per_epoch", "1"]
    assert main(["fit", "--config", str(path), "--trainer.default_root_dir", str(tmp_path), *options]) == 0
    run = tmp_path / "latest"
    kept = {file.stem for file in (run / "checkpoints").iterdir()}
    chooses = data_of(path)[1].get("valid_size") != 0  # without a validation span the last weights are it
    assert kept == ({"best", "last"} if chooses else {"last"})
    assert chooses == bool(re.search("valid_(nats|loss)\t", capsys.readouterr().out))
    assert main(["test", "--ckpt_path", str(run), "--trainer.default_root_dir", str(tmp_path)]) == 0


def test_a_panel_s_configuration_takes_any_head(tmp_path, capsys):
    path = CONFIGS / "forecast" / "panel_daily.yaml"
    options = [*made_up_panel(path, tmp_path), "--trainer.max_steps", "1", "--data.batches_per_epoch", "1"]
    options += ["--model.head", "StudentT"]
    assert main(["fit", "--config", str(path), "--trainer.default_root_dir", str(tmp_path), *options]) == 0
    assert "valid_loss" in capsys.readouterr().out


@pytest.mark.parametrize("path", LANGUAGE, ids=lambda path: path.stem)
def test_a_configuration_for_words_takes_one_step(path, tmp_path, capsys):
    """On a text of 15,000 different words, which stands for corpora that are not bundled."""
    words = [f"word{index}" for index in range(15_000)]
    lines = [" ".join(words[start : start + 20]) + "\n" for start in range(0, len(words), 20)]
    for part, count in {"train": len(lines), "valid": 20, "test": 20}.items():
        (tmp_path / f"{part}.txt").write_text("".join(lines[:count]))
    options = [
        "--data.corpus",
        "null",
        "--data.path",
        str(tmp_path),
        "--data.cache_dir",
        str(tmp_path / "cache"),
    ]
    options += ["--trainer.max_epochs", "1", "--trainer.limit_train_batches", "1", "--data.batch_size", "2"]
    options += ["--data.minimum_count", "1"]
    assert main(["fit", "--config", str(path), "--trainer.default_root_dir", str(tmp_path), *options]) == 0
    printed = capsys.readouterr().out
    assert "valid_perplexity" in printed
    assert "unknown_valid" in printed
    assert (tmp_path / "latest" / "checkpoints" / "best.ckpt").is_file()


def made_up_pairs(path, folder):
    """A small file of the kind that the configuration is for, and the options that name it."""
    texts = [f"the {word} sat on chair {row}" for row in range(40) for word in ("cat", "dog")]
    if path.stem == "multi30k":
        for split in ("train", "val", "test_2016"):
            for language in ("en", "de"):
                lines = [f"{split.replace('_', ' ')}: {text}\n" for text in texts]
                (folder / f"{split}.{language}").write_text("".join(lines))
        return ["--data.path", str(folder)]
    rows = [f"{text}\t{('no', 'yes')['cat' in text]}\n" for text in texts]
    (folder / "pairs.tsv").write_text("text\tlabel\n" + "".join(rows))
    if path.stem == "text":
        return ["--data.path", str(folder / "pairs.tsv")]
    if path.stem == "dates":
        named = ["--data.source", "text", "--data.target", "label", "--data.split", "[0.6, 0.2, 0.2]"]
        return ["--data.corpus", "null", "--data.path", str(folder / "pairs.tsv"), *named]
    return []  # the digits are there


@pytest.mark.parametrize("path", PAIRS, ids=lambda path: path.stem)
def test_a_configuration_for_pairs_takes_one_step_and_is_tested(path, tmp_path, capsys):
    options = [*made_up_pairs(path, tmp_path), "--trainer.default_root_dir", str(tmp_path / "runs")]
    options += ["--trainer.max_epochs", "1", "--trainer.limit_train_batches", "1"]
    if path.stem in ("multi30k", "dates"):
        options += ["--model.beam", "1", "--model.maximum_length", "5"]
    assert main(["fit", "--config", str(path), *options]) == 0
    assert "valid_nats" in capsys.readouterr().out
    root = ["--trainer.default_root_dir", str(tmp_path / "runs")]
    assert main(["test", str(tmp_path / "runs" / "latest"), *root]) == 0
    assert ("accuracy" if path.stem == "text" else "exact_percent") in capsys.readouterr().out
    if path.stem == "text":  # once is enough: what is of forecasts alone is refused
        run = str(tmp_path / "runs" / "latest")
        assert main(["test", run, *root, "--reference", "drift"]) == 2
        assert "--reference is for forecasts" in capsys.readouterr().err
        assert main(["predict", run, *root]) == 2
        assert "use tsrnn generate, translate, caption or classify" in capsys.readouterr().err


@pytest.mark.parametrize("path", FORECAST, ids=lambda path: path.stem)
def test_the_schedule_ends_where_training_does(path):
    config = said(path)
    steps = config["trainer"]["max_epochs"] * config["data"]["init_args"]["batches_per_epoch"]
    scheduler = config["model"]["init_args"]["scheduler"]
    # WarmupCosine asks the trainer where training ends.
    assert scheduler["class_path"].endswith("WarmupCosine") or scheduler["init_args"]["T_max"] == steps
    assert config["trainer"]["gradient_clip_val"] == 1.0


@pytest.mark.parametrize("path", [*FORECAST, *LANGUAGE, *PAIRS, *BACKBONES], ids=lambda path: path.stem)
def test_every_key_with_a_value_of_its_own_is_commented(path):
    lines = path.read_text().splitlines()
    assert lines[0].startswith("# ")
    for line in lines:
        key = re.match(r"\s*(?:- )?(\w+): +(?!\{)(\S.*)", line)
        plain = ("base", "class_path", "backbone", "devices", "monitor", "num_sanity_val_steps")
        if key and key[1] not in (*plain, "enable_model_summary", "enable_version_counter", "weight_decay"):
            assert "#" in line, f"{path.name}: {line}"


def leaves(keys, place=()):
    for key, value in keys.items():
        yield from leaves(value, (*place, key)) if isinstance(value, dict) else [((*place, key), value)]


WITH_A_BASE = {
    path: lineage(path)[-2][0]
    for path in [*FORECAST, *LANGUAGE, *PAIRS, *BACKBONES]
    if len(lineage(path)) > 1
}


def test_some_configurations_say_only_what_they_have_of_their_own():
    assert {path.stem: base.stem for path, base in WITH_A_BASE.items()} == {
        **dict.fromkeys(("prices_gru", "prices_rnn", "yahoo_lstm"), "prices_lstm"),
        **dict.fromkeys(("panel_daily", "panel_monthly"), "panel"),
        "multi30k": "dates",
        **{"wikitext2": "ptb_small", **dict.fromkeys(("korean", "my_text"), "python_docs_lstm")},
    }


@pytest.mark.parametrize("path", WITH_A_BASE, ids=lambda path: path.stem)
def test_nothing_is_said_again_that_the_base_says(path):
    below = dict(leaves(said(WITH_A_BASE[path])))
    own = dict(leaves(lineage(path)[-1][1]))
    assert own
    assert {place for place, value in own.items() if below.get(place, "nothing") == value} == set()


@pytest.mark.parametrize("path", BACKBONES, ids=lambda path: path.stem)
def test_one_backbone_file_serves_prices_and_words(path):
    config = yaml.safe_load(path.read_text())
    config["init_args"]["input_size"] = 16
    size = config["init_args"]["hidden_size"]

    def backbone():
        return build(config, torch.nn.Module)

    vocabulary = Vocabulary(["<eos>", "a", "b"])
    prices, words = backbone(), backbone()
    price_model = AutoregressiveModel(LogReturns(), ValueEmbedding(7, 16), prices, StudentT(size))
    word_model = AutoregressiveModel(vocabulary, TokenEmbedding(3, 16), words, Categorical(size, 3))
    assert list(prices.state_dict()) == list(words.state_dict())
    assert torch.isfinite(price_model.log_prob(torch.rand(2, 9, dtype=torch.float64) + 1)[0]).all()
    assert torch.isfinite(word_model.log_prob(torch.randint(3, (2, 9)))[0]).all()
