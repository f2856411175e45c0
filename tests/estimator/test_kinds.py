"""Prices or another series: told by what a panel does."""

import re

import numpy as np
import pandas as pd
import pytest

from tests.panels import seasonal_frame, seasonal_values
from tests.prices import random_walks, write_long
from tsrnn.estimator.reading import kind_of_source

WALKS = random_walks(sessions=300)


def hourly(values):
    ds = pd.date_range("2024-01-01", periods=len(values), freq="h")
    return pd.DataFrame({"ds": ds, "y": values})


def walk(steps, seed=0):
    return np.exp(0.001 * np.random.default_rng(seed).standard_t(5, steps).cumsum())


@pytest.mark.parametrize(
    ("frame", "kind", "why"),
    [
        (WALKS, "prices", r"changes grow with time to the power of 0\.\d\d, those of a random walk of 0.5"),
        (WALKS.rename(columns={"y": "Close"}).iloc[:40], "prices", "there is a column Close"),
        (hourly(1.1 * walk(2000)), "prices", "changes grow"),
        (WALKS.iloc[:90], "series", "a series of 100 values is needed to tell prices"),
        (WALKS.assign(y=WALKS["y"] - WALKS["y"].mean()), "series", "there are values at or below 0"),
        (seasonal_frame(2, 300, season=7), "series", r"to the power of -?0\.[0-3]"),
        (hourly(seasonal_values(1, 2000, 24)[0]), "series", r"to the power of -?0\.[0-3]"),
        (hourly(np.linspace(1, 50, 1000)), "series", r"to the power of [01]\.[79]?"),
        (seasonal_frame(1, 120, freq="MS"), "series", "they are monthly"),
        (WALKS.assign(ds=WALKS.groupby("unique_id").cumcount()), "series", "their dates tell no frequency"),
    ],
)
def test_a_panel_is_of_prices_or_not(frame, kind, why):
    found, said = kind_of_source(frame)
    assert found == kind
    assert re.search(why, said), said


def test_files_are_told_as_frames_are(tmp_path):
    assert kind_of_source(str(write_long(tmp_path / "prices.csv", WALKS)))[0] == "prices"
    seasonal_frame(2, 60).to_csv(tmp_path / "series.csv", index=False)
    assert kind_of_source(str(tmp_path / "series.csv")) == (
        "series",
        "a series of 140 values is needed to tell prices",
    )
