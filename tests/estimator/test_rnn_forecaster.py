"""The estimator: scikit-learn's conventions, and a screen at most."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import tsrnn
from tests.estimator.sizes import PRICES as SMALL
from tests.prices import random_walks, write_long
from tsrnn import RNNForecaster
from tsrnn.errors import ConfigError, DataError


@pytest.fixture(scope="module")
def fitted():
    return RNNForecaster(**SMALL).fit(random_walks())


def test_parameters_are_gotten_set_and_cloned():
    forecaster = RNNForecaster(cell="GRU", hidden_size=7)
    assert forecaster.get_params()["hidden_size"] == 7
    assert clone(forecaster).get_params() == forecaster.get_params()
    assert forecaster.set_params(cell="RNN", seed=3).get_params()["cell"] == "RNN"
    with pytest.raises(ValueError, match="hidden_sise"):
        forecaster.set_params(hidden_sise=3)


def test_a_fit_says_little_and_a_second_gives_the_same(fitted, capfd):
    again = clone(fitted).fit(random_walks())
    printed = capfd.readouterr()
    assert len((printed.out + printed.err).splitlines()) <= 24
    np.testing.assert_array_equal(again.predict(3)["mean"], fitted.predict(3)["mean"])


def test_a_prediction_is_a_tidy_frame(fitted):
    frame = fitted.predict(5, levels=(50,), num_samples=100)
    assert list(frame["unique_id"].unique()) == ["S0", "S1"]
    assert len(frame) == 10
    assert {"ds", "mean", "q0.25", "q0.5", "q0.75"} <= set(frame.columns)
    assert (frame["q0.25"] < frame["q0.5"]).all()
    assert (frame["ds"] > random_walks()["ds"].max()).all()


def test_a_plot_has_a_row_a_series(fitted, tmp_path):
    figure = fitted.plot(5, num_samples=50)
    figure.savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 10_000


def test_gradients_are_clipped_by_default(fitted):
    assert fitted.trainer_.gradient_clip_val == 1.0


def test_scores_stand_beside_the_random_walk(fitted):
    assert list(fitted.score_frame()["model"])[:2] == ["LSTM", "random walk"]


def test_a_file_serves_as_well_as_a_frame(fitted, tmp_path):
    path = write_long(tmp_path / "prices.csv", random_walks())
    frame = clone(fitted).fit(path).predict(3)
    np.testing.assert_allclose(frame["q0.5"], fitted.predict(3)["q0.5"], rtol=1e-6)


def test_a_class_of_ones_own_is_a_cell():
    forecaster = RNNForecaster(**SMALL, cell=tsrnn.GRU, head=tsrnn.Normal).fit(random_walks())
    assert isinstance(forecaster.task_.model.backbone, tsrnn.GRU)


def test_mistakes_are_named():
    with pytest.raises(NotFittedError):
        RNNForecaster().predict(3)
    with pytest.raises(ConfigError, match="did you mean LSTM"):
        RNNForecaster(**SMALL, cell="LSMT").fit(random_walks())
    with pytest.raises(DataError, match="column y"):
        RNNForecaster(**SMALL).fit(random_walks().drop(columns="y"))
    with pytest.raises(DataError, match="window"):
        RNNForecaster(**SMALL).fit(random_walks(sessions=30))
