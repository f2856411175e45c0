"""Every shipped configuration parses, takes one step, and explains each of its keys."""

import re
from pathlib import Path

import pytest
import torch
import yaml

from tsrnn.cli.main import main
from tsrnn.codecs import LogReturns, Vocabulary
from tsrnn.components import build
from tsrnn.embeddings import TokenEmbedding, ValueEmbedding
from tsrnn.heads import Categorical, StudentT
from tsrnn.models import AutoregressiveModel

CONFIGS = Path(__file__).parent.parent / "configs"
FORECAST = sorted(CONFIGS.glob("forecast/*.yaml"))
LANGUAGE = sorted(CONFIGS.glob("language/*.yaml"))
BACKBONES = sorted(CONFIGS.glob("backbones/*.yaml"))


def test_the_shipped_configurations_are_found():
    assert {path.stem for path in BACKBONES} == {"rnn", "lstm", "gru", "lstm_words", "lstm_zaremba_small"}
    assert {path.stem for path in LANGUAGE} == {
        *("python_docs_lstm", "ptb_small", "ptb_zaremba_small", "wikitext2", "korean")
    }
    assert {path.stem for path in FORECAST} == {"prices_rnn", "prices_lstm", "prices_gru"}


@pytest.mark.parametrize("path", FORECAST, ids=lambda path: path.stem)
def test_a_configuration_takes_one_step(path, tmp_path, capsys):
    options = ["--trainer.max_steps", "1", "--data.batches_per_epoch", "1"]
    assert main(["fit", "--config", str(path), "--trainer.default_root_dir", str(tmp_path), *options]) == 0
    assert "valid_nats" in capsys.readouterr().out
    assert (tmp_path / "latest" / "checkpoints" / "best.ckpt").is_file()


@pytest.mark.parametrize("path", LANGUAGE, ids=lambda path: path.stem)
def test_a_configuration_for_words_takes_one_step(path, tmp_path, capsys):
    """On a small text of 15,000 words, which stands for corpora that do not come along."""
    words = [f"word{index}" for index in range(15_000)]
    text = "\n".join(" ".join(words[start : start + 20]) for start in range(0, len(words), 20)) + "\n"
    for part in ("train", "valid", "test"):
        (tmp_path / f"{part}.txt").write_text(text)
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


@pytest.mark.parametrize("path", FORECAST, ids=lambda path: path.stem)
def test_the_schedule_ends_where_training_does(path):
    config = yaml.safe_load(path.read_text())
    steps = config["trainer"]["max_epochs"] * config["data"]["init_args"]["batches_per_epoch"]
    assert config["model"]["init_args"]["scheduler"]["init_args"]["T_max"] == steps
    assert config["trainer"]["gradient_clip_val"] == 1.0


@pytest.mark.parametrize("path", [*FORECAST, *LANGUAGE, *BACKBONES], ids=lambda path: path.stem)
def test_every_key_with_a_value_of_its_own_is_commented(path):
    lines = path.read_text().splitlines()
    assert lines[0].startswith("# ")
    for line in lines:
        key = re.match(r"\s*(?:- )?(\w+): +(?!\{)(\S.*)", line)
        plain = ("class_path", "backbone", "devices", "monitor", "num_sanity_val_steps")
        if key and key[1] not in (*plain, "enable_model_summary", "enable_version_counter", "weight_decay"):
            assert "#" in line, f"{path.name}: {line}"


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
