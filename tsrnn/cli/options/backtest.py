"""What `tsrnn backtest` can be told."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path
from typing import Literal

from tsrnn.cli.parser import (
    KeysParser,
    add_reading,
    check_checkpoint,
    check_file,
    file_as_keys,
    positive,
)
from tsrnn.errors import ConfigError
from tsrnn.files import existing
from tsrnn.predictors.by_name import named_predictors


def parser(verb: str) -> KeysParser:
    """The parser of the verb."""
    baselines = list(named_predictors())
    made = KeysParser(
        verb,
        "Forecast the past from many origins, each by what was learned before it, beside "
        "baselines. Keys of a configuration can be set as for fit: --data.train_end=2012-12-31.",
        "tsrnn backtest runs/latest --report report.html",
    )
    made.add_argument(
        "network", metavar="CONFIG|CKPT", help="a configuration, which is trained; or a checkpoint or run"
    )
    made.add_argument("file", metavar="FILE", nargs="?", help="series; default: those of CONFIG or CKPT")
    made.add_argument("--horizon", type=positive, help="time steps ahead; default: those of CONFIG or CKPT")
    made.add_argument(
        "--first",
        type=_origin,
        help="the first origin, a date or index; default: the last time step of the validation span",
    )
    made.add_argument(
        "--last", type=_origin, help="the last origin; default: the last with all of its horizon"
    )
    made.add_argument("--stride", type=positive, default=5, help="time steps from one origin to the next")
    made.add_argument(
        "--refit",
        type=_refit,
        default="never",
        help="never, or k: everything is fitted again every k origins",
    )
    made.add_argument("--warm-start", action="store_true", help="each refit starts from the one before")
    made.add_argument("--length", type=positive, help="of a rolling window; default: all, expanding")
    made.add_argument("--purge", type=int, help="origins before one not learned from; default: H - 1")
    made.add_argument("--embargo", type=int, default=0, help="further time steps that are left out before it")
    made.add_argument(
        "--paths",
        type=positive,
        default=200,
        help="sampled paths a series; of 200 the median errs by 0.8 %% more, of 1000 by 0.16 %%",
    )
    made.add_argument(
        "--baselines",
        nargs="*",
        choices=baselines,
        help="beside the reference; default for prices: random-walk-ewma",
    )
    made.add_argument(
        "--season", type=positive, help="of the seasonal naive and of MASE; default: the data's"
    )
    made.add_argument(
        "--reference",
        choices=baselines,
        help="what skill is over; default: random-walk for prices, else the naive forecast that was best "
        "before the first origin",
    )
    made.add_argument("--conformal", choices=("split", "rolling"), help="correct its intervals too")
    made.add_argument("--lags", type=int, help="of the Newey-West variance; default: by the horizon")
    made.add_argument("--report", metavar="HTML", help="write a page with everything to look at")
    made.add_argument("--out", help="the folder; an interrupted backtest resumes in its own")
    made.add_argument("--import", dest="modules", nargs="+", default=[], help="modules that CKPT uses")
    made.add_argument("--threads", type=positive, default=1, help="CPU threads")
    add_reading(made)
    return made


def check(options: argparse.Namespace) -> None:
    """Look for the files and the keys, and at what does not go together.

    Raises:
        TsrnnError: in one line.
    """
    if options.report:
        _check_report(options.report)
    check_file(options)
    options.configured = Path(options.network).suffix in (".yaml", ".yml")
    if not options.configured:
        options.checkpoint = options.network
        check_checkpoint(options)
        if options.changes:
            key, _, _ = options.changes[0].partition("=")
            raise ConfigError(f"{key} is a key of a configuration, and {options.network} is a checkpoint")
        if options.refit != "never" or options.warm_start:
            raise ConfigError("a checkpoint is used as it is: to fit again, give its configuration instead")
        return
    existing(options.network, "configuration")
    from tsrnn.cli.sources.configuration import Configuration  # a checkpoint needs no YAML

    options.changes = [*options.changes, *file_as_keys(options)]
    Configuration([options.network], options.changes).check()


def _check_report(path: str) -> None:
    """Say before an hour of work what would be in the way of its page."""
    if not Path(path).resolve().parent.is_dir():
        raise ConfigError(f"--report {path}: there is no such folder")
    if importlib.util.find_spec("plotly") is None:
        raise ConfigError("--report needs plotly: pip install 'tsrnn[report]'")


def _origin(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def _refit(text: str) -> int | Literal["never"]:
    return "never" if text == "never" else positive(text)
