"""The forecaster: what it trains, what it tests, what it forecasts."""

import numpy as np
import pytest
import torch

from tests.prices import random_walks
from tests.training.test_checkpoints import SMALL, new_data, new_task, new_trainer
from tsrnn.backbones import GRU
from tsrnn.data import PriceSeries
from tsrnn.data.loaders.streams import SeriesChunks
from tsrnn.errors import DataError, TrainingError
from tsrnn.heads import NormalMixture, StudentT
from tsrnn.protocols import Batch, Predictor
from tsrnn.training import Forecaster
from tsrnn.training.runtime.quiet import quiet


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    data = new_data()
    task = new_task(data)
    with quiet():
        trainer = new_trainer(tmp_path_factory.mktemp("trained"), max_epochs=2)
        trainer.fit(task, datamodule=data)
    return task, data, trainer


def test_training_lowers_the_loss(trained):
    _, data, _ = trained
    untrained = new_task(data).eval()
    with torch.no_grad(), quiet():
        before = untrained.model.loss(data.encoding)[0][:, 1:280].mean()
        after = trained[0].eval().model.loss(data.encoding)[0][:, 1:280].mean()
    assert after < before


def test_validation_scores_its_span_from_the_whole_past(trained):
    task, data, trainer = trained
    with torch.no_grad():
        nats, _ = task.eval().model.loss(data.encoding)
    assert float(trainer.callback_metrics["valid_nats"]) == pytest.approx(
        float(nats[:, 280:340].mean()), rel=1e-5
    )


def test_validation_does_not_depend_on_the_chunks(trained, monkeypatch):
    task, data, trainer = trained
    with quiet():
        (whole,) = trainer.validate(task, datamodule=data, verbose=False)
        monkeypatch.setattr("tsrnn.data.loaders.streams._CHUNK_LENGTH", 37)
        monkeypatch.setattr("tsrnn.data.loaders.streams._STEPS_PER_BATCH", 37)
        (chunked,) = trainer.validate(task, datamodule=data, verbose=False)
    assert whole["valid_nats"] == pytest.approx(chunked["valid_nats"], rel=1e-5)


def test_testing_stands_beside_the_random_walk_on_the_same_steps(trained):
    task, data, trainer = trained
    with quiet():
        trainer.test(task, datamodule=data, verbose=False)
        trainer.test(task, datamodule=data, verbose=False)  # a second test adds nothing to the first
    frame = task.scores
    assert list(frame["model"]) == ["GRU", "random walk", "random walk, EWMA volatility"]
    assert set(frame["values"]) == {120}
    with torch.no_grad():
        nats, _ = task.eval().model.loss(data.encoding)
    assert frame["nats"][0] == pytest.approx(float(nats[:, 340:].mean()), rel=1e-5)
    assert float(trainer.callback_metrics["test_nats"]) == pytest.approx(frame["nats"][0])
    moves = np.diff(np.log(data.panel.values))
    scale = np.sqrt((moves[:, :339] ** 2).mean(1, keepdims=True))  # all that lies before the test span
    walk = 0.5 * (moves[:, 339:] / scale) ** 2 + np.log(scale) + 0.5 * np.log(2 * np.pi)
    assert frame["nats"][1] == pytest.approx(walk.mean(), rel=1e-6)
    assert frame["smape"][1] == pytest.approx(100 * np.abs(moves[:, 339:]).mean(), rel=1e-4)
    assert list(task.score_frame().columns) == [
        *("model", "values", "nats per step ↓", "sMAPE, % ↓", "scaled CRPS ↓"),
        *("covers, % → 80", "covers, % → 95"),
    ]
    assert str(task.judged_by) == "random walk, the reference of prices"
    assert task.verdict.startswith("GRU: ")


@pytest.mark.parametrize("head", [StudentT, NormalMixture])
def test_a_forecast_has_the_closed_form_of_its_first_step(trained, head):
    data = trained[1]
    task = Forecaster(data.codec, GRU, head, embedding_size=8).eval()
    origins = [300, 320, 359]
    forecast = task.forecast(data.panel, 3, origins=origins, num_samples=4000)
    actual = data.panel.values[:, np.array(origins)[:, None] + [1, 2, 3]].swapaxes(0, 1)
    nats = forecast.density.log_prob(actual)
    with torch.no_grad():
        every, _ = task.model.log_prob(data.panel.tensor())
    np.testing.assert_allclose(nats[:, :, 0], every[:, np.array(origins) + 1].T, rtol=1e-5)
    assert np.isnan(nats[:, :, 1:]).all()
    pit = forecast.density.cdf(actual)[:, :, 0]
    share = (forecast.samples[..., 0] <= actual[:, :, None, 0]).mean(axis=2)
    np.testing.assert_allclose(pit, share, atol=0.04)
    np.testing.assert_allclose(forecast.density.cdf(forecast.median[..., :1]), 0.5, atol=1e-5)
    np.testing.assert_allclose(forecast.median, forecast.quantile(0.5), rtol=2e-3)


