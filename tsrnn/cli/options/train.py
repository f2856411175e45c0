"""What `tsrnn fit`, `validate`, `test` and `predict` can be told."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tsrnn.checkpoints.paths import checkpoint_path
from tsrnn.cli.parser import KeysParser
from tsrnn.errors import ConfigError, nearest
from tsrnn.files import existing
from tsrnn.predictors.by_name import named_predictors

_WHAT = {
    "fit": "Train a model. A configuration says which one, and on which data; each of its keys is an option.",
    "validate": "Score the validation span of a run's data with the run's best model.",
    "test": "Score the test span of a run's data with the run's best model, beside a naive forecast.",
    "predict": "Forecast beyond the end of a run's data with the run's best model, into a folder of its own.",
}
_EXAMPLES = {
    "fit": "tsrnn fit --config configs/forecast/prices_lstm.yaml --data.path my_prices.csv",
    "validate": "tsrnn validate runs/latest",
    "test": "tsrnn test runs/latest",
    "predict": "tsrnn predict runs/latest",
}
_SHIPPED = """\
configurations, in the folder configs (one of your own says base: PATH of another, and what differs):
  forecast/prices_lstm.yaml       prices; without --data.path those of four stocks, bundled
  forecast/yahoo_lstm.yaml        prices of --data.tickers, downloaded
  forecast/panel.yaml             any series, from hourly to yearly
  language/python_docs_lstm.yaml  words, of the help topics of Python
  language/my_text.yaml           words, of a text of your own
  translate/dates.yaml            a text for a text; without --data.path dates, made up
  classify/text.yaml              a class for a text, of a table of your own
  caption/digits.yaml             a text for a vector; without --data.path handwritten digits
"""
_KEYS = """\
keys that are set most, as options:
  --data.path FILE                the file to train on
  --model.backbone FILE           the network: configs/backbones/gru.yaml; or a class of your own
  --trainer.max_epochs N          at most so many epochs
  --trainer.accelerator cpu       in place of auto, which takes a GPU where there is one
  --trainer.default_root_dir DIR  where the run gets its folder, in place of runs
  --seed_everything N             of weights and dropout
"""
_ALL = """\
all options, those of the model and the data first:
  {}
"""


class _Parser(KeysParser):
    """Its help is short; with a configuration, it lists the options of that configuration."""

    def parse(self, arguments: list[str]) -> argparse.Namespace:
        """The parsed arguments; after the help there are none.

        Raises:
            SystemExit: after the help.
        """
        options = super().parse(arguments)
        if options.help:
            print(self._help(options))
            raise SystemExit(0)
        return options

    def _help(self, options: argparse.Namespace) -> str:
        files = configurations(options)
        if not files:
            return self.format_help().rstrip()
        from tsrnn.cli.sources.configuration import Configuration
        from tsrnn.cli.sources.page import page

        for file in files:
            existing(file)
        title = f"Options of tsrnn {options.verb} with {', '.join(files)}, and their values."
        return f"{title}\n\n{page(Configuration(files, options.changes))}"


def parser(verb: str) -> KeysParser:
    """The parser of a verb."""
    fit = verb == "fit"
    made = _Parser(verb, _WHAT[verb], _EXAMPLES[verb], add_help=False)
    made.usage = f"tsrnn {verb} {'--config FILE' if fit else 'RUN'} [--KEY VALUE ...]"
    whole = _ALL.format("tsrnn fit --config FILE --help" if fit else f"tsrnn {verb} RUN --help")
    made.epilog = "\n".join([*([_SHIPPED, _KEYS] if fit else []), whole, str(made.epilog)])
    if not fit:
        made.add_argument("run", metavar="RUN", nargs="?", help="the folder of a run, or a checkpoint in it")
    made.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        action="append",
        default=[],
        help=f"a configuration; of two, the later overrides{'' if fit else '; default: that of the run'}",
    )
    made.add_argument("--ckpt_path", metavar="RUN", help="a run to resume" if fit else "the same as RUN")
    if verb == "test":
        made.add_argument(
            "--reference",
            metavar="NAME",
            help="the baseline that the verdict is over; default: random-walk for prices, else the naive "
            "forecast that was best on the validation span",
        )
    made.add_argument("--print_config", action="store_true", help="print every key with its value, and stop")
    made.add_argument(
        "-h", "--help", action="store_true", help="this text; with a configuration, its options"
    )
    made.set_defaults(run=None)
    return made


def check(options: argparse.Namespace) -> None:
    """Look for the run, the files and the keys.

    Raises:
        TsrnnError: in one line.
    """
    if options.run is not None and options.ckpt_path is not None:
        raise ConfigError("RUN and --ckpt_path are the same: give one of them")
    options.ckpt_path = options.run or options.ckpt_path
    if options.ckpt_path is not None:
        checkpoint_path(options.ckpt_path, prefer="last" if options.verb == "fit" else "best")
    elif options.verb != "fit" and not options.print_config:
        raise ConfigError(f"{options.verb} needs RUN, the folder of a run, or a checkpoint in it")
    reference = getattr(options, "reference", None)
    if reference is not None and reference not in (known := named_predictors()):
        raise ConfigError(f"there is no reference {reference!r}{nearest(reference, known)}")
    options.config = configurations(options)
    files = [
        file for file in options.config if not file.lstrip().startswith("{")
    ]  # else it is the text itself
    for file in files:
        existing(file)
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())  # a class of one's own is found in the current folder
    from tsrnn.cli.sources.configuration import Configuration  # neither help nor a mistyped path needs YAML

    configuration = Configuration(files, options.changes)
    if files != options.config:
        return
    if missing := [key for key in ("model", "data") if key not in configuration.keys]:
        raise ConfigError(f"{' and '.join(missing)} must be given: name a configuration, --config FILE")
    configuration.check()


def configurations(options: argparse.Namespace) -> list[str]:
    """The configurations that are named; to score a run, or else to forecast, its own."""
    run = getattr(options, "run", None) or options.ckpt_path
    if options.config or options.verb == "fit" or run is None:
        return list(options.config)
    path = Path(run)
    config = (path if path.is_dir() else path.parent.parent) / "config.yaml"
    return [str(config)] if config.is_file() else []
