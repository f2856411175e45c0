"""translate, caption and classify as a user types them, against the Python functions."""

from __future__ import annotations

import io
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.cli.test_text_commands import rows, said, save
from tests.language_models import language_model
from tsrnn.backbones import GRU, LSTM
from tsrnn.cli.main import main
from tsrnn.codecs import LogReturns, Vocabulary, Words
from tsrnn.decoding import caption, classify, translate
from tsrnn.embeddings import TokenEmbedding
from tsrnn.training import Captioner, Forecaster, LanguageModel, SequenceClassifier, Translator

# A warning is a line on standard error here, which the tests read.
pytestmark = pytest.mark.filterwarnings("always::tsrnn.errors.DataWarning")

CONFIGS = Path(__file__).parents[2] / "configs"
ENGLISH = Vocabulary(("<eos>", "<unk>", "a", "cat", "house", "sat"), Words())
GERMAN = Vocabulary(("<eos>", "<unk>", "eine", "Katze", "saß", "고양이"), Words())
SMALL = {"embedding": partial(TokenEmbedding, output_size=8), "backbone": partial(GRU, hidden_size=8)}
VECTORS = np.random.default_rng(0).standard_normal((3, 2)).astype(np.float32)


@pytest.fixture(scope="module")
def tasks():
    """One task of each kind, with random weights."""
    torch.manual_seed(0)
    return {
        "translator": Translator(
            GERMAN, ENGLISH, encoder=partial(LSTM, hidden_size=6), maximum_length=8, beam=2, **SMALL
        ),
        "plain": Translator(GERMAN, ENGLISH, attention=None, maximum_length=8, **SMALL),
        "captioner": Captioner(GERMAN, [0.0, 0.0], [1.0, 1.0], maximum_length=8, beam=2, **SMALL),
        "classifier": SequenceClassifier(ENGLISH, ["bad", "good"], [5, 5], dropout=0.0, **SMALL),
        "forecaster": Forecaster(codec=LogReturns()),
        "words": LanguageModel.of_model(language_model(["<eos>", "<unk>", "a"], seed=0).float()),
    }


@pytest.fixture(scope="module")
def home(tasks, tmp_path_factory):
    """A folder with their checkpoints and with what they read."""
    folder = tmp_path_factory.mktemp("home")
    for name, task in tasks.items():
        save(task.eval(), folder / f"{name}.ckpt")
    (folder / "lines.txt").write_text("a cat\na house sat\n")
    (folder / "gap.txt").write_text("a cat\n\na house\n")
    (folder / "unknown.txt").write_text("a cat\nxyzzy plugh\n")
    (folder / "empty.txt").write_text("")
    (folder / "side.en").write_text("a\nb\n")
    (folder / "side.de").write_text("a\n")
    np.save(folder / "vectors.npy", VECTORS)
    np.save(folder / "wide.npy", np.zeros((2, 3)))
    np.save(folder / "missing.npy", np.array([[0.0, 1.0], [np.nan, 1.0]]))
    (folder / "vectors.csv").write_text(
        "x,text,y\n" + "".join(f"{row[0]},words,{row[1]}\n" for row in VECTORS.tolist())
    )
    return folder


@pytest.fixture(autouse=True)
def _in_home(home, monkeypatch):
    monkeypatch.chdir(home)


def test_sentences_are_translated_one_a_line(tasks, capsys):
    model = tasks["translator"].model
    expected = translate(model, ["a cat sat", "a house"], beam=2, maximum_length=8)
    out, err = said(capsys, "translate", "translator.ckpt", "a cat sat", "a house")
    assert out.splitlines() == expected
    assert err == ""
    out, _ = said(capsys, "translate", "translator.ckpt", "a cat sat", "--beam", "1")
    assert out.splitlines() == translate(model, ["a cat sat"], beam=1, maximum_length=8)


def test_a_file_and_standard_input_are_read_line_by_line(tasks, capsys, monkeypatch):
    expected = translate(tasks["translator"].model, ["a cat", "a house sat"], beam=2, maximum_length=8)
    assert said(capsys, "translate", "translator.ckpt", "--file", "lines.txt")[0].splitlines() == expected
    monkeypatch.setattr("sys.stdin", io.StringIO("a cat\na house sat\n"))
    assert said(capsys, "translate", "translator.ckpt", "--file", "-")[0].splitlines() == expected


def test_words_that_are_not_known_are_named(capsys):
    _, err = said(capsys, "translate", "translator.ckpt", "a zebra sat")
    assert err == "tsrnn: warning: not in the vocabulary, read as <unk>: zebra\n"


def test_the_attention_is_drawn(home, capsys):
    out, _ = said(capsys, "translate", "translator.ckpt", "a cat", "--attention", "map.png")
    assert out.splitlines()[-1] == "attention\tmap.png"
    assert (home / "map.png").read_bytes().startswith(b"\x89PNG")