def test_a_forecast_reads_nothing_after_its_origin(trained):
    task, data, _ = trained
    assert isinstance(task, Predictor)
    panel = data.panel
    changed = PriceSeries(random_walks(), **SMALL).panel
    changed.values[:, 351:] *= 7.0
    ours = task.forecast(panel, 5, origins=[350], num_samples=20)
    theirs = task.forecast(changed, 5, origins=[350], num_samples=20)
    np.testing.assert_array_equal(ours.samples, theirs.samples)
    np.testing.assert_array_equal(ours.ds[0], panel.ds[351:356])


def test_a_forecast_does_not_depend_on_the_chunks(trained, monkeypatch):
    task, data, _ = trained
    whole = task.forecast(data.panel, 5, num_samples=20)
    monkeypatch.setattr("tsrnn.predictors.network._CHUNK_LENGTH", 37)
    np.testing.assert_allclose(task.forecast(data.panel, 5, num_samples=20).samples, whole.samples, rtol=1e-5)


def test_an_origin_does_not_depend_on_the_others(trained):
    task, data, _ = trained
    together = task.forecast(data.panel, 5, origins=[100, 350, 399], num_samples=20)
    alone = task.forecast(data.panel, 5, origins=[350], num_samples=20)
    np.testing.assert_allclose(together.samples[1], alone.samples[0], rtol=1e-5)
    np.testing.assert_array_equal(together.last[1], data.panel.values[:, 350])


def test_paths_begin_at_the_last_price_and_are_reproducible(trained):
    task, data, _ = trained
    first = task.forecast(data.panel, 3, num_samples=400, seed=1)
    assert np.array_equal(first.samples, task.forecast(data.panel, 3, num_samples=400, seed=1).samples)
    assert not np.array_equal(first.samples, task.forecast(data.panel, 3, num_samples=400, seed=2).samples)
    moves = np.log(first.samples[0, :, :, 0] / data.panel.values[:, -1:])
    assert np.abs(np.median(moves, axis=1)).max() < 0.01
    assert 0.003 < moves.std() < 0.05


@pytest.mark.parametrize("origins", [[], [5, 5], [9, 3], [-1], [400]])
def test_origins_outside_the_panel_are_refused(trained, origins):
    with pytest.raises(DataError, match="origins"):
        trained[0].forecast(trained[1].panel, 3, origins=origins)


def test_paths_that_overflow_are_refused(trained):
    task, data, _ = trained
    bias = task.model.head.projection.bias
    kept = bias.detach().clone()
    with torch.no_grad():
        bias[1] = 400.0  # a scale of 400 times the volatility, which feeds on itself
    with pytest.raises(DataError, match="overflow 2 steps ahead"):
        task.forecast(data.panel, 200, num_samples=10)
    with torch.no_grad():
        bias.copy_(kept)


def test_bare_loaders_serve_as_well(tmp_path):
    data = new_data()
    task = new_task(data)
    with quiet():
        trainer = new_trainer(tmp_path)
        trainer.fit(task, data.train_dataloader(), data.val_dataloader())
        trainer.test(task, data.test_dataloader(), verbose=False)
        trainer.save_checkpoint(tmp_path / "bare.ckpt")
    assert task.scores["model"].tolist() == ["GRU", "random walk", "random walk, EWMA volatility"]
    before = task.scores["nats"][0]
    with quiet():
        trainer.test(task, SeriesChunks(data.encoding, 340, 400), verbose=False)  # batches, and no panel
    assert list(task.score_frame().columns) == ["model", "values", "nats per step ↓"]
    assert task.scores["values"].tolist() == [120]
    assert task.scores["nats"][0] == pytest.approx(before, rel=1e-5)


def test_a_batch_that_goes_on_starts_from_the_carried_state_without_its_graph(trained):
    task, data, _ = trained
    encoding = data.encoding
    whole, _ = task.model.eval().loss(encoding)
    first, second = encoding.take(slice(None), slice(0, 200)), encoding.take(slice(None), slice(200, 400))
    task.training_step(Batch(first, begins=True), 0)
    assert not any(tensor.requires_grad for tensor in task.carried(Batch(second, begins=False), "train"))
    loss = task.training_step(Batch(second, begins=False), 1)
    assert loss.item() == pytest.approx(whole[:, 200:].mean().item(), rel=1e-5)


def test_training_that_diverges_is_said(tmp_path):
    data = new_data()
    task = new_task(data)
    task._optimizer = lambda parameters: torch.optim.SGD(parameters, lr=1e30)
    with quiet(), pytest.raises(TrainingError, match="diverged"):
        new_trainer(tmp_path, max_epochs=3).fit(task, datamodule=data)
