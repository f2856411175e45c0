"""One file of configs/backbones in a configuration for prices and in one for words."""

import random
from pathlib import Path

import pytest
import torch

from tsrnn.cli.main import main

CONFIGS = Path(__file__).parent.parent.parent / "configs"
ONE_STEP = ["--trainer.max_epochs", "1", "--trainer.limit_train_batches", "1", "--tune_cpu", "false"]
WORDS = [
    *("--data.corpus", "null", "--data.path", "text.txt", "--data.cache_dir", "cache"),
    *("--data.batch_size", "2", "--data.chunk_length", "5", "--model.tied", "false"),
    *("--model.embedding.output_size", "6", "--model.head", "tsrnn.heads.Categorical"),
]
PRICES = ["--model.embedding_size", "6", "--data.batches_per_epoch", "1"]


def weights_of(config, backbone, options, folder):
    own = ["--model.backbone", str(CONFIGS / "backbones" / f"{backbone}.yaml")]
    config = ["--config", str(CONFIGS / config), "--trainer.default_root_dir", str(folder)]
    assert main(["fit", *config, *own, *ONE_STEP, *options]) == 0
    state = torch.load(folder / "latest" / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    return {name: tuple(value.shape) for name, value in state.items() if name.startswith("model.backbone.")}


@pytest.mark.parametrize("backbone", ["rnn", "lstm", "gru"])
def test_the_same_file_gives_the_same_weights_to_prices_and_words(backbone, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    generator = random.Random(0)
    lines = [" ".join(generator.choice("abcdefgh") for _ in range(5)) for _ in range(60)]
    Path("text.txt").write_text("\n".join(lines))
    prices = weights_of("forecast/prices_lstm.yaml", backbone, PRICES, tmp_path / "prices")
    words = weights_of("language/ptb_small.yaml", backbone, WORDS, tmp_path / "words")
    assert len(prices) >= 4
    assert prices == words
