"""The language model by the conventions of scikit-learn."""

import math
from pathlib import Path

import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score

import tsrnn
from tests.cli import my_cells
from tests.test_configs import said
from tsrnn import RNNLanguageModel
from tsrnn.cli.main import main
from tsrnn.codecs import Characters
from tsrnn.errors import CheckpointError, ConfigError, DataError
from tsrnn.estimator.rnn_language_model import _WARMUP_STEPS

CONFIGS = Path(__file__).parent.parent.parent / "configs"
SMALL = {"hidden_size": 8, "max_epochs": 2, "batch_size": 4, "progress": False}
TEXT = ["The cat sat on the mat.", "A dog saw the cat!", "The dog sat."] * 40


@pytest.fixture(scope="module")
def fitted():
    return RNNLanguageModel(**SMALL).fit(TEXT)


def test_a_few_lines_train_score_and_write(fitted):
    assert fitted.generate("The cat", words=8, seed=1) == fitted.generate("The cat", words=8, seed=1)
    assert len(fitted.generate("The", words=40, temperature=0).split()) > 10
    assert fitted.valid_loss_ == pytest.approx(fitted.task_.contents["metrics"]["valid_nats"])  # the last
    (sentence,) = fitted.score_sentences(["The dog sat."])
    assert sentence.log_prob == pytest.approx(5 * fitted.score(["The dog sat."]), rel=1e-5)
    assert fitted.perplexity(TEXT) == pytest.approx(math.exp(-fitted.score(TEXT)))
    frame = fitted.score_frame()
    assert frame["tokens"].item() == fitted.data_.description()["tokens"]["test"]
    assert len(fitted.neighbours("cat", 2)) == 2
    assert fitted.vocabulary_.tokens[:2] == ("<eos>", "<unk>")


def test_a_file_and_a_folder_serve_as_well_as_strings(fitted, tmp_path):
    (tmp_path / "text.txt").write_text("\n".join(TEXT))
    for path in (tmp_path / "text.txt", str(tmp_path)):
        assert clone(fitted).fit(path).score(path) == fitted.score(TEXT)
    assert clone(fitted).fit(pd.Series(TEXT)).score(tuple(TEXT)) == fitted.score(TEXT)


def test_paragraphs_are_read_in_the_same_way_when_they_are_scored(tmp_path):
    wrapped = "\n".join(" ".join(TEXT).split(" "))
    fitted = RNNLanguageModel(**SMALL, sentences="paragraph").fit([wrapped])
    assert sum(fitted.data_.description()["lines"].values()) == len(TEXT)
    assert fitted.score([wrapped]) == fitted.score(["\n\n".join(TEXT)])


def test_the_conventions_of_scikit_learn(fitted):
    assert clone(fitted).get_params() == fitted.get_params()
    assert len(cross_val_score(RNNLanguageModel(**SMALL), TEXT, cv=2)) == 2
    with pytest.raises(NotFittedError):
        RNNLanguageModel().generate("The")


def test_it_comes_back_as_it_was_saved(fitted, tmp_path, capsys):
    fitted.save(tmp_path / "saved.ckpt")
    loaded = tsrnn.load(tmp_path / "saved.ckpt")
    assert type(loaded) is RNNLanguageModel
    assert loaded.get_params() == fitted.get_params()
    assert loaded.valid_loss_ == fitted.valid_loss_
    assert loaded.generate("The", words=9) == fitted.generate("The", words=9)
    assert loaded.score(TEXT) == fitted.score(TEXT)
    with pytest.raises(ConfigError, match="does not hold its text"):
        loaded.score_frame()
    loaded.save(tmp_path / "again.ckpt")
    assert loaded.fit(TEXT).score(TEXT) == tsrnn.load(tmp_path / "again.ckpt").score(TEXT)
    assert main(["generate", str(tmp_path / "saved.ckpt"), "The cat", "--words", "3"]) == 0
    assert capsys.readouterr().out.startswith("The cat")


