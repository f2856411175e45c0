"""A configuration of `fit` as something that other verbs can fit, on a panel of theirs."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException

from tsrnn.cli.explain import one_line
from tsrnn.cli.verbs.train import CommandLine, ConfigurationParser, class_paths, own_error
from tsrnn.data.panels.base import PanelData
from tsrnn.errors import ConfigError, DataError
from tsrnn.ops.cpu import tune_cpu
from tsrnn.protocols import Panel, session_text
from tsrnn.training import Forecaster, load
from tsrnn.training.runtime.quiet import quiet


class _Reader(CommandLine):
    """The command line of `fit`, which stops once it has read its configuration."""

    verb = "fit"

    def before_instantiate_classes(self) -> None:
        """Nothing yet."""

    def instantiate_classes(self) -> None:
        """Nothing yet."""

    def _run_subcommand(self, subcommand: str) -> None:
        """Nothing at all."""


class ConfiguredNetwork:
    """The network of a configuration: `Fittable`, each fit a whole training on the panel that it is given.

    The last sessions of that panel, as many as the configuration's own validation span has, choose the best
    epoch; the others train.

    Args:
        path: the configuration's file.
        changes: keys and values as `fit` takes them: ["--data.path=prices.csv"].
        folder: where the weights of each fit are kept; one that is there already is not made again.

    Attributes:
        identity: all that the configuration says.
        data: the data module that it describes.
        untrained: the task that it describes, with fresh weights.

    Raises:
        ConfigError: for a mistake in the configuration, or one of words.
    """

    def __init__(self, path: str | Path, changes: list[str], folder: Path) -> None:
        sys.path.insert(0, os.getcwd())  # a class of the user's own lies in the current folder
        self.folder = folder
        if not Path(path).is_file():
            raise ConfigError(f"{path}: there is no such configuration")
        arguments = ["fit", "--config", str(path), *changes]
        with quiet():
            try:
                self._command = _Reader(
                    pl.LightningModule,
                    pl.LightningDataModule,
                    subclass_mode_model=True,
                    subclass_mode_data=True,
                    auto_configure_optimizers=False,
                    seed_everything_default=0,
                    load_from_checkpoint_support=False,
                    parser_class=ConfigurationParser,
                    parser_kwargs={"allow_abbrev": False, "prog": "tsrnn"},
                    args=arguments,
                )
                self._config = self._command.config["fit"]
                torch.set_num_threads(self._config.threads)
                if self._config.tune_cpu:
                    tune_cpu()
                # What the configuration describes, as a first look: its data and the name of its cell.
                made = self._made(None)
            except MisconfigurationException as error:
                raise ConfigError(one_line(str(error))) from error
            except ValueError as error:
                raise own_error(error) or ConfigError(one_line(str(error))) from error
        said = self._config.clone().as_dict()
        said.pop("config", None)
        self.identity = json.dumps(said, default=str, sort_keys=True)
        self.data: Any = made.data
        if not isinstance(made.model, Forecaster) or made.model.model.codec.kind == "text":
            raise ConfigError(f"{path} trains a model of words: this needs one of prices or other series")
        if not isinstance(self.data, PanelData):
            raise ConfigError(f"{path}: data must be a PanelData, such as PriceSeries or SeriesPanel")
        self.untrained: Forecaster = made.model
        self.name = made.model.name
        train, valid, _ = self.data.spans
        self.validation = valid - train

    def _made(self, data: Any) -> Any:
        """The data module, the task and the trainer's arguments; those of `data` where it is given."""
        config = self._config.clone()
        if data is not None:
            config.data = data
        return self._command._parser("fit").instantiate_classes(config)

    def fit(self, panel: Panel, *, previous: Any = None) -> Forecaster:
        """The network trained on a panel: see `tsrnn.protocols.Fittable`.

        A warm start takes the weights of `previous`; optimizer and schedule begin anew.

        Raises:
            DataError: if the panel is too short for the validation span and a training window.
        """
        first, last = (session_text(panel.ds[place]).replace(":", "").replace(" ", "T") for place in (0, -1))
        digest = hashlib.sha256(self.identity.encode()).hexdigest()[:8]
        weights = self.folder / f"{first}_{last}_{digest}{'_warm' if previous is not None else ''}.ckpt"
        modules = {path.rpartition(".")[0] for path in class_paths(self._config.model)}
        if weights.is_file():
            return _trained(weights, modules)
        train = panel.num_sessions - self.validation
        shortest = getattr(self.data, "window_length", 2)
        if train < shortest:
            raise DataError(
                f"{panel.num_sessions} sessions up to {last} are too few: {self.validation} choose the "
                f"epoch, and to train a window needs {shortest}; begin later"
            )
        pl.seed_everything(int(self._config.seed_everything), verbose=False)
        data = self.data.over(panel, (train, panel.num_sessions, panel.num_sessions))
        made = self._made(data)
        if previous is not None:
            made.model.model.load_state_dict(previous.model.state_dict())
        with quiet():
            trainer = self._trainer(made)
            trainer.fit(made.model, datamodule=data)
        best = getattr(trainer.checkpoint_callback, "best_model_path", "")
        if not best:
            raise ConfigError("a backtest that trains needs a checkpoint callback with a monitor")
        self.folder.mkdir(parents=True, exist_ok=True)
        os.replace(best, weights)
        return _trained(weights, modules)

    def _trainer(self, made: Any) -> pl.Trainer:
        command: Any = self._command
        command.config_init = {"fit": made}
        command.model, command.datamodule = made.model, made.data
        settings = command.config["fit"].trainer
        settings.default_root_dir = str(self.folder / "runs")
        settings.enable_progress_bar = made.trainer.enable_progress_bar = False
        trainer: pl.Trainer = command.instantiate_trainer()
        return trainer


def _trained(path: Path, modules: set[str]) -> Forecaster:
    task: Forecaster = load(path, modules=modules)
    return task
