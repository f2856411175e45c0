"""Lightning's command line, with a folder for each run, for one verb at a time."""

from __future__ import annotations

import importlib.util
import sys
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytorch_lightning as pl
import torch
import yaml
from pytorch_lightning.callbacks import TQDMProgressBar
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI
from pytorch_lightning.loggers import CSVLogger, Logger

import tsrnn.embeddings  # noqa: F401  (short names resolve among the classes that are imported)
from tsrnn.checkpoints.paths import checkpoint_path
from tsrnn.checkpoints.reading import read_checkpoint
from tsrnn.cli.arguments import ConfigurationParser, modules_of
from tsrnn.cli.sources.configuration import FROM_DATA
from tsrnn.components import describe, find_class
from tsrnn.data.source import data_source
from tsrnn.errors import ConfigError
from tsrnn.exports import import_all
from tsrnn.files import atomic_file
from tsrnn.ops.cpu import cpu_tuning, tune_cpu
from tsrnn.training import load
from tsrnn.training.experiment import is_main_process, make_trainer, run_folder
from tsrnn.training.runtime.epoch_lines import EpochLines
from tsrnn.training.tasks.base import Task

for room in ("backbones", "codecs", "conditioning", "data", "heads", "training"):
    import_all(f"tsrnn.{room}")


class CommandLine(LightningCLI):
    """Lightning's command line with one verb, which keeps a folder for each run.

    A subclass has the verb, and says what is to be said of the run.
    """

    verb: ClassVar[str]

    @classmethod
    def of(cls, verb: str, arguments: list[str]) -> CommandLine:
        """The command line with this verb alone, run: four parsers take four times as long to build."""
        own: Any = type(cls.__name__, (cls,), {"verb": verb})
        made: CommandLine = own(
            pl.LightningModule,
            pl.LightningDataModule,
            subclass_mode_model=True,
            subclass_mode_data=True,
            auto_configure_optimizers=False,
            seed_everything_default=0,
            load_from_checkpoint_support=False,
            parser_class=ConfigurationParser,
            parser_kwargs={"allow_abbrev": False, "prog": "tsrnn"},
            args=[verb, *arguments],
        )
        return made

    @classmethod
    def subcommands(cls) -> dict[str, set[str]]:
        """The verb alone."""
        every = LightningCLI.subcommands()
        return {cls.verb: every[cls.verb]}

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Read the configuration, without Lightning's warning about arguments beside `args`."""
        self.config = parser.parse_args(args)

    def _parse_ckpt_path(self) -> None:
        """Nothing: a checkpoint neither changes the configuration nor names modules to import."""

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """What a configuration has besides model, data and trainer; the model's codec is the data's."""
        parser.add_argument(
            "--threads", type=int, default=1, help="CPU threads; a second gains little on a small network"
        )
        parser.add_argument(
            "--tune_cpu",
            type=bool,
            default=True,
            help="kernels and memory settings that suit this processor",
        )
        if self.verb == "test":
            parser.add_argument(
                "--reference",
                type=str,
                help="baseline that the verdict is over; default: random-walk for prices, else the naive "
                "forecast that was best on the validation span",
            )
        for name in FROM_DATA:  # what a task does not take is not given to it
            parser.link_arguments(
                "data", f"model.init_args.{name}", compute_fn=partial(_told, name), apply_on="instantiate"
            )

    def prepare_process(self) -> None:
        """Threads, and kernels that suit the processor."""
        config = self.config[self.verb]
        torch.set_num_threads(config.threads)
        if config.tune_cpu:
            tune_cpu()

    def before_instantiate_classes(self) -> None:
        """Find the checkpoint, and prepare the process."""
        self._checkpoint = self._resolve_checkpoint(self.config[self.verb])
        self._contents = {} if self._checkpoint is None else read_checkpoint(self._checkpoint).contents
        self.prepare_process()

    def _resolve_checkpoint(self, config: Any) -> Path | None:
        given = config.get("ckpt_path")
        if given is None:
            if self.verb in ("validate", "test", "predict"):
                raise ConfigError(f"{self.verb} needs --ckpt_path, a checkpoint or the folder of a run")
            return None
        # Resolved, because `latest` is about to point to the run that begins here.
        path = checkpoint_path(given, prefer="last" if self.verb == "fit" else "best").resolve()
        config.ckpt_path = str(path)
        return path

    def instantiate_classes(self) -> None:
        """Make the model and the data; to score and to forecast, the checkpoint's model."""
        super().instantiate_classes()
        self.source = data_source(self.datamodule)
        if self._checkpoint is None:
            return
        if isinstance(self.model, Task):
            _refuse_difference(describe(self.model.model), self._contents["model"], str(self._checkpoint))
        if self.verb != "fit":
            configured = self.model
            self.model = load(self._checkpoint, modules=modules_of(self.config[self.verb].model))
            for name, value in configured.settings.items():
                setattr(self.model, name, value)
            self.source.adopt_from(self.model.model)  # first: it says how a text is read
            self.source.refuse_seen(self.verb, self._contents["data"])

    def instantiate_trainer(self, **kwargs: Any) -> pl.Trainer:
        """Make the run's folder, and the trainer that writes into it."""
        config = self.config[self.verb]
        trainer_config = self._get(self.config_init, "trainer")
        callbacks = list(trainer_config.callbacks or [])
        if self.verb == "fit":
            self._check_monitor(callbacks, trainer_config.limit_val_batches)
        root = config.trainer.default_root_dir or "runs"
        name = _run_name(config.get("config") or [], type(self.model).__name__.lower())
        self.folder = run_folder(root, name if self.verb == "fit" else f"{name}_{self.verb}")
        if cpu_tuning() is not None and is_main_process():
            with atomic_file(self.folder / "cpu.yaml") as partial:
                partial.write_text(yaml.safe_dump(cpu_tuning(), sort_keys=False), encoding="utf-8")
        if config.trainer.logger in (None, True):
            kwargs["logger"] = _loggers(self.folder)
        if config.trainer.enable_progress_bar is None:
            kwargs["enable_progress_bar"] = sys.stdout.isatty()  # where the bar is drawn
        if kwargs.get("enable_progress_bar", config.trainer.enable_progress_bar):
            callbacks.append(TQDMProgressBar(refresh_rate=10))
        elif self.verb == "fit":
            callbacks.append(EpochLines())
        trainer_config.callbacks = callbacks
        self._root = Path(root) if self.verb == "fit" else None
        return super().instantiate_trainer(**kwargs)

    def _instantiate_trainer(self, config: dict[str, Any], callbacks: list[Any]) -> pl.Trainer:
        def made(**settings: Any) -> pl.Trainer:
            return make_trainer(self.folder, root=self._root, **settings)

        self.trainer_class: Any = made
        return super()._instantiate_trainer(config, callbacks)

    def _check_monitor(self, callbacks: list[Any], limit: float | None) -> None:
        monitors = {str(getattr(callback, "monitor", None)) for callback in callbacks}
        monitor = next((name for name in sorted(monitors) if name.startswith("valid_")), None)
        if monitor is not None and limit == 0:
            raise ConfigError(f"limit_val_batches is 0, but the callbacks choose by {monitor}")
        if monitor is not None and not self.datamodule.val_dataloader():
            problem = f"the validation span is empty, but the callbacks choose by {monitor}"
            raise ConfigError(f"{problem}: {data_source(self.datamodule).advice_without_validation()}")


