"""fit, validate, test and predict, on Lightning's CLI."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytorch_lightning as pl
import torch
import yaml
from jsonargparse import get_loader, set_loader
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning.callbacks import TQDMProgressBar
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI
from pytorch_lightning.loggers import CSVLogger, Logger

import tsrnn.backbones
import tsrnn.codecs
import tsrnn.data
import tsrnn.embeddings
import tsrnn.heads
import tsrnn.training  # noqa: F401  (short names resolve among the classes that are imported)
from tsrnn.cli.explain import explain, one_line
from tsrnn.cli.inheritance import InheritingParser
from tsrnn.cli.output import one_line_warnings, say, show
from tsrnn.cli.verbs.forecast import write_forecast
from tsrnn.components import describe, find_class
from tsrnn.errors import ConfigError, TsrnnError
from tsrnn.evaluation import perplexity
from tsrnn.ops.cpu import cpu_tuning, tune_cpu
from tsrnn.training import AtomicCheckpointIO, LanguageModel, load
from tsrnn.training.loading import checkpoint_path, read_checkpoint
from tsrnn.training.runtime.quiet import quiet
from tsrnn.training.runtime.run_folder import link_latest, new_run_folder
from tsrnn.training.tasks.autoregressive import AutoregressiveTask


def run(verb: str, arguments: list[str]) -> int:
    """Run one of the four verbs."""
    # A cell of the user's own is found in the current folder, as `python` would find it.
    sys.path.insert(0, os.getcwd())
    arguments = _with_config_of_the_run(verb, arguments)
    with quiet(), one_line_warnings():
        try:
            CommandLine.of_verb(verb)(
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
        except SystemExit as error:
            if error.code:  # Lightning ends so after Ctrl-C, its checkpoints written
                raise KeyboardInterrupt from error
        except MisconfigurationException as error:
            raise ConfigError(one_line(str(error))) from error
        except ValueError as error:
            # jsonargparse wraps what a class raises while it is made: what was meant is inside.
            raise own_error(error) or ConfigError(one_line(str(error))) from error
    return 0


def _with_config_of_the_run(verb: str, arguments: list[str]) -> list[str]:
    """A checkpoint's own configuration, where none is given and it lies in the folder of its run."""
    given = [argument.partition("=")[0] for argument in arguments]
    if verb == "fit" or "--config" in given or "-c" in given or "--ckpt_path" not in given:
        return arguments
    place = given.index("--ckpt_path")
    value = arguments[place].partition("=")[2] or "".join(arguments[place + 1 : place + 2])
    path = Path(value)
    folder = path if path.is_dir() else path.parent.parent
    config = folder / "config.yaml"
    return ["--config", str(config), *arguments] if config.is_file() else arguments


def own_error(error: BaseException | None) -> TsrnnError | None:
    """The error of ours that another was raised from."""
    while error is not None and not isinstance(error, TsrnnError):
        error = error.__cause__ or error.__context__
    return error


def _load_value(text: str) -> Any:
    """A value as YAML has it; "#" and " " are text, where YAML sees a comment and nothing."""
    only_comment = "\n" not in text and text.lstrip().startswith("#")
    return text if only_comment or text.isspace() else _load_yaml(text)


_load_yaml = get_loader("yaml")
set_loader("yaml_and_marks", _load_value, exceptions=(yaml.YAMLError,))


class ConfigurationParser(InheritingParser):
    """Lightning's parser, with bases, and with errors in one line that name the nearest right key."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **{"parser_mode": "yaml_and_marks", **settings})

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise the mistake as a ConfigError of one line."""
        raise ConfigError(explain(message, self._option_names()))

    def _option_names(self) -> list[str]:
        return [option for action in self._actions for option in action.option_strings]


