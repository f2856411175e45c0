"""Forged checkpoints: whatever one says, resuming it deletes nothing, reads nothing else and asks nobody."""

import copy
import socket
import threading
from collections import OrderedDict

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, EarlyStopping, ModelCheckpoint

from tests.prices import random_walks
from tests.training.test_checkpoints import SMALL, new_task, new_trainer
from tsrnn.data import PriceSeries
from tsrnn.errors import CheckpointError, DataWarning
from tsrnn.training import AtomicCheckpointIO, RunCheckpoint, load
from tsrnn.training.experiment import make_trainer, train
from tsrnn.training.runtime.quiet import quiet


def new_data():
    """Of as little as an epoch can be: what is tested is how each one begins and ends."""
    return PriceSeries(random_walks(1, 200), **{**SMALL, "batches_per_epoch": 1, "batch_size": 2})


def callbacks():
    return [RunCheckpoint(), RunCheckpoint("last", None), EarlyStopping("valid_nats"), Counting()]


class Counting(Callback):
    """A callback of the user's own, whose state is numbers."""

    def __init__(self):
        self.epochs = 0

    def on_train_epoch_end(self, trainer, module):
        self.epochs += 1

    def state_dict(self):
        return {"epochs": self.epochs, "seen": [torch.tensor([1.0])]}

    def load_state_dict(self, state_dict):
        self.epochs = state_dict["epochs"]


