"""A forecaster of panels: windows, blocks, paths and quantiles, from training to a test."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import tsrnn
from tests.panels import seasonal_panel
from tests.prices import random_walks
from tests.training.test_checkpoints import new_trainer
from tsrnn.codecs import Blocks
from tsrnn.data import PriceSeries, SeriesPanel
from tsrnn.errors import DataError, DataWarning
from tsrnn.evaluation import Comparison, Origins, backtest, choose_reference
from tsrnn.forecasts import Forecast, QuantileForecast
from tsrnn.protocols import Panel, Predictor
from tsrnn.training import Forecaster, load
from tsrnn.training.runtime.quiet import quiet

NAN = float("nan")
HEADS = {"quantiles": tsrnn.Quantiles, "student_t": tsrnn.StudentT}


def new_panel_data(panel=None, **arguments):
    settings = {
        "horizon": 4,
        "batch_size": 16,
        "batches_per_epoch": 20,
        "codec": Blocks(4, (1, 4), context=6),
    }
    return SeriesPanel.from_panel(seasonal_panel() if panel is None else panel, **{**settings, **arguments})


def new_panel_task(data, head, **arguments):
    torch.manual_seed(0)
    return Forecaster(
        codec=data.codec,
        backbone=lambda size: tsrnn.GRU(size, hidden_size=8),
        head=head,
        embedding_size=6,
        optimizer=lambda parameters: torch.optim.AdamW(parameters, lr=1e-2),
        num_samples=50,
        **arguments,
    )


class Trained:
    def __init__(self, name, folder):
        self.name = name
        self.data = new_panel_data()
        self.task = new_panel_task(self.data, HEADS[name])
        self.path = folder / "model.ckpt"
        with quiet():
            self.trainer = new_trainer(folder, max_epochs=2)
            self.trainer.fit(self.task, datamodule=self.data)
            self.trainer.save_checkpoint(self.path)
        self.metrics = {key: float(value) for key, value in self.trainer.callback_metrics.items()}

    @property
    def panel(self):
        return self.data.panel

    def forecast(self, panel=None, horizon=6, **arguments):
        settings = {"num_samples": 30, **arguments}
        return self.task.forecast(self.panel if panel is None else panel, horizon, **settings)


@pytest.fixture(scope="module", params=list(HEADS))
def trained(request, tmp_path_factory):
    return Trained(request.param, tmp_path_factory.mktemp(request.param))


def numbers(forecast):
    """The paths (O, N, S, H) or the quantiles (O, N, Q, H)."""
    return forecast.values if isinstance(forecast, QuantileForecast) else forecast.samples


def changed(panel, **more):
    return Panel(panel.unique_ids, panel.ds, panel.values.copy(), panel.calendar, **more)


def test_training_lowers_the_loss_of_the_validation_span(trained):
    untrained = new_panel_task(trained.data, HEADS[trained.name]).eval()
    (batch,) = trained.data.val_dataloader()
    criterion = "pinball" if trained.name == "quantiles" else "nats"
    means = []
    for task in (untrained, trained.task.eval()):
        with torch.no_grad():
            losses, _ = task.model.loss(batch.encoding)
        means.append(float(losses[batch.encoding.observed].mean()))
    assert means[1] < means[0]
    assert set(trained.metrics) == {f"train_{criterion}", f"valid_{criterion}", "valid_loss"}
    assert trained.metrics["valid_loss"] == trained.metrics[f"valid_{criterion}"]


def test_the_width_of_quantiles_is_that_of_the_validation_span_and_kept(trained):
    if trained.name != "quantiles":
        return
    width = float(trained.task.model.head.width)
    (batch,) = trained.data.val_dataloader()
    uncalibrated = load(trained.path)
    assert float(uncalibrated.model.head.width) == width != 1
    uncalibrated.model.head.width.fill_(1.0)
    with torch.no_grad():
        distribution, _ = uncalibrated.eval().model(batch.encoding)
    distances = distribution.distance(batch.encoding.targets)[batch.encoding.observed]
    held = float(torch.quantile(distances, 0.8))
    assert width == pytest.approx(held ** (6 / 56), rel=1e-5)


def test_a_validation_judges_the_quantiles_as_they_were_trained_and_leaves_the_width(trained):
    task = load(trained.path)
    with quiet():
        (found,) = new_trainer(trained.path.parent).validate(task, datamodule=trained.data, verbose=False)
    assert found["valid_loss"] == pytest.approx(trained.metrics["valid_loss"], rel=1e-6)
    if trained.name == "quantiles":
        assert float(task.model.head.width) == float(trained.task.model.head.width)


def test_a_forecast_has_the_shape_and_the_sessions_that_were_asked_for(trained):
    assert isinstance(trained.task, Predictor)
    forecast = trained.forecast(horizon=6, origins=[100, 198])
    assert type(forecast) is (QuantileForecast if trained.name == "quantiles" else Forecast)
    assert numbers(forecast).shape == (2, 6, 9 if trained.name == "quantiles" else 30, 6)
    assert np.isfinite(numbers(forecast)).all()
    np.testing.assert_array_equal(forecast.origins, [100, 198])
    np.testing.assert_array_equal(forecast.ds, [np.arange(101, 107), np.arange(199, 205)])
    np.testing.assert_array_equal(forecast.last, trained.panel.values[:, [100, 198]].T)
    if trained.name == "quantiles":
        assert (np.diff(forecast.values, axis=2) >= 0).all()


def test_a_trained_forecast_knows_the_season(trained):
    panel = trained.panel
    forecast = trained.forecast(horizon=8, origins=[180], num_samples=200)
    actual = panel.values[:, 181:189]
    ours = np.abs(forecast.quantile(0.5)[0] - actual).mean()
    last = np.abs(panel.values[:, 180:181] - actual).mean()
    assert ours < 0.7 * last


def test_a_forecast_reads_nothing_after_its_origin(trained):
    other = changed(trained.panel)
    other.values[:, 151:] = 1e6
    ours, theirs = (trained.forecast(panel, origins=[150]) for panel in (trained.panel, other))
    np.testing.assert_array_equal(numbers(ours), numbers(theirs))
    other.values[:, 150] *= 1.1
    assert (numbers(trained.forecast(other, origins=[150])) != numbers(ours)).any()


def test_a_forecast_reads_no_more_than_its_memory_and_context(trained):
    codec = trained.data.codec
    needed = codec.memory + (codec.context - 1) * codec.block_size
    other = changed(trained.panel)
    other.values[:, : 151 - needed] = 1e6
    ours, theirs = (trained.forecast(panel, origins=[150]) for panel in (trained.panel, other))
    np.testing.assert_array_equal(numbers(ours), numbers(theirs))


def test_an_origin_does_not_depend_on_the_others(trained):
    together = trained.forecast(origins=[3, 100, 151, 199])
    for place, origin in enumerate([3, 100, 151, 199]):
        alone = trained.forecast(origins=[origin])
        np.testing.assert_array_equal(numbers(together)[place], numbers(alone)[0])
        np.testing.assert_array_equal(together.last[place], alone.last[0])


@pytest.mark.parametrize("horizon", [1, 3, 4, 5, 11])
def test_a_horizon_that_is_no_whole_number_of_blocks_is_cut(trained, horizon):
    whole = trained.forecast(horizon=12, seed=3)
    cut = trained.forecast(horizon=horizon, seed=3)
    assert numbers(cut).shape[-1] == cut.ds.shape[-1] == horizon
    np.testing.assert_allclose(numbers(cut), numbers(whole)[..., :horizon], rtol=1e-5)


def test_a_seed_reproduces_a_forecast(trained):
    ours, same, other = (numbers(trained.forecast(horizon=8, seed=seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(ours, same)
    later = slice(4, None) if trained.name == "quantiles" else slice(None)
    assert (ours[..., later] != other[..., later]).any()


def assert_same_distribution(ours, theirs):
    """Equal quantiles; paths of other draws are compared by the standard errors of their medians."""
    if isinstance(ours, QuantileForecast):
        np.testing.assert_allclose(ours.values, theirs.values, rtol=1e-6)
        return
    error = np.sqrt(2 * (np.pi / 2) / ours.samples.shape[2]) * ours.samples.std(2)
    assert (np.abs(ours.quantile(0.5) - theirs.quantile(0.5)) < 5 * error).all()


@pytest.mark.parametrize("rows", [1, 4])
def test_a_forecast_does_not_depend_on_how_many_series_are_forecast_at_once(trained, monkeypatch, rows):
    # The quantiles of the first block need no paths, and are the same to the last digit but one.
    settings = {"horizon": 4 if trained.name == "quantiles" else 12, "num_samples": 1_000}
    whole = trained.forecast(**settings)
    paths = 1 if trained.name == "quantiles" else 1_000
    memory = rows * trained.data.codec.memory * paths
    monkeypatch.setattr("tsrnn.predictors.network._LARGEST_MEMORY", memory)
    assert_same_distribution(trained.forecast(**settings), whole)


def test_quantiles_of_later_blocks_hardly_depend_on_how_many_series_are_forecast_at_once(
    trained, monkeypatch
):
    settings = {"horizon": 12, "num_samples": 500}
    whole = trained.forecast(**settings)
    monkeypatch.setattr("tsrnn.predictors.network._LARGEST_MEMORY", 1)
    parts = trained.forecast(**settings)
    spread = whole.quantile(0.9) - whole.quantile(0.1)
    assert (np.abs(parts.quantile(0.5) - whole.quantile(0.5)) < 0.2 * spread).all()


def test_a_series_does_not_depend_on_those_beside_it(trained):
    settings = {"horizon": 4, "num_samples": 1_000}
    whole = trained.forecast(**settings)
    for series in range(6):
        row = slice(series, series + 1)
        panel = trained.panel
        alone = Panel(panel.unique_ids[row], panel.ds, panel.values[row])
        of_whole = [numbers(whole)[:, row], whole.last[:, row]]
        name = "values" if trained.name == "quantiles" else "samples"
        expected = replace(whole, unique_ids=alone.unique_ids, last=of_whole[1], **{name: of_whole[0]})
        assert_same_distribution(trained.forecast(alone, **settings), expected)


def test_other_units_scale_the_forecast(trained):
    other = changed(trained.panel)
    other.values[:] *= 1_000
    ours, theirs = (numbers(trained.forecast(panel)) for panel in (trained.panel, other))
    np.testing.assert_allclose(theirs, 1_000 * ours, rtol=1e-4)


@pytest.mark.filterwarnings("error")
def test_a_series_without_a_value_before_the_origin_disturbs_nobody(trained):
    other = changed(trained.panel)
    other.values[2, :151] = NAN
    with pytest.warns(DataWarning, match="no forecast from 150: no recent value of"):
        forecast = trained.forecast(other, origins=[150], horizon=4)
    ours = trained.forecast(origins=[150], horizon=4)
    kept = [0, 1, 3, 4, 5]
    np.testing.assert_allclose(numbers(forecast)[:, kept], numbers(ours)[:, kept], rtol=1e-6)
    assert np.isnan(forecast.last[0, 2])
    assert np.isnan(numbers(forecast)[:, 2]).all()
    assert forecast.to_frame()["mean"].notna().sum() == 5 * 4


def test_a_gap_at_the_origin_is_forecast_across(trained):
    other = changed(trained.panel)
    other.values[1, 146:151] = NAN
    forecast = trained.forecast(other, origins=[150])
    assert np.isfinite(numbers(forecast)).all()
    assert forecast.last[0, 1] == trained.panel.values[1, 145]


def test_an_origin_before_there_is_a_memory_is_forecast_all_the_same(trained):
    forecast = trained.forecast(origins=[0, 1, 5])
    assert np.isfinite(numbers(forecast)).all()


def test_a_checkpoint_alone_forecasts_bit_for_bit(trained):
    loaded = load(trained.path)
    assert isinstance(loaded, Forecaster)
    assert loaded.settings == {"horizon": 4, "num_samples": 50}
    ours, theirs = (
        loaded.forecast(loaded.history, 9, num_samples=30, seed=3),
        trained.forecast(horizon=9, seed=3),
    )
    np.testing.assert_array_equal(ours.last, theirs.last)
    np.testing.assert_array_equal(ours.ds, theirs.ds)
    np.testing.assert_array_equal(numbers(ours), numbers(theirs))
    assert loaded.contents["data"] == trained.data.description()


def test_the_history_of_a_checkpoint_counts_each_series_own_sessions(tmp_path):
    ends = np.array([200, 200, 250, 300, 200, 1_000])
    data = new_panel_data(seasonal_panel(ends=ends), batches_per_epoch=1)
    with quiet():
        trainer = new_trainer(tmp_path)
        trainer.fit(new_panel_task(data, tsrnn.Quantiles), datamodule=data)
        trainer.save_checkpoint(tmp_path / "model.ckpt")
    loaded = load(tmp_path / "model.ckpt")
    frame = loaded.forecast(loaded.history, 2).to_frame()
    assert frame.ds.tolist() == [end + step for end in ends for step in (1, 2)]


def test_the_test_stands_beside_the_seasonal_naive(trained):
    with quiet():
        trained.trainer.test(trained.task, datamodule=trained.data, verbose=False)
        trained.trainer.test(trained.task, datamodule=trained.data, verbose=False)
    frame = trained.task.scores
    assert list(frame["model"]) == ["GRU", "seasonal naive (4)", "naive (last value)", "drift"]
    assert frame["values"].tolist() == [24] * 4
    assert np.isfinite(frame[["mase", "wql", "scaled_crps", "coverage_80"]]).all(axis=None)
    assert list(trained.task.score_frame().columns) == [
        *("model", "values", "MASE ↓", "sMAPE, % ↓", "wQL ↓", "scaled CRPS ↓"),
        *("covers, % → 80", "covers, % → 95"),
    ]
    assert trained.task.judged_by.name == "seasonal naive (4)"
    assert "on the validation span: MASE" in trained.task.judged_by.reason
    logged = float(trained.trainer.callback_metrics["test_mase"])
    assert logged == pytest.approx(frame["mase"][0], rel=1e-6)
    forecast = trained.forecast(origins=[195], horizon=4, num_samples=200)
    error = np.abs(forecast.quantile(0.5)[0] - trained.panel.values[:, 196:])
    history = trained.panel.values[:, :196]
    scale = np.abs(history[:, 4:] - history[:, :-4]).mean(1)
    assert frame["mase"][0] == pytest.approx((error.mean(1) / scale).mean(), rel=1e-5)


def test_a_checkpoint_backtests_to_the_numbers_of_the_test(trained):
    with quiet():
        trained.trainer.test(trained.task, datamodule=trained.data, verbose=False)
    loaded = load(trained.path)
    chosen = choose_reference(loaded.history, 4, (1, 4), 192, 196)
    assert str(chosen) == str(trained.task.judged_by)
    frame = backtest([loaded, chosen.predictor], loaded.history, 4, Origins(195), season=4)
    comparison = Comparison(frame, chosen.name)
    ours, theirs = (
        one.set_index("model").loc[["GRU", chosen.name]].astype(float)
        for one in (trained.task.scores, comparison.scores)
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    assert comparison.verdicts == [trained.task.verdict]


def test_prediction_is_the_forecast_beyond_the_last_session(trained):
    with quiet():
        (found,) = trained.trainer.predict(trained.task, datamodule=trained.data)
    expected = trained.forecast(horizon=4, num_samples=50)
    np.testing.assert_array_equal(numbers(found), numbers(expected))
    np.testing.assert_array_equal(found.ds, [np.arange(200, 204)])


def test_wrong_origins_and_horizons_are_refused(trained):
    for arguments in ({"origins": [200]}, {"origins": []}, {"horizon": 0}, {"num_samples": 0}):
        with pytest.raises(DataError) as caught:
            trained.forecast(**arguments)
        assert "\n" not in str(caught.value)


def test_training_resumes_with_the_batches_it_would_have_seen(tmp_path):
    def task_and_data():
        data = new_panel_data(batches_per_epoch=4)
        return new_panel_task(data, tsrnn.StudentT), data

    with quiet():
        task, data = task_and_data()
        new_trainer(tmp_path, max_epochs=3).fit(task, datamodule=data)
        first, data = task_and_data()
        trainer = new_trainer(tmp_path, max_epochs=1)
        trainer.fit(first, datamodule=data)
        trainer.save_checkpoint(tmp_path / "half.ckpt")
        resumed, data = task_and_data()
        new_trainer(tmp_path, max_epochs=3).fit(
            resumed, datamodule=data, ckpt_path=tmp_path / "half.ckpt", weights_only=True
        )
    for ours, theirs in zip(resumed.parameters(), task.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_training_without_a_validation_span_goes_on(tmp_path):
    data = new_panel_data(valid_size=0, test_size=0, batches_per_epoch=2)
    task = new_panel_task(data, tsrnn.NormalMixture)
    with quiet():
        trainer = new_trainer(tmp_path)
        trainer.fit(task, datamodule=data)
    assert "train_nats" in trainer.callback_metrics
    assert np.isfinite(task.forecast(data.panel, 5, num_samples=10).samples).all()


def test_quantiles_of_prices_are_quantiles_and_not_paths():
    data = PriceSeries(
        random_walks(), window_length=40, warm_up=10, batch_size=8, batches_per_epoch=5, calendar="24/5"
    )
    task = new_panel_task(data, tsrnn.Quantiles)
    forecast = task.forecast(data.panel, 3, num_samples=20)
    assert forecast.values.shape == (1, 2, 9, 3)
    assert (np.diff(forecast.values, axis=2) >= 0).all()