class CommandLine(LightningCLI):
    """Lightning's command line with one verb, which keeps a folder for each run and says what it found."""

    verb: str

    @classmethod
    def of_verb(cls, verb: str) -> type[CommandLine]:
        """The command line with this verb alone: four parsers take four times as long to build."""
        return type("CommandLine", (cls,), {"verb": verb})

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
            "--tune_cpu", type=bool, default=True, help="probe this processor for faster exact kernels"
        )
        parser.link_arguments(
            "data", "model.init_args.codec", compute_fn=lambda data: data.codec, apply_on="instantiate"
        )

    def before_instantiate_classes(self) -> None:
        """Find the checkpoint, and tune the processor as it was tuned for that."""
        config = self.config[self.verb]
        torch.set_num_threads(config.threads)
        self._checkpoint = self._resolve_checkpoint(config)
        self._contents = {} if self._checkpoint is None else read_checkpoint(self._checkpoint)["tsrnn"]
        if config.tune_cpu:
            tune_cpu(self._contents["cpu"] if self._contents else None)

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
        if self._checkpoint is None:
            return
        if isinstance(self.model, AutoregressiveTask):
            _refuse_difference(describe(self.model.model), self._contents["model"], str(self._checkpoint))
        if self.verb != "fit":
            modules = {path.rpartition(".")[0] for path in class_paths(self.config[self.verb].model)}
            configured, self.model = self.model, load(self._checkpoint, modules=modules)
            for name, value in configured.settings.items():
                setattr(self.model, name, value)
            self.datamodule.refuse_seen(self.verb, self._contents["data"])
            self.datamodule.adopt(self.model.model.codec)

    def before_fit(self) -> None:
        """Say what is known before a long training: unknown words, and words with vectors."""
        description = self.datamodule.description()
        if "unknown_percent" in description:
            say("vocabulary", description["vocabulary"])
            for part, share in description["unknown_percent"].items():
                say(f"unknown_{part}", f"{share:.2f} % of {description['tokens'][part]} tokens")
        coverage = getattr(self.model, "vector_coverage", None)
        if coverage is not None:
            say("word_vectors", f"{100 * coverage:.1f} % of the vocabulary")

    def instantiate_trainer(self, **kwargs: Any) -> pl.Trainer:
        """Make the run's folder, and the trainer that writes into it."""
        config = self.config[self.verb]
        callbacks = list(self._get(self.config_init, "trainer").callbacks or [])
        monitors = {str(getattr(callback, "monitor", None)) for callback in callbacks}
        monitor = next((name for name in sorted(monitors) if name.startswith("valid_")), None)
        if self.verb == "fit" and monitor is not None and not self.datamodule.val_dataloader():
            problem = f"the validation span is empty, but the callbacks choose by {monitor}"
            raise ConfigError(f"{problem}: give split a second share, or raise valid_size")
        root = config.trainer.default_root_dir or "runs"
        name = _run_name(config.get("config") or [], type(self.model).__name__.lower())
        self.folder = new_run_folder(root, name if self.verb == "fit" else f"{name}_{self.verb}")
        if self.verb == "fit":
            link_latest(root, self.folder)
        if cpu_tuning() is not None:
            (self.folder / "cpu.yaml").write_text(
                yaml.safe_dump(cpu_tuning(), sort_keys=False), encoding="utf-8"
            )
        if config.trainer.logger in (None, True):
            kwargs["logger"] = _loggers(self.folder)
        if config.trainer.enable_progress_bar is None:
            kwargs["enable_progress_bar"] = sys.stdout.isatty()  # where the bar is drawn
        trainer_config = self._get(self.config_init, "trainer")
        if kwargs.get("enable_progress_bar", config.trainer.enable_progress_bar):
            callbacks.append(TQDMProgressBar(refresh_rate=10))
        trainer_config.callbacks = callbacks
        trainer_config.plugins = [*(trainer_config.plugins or []), AtomicCheckpointIO()]
        return super().instantiate_trainer(default_root_dir=str(self.folder), **kwargs)

    def _prepare_subcommand_kwargs(self, subcommand: str) -> dict[str, Any]:
        if subcommand == "fit":
            return {**super()._prepare_subcommand_kwargs(subcommand), "weights_only": True}
        quietly = {} if subcommand == "predict" else {"verbose": False}
        return {"model": self.model, "datamodule": self.datamodule, **quietly}

    def after_fit(self) -> None:
        """Say where the run is and how good its best epoch was."""
        best: Any = self.trainer.checkpoint_callback
        say("run", self.folder)
        if best is not None and getattr(best, "best_model_score", None) is not None:
            say("checkpoint", os.path.relpath(best.best_model_path))
            score = float(best.best_model_score)
            say(best.monitor, f"{score:.4f}")
            if isinstance(self.model, LanguageModel):
                say("valid_perplexity", f"{perplexity(score):.2f}")

    def after_validate(self) -> None:
        """Say the scores."""
        for name, value in self.trainer.callback_metrics.items():
            say(name, f"{float(value):.4f}")

    def predict(self, model: Any, datamodule: Any) -> None:
        """Forecast beyond the data and write the table and the picture."""
        if isinstance(model, LanguageModel):
            raise ConfigError("predict forecasts prices: for words use tsrnn generate")
        forecasts: Any = self.trainer.predict(model, datamodule=datamodule)
        write_forecast(datamodule.panel, forecasts[0], None, self.folder, levels=(80, 95))

    def after_test(self) -> None:
        """Show the scores and write them."""
        frame = self.model.score_frame()
        frame.to_csv(self.folder / "test.csv", index=False)
        show(_rounded(frame), "Test span, one step ahead")
        say("scores", self.folder / "test.csv")
        for verdict in getattr(self.model, "verdicts", []):
            say("verdict", verdict)


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


def _rounded(frame: Any) -> Any:
    digits = {
        "nats": 4,
        "perplexity": 2,
        "mae_percent": 3,
        "mase": 4,
        "wql": 5,
        "coverage_80": 1,
        "coverage_95": 1,
    }
    return frame.round({name: places for name, places in digits.items() if name in frame})


def class_paths(description: Any) -> set[str]:
    """Every class path that a configuration names, at whatever depth."""
    if hasattr(description, "as_dict"):
        description = description.as_dict()
    if isinstance(description, list | tuple):
        return set().union(*(class_paths(item) for item in description))
    if not isinstance(description, dict):
        return set()
    own = {description["class_path"]} if isinstance(description.get("class_path"), str) else set()
    return own.union(*(class_paths(value) for value in description.values()))


def _refuse_difference(configured: Any, saved: Any, path: str, place: str = "model") -> None:
    """Stop where the configuration says one thing of the model and the checkpoint another."""
    if isinstance(configured, dict) and isinstance(saved, dict):
        fitted: tuple[str, ...] = ()
        if "class_path" in configured and configured["class_path"] == saved.get("class_path"):
            # Fitted on the training span; to score and to forecast, the checkpoint's is used.
            fitted = getattr(find_class(configured["class_path"], object), "fitted", ())
            configured, saved = configured["init_args"], saved["init_args"]
        # An argument that the checkpoint does not know came with a later version: it has its default there.
        for key in sorted((configured.keys() & saved.keys()).difference(fitted)):
            _refuse_difference(configured[key], saved[key], path, f"{place}.{key}")
    elif configured != saved:
        raise ConfigError(
            f"{place} is {configured} in the configuration but {saved} in the checkpoint {path}"
        )
