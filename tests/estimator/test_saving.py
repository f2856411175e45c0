"""An estimator is saved, and is the same again."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone

import tsrnn
from tests.cli import my_cells
from tests.estimator.sizes import PRICES, SERIES
from tests.panels import seasonal_frame
from tests.prices import random_walks
from tsrnn import RNNForecaster
from tsrnn.errors import CheckpointError
from tsrnn.training import Forecaster
from tsrnn.training import load as load_task

FRAME = seasonal_frame(3, 120, season=7)


def same(found, expected):
    assert type(found) is RNNForecaster
    assert found.get_params() == expected.get_params()
    assert found.kind_ == expected.kind_
    assert found.valid_loss_ == expected.valid_loss_
    assert found.data_.spans == expected.data_.spans
    pd.testing.assert_frame_equal(found.predict(num_samples=20), expected.predict(num_samples=20))
    pd.testing.assert_frame_equal(found.score_frame(), expected.score_frame())


def test_a_saved_forecaster_comes_back_as_it_was(series, tmp_path):
    series.save(tmp_path / "saved.ckpt")
    loaded = tsrnn.load(tmp_path / "saved.ckpt")
    same(loaded, series)
    ahead = seasonal_frame(3, 6, season=7, seed=3, start="2020-04-30")
    assert loaded.score(ahead) == series.score(ahead)
    pd.testing.assert_frame_equal(loaded.backtest(horizon=2).frame, series.backtest(horizon=2).frame)
    assert len(loaded.plot().axes) == 3
    loaded.save(tmp_path / "again.ckpt")
    same(tsrnn.load(tmp_path / "again.ckpt"), series)


def test_it_can_be_fitted_again(series, tmp_path):
    series.save(tmp_path / "saved.ckpt")
    loaded = tsrnn.load(tmp_path / "saved.ckpt").fit(FRAME)
    np.testing.assert_array_equal(loaded.predict()["mean"], series.predict()["mean"])


def test_prices_names_zones_and_classes_are_kept(tmp_path):
    frame = random_walks(sessions=200).replace({"S0": 5930, "S1": 660}).astype({"unique_id": int})
    frame["ds"] = frame["ds"].dt.tz_localize("Asia/Seoul")
    fitted = RNNForecaster(my_cells.Leaky, split=(0.6, 0.2, 0.2), **PRICES).fit(frame)
    fitted.save(tmp_path / "saved.ckpt")
    loaded = tsrnn.load(tmp_path / "saved.ckpt", modules=["tests.cli.my_cells"])
    same(loaded, fitted)
    assert loaded.cell is my_cells.Leaky
    assert loaded.predict()["unique_id"].iloc[0] == 5930
    assert str(loaded.predict()["ds"].dt.tz) == "Asia/Seoul"


def test_a_codec_is_an_argument_that_is_kept(tmp_path):
    fitted = RNNForecaster(**SERIES, codec=tsrnn.Blocks(2, (1, 7), context=4), head="StudentT").fit(FRAME)
    fitted.save(tmp_path / "saved.ckpt")
    loaded = tsrnn.load(tmp_path / "saved.ckpt")
    assert loaded.task_.model.codec.block_size == loaded.codec.block_size == 2
    np.testing.assert_array_equal(loaded.predict()["mean"], fitted.predict()["mean"])


def test_the_task_in_it_is_a_task_for_those_who_want_one(series, tmp_path):
    series.save(tmp_path / "saved.ckpt")
    task = load_task(tmp_path / "saved.ckpt")
    assert isinstance(task, Forecaster)
    ours = task.forecast(task.history, 3).values
    np.testing.assert_array_equal(ours, series.forecast(3).values)


def test_a_damaged_estimator_is_one_line(series, tmp_path):
    series.save(tmp_path / "saved.ckpt")
    checkpoint = torch.load(tmp_path / "saved.ckpt", weights_only=True)
    for damage in (
        {"kind": "price"},
        {"made": {"class_path": "tsrnn.training.Forecaster", "init_args": {}}},
        {"made": {"class_path": "tsrnn.estimator.RNNForecaster", "init_args": {"hidden_size": "x"}}},
        {"ids": 3},
    ):
        changed = {**checkpoint["tsrnn"], "estimator": {**checkpoint["tsrnn"]["estimator"], **damage}}
        torch.save({**checkpoint, "tsrnn": changed}, tmp_path / "damaged.ckpt")
        with pytest.raises(CheckpointError) as caught:
            tsrnn.load(tmp_path / "damaged.ckpt")
        assert "\n" not in str(caught.value)


def test_what_was_not_fitted_is_not_saved(series, tmp_path):
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        clone(series).save(tmp_path / "saved.ckpt")
