"""The caller's random generators are left as they are."""

import os
import random

import numpy as np
import torch
from sklearn.base import clone

from tests.panels import seasonal_frame
from tsrnn.training.experiment import seeded

FRAME = seasonal_frame(3, 120, season=7)


def drawn():
    return random.random(), np.random.rand(), float(torch.rand(()))  # noqa: NPY002 (the global one is meant)


def seed():
    random.seed(7)
    np.random.seed(7)  # noqa: NPY002
    torch.manual_seed(7)


def test_nothing_that_an_estimator_does_draws_from_the_caller_s_generators(series, monkeypatch):
    monkeypatch.delenv("PL_GLOBAL_SEED", raising=False)  # a command in the same process may have set it
    seed()
    expected = drawn()
    for done in (
        lambda: clone(series).fit(FRAME),
        lambda: series.predict(9, num_samples=20),
        lambda: series.score_frame(),
        lambda: series.backtest(horizon=2),
    ):
        seed()
        done()
        assert drawn() == expected
    assert "PL_GLOBAL_SEED" not in os.environ


def test_the_same_seed_gives_the_same_numbers_whatever_was_drawn_before(series):
    torch.manual_seed(99)
    again = clone(series).fit(FRAME)
    np.testing.assert_array_equal(again.predict()["mean"], series.predict()["mean"])


def test_generators_go_on_after_an_error_too(monkeypatch):
    monkeypatch.setenv("PL_GLOBAL_SEED", "3")
    seed()
    expected = drawn()
    seed()
    try:
        with seeded(0):
            first = drawn()
            raise ValueError
    except ValueError:
        pass
    assert drawn() == expected != first
    assert os.environ["PL_GLOBAL_SEED"] == "3"
