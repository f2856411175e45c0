"""The arguments: defaults are those of the shipped configurations, and a wrong one is a line at once."""

import inspect
from pathlib import Path

import numpy as np
import pytest
import yaml

from tests.cli import my_cells
from tests.panels import seasonal_frame
from tests.prices import random_walks
from tsrnn import Blocks, RNNForecaster
from tsrnn.data import PriceSeries
from tsrnn.errors import ConfigError, DataError
from tsrnn.estimator.settings import checked, settled, shape_of

CONFIGS = Path(__file__).parents[2] / "configs"
FRAME = seasonal_frame(2, 60)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"hidden_size": "48"}, "hidden_size must be a whole number of at least 1, not '48'"),
        ({"max_epochs": -3}, "max_epochs must be a whole number of at least 1, not -3"),
        ({"num_layers": None}, "num_layers must be a whole number of at least 1, not None"),
        ({"horizon": 2.5}, "horizon must be a whole number of at least 1, not 2.5"),
        ({"seed": -1}, "seed must be a whole number from 0 to 4294967295, not -1"),
        ({"dropout": 1}, "dropout must be a number of at least 0 and below 1, not 1"),
        ({"learning_rate": 0}, "learning_rate must be a number above 0, not 0"),
        ({"learning_rate": "fast"}, "learning_rate must be a number above 0, not 'fast'"),
        ({"gradient_clip": np.zeros(2)}, "gradient_clip must be a number above 0, not a ndarray"),
        ({"kind": "price"}, "kind is one of 'auto', 'prices', 'series', not 'price', did you mean prices?"),
        ({"progress": "yes"}, "progress is one of 'auto', True, False, not 'yes'"),
        ({"calendar": 3}, "calendar is a word, not a int"),
        ({"frequency": "dayly"}, "there is no frequency 'dayly', did you mean daily?"),
        ({"split": "70/15/15"}, "split is three shares, for training, validation and test, not '70/15/15'"),
        ({"split": (0.7, 0.15, "0.15")}, "a share of split must be a number of at least 0, not '0.15'"),
        ({"split": (0.7, 0.7, 0.7)}, "split must be three shares that add up to 1"),
        ({"codec": "Blocks"}, "codec must be a Codec, such as tsrnn.Blocks(7), not 'Blocks'"),
        ({"cell": "LSMT"}, "'LSMT' is not a backbone, did you mean LSTM?"),
        ({"cell": 3}, "3 is not a backbone: it is one of GRU, LSTM, RNN"),
        ({"cell": Blocks}, "is not a backbone: it is one of GRU, LSTM, RNN"),
        ({"head": "Quantile"}, "'Quantile' is not a head, did you mean Quantiles?"),
        (
            {"kind": "series", "split": (0.8, 0.1, 0.1)},
            "split is an argument of kind='prices', and kind is 'series'",
        ),
        (
            {"kind": "prices", "test_size": 3},
            "test_size is an argument of kind='series', and kind is 'prices'",
        ),
        ({"warm_up": 3, "valid_size": 3}, "warm_up is an argument of prices, and valid_size of series"),
        ({"on_missing": "skip"}, "on_missing is one of 'error', 'drop', not 'skip'"),
    ],
)
def test_a_wrong_argument_is_one_line(arguments, words):
    with pytest.raises(ConfigError) as caught:
        RNNForecaster(**arguments).fit(FRAME)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            np.zeros((3, 2)),
            "a frame of pandas or polars with unique_id, ds and y, or the path of a file",
        ),
        ([1.0, 2.0, 3.0], "not list"),
        (
            FRAME.drop(columns="ds"),
            "column ds is missing, or an index of dates",
        ),
        (FRAME.drop(columns="y"), "column y is missing"),
        (FRAME.assign(y="word"), "'word' is not a number"),
        ("no_such_file.csv", "no_such_file.csv: there is no such file"),
    ],
)
def test_what_cannot_be_fitted_is_one_line(given, words):
    with pytest.raises(DataError) as caught:
        RNNForecaster().fit(given)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"horizon": "3"}, "horizon must be a whole number of at least 1, not '3'"),
        ({"horizon": FRAME}, "the first argument is the horizon: give the frame by its name, frame=..."),
        ({"levels": 80}, r"levels are numbers between 0 and 100, such as (80, 95), not 80"),
        ({"levels": (80, 100)}, "a level must be a number above 0 and below 100, not 100"),
        ({"num_samples": 0}, "num_samples must be a whole number of at least 1, not 0"),
    ],
)
def test_what_cannot_be_predicted_is_one_line(series, arguments, words):
    with pytest.raises(ConfigError) as caught:
        series.predict(**arguments)
    assert words in str(caught.value)