def test_a_cell_and_a_tokenizer_of_ones_own_are_kept(tmp_path):
    fitted = RNNLanguageModel(my_cells.Leaky, tokenizer=Characters(), num_layers=1, **SMALL).fit(TEXT)
    fitted.save(tmp_path / "saved.ckpt")
    loaded = tsrnn.load(tmp_path / "saved.ckpt", modules=["tests.cli.my_cells"])
    assert loaded.cell is my_cells.Leaky
    assert isinstance(loaded.tokenizer, Characters)
    assert loaded.score(TEXT) == fitted.score(TEXT)


def test_a_damaged_estimator_is_one_line(fitted, tmp_path):
    fitted.save(tmp_path / "saved.ckpt")
    checkpoint = torch.load(tmp_path / "saved.ckpt", weights_only=True)
    checkpoint["tsrnn"]["estimator"]["loss"] = "low"
    torch.save(checkpoint, tmp_path / "damaged.ckpt")
    with pytest.raises(CheckpointError, match="the checkpoint's estimator is damaged"):
        tsrnn.load(tmp_path / "damaged.ckpt")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"hidden_size": "48"}, "hidden_size must be a whole number of at least 1, not '48'"),
        ({"max_epochs": -3}, "max_epochs must be a whole number of at least 1, not -3"),
        ({"cell": "LSTN"}, "'LSTN' is not a backbone, did you mean LSTM?"),
        ({"sentences": "lines"}, "sentences is one of 'line', 'paragraph', not 'lines'"),
        ({"split": 3}, "split is three shares"),
        ({"tokenizer": "x"}, "tokenizer must be one"),
        ({"dropout": 1.0}, "dropout must be a number of at least 0 and below 1, not 1.0"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_wrong_argument_is_one_line(arguments, words):
    with pytest.raises(ConfigError) as caught:
        RNNLanguageModel(**arguments).fit(TEXT)
    assert str(caught.value).startswith(words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no_such_file.txt", "there is no such file"),
        ("the text\nitself", "give the text itself as a list of strings"),
        (3, "a path or a list of strings, not of int"),
        (["a", None], "a path or a list of strings, not of NoneType"),
        (pd.DataFrame({"y": [1]}), "a path or a list of strings, not of DataFrame"),
        (["One line. That is all."], "the text has 1 sentence"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_cannot_be_fitted_is_one_line(text, words):
    with pytest.raises((ConfigError, DataError)) as caught:
        RNNLanguageModel(**SMALL).fit(text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_defaults_are_those_of_the_configuration():
    keys = said(CONFIGS / "language" / "my_text.yaml")
    model, trainer, data = keys["model"]["init_args"], keys["trainer"], keys["data"]["init_args"]
    backbone, embedding = model["backbone"]["init_args"], model["embedding"]["init_args"]
    patience = [call["init_args"].get("patience") for call in trainer["callbacks"]]
    expected = {
        **{"cell": model["backbone"]["class_path"].rpartition(".")[2], "num_layers": 1},
        **{"hidden_size": backbone["hidden_size"], "dropout": backbone["dropout"]},
        "embedding_dropout": embedding["dropout"],
        "learning_rate": model["optimizer"]["init_args"]["lr"],
        "weight_decay": model["optimizer"]["init_args"]["weight_decay"],
        **{name: trainer[name] for name in ("max_epochs", "max_steps")},
        "gradient_clip": trainer["gradient_clip_val"],
        "patience": patience[0],
        **{"seed": keys["seed_everything"], "threads": keys["threads"], "progress": "auto"},
        **{name: value for name, value in data.items() if name not in ("corpus", "path", "cache_dir")},
        "split": tuple(data["split"]),
    }
    assert RNNLanguageModel().get_params() == expected
    assert embedding["output_size"] == backbone["hidden_size"]
    assert embedding["locked_dropout"] is backbone["locked_dropout"] is model["tied"] is True
    assert model["scheduler"]["init_args"]["warmup_steps"] == _WARMUP_STEPS
