"""How FILE is read: every verb that takes one has the same options, the arguments of the readers."""

import inspect
from types import SimpleNamespace

import numpy as np
import pytest

from tests.cli.test_commands import CONFIG
from tests.panels import seasonal_frame
from tests.prices import random_walks
from tsrnn.cli.configuration import ConfiguredNetwork
from tsrnn.cli.options import backtest, forecast, leaktest
from tsrnn.cli.parser import file_as_keys, how_to_read
from tsrnn.cli.reading import read_file
from tsrnn.data import read_prices, read_series
from tsrnn.errors import ConfigError

WRITTEN = ["--decimal", ",", "--thousands", " ", "--dates", "dmy", "--on-units", "drop", "--comment", "#"]
PARSERS = {
    "forecast": forecast.parser("forecast"),
    "backtest": backtest.parser("backtest"),
    "leaktest": leaktest.parser("leaktest"),
}
PANEL = CONFIG.replace("prices_lstm", "panel_daily")


def told(*arguments, verb="forecast"):
    return PARSERS[verb].parse(["model", "data.csv", *arguments])


def model_of(kind):
    return SimpleNamespace(model=SimpleNamespace(codec=SimpleNamespace(kind=kind)))


def write(frame, columns, add=0):
    """The values as people write them: 1 234,50 €."""
    values = [f"{add + y:,.2f} €".translate(str.maketrans(",.", " ,")) for y in frame["y"]]
    rows = zip(frame["ds"].dt.strftime("%d/%m/%Y"), frame["unique_id"], values, strict=True)
    lines = ["# as people write", columns, *map(";".join, rows)]
    with open("data.csv", "w", encoding="utf-8") as file:
        file.write("\n".join(lines))


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("verb", PARSERS)
def test_every_verb_with_a_file_has_every_argument_of_the_readers(verb):
    known = {*inspect.signature(read_prices).parameters, *inspect.signature(read_series).parameters}
    options = told(verb=verb)
    assert how_to_read(options) == {}
    for name in known - {"path"}:
        setattr(options, name, "x")
        assert PARSERS[verb].option(f"data.{name}") == f"--{name.replace('_', '-')}"
    assert how_to_read(options).keys() == known - {"path"}


def test_a_file_of_series_is_read_as_it_is_written():
    frame = seasonal_frame(2, 60, season=7)
    write(frame, "day;shop;sales", add=1000)
    names = ["--time-column", "day", "--id-column", "shop", "--value-column", "sales", "--calendar", "none"]
    panel = read_file(told(*WRITTEN, *names), model_of("series"))
    assert panel.unique_ids == ("S0", "S1")
    assert panel.calendar == "none"
    np.testing.assert_allclose(panel.values.ravel(), np.round(1000 + frame["y"], 2))
    with pytest.raises(ConfigError, match="--column is for a file of prices, and CKPT forecasts series"):
        read_file(told("--column", "sales"), model_of("series"))


def test_a_file_of_prices_is_read_as_it_is_written():
    frame = random_walks(2, 60)
    write(frame, "Date;Symbol;Last", add=1000)
    panel = read_file(told(*WRITTEN, "--column", "Last", "--symbols", "S1"), model_of("prices"))
    assert panel.unique_ids == ("S1",)
    np.testing.assert_allclose(panel.values[0], np.round(1000 + frame["y"][frame["unique_id"] == "S1"], 2))
    with pytest.raises(ConfigError, match="--id-column is for a file of series, and CKPT forecasts prices"):
        read_file(told("--id-column", "x"), model_of("prices"))


@pytest.mark.parametrize("config", [CONFIG, PANEL])
def test_with_a_configuration_the_options_are_its_keys(config, tmp_path):
    frame = random_walks(2, 300) if config == CONFIG else seasonal_frame(2, 300, season=7)
    write(frame, "Date;Symbol;Close", add=1000)
    symbols = ["--symbols", "S0", "S1"] if config == CONFIG else []
    options = told(*WRITTEN, "--calendar", "none", *symbols, verb="leaktest")
    panel = ConfiguredNetwork(config, file_as_keys(options), tmp_path).data.panel
    np.testing.assert_allclose(panel.values.ravel(), np.round(1000 + frame["y"], 2))
    assert panel.calendar == "none"


@pytest.mark.parametrize("verb", [backtest, leaktest])
def test_an_option_of_a_file_that_is_not_named_is_a_mistake(verb):
    name = verb.__name__.rpartition(".")[2]
    with pytest.raises(ConfigError, match="--decimal is about a FILE, and none is named"):
        verb.check(PARSERS[name].parse([CONFIG, "--decimal", ","]))