def _told(name: str, data: Any) -> Any:
    """What a data module says by that name, if it says it."""
    return getattr(data, name, None)


def _loggers(folder: Path) -> list[Logger]:
    loggers: list[Logger] = [CSVLogger(str(folder), name="", version="")]
    if importlib.util.find_spec("tensorboard") is not None:
        from pytorch_lightning.loggers import TensorBoardLogger

        loggers.append(TensorBoardLogger(str(folder), name="", version="tensorboard"))
    return loggers


def _run_name(configs: list[Any], default: str) -> str:
    """The name of a run: its configuration's, or that of the run whose configuration it uses."""
    if not configs:
        return default
    path = Path(str(configs[0]))
    return path.stem if path.stem != "config" else path.resolve().parent.parent.name


def _refuse_difference(configured: Any, saved: Any, path: str, place: str = "model") -> None:
    """Stop where the configuration says one thing of the model and the checkpoint another."""
    if isinstance(configured, dict) and isinstance(saved, dict):
        fitted: tuple[str, ...] = ()
        if "class_path" in configured and configured["class_path"] == saved.get("class_path"):
            # Fitted on the training span; to score and to forecast, the checkpoint's is used.
            fitted = getattr(find_class(configured["class_path"], object), "fitted", ())
            configured, saved = configured["init_args"], saved.get("init_args") or {}
        # An argument that the checkpoint does not know came with a later version: it has its default there.
        for key in sorted((configured.keys() & saved.keys()).difference(fitted)):
            _refuse_difference(configured[key], saved[key], path, f"{place}.{key}")
    elif configured != saved:
        raise ConfigError(
            f"{place} is {configured} in the configuration but {saved} in the checkpoint {path}"
        )
