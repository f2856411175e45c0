"""Checkpoints: complete, safe, whole, and the same from wherever they come."""

import errno
import sys
import textwrap

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

import tsrnn
from tests.prices import random_walks
from tsrnn.checkpoints import load_model
from tsrnn.components import build, describe
from tsrnn.data import PriceSeries
from tsrnn.errors import CheckpointError, ConfigError
from tsrnn.models import AutoregressiveModel
from tsrnn.training import AtomicCheckpointIO, Forecaster, load
from tsrnn.training.runtime.quiet import quiet

SMALL = {"window_length": 40, "warm_up": 10, "batch_size": 8, "batches_per_epoch": 5, "calendar": "24/5"}


def new_data():
    return PriceSeries(random_walks(), **SMALL)


def new_task(data, backbone=tsrnn.GRU, dropout=0.2):
    torch.manual_seed(0)
    return Forecaster(
        codec=data.codec,
        backbone=lambda size: backbone(size, hidden_size=8, dropout=dropout),
        embedding_size=4,
        scheduler=lambda optimizer: torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 15),
    )


def new_trainer(folder, **arguments):
    settings = {"max_epochs": 1, "num_sanity_val_steps": 0, "gradient_clip_val": 1.0, "accelerator": "cpu"}
    quietly = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    return pl.Trainer(
        default_root_dir=folder, plugins=[AtomicCheckpointIO()], **{**settings, **quietly, **arguments}
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    data = new_data()
    task = new_task(data)
    with quiet():
        trainer = new_trainer(folder)
        trainer.fit(task, datamodule=data)
        trainer.save_checkpoint(folder / "model.ckpt")
    return folder / "model.ckpt", task, data


def test_a_checkpoint_alone_forecasts(trained):
    path, task, data = trained
    loaded = load(path)
    assert isinstance(loaded, Forecaster)
    assert describe(loaded.model) == describe(task.model)
    assert loaded.history.calendar == "24/5"
    ours = loaded.forecast(loaded.history, 5, num_samples=50, seed=3)
    theirs = task.forecast(data.panel, 5, num_samples=50, seed=3)
    np.testing.assert_array_equal(ours.samples, theirs.samples)
    np.testing.assert_array_equal(ours.ds, theirs.ds)


def test_the_model_alone_forecasts_what_its_task_does(trained):
    loaded, task = load_model(trained[0]), load(trained[0])
    for name in ("name", "horizon", "seen", "contents"):
        assert getattr(loaded, name) == getattr(task, name)
    ours = loaded.forecast(loaded.history, 5, num_samples=50, seed=3)
    theirs = task.forecast(task.history, 5, num_samples=50, seed=3)
    np.testing.assert_array_equal(ours.samples, theirs.samples)
    assert not loaded.model.training


def test_a_checkpoint_says_what_it_was_trained_on(trained):
    path, task, data = trained
    contents = load(path).contents
    assert contents["data"] == data.description()
    assert contents["metrics"]["valid_nats"] == pytest.approx(
        float(task.trainer.callback_metrics["valid_nats"])
    )
    assert contents["model"]["init_args"]["codec"]["class_path"] == "tsrnn.codecs.LogReturns"


def test_a_checkpoint_holds_plain_types_only(trained):
    checkpoint = torch.load(trained[0], weights_only=True)  # raises for anything else
    assert "hyper_parameters" not in checkpoint


@pytest.mark.parametrize("cell", [tsrnn.RNN, tsrnn.LSTM, tsrnn.GRU])
def test_a_description_builds_the_same_model(cell):
    data = new_data()
    model = new_task(data, cell).model.eval()
    again = build(describe(model), AutoregressiveModel).eval()
    assert describe(again) == describe(model)
    again.load_state_dict(model.state_dict())
    prices = torch.from_numpy(data.panel.values)
    assert torch.equal(again.log_prob(prices)[0], model.log_prob(prices)[0])


def damaged(path, tmp_path, change):
    checkpoint = torch.load(path, weights_only=True)
    change(checkpoint)
    torch.save(checkpoint, tmp_path / "damaged.ckpt")
    return tmp_path / "damaged.ckpt"


@pytest.mark.parametrize(
    "class_path", ["subprocess.Popen", "tsrnn.data.PriceSeries", "tsrnn.backbones.LSTMM", "tsrnn.__main__.X"]
)
def test_a_class_that_does_not_belong_is_refused(trained, tmp_path, class_path):
    def change(checkpoint):
        checkpoint["tsrnn"]["model"]["init_args"]["backbone"]["class_path"] = class_path

    with pytest.raises(CheckpointError, match=class_path.replace(".", r"\.")):
        load(damaged(trained[0], tmp_path, change))


class Trap:
    """A class of an imported module, which a checkpoint must not get called."""

    sprung = False

    def __init__(self, **arguments):
        Trap.sprung = True


def test_a_class_of_another_kind_is_not_even_called(trained, tmp_path):
    def change(checkpoint):
        checkpoint["tsrnn"]["model"]["init_args"]["backbone"]["class_path"] = f"{__name__}.Trap"

    with pytest.raises(CheckpointError, match="Trap is not a"):
        load(damaged(trained[0], tmp_path, change))
    assert not Trap.sprung


def test_loading_imports_nothing_that_was_not_named(trained, tmp_path, monkeypatch):
    code = """
        import pathlib
        pathlib.Path(__file__).with_name("imported").touch()
        from tsrnn.backbones import GRU as Cell
    """
    (tmp_path / "stranger.py").write_text(textwrap.dedent(code))
    monkeypatch.syspath_prepend(str(tmp_path))

    def change(checkpoint):
        checkpoint["tsrnn"]["model"]["init_args"]["backbone"]["class_path"] = "stranger.Cell"

    path = damaged(trained[0], tmp_path, change)
    with pytest.raises(CheckpointError, match="import stranger first"):
        load(path)
    assert not (tmp_path / "imported").exists()
    assert isinstance(load(path, modules=["stranger"]), Forecaster)
    sys.modules.pop("stranger")


def test_what_is_no_checkpoint_is_said_in_one_line(trained, tmp_path):
    whole = trained[0].read_bytes()
    (tmp_path / "cut.ckpt").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.ckpt").write_text("hello")
    (tmp_path / "empty.ckpt").touch()
    torch.save({"state_dict": {}}, tmp_path / "other.ckpt")
    for name in ("cut", "text", "empty", "other"):
        with pytest.raises(CheckpointError, match=f"{name}.ckpt") as caught:
            load(tmp_path / f"{name}.ckpt")
        assert "\n" not in str(caught.value)
    with pytest.raises(CheckpointError, match=r"did you mean text\.ckpt"):
        load(tmp_path / "txt.ckpt")
    with pytest.raises(CheckpointError, match="holds no checkpoints"):
        load(tmp_path)

    def change(checkpoint):
        checkpoint["state_dict"].popitem()

    with pytest.raises(CheckpointError, match="weights do not fit"):
        load(damaged(trained[0], tmp_path, change))


def test_a_full_disk_leaves_the_old_checkpoint_whole(tmp_path, monkeypatch):
    path = tmp_path / "last.ckpt"
    writer = AtomicCheckpointIO()
    writer.save_checkpoint({"step": 1}, path)

    def half_written(checkpoint, file):
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(torch, "save", half_written)
    with pytest.raises(CheckpointError, match=r"is the disk full\? .*No space left"):
        writer.save_checkpoint({"step": 2}, path)
    assert torch.load(path, weights_only=True) == {"step": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["last.ckpt"]


class Stop(pl.Callback):
    """Saves and ends training after a step, as a killed run would have."""

    def __init__(self, step, path):
        self.step, self.path = step, path

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        if trainer.global_step == self.step:
            trainer.save_checkpoint(self.path)
            raise KeyboardInterrupt


@pytest.mark.parametrize("step", [3, 5, 8])
def test_resumed_training_gives_the_same_numbers(tmp_path, step):
    def train(resume=None, **arguments):
        data = new_data()
        task = new_task(data)
        with quiet():
            trainer = new_trainer(tmp_path, max_epochs=3, **arguments)
            trainer.fit(task, datamodule=data, ckpt_path=resume, weights_only=True)
        return task

    whole = train()
    with pytest.raises(SystemExit):
        train(callbacks=[Stop(step, tmp_path / "stopped.ckpt")])
    torch.rand(5)  # whatever else happened meanwhile
    resumed = train(tmp_path / "stopped.ckpt")
    for name, weight in whole.state_dict().items():
        assert torch.equal(weight, resumed.state_dict()[name]), name


def test_a_cell_that_forgets_its_arguments_is_named():
    class Forgetful(tsrnn.Backbone):
        def __init__(self, input_size, secret=3):
            super().__init__()
            self.input_size = self.output_size = input_size

        def initial_state(self, batch_size):
            return None

        def forward(self, x_BTD, state=None, lengths=None):
            return x_BTD, None

    with pytest.raises(ConfigError, match="Forgetful does not keep its argument 'secret'"):
        describe(Forgetful(3))
