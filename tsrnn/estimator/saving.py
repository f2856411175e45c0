"""An estimator in a checkpoint: its arguments beside the task's model, from which both are made again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from sklearn.base import BaseEstimator, clone

from tsrnn.backbones import Backbone
from tsrnn.checkpoints.panels import plain_panel
from tsrnn.components import build, class_path, describe, find_class
from tsrnn.data.panels.base import HISTORY_VALUES
from tsrnn.data.tables.frames import Labels
from tsrnn.errors import CheckpointError, ConfigError, first_line
from tsrnn.estimator.fitting import Trained, bare_trainer, over
from tsrnn.estimator.settings import Kind, checked, settled
from tsrnn.heads import Head
from tsrnn.protocols import Panel
from tsrnn.training.checkpoints.contents import AtomicCheckpointIO, random_states
from tsrnn.training.tasks.base import Task
from tsrnn.training.tasks.forecaster import Forecaster

_EstimatorT = TypeVar("_EstimatorT", bound=BaseEstimator)
_CLASSES: dict[str, Any] = {"cell": Backbone, "head": Head}


def save(estimator: BaseEstimator, trained: Trained, path: str | Path) -> None:
    """Write a checkpoint of the task that `tsrnn forecast` reads, with what makes the estimator again."""
    labels = trained.labels
    ids = [[text, own] for text, own in labels.ids.items() if isinstance(own, bool | int | float)]
    own = {
        **{"kind": trained.kind, "loss": trained.loss, "ids": ids},
        **{"zone": labels.zone, "local": labels.local, "period": labels.period},
    }
    write(estimator, trained.task, plain_panel(_kept(trained)), own, path)


def write(
    estimator: BaseEstimator,
    task: Task,
    history: dict[str, Any] | None,
    own: dict[str, Any],
    path: str | Path,
) -> None:
    """Write a checkpoint of a task, with the arguments of its estimator.

    Args:
        estimator: that was fitted.
        task: with its best weights.
        history: of the panel, as a checkpoint has it; None of words.
        own: what else the estimator needs, in plain types.
        path: of the checkpoint.
    """
    plain = clone(estimator)
    for name in _CLASSES:
        if isinstance(given := getattr(plain, name, None), type):
            setattr(plain, name, class_path(given))
    checkpoint = {
        "pytorch-lightning_version": version("pytorch-lightning"),
        "epoch": task.contents["metrics"]["epoch"],
        "global_step": task.contents["metrics"]["step"],
        "state_dict": task.state_dict(),
        "tsrnn": {
            **task.contents,
            "history": history,
            "random": random_states(),
            "progress": task.progress(),
            "estimator": {"made": describe(plain), **own},
        },
    }
    AtomicCheckpointIO().save_checkpoint(checkpoint, path)


def made(task: Task, base: type[_EstimatorT], modules: Iterable[str] = ()) -> _EstimatorT:
    """The estimator of a task that `write` wrote, with its arguments, not fitted."""
    estimator = build(task.contents["estimator"]["made"], base, modules)
    for name, class_ in _CLASSES.items():
        if "." in str(given := getattr(estimator, name, None)):
            setattr(estimator, name, find_class(str(given), class_, modules))
    if estimator.split is not None:
        estimator.split = tuple(estimator.split)
    return estimator


@contextmanager
def faults() -> Iterator[None]:
    """Inside, what of an estimator cannot be made again becomes a CheckpointError."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, ConfigError) as error:
        raise CheckpointError(f"the checkpoint's estimator is damaged: {first_line(error)}") from error


def _kept(trained: Trained) -> Panel:
    """The series, or the last two million values of more; of the largest panels, what a forecast reads."""
    panel, codec = trained.data.panel, trained.data.codec
    room = HISTORY_VALUES // len(panel.unique_ids)
    if codec.memory is not None and codec.context is not None:
        room = max(room, codec.memory + codec.context * codec.event_shape[0])
    return panel.last(room)


def restored(
    task: Forecaster, base: type[BaseEstimator], modules: Iterable[str] = ()
) -> tuple[BaseEstimator, Trained]:
    """The estimator that `save` wrote, of a class or a subclass of it, and its trained network.

    Raises:
        CheckpointError: if it cannot be made again.
    """
    with faults():
        return _restored(task, task.contents["estimator"], base, modules)


def _restored(
    task: Forecaster, saved: dict[str, Any], base: type[BaseEstimator], modules: Iterable[str]
) -> tuple[BaseEstimator, Trained]:
    estimator = made(task, base, modules)
    kind: Kind = saved["kind"]
    settings = settled(checked(estimator.get_params(deep=False)), kind)
    panel = task.history
    if panel is None:
        raise CheckpointError("the checkpoint of an estimator holds no series")
    settings["horizon"] = task.horizon
    cut = task.contents["data"]["time_steps"] - panel.num_steps
    train, valid, test = (max(end - cut, 0) for end in task.contents["data"]["spans"])
    data = over(kind, settings, panel, (train, valid, test))
    data.adopt(task.model.codec)
    labels = Labels(dict(saved["ids"]), saved["zone"], saved["local"], saved["period"])
    return estimator, Trained(kind, settings, data, labels, task, bare_trainer(settings), saved["loss"])