def fit(folder, epochs, resumed=None, own=None):
    torch.manual_seed(0)
    data = new_data()
    with quiet():
        trainer = new_trainer(folder, max_epochs=epochs, callbacks=callbacks() if own is None else own)
        trainer.fit(new_task(data), datamodule=data, ckpt_path=resumed, weights_only=True)
    return trainer


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of one epoch: its folder of checkpoints."""
    folder = tmp_path_factory.mktemp("run")
    fit(folder, 1)
    return folder / "checkpoints"


@pytest.fixture
def canary(tmp_path):
    """A folder that somebody would miss."""
    folder = tmp_path / "precious"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "letter.txt").write_text("mine")
    (folder / "best.ckpt").write_text("not a checkpoint of this run")
    return folder


@pytest.fixture
def server():
    """A listener on this machine; it counts who asks."""
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        done = threading.Event()

        def listen():
            while not done.is_set():
                try:
                    connection, _ = listener.accept()
                    asked.append(connection.recv(64))
                    connection.close()
                except TimeoutError:
                    continue

        thread = threading.Thread(target=listen)
        thread.start()
        yield listener.getsockname()[1], asked
        done.set()
        thread.join()


def forged(run, tmp_path, change):
    """The run's last checkpoint after `change`, in a folder with the run's best beside it."""
    checkpoint = torch.load(run / "last.ckpt", weights_only=True)
    change(checkpoint)
    folder = tmp_path / "given" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save(checkpoint, folder / "last.ckpt")
    (folder / "best.ckpt").write_bytes((run / "best.ckpt").read_bytes())
    return folder / "last.ckpt"


def in_every_checkpoint_state(**entries):
    def change(checkpoint):
        for name, state in checkpoint["callbacks"].items():
            if "Checkpoint" in name:
                state.update(entries)

    return change


def in_early_stopping(**entries):
    def change(checkpoint):
        for name, state in checkpoint["callbacks"].items():
            if "EarlyStopping" in name:
                state.update(entries)

    return change


PATHS = [
    "local://{canary}", "file://{canary}", "{canary}", "{run}/../../precious", "http://127.0.0.1:{port}/best.ckpt",
    "memory://best", "simplecache::http://127.0.0.1:{port}/x", "github://a:b@/x", "zip://x::{canary}/best.ckpt",
]  # fmt: skip
PLACES = ["best_model_path", "kth_best_model_path", "last_model_path", "dirpath", "best_k_models", "all"]


def entries_of(place, path):
    names = PLACES[:-2] if place == "all" else [place]
    found = {name: path for name in names if name != "best_k_models"}
    if place in ("best_k_models", "all"):
        found["best_k_models"] = {path: torch.tensor(9e9)}
    return {**found, "best_model_score": torch.tensor(9e9)}  # every epoch will be better, and replace it


@pytest.mark.parametrize("kind", ["ours", "lightning's"])
@pytest.mark.parametrize("place", PLACES)
def test_no_path_of_a_checkpoint_is_followed(run, tmp_path, canary, server, place, kind):
    port, asked = server
    before = sorted(path for path in canary.rglob("*"))
    for number, pattern in enumerate(PATHS if place in ("best_model_path", "all") else PATHS[:5]):
        path = pattern.format(canary=canary, port=port, run=tmp_path / "given" / "checkpoints")
        change = in_every_checkpoint_state(**entries_of(place, path))
        if kind == "ours":
            own = callbacks()
        else:  # which takes its state by another name
            own = [ModelCheckpoint(monitor="valid_nats", filename="best"), EarlyStopping("valid_nats")]

            def change(checkpoint, own=own, path=path):
                state = entries_of(place, path)
                missing = {"best_model_path": "", "best_model_score": None, "current_score": None}
                checkpoint["callbacks"] = {own[0].state_key: {**missing, **state}}

        given = forged(run, tmp_path / str(number), change)
        trainer = fit(tmp_path / f"out{number}", 2, given, own)
        assert trainer.current_epoch == 2
        made = trainer.checkpoint_callback.best_model_path
        assert made.startswith(str(tmp_path / f"out{number}"))
        assert torch.load(made, weights_only=True)["epoch"] == 1
    assert sorted(path for path in canary.rglob("*")) == before
    assert (canary / "deep" / "letter.txt").read_text() == "mine"
    assert (canary / "best.ckpt").read_text() == "not a checkpoint of this run"
    assert asked == []


def test_without_our_reader_a_run_checkpoint_follows_no_path_either(run, tmp_path, canary):
    given = forged(run, tmp_path, in_every_checkpoint_state(**entries_of("all", f"local://{canary}")))
    data = new_data()
    with quiet():
        trainer = pl.Trainer(
            default_root_dir=tmp_path / "out", max_epochs=2, callbacks=callbacks(), logger=False,
            enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0, accelerator="cpu",
        )  # fmt: skip
        trainer.fit(new_task(data), datamodule=data, ckpt_path=given, weights_only=True)
    assert (canary / "deep" / "letter.txt").read_text() == "mine"


def test_the_best_so_far_comes_from_beside_the_file_that_was_named(run, tmp_path):
    given = forged(run, tmp_path, lambda checkpoint: None)
    best = torch.load(given.with_name("best.ckpt"), weights_only=True)
    trainer = fit(tmp_path / "out", 1, given)  # nothing is left to train
    kept = tmp_path / "out" / "checkpoints" / "best.ckpt"
    again = torch.load(kept, weights_only=True)
    assert all(torch.equal(weight, again["state_dict"][name]) for name, weight in best["state_dict"].items())
    (counting,) = (callback for callback in trainer.callbacks if isinstance(callback, Counting))
    assert counting.epochs == 1


def deep(levels):
    junk = 1
    for _ in range(levels):
        junk = {"x": junk}
    return junk


def set_of(*names_and_value):
    *names, value = names_and_value

    def change(checkpoint):
        place = checkpoint
        for name in names[:-1]:
            place = place[name]
        place[names[-1]] = value

    return change


REFUSED = {
    "loops of text": (set_of("loops", "fit_loop", "state_dict", {"path": "/etc/passwd"}), "holds a str"),
    "loops too deep": (set_of("loops", "fit_loop", deep(50)), "nested too deeply or holds too much"),
    "too many numbers": (
        set_of("loops", "fit_loop", "many", [0] * 200_000),
        "nested too deeply or holds too much",
    ),
    "a long name": (set_of("loops", "fit_loop", "x" * 1000, 1), "a name that is too long"),
    "an optimizer of text": (set_of("optimizer_states", [{"state": "x"}]), "holds a str"),
    "no weights": (set_of("state_dict", {"a": 1}), "without weights"),
    "callbacks that are a list": (set_of("callbacks", [1]), "is not a dict"),
    "a version that is a path": (set_of("pytorch-lightning_version", "../../x"), "version of Lightning"),
    "a score of text": (in_every_checkpoint_state(best_model_score="local:///"), "is not a number"),
    "an epoch of text": (set_of("epoch", "x"), "epoch is not a whole number"),
    "steps below none": (set_of("global_step", -1), "global_step is not a whole number"),
    "a count of nothing": (in_early_stopping(wait_count=None), "wait_count is not a whole number"),
    "no score to beat": (in_early_stopping(best_score="x"), "best_score is not a number"),
    "a complex score": (in_every_checkpoint_state(best_model_score=torch.tensor(1j)), "is not a number"),
    "a score of many": (in_every_checkpoint_state(best_model_score=torch.zeros(4)), "is not a number"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_of_its_form_is_refused_in_one_line(run, tmp_path, name):
    change, words = REFUSED[name]
    given = forged(run, tmp_path, change)
    with pytest.raises(CheckpointError, match=words) as caught:
        fit(tmp_path / "out", 2, given)
    assert "\n" not in str(caught.value)


UNFIT = {
    "loops of tensors": set_of("loops", "fit_loop", "epoch_loop.batch_progress", torch.zeros(2)),
    "no loop": set_of("loops", {}),
    "sums of text": set_of("tsrnn", "progress", "totals", "x"),
    "no random state": set_of("tsrnn", "random", {}),
    "no settings of the optimizer": set_of("optimizer_states", [{}]),
    "weights of another shape": set_of("state_dict", {"model.embedding.weight": torch.zeros(3)}),
}


def resumed(folder, checkpoint, *further):
    """A training that is resumed as the command line does it."""
    data = new_data()
    settings = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    own = [*callbacks(), *further]
    with quiet():
        trainer = make_trainer(folder, max_epochs=2, accelerator="cpu", callbacks=own, **settings)
        return train(new_task(data), data, trainer, checkpoint=checkpoint)


@pytest.mark.parametrize("name", UNFIT)
def test_what_does_not_fit_the_training_is_one_line(run, tmp_path, name):
    given = forged(run, tmp_path, UNFIT[name])
    with pytest.raises(CheckpointError, match=r"last\.ckpt: training cannot resume from it: ") as caught:
        resumed(tmp_path / "out", given)
    assert "\n" not in str(caught.value)


def test_a_mistake_while_it_trains_is_not_the_checkpoint_s(run, tmp_path):
    class Broken(Callback):
        def on_train_batch_end(self, *_):
            raise TypeError("mine")

    with pytest.raises(TypeError, match="mine"):
        resumed(tmp_path, run / "last.ckpt", Broken())


@pytest.mark.parametrize("part", ["model", "random", "history"])
def test_a_checkpoint_that_lacks_a_part_says_which(run, tmp_path, part):
    given = forged(run, tmp_path, lambda checkpoint: checkpoint["tsrnn"].pop(part))
    with pytest.raises(CheckpointError, match=rf"last\.ckpt: the checkpoint lacks its {part}"):
        load(given)


def test_what_is_not_needed_is_left_out(run, tmp_path):
    def change(checkpoint):
        checkpoint["hyper_parameters"] = {"path": "local:///"}
        checkpoint["hparams_name"] = "kwargs"
        checkpoint["datamodule_hyper_parameters"] = {"path": "x"}
        checkpoint["PriceSeries"] = {"path": "x"}
        checkpoint["_class_path"] = "os.system"

    read = AtomicCheckpointIO().load_checkpoint(forged(run, tmp_path, change))
    assert set(read) == {
        *("pytorch-lightning_version", "epoch", "global_step", "optimizer_states", "lr_schedulers"),
        *("loops", "state_dict", "callbacks", "tsrnn"),
    }
    assert isinstance(read["state_dict"], OrderedDict)


def test_the_state_of_another_callback_is_numbers_or_is_not_restored(run, tmp_path):
    given = forged(
        run, tmp_path, lambda checkpoint: checkpoint["callbacks"].update(Spy={"path": "local:///"})
    )
    with pytest.warns(DataWarning, match="the state of 'Spy' is more than numbers"):
        read = AtomicCheckpointIO().load_checkpoint(given)
    assert "Spy" not in read["callbacks"]
    own = next(state for name, state in read["callbacks"].items() if "Counting" in name)
    assert own["epochs"] == 1
    assert copy.deepcopy(own)


def test_a_checkpoint_that_is_removed_is_one_file(tmp_path, canary):
    (tmp_path / "old.ckpt").write_text("x")
    for path in (tmp_path / "old.ckpt", canary, f"local://{canary}", canary / "deep" / "letter.txt"):
        AtomicCheckpointIO().remove_checkpoint(path)
    assert not (tmp_path / "old.ckpt").exists()
    assert (canary / "deep" / "letter.txt").exists()