@pytest.mark.parametrize(("kind", "config"), [("prices", "prices_lstm"), ("series", "panel")])
def test_the_defaults_are_those_of_the_configuration(kind, config):
    keys = yaml.safe_load((CONFIGS / "forecast" / f"{config}.yaml").read_text())
    model, trainer, data = keys["model"]["init_args"], keys["trainer"], keys["data"]["init_args"]
    backbone = model["backbone"]
    if isinstance(backbone, str):
        backbone = yaml.safe_load((CONFIGS / "forecast" / backbone).read_text())
    settings = settled(checked(RNNForecaster(kind=kind).get_params()), kind)
    arguments = {
        **{
            "num_layers": 1,
            **{name: value for name, value in backbone["init_args"].items() if name in settings},
        },
        "learning_rate": model["optimizer"]["init_args"]["lr"],
        "weight_decay": model["optimizer"]["init_args"]["weight_decay"],
        "gradient_clip": trainer["gradient_clip_val"],
        "patience": None,
        **{name: model[name] for name in ("embedding_size", "num_samples")},
        **{name: trainer[name] for name in ("max_epochs",)},
        **{name: keys[name] for name in ("threads",)},
        **{name: value for name, value in data.items() if name in settings and value is not None},
    }
    for callback in trainer["callbacks"]:
        arguments["patience"] = callback["init_args"].get("patience", arguments["patience"])
    if "split" in arguments:
        arguments["split"] = tuple(arguments["split"])
    if kind == "prices":
        assert settings["horizon"] is None  # of PriceSeries
        assert arguments.pop("horizon") == PriceSeries().horizon
    assert {name: settings[name] for name in arguments} == arguments
    others = {name: value for name, value in backbone["init_args"].items() if name not in settings}
    own = inspect.signature(settings["cell"]).parameters
    assert {name: own[name].default for name in others} == others
    assert f"tsrnn.backbones.{settings['cell'].__name__}" == backbone["class_path"]
    assert f"tsrnn.heads.{settings['head'].__name__}" == model["head"]
    steps = settings["max_epochs"] * settings["batches_per_epoch"]
    assert steps == model["scheduler"]["init_args"]["T_max"]


def test_numbers_of_numpy_are_arguments():
    found = checked(RNNForecaster(hidden_size=np.int64(3), dropout=np.float64(0.5)).get_params())
    assert type(found["hidden_size"]) is int
    assert type(found["dropout"]) is float


def test_the_kind_is_told_by_what_only_one_has():
    frame = random_walks(1, 80)
    with pytest.raises(DataError, match="the training span has 56 sessions, but a window needs 60"):
        RNNForecaster(window_length=60).fit(frame)
    with pytest.raises(DataError, match="are too few: 78 are kept for validation"):
        RNNForecaster(valid_size=78).fit(frame)


def test_a_cell_of_ones_own_is_given_what_it_takes():
    found = checked(RNNForecaster(my_cells.Leaky).get_params())
    assert shape_of(settled(found, "prices")) == {"hidden_size": 48}
    with pytest.raises(ConfigError, match="Leaky takes no dropout: leave it out"):
        checked(RNNForecaster(my_cells.Leaky, dropout=0.1).get_params())
    with pytest.raises(ConfigError, match="Leaky takes no num_layers: leave it out"):
        checked(RNNForecaster(my_cells.Leaky, num_layers=2).get_params())
