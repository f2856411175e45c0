"""A configuration's base: the same as `--config BASE` before it, and nothing of it in what a run keeps."""

from pathlib import Path

import pytest
import yaml

from tests.prices import random_walks, write_long
from tsrnn.cli.configuration import ConfiguredNetwork
from tsrnn.cli.main import main
from tsrnn.cli.sources.lineage import lineage

PRICES = Path(__file__).parent.parent.parent / "configs" / "forecast" / "prices_lstm.yaml"
QUICK = [
    *("--trainer.max_epochs", "1", "--data.batches_per_epoch", "1", "--data.batch_size", "2"),
    *("--data.window_length", "40", "--data.warm_up", "10", "--tune_cpu", "false"),
]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path, text):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


def effective(capsys, *arguments):
    """All that the parser makes of the arguments."""
    assert main(["fit", *arguments, "--print_config"]) == 0
    return yaml.safe_load(capsys.readouterr().out)


def error(capsys, *arguments):
    assert main(["fit", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line.removeprefix("tsrnn: error: ")


def test_a_base_is_a_configuration_that_stands_before(capsys):
    own = "model:\n  init_args:\n    num_samples: 7\ntrainer:\n  max_epochs: 3\n  callbacks: []\n"
    write("alone.yaml", own)
    write("with_base.yaml", f"base: {PRICES}\n{own}")
    read = effective(capsys, "--config", "with_base.yaml")
    assert read == effective(capsys, "--config", str(PRICES), "--config", "alone.yaml")
    assert read["model"]["init_args"]["num_samples"] == 7
    assert read["model"]["init_args"]["embedding_size"] == 32  # the base's
    assert read["trainer"]["max_epochs"] == 3
    assert read["trainer"]["callbacks"] == []  # a list is a value
    assert "base" not in read


def test_a_base_may_have_a_base_and_paths_are_those_of_the_file_they_stand_in(capsys):
    write("cells/gru.yaml", "class_path: tsrnn.backbones.GRU\ninit_args:\n  hidden_size: 5\n")
    write("far/away/low.yaml", f"base: {PRICES}\nmodel:\n  init_args:\n    backbone: ../../cells/gru.yaml\n")
    write("far/middle.yaml", "base: away/low.yaml\nmodel:\n  init_args:\n    num_samples: 7\n")
    write("top.yaml", "base: far/middle.yaml\nseed_everything: 4\n")
    read = effective(capsys, "--config", "top.yaml")
    assert read["seed_everything"] == 4
    model = read["model"]["init_args"]
    assert model["num_samples"] == 7
    assert model["backbone"]["class_path"].endswith("GRU")
    assert model["backbone"]["init_args"]["hidden_size"] == 5
    assert "forget_bias" not in model["backbone"]["init_args"]  # prices_lstm has one
    names = [path.name for path, _ in lineage(Path("top.yaml"))]
    assert names == ["prices_lstm.yaml", "low.yaml", "middle.yaml", "top.yaml"]


def test_of_another_class_what_it_takes_too_stays(capsys):
    own = "data:\n  class_path: tsrnn.data.Yahoo\n  init_args:\n    tickers: [IBM]\n"
    write("base.yaml", f"base: {PRICES}\ndata:\n  init_args:\n    path: a.csv\n    window_length: 99\n")
    write("yahoo.yaml", f"base: base.yaml\n{own}")
    data = effective(capsys, "--config", "yahoo.yaml")["data"]["init_args"]
    assert data["tickers"] == ["IBM"]
    assert data["window_length"] == 99
    assert "path" not in data
    assert "decimal" not in data


def test_a_later_configuration_and_an_option_win(capsys):
    write("first.yaml", f"base: {PRICES}\ndata:\n  init_args:\n    horizon: 1\n    seed: 1\n")
    write("later.yaml", "data:\n  init_args:\n    seed: 2\n    batch_size: 2\n")
    options = ["--data.batch_size", "3", "--trainer.max_epochs=5"]
    read = effective(capsys, "--config", "first.yaml", "--config", "later.yaml", *options)
    data = read["data"]["init_args"]
    assert (data["horizon"], data["seed"], data["batch_size"]) == (1, 2, 3)
    assert read["trainer"]["max_epochs"] == 5


def test_the_run_keeps_a_whole_configuration_under_the_name_of_the_one_given(capsys):
    write_long(Path("prices.csv"), random_walks())
    write("mine.yaml", f"base: {PRICES}\nmodel:\n  init_args:\n    embedding_size: 6\n")
    assert main(["fit", "--config", "mine.yaml", "--data.path", "prices.csv", *QUICK]) == 0
    run = Path("runs/latest").resolve()
    assert run.parent.name == "mine"
    kept = yaml.safe_load((run / "config.yaml").read_text())
    assert "base" not in kept
    assert kept["model"]["init_args"]["embedding_size"] == 6
    assert kept["data"]["init_args"]["warm_up"] == 10
    Path("mine.yaml").unlink()
    assert main(["test", "--ckpt_path", str(run)]) == 0
    capsys.readouterr()


def test_backtests_and_leak_tests_fit_one_with_a_base():
    write_long(Path("prices.csv"), random_walks())
    write("mine.yaml", f"base: {PRICES}\nmodel:\n  init_args:\n    backbone: tsrnn.backbones.GRU\n")
    network = ConfiguredNetwork("mine.yaml", ["--data.path=prices.csv"], Path("fits"))
    assert network.name == "GRU"
    assert network.data.batch_size == 32  # the base's


@pytest.mark.parametrize(
    ("base", "problem"),
    [
        ("[low.yaml]", "top.yaml: base is the path of one YAML file, not ['low.yaml']"),
        ("low.txt", "top.yaml: base is the path of one YAML file, not 'low.txt'"),
        ("https://example.org/low.yaml", "top.yaml: there is no base https://example.org/low.yaml"),
        ("lov.yaml", "top.yaml: there is no base lov.yaml, did you mean low.yaml?"),
        ("text.yaml", "text.yaml, the base of top.yaml, is not a mapping in YAML"),
        ("broken.yaml", "broken.yaml, the base of top.yaml, is not a mapping in YAML"),
        ("top.yaml", "top.yaml: the base top.yaml leads back to itself"),
        ("round.yaml", "round.yaml: the base ./top.yaml leads back to itself"),
    ],
)
def test_a_base_that_cannot_be_followed_is_refused_in_one_line(base, problem, capsys):
    write("top.yaml", f"base: {base}\n")
    write("low.yaml", "seed_everything: 1\n")
    write("round.yaml", "base: ./top.yaml\n")
    write("text.yaml", "a text\n")
    write("broken.yaml", "a: [b\n")
    assert error(capsys, "--config", "top.yaml") == problem


def test_only_a_file_of_config_has_a_base(capsys):
    write("low.yaml", "class_path: tsrnn.backbones.GRU\n")
    write("cell.yaml", "base: low.yaml\nclass_path: tsrnn.backbones.GRU\n")
    given = ["--config", str(PRICES)]
    assert "there is no key base here" in error(capsys, *given, "--model.backbone", "cell.yaml")
    assert "does not accept option 'base'" in error(capsys, "--config", "{base: low.yaml}")


def test_a_mistake_in_a_base_is_explained_as_ever(capsys):
    write("low.yaml", f"base: {PRICES}\nmodel:\n  init_args:\n    num_sample: 3\n")
    write("top.yaml", "base: low.yaml\n")
    assert (
        error(capsys, "--config", "top.yaml") == "there is no key num_sample here, did you mean num_samples?"
    )
