"""A configuration of `fit` as something that other verbs can fit, on a panel of theirs."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import CSVLogger
from torch import Tensor

from tsrnn.cli.arguments import mistakes_in_one_line, modules_of
from tsrnn.cli.command_line import CommandLine
from tsrnn.data.panels.base import PanelData
from tsrnn.errors import ConfigError, DataError
from tsrnn.protocols import Panel, time_text
from tsrnn.training import Forecaster, load
from tsrnn.training.experiment import make_trainer, seed_everything, train
from tsrnn.training.runtime.quiet import quiet
from tsrnn.training.runtime.run_folder import new_run_folder


class _Reader(CommandLine):
    """The command line of `fit`, which stops once it has read its configuration."""

    def before_instantiate_classes(self) -> None:
        """Nothing yet."""

    def instantiate_classes(self) -> None:
        """Nothing yet."""

    def _run_subcommand(self, subcommand: str) -> None:
        """Nothing at all."""


class ConfiguredNetwork:
    """The network of a configuration: `Fittable`, each fit a whole training on the panel that it is given.

    The last time steps of that panel, as many as the configuration's own validation span has, choose the best
    epoch; the others train.

    Args:
        path: the configuration's file.
        changes: keys and values as `fit` takes them: ["--data.path=prices.csv"].
        folder: where the weights of each fit are kept; an existing one is not made again.

    Attributes:
        identity: all that the configuration says.
        data: the data module that it describes.
        untrained: the task that it describes, with fresh weights.

    Raises:
        ConfigError: for a mistake in the configuration, or one of words.
    """

    def __init__(self, path: str | Path, changes: list[str], folder: Path) -> None:
        sys.path.insert(0, os.getcwd())  # a custom class is found in the current folder
        self.path, self.changes, self.folder = Path(path), list(changes), folder
        if not Path(path).is_file():
            raise ConfigError(f"{path}: there is no such configuration")
        with quiet(), mistakes_in_one_line():
            self._command = _Reader.of("fit", ["--config", str(path), *changes])
            self._config = self._command.config["fit"]
            self._command.prepare_process()
            # What the configuration describes, as a first look: its data and the name of its cell.
            made = self._made(None)
        said = self._config.clone().as_dict()
        said.pop("config", None)
        self.identity = json.dumps(said, default=str, sort_keys=True)
        if not isinstance(made.model, Forecaster) or made.model.model.codec.kind == "text":
            raise ConfigError(f"{path} trains a model of words: this needs one of prices or other series")
        if not isinstance(made.data, PanelData):
            raise ConfigError(f"{path}: data must be a PanelData, such as PriceSeries or SeriesPanel")
        self.data = made.data
        self.untrained: Forecaster = made.model
        self.name = made.model.name
        span, valid, _ = self.data.spans
        self.validation = valid - span

    def _made(self, data: PanelData | None) -> Any:
        """The data module, the task and the trainer's arguments; those of `data` where it is given."""
        config = self._config.clone()
        if data is not None:
            config.data = data
        return self._command._parser("fit").instantiate_classes(config)

    def job(self, panel: Panel, previous: Forecaster | None = None) -> FitJob:
        """The fit on a panel as plain data, for this process or another."""
        weights = None if previous is None else dict(previous.model.state_dict())
        return FitJob(str(self.path), tuple(self.changes), str(self.folder), panel, weights)

    def fit(self, panel: Panel, *, previous: Any = None) -> Forecaster:
        """The network trained on a panel: see `tsrnn.protocols.Fittable`.

        A warm start takes the weights of `previous`; optimizer and schedule start afresh.

        Raises:
            ConfigError: if the weights of `previous` do not fit this panel's network.
            DataError: if the panel is too short for the validation span and a training window.
        """
        return self._run(self.job(panel, previous))

    def _run(self, job: FitJob) -> Forecaster:
        panel, modules = job.panel, modules_of(self._config.model)
        weights = self.folder / f"{self._name_of(job)}.ckpt"
        if weights.is_file():
            return _trained(weights, modules)
        span, last = panel.num_steps - self.validation, time_text(panel.ds[-1])
        shortest = getattr(self.data, "window_length", 2)
        if span < shortest:
            raise DataError(
                f"{panel.num_steps} time steps up to {last} are too few: {self.validation} choose the "
                f"epoch, and to train a window needs {shortest}; begin later"
            )
        seed_everything(int(self._config.seed_everything))
        data = self.data.over(panel, (span, panel.num_steps, panel.num_steps))
        made = self._made(data)
        if job.previous is not None:
            try:
                made.model.model.load_state_dict(job.previous)
            except RuntimeError as error:
                problem = f"the network for the data up to {last} has other sizes than the one before it"
                raise ConfigError(f"{problem}: leave out the warm start, or give data.codec") from error
        settings = {**made.trainer.as_dict(), "enable_progress_bar": False}
        with quiet():
            run = new_run_folder(self.folder / "runs", self._name_of(job))
            if settings.get("logger") in (None, True):  # callbacks such as LearningRateMonitor need one
                settings["logger"] = CSVLogger(str(run), name="", version="")
            result = train(made.model, data, make_trainer(run, **settings))
        if result.checkpoint is None or result.score is None:
            raise ConfigError("a backtest that trains needs a checkpoint callback with a monitor")
        self.folder.mkdir(parents=True, exist_ok=True)
        os.replace(result.checkpoint, weights)
        return _trained(weights, modules)

    def _name_of(self, job: FitJob) -> str:
        """Of a fit's file: its span, all that the configuration says, and whether it started warm."""
        ends = (time_text(job.panel.ds[place]).replace(":", "").replace(" ", "T") for place in (0, -1))
        digest = hashlib.sha256(self.identity.encode()).hexdigest()[:8]
        return f"{'_'.join(ends)}_{digest}{'_warm' if job.previous is not None else ''}"


@dataclass(frozen=True)
class FitJob:
    """A fit of a configured network as plain data: it can be pickled, and run in any process.

    Args:
        path: the configuration's file.
        changes: of its keys.
        folder: where the weights are kept.
        panel: what is trained on.
        previous: the weights of a warm start, by name; None: from nothing.
    """

    path: str
    changes: tuple[str, ...]
    folder: str
    panel: Panel
    previous: dict[str, Tensor] | None = None

    def run(self) -> Forecaster:
        """The trained network; its weights are in `folder`."""
        return ConfiguredNetwork(self.path, list(self.changes), Path(self.folder))._run(self)


def _trained(path: Path, modules: set[str]) -> Forecaster:
    task: Forecaster = load(path, modules=modules)
    return task