def test_a_class_has_the_probabilities_of_all(tasks, capsys):
    expected = classify(tasks["classifier"].model, ["a cat", "a house sat"])
    table = rows(said(capsys, "classify", "classifier.ckpt", "a cat", "a house sat")[0])
    assert table[0] == ["text", "class", "p(bad)", "p(good)"]
    for row, probabilities in zip(table[1:], expected, strict=True):
        assert row[1] == ("bad", "good")[int(probabilities.argmax())]
        assert [float(cell) for cell in row[2:]] == pytest.approx(probabilities.tolist(), abs=6e-5)
    assert rows(said(capsys, "classify", "classifier.ckpt", "--file", "lines.txt")[0]) == table


@pytest.mark.parametrize("file", ["vectors.npy", "vectors.csv"])
def test_each_vector_of_a_file_gets_a_text(file, tasks, capsys):
    expected = caption(tasks["captioner"].model, VECTORS, beam=2, maximum_length=8)
    assert said(capsys, "caption", "captioner.ckpt", file)[0].splitlines() == expected


def test_a_checkpoint_is_inspected(capsys):
    out, _ = said(capsys, "inspect", "translator.ckpt")
    assert "task: tsrnn.training.Translator" in out


FILES = ["fit", "--config", str(CONFIGS / "translate" / "dates.yaml"), "--data.corpus", "null", "--data.path"]
MISTAKES = [
    ([*FILES, "side"], "side.de, line 2: it ends here, where side.en goes on"),
    ([*FILES, "sid"], "sid: there is no such file, did you mean side.en?"),
    (["translate", "translator.ckpt"], "give sentences or --file FILE"),
    (["translate", "translator.ckpt", "a", "--file", "lines.txt"], "or --file FILE: one of them"),
    (["translate", "translator.ckpt", "a", "a", "--attention", "x.png"], "--attention draws one sentence"),
    (["translate", "translator.ckpt", "a", "--attention", "no/x.png"], "no: there is no such folder"),
    (["translate", "plain.ckpt", "a", "--attention", "x.png"], "the model has no attention"),
    (["translate", "translator.ckpt", "a", "--length-penalty", "-1"], "must be 0 or more, not -1"),
    (["translate", "translator.ckpt", "a", "--beem", "2"], "no option --beem, did you mean --beam?"),
    (["translate", "translator.ckp", "a"], "no such checkpoint, did you mean translator.ckpt?"),
    (["translate", "translator.ckpt", "--file", "line.txt"], "no such file, did you mean lines.txt?"),
    (["translate", "translator.ckpt", "--file", "gap.txt"], "gap.txt, line 2: the text is empty"),
    (["translate", "translator.ckpt", "--file", "empty.txt"], "empty.txt"),
    (["translate", "translator.ckpt", "--file", "unknown.txt"], "line 2: no word of it is in the vocabulary"),
    (["translate", "translator.ckpt", "xyzzy plugh"], "no word of it is in the vocabulary: xyzzy, plugh"),
    (["classify", "classifier.ckpt", "a", "xyzzy"], "text 2: no word of it is in the vocabulary: xyzzy"),
    (["classify", "classifier.ckpt", " "], "the text is empty"),
    (["classify", "classifier.ckpt"], "give texts or --file FILE"),
    (["translate", "words.ckpt", "a"], "holds a LanguageModel of words: use tsrnn generate or tsrnn score"),
    (["translate", "captioner.ckpt", "a"], "holds a Captioner: use tsrnn caption"),
    (["classify", "translator.ckpt", "a"], "holds a Translator: use tsrnn translate"),
    (["caption", "classifier.ckpt", "vectors.npy"], "holds a SequenceClassifier: use tsrnn classify"),
    (["caption", "forecaster.ckpt", "vectors.npy"], "holds a Forecaster of prices: use tsrnn forecast"),
    (["forecast", "translator.ckpt"], "holds a Translator: use tsrnn translate"),
    (["score", "translator.ckpt", "a"], "holds a Translator: use tsrnn translate"),
    (["generate", "classifier.ckpt", "a"], "holds a SequenceClassifier: use tsrnn classify"),
    (["caption", "captioner.ckpt", "vector.npy"], "no such file, did you mean vectors.npy?"),
    (["caption", "captioner.ckpt", "wide.npy"], "a vector has 3 numbers, where the model reads 2"),
    (["caption", "captioner.ckpt", "missing.npy"], "vector 2 has a number that is missing"),
    (["caption", "captioner.ckpt", "lines.txt"], "lines.txt"),
]


@pytest.mark.parametrize(("arguments", "words"), MISTAKES, ids=lambda value: str(value)[-40:])
def test_a_mistake_is_one_line(arguments, words, capsys):
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("tsrnn: error: ")
    assert words in printed.err
    assert printed.err.count("\n") == 1


def test_nothing_that_trains_is_imported():
    code = """
import sys
from tsrnn.cli.main import main
for arguments in (["translate", "translator.ckpt", "a cat"], ["classify", "classifier.ckpt", "a cat"],
                  ["caption", "captioner.ckpt", "vectors.npy"]):
    assert main(arguments) == 0
print(*{name.partition(".")[0] for name in sys.modules})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.splitlines()[-1].split())
    heavy = {"pytorch_lightning", "lightning_fabric", "jsonargparse", "matplotlib", "sacrebleu"}
    assert not loaded & {*heavy, "pandas", "pyarrow", "scipy", "sklearn", "rich", "yaml"}
