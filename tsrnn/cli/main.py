"""The command's root: help, version and dispatch, on the standard library alone.

Torch and Lightning take seconds to import, so a verb is imported only when it is called.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import tsrnn
from tsrnn.errors import ConfigError, DataWarning, Interrupted, Notice, TsrnnError, nearest

_VERBS = {
    "fit": ("train", "train a model:  tsrnn fit --config configs/forecast/prices_lstm.yaml"),
    "validate": ("train", "score the validation span of a checkpoint"),
    "test": ("train", "score the test span of a checkpoint, beside naive forecasts"),
    "predict": ("train", "forecast beyond the configured data, into a run folder"),
    "fetch": ("fetch", "daily prices from Yahoo:  tsrnn fetch AAPL 005930.KS --output prices.csv"),
    "forecast": ("forecast", "forecast from a checkpoint:  tsrnn forecast CKPT [FILE] --horizon 20"),
    "backtest": ("backtest", "forecast the past, and be judged:  tsrnn backtest CONFIG|CKPT [FILE]"),
    "leaktest": ("leaktest", "prove that nothing sees the future:  tsrnn leaktest CONFIG [FILE]"),
    "score": ("score", 'how probable words are:  tsrnn score CKPT "a sentence"'),
    "generate": ("generate", 'continue a prompt:  tsrnn generate CKPT "a prompt" --words 100'),
    "translate": ("conditional", 'a sentence into another:  tsrnn translate CKPT "a sentence"'),
    "classify": ("classify", 'the class of a text:  tsrnn classify CKPT "a text"'),
    "caption": ("conditional", "a text for each vector:  tsrnn caption CKPT vectors.npy"),
    "neighbours": ("neighbours", "the words most like one:  tsrnn neighbours CKPT WORD"),
    "inspect": ("inspect", "what a checkpoint holds:  tsrnn inspect CKPT"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status.

    That is 0, 2 for a user's mistake, 130 for Ctrl-C, and 143 for SIGTERM.
    """
    if arguments is None:
        gc.disable()  # in a process of its own, until the verb is imported
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with _sigterm_as_an_error(), _in_one_line(arguments):
            status = _dispatch(arguments)
        sys.stdout.flush()  # here, where a reader that has gone is no surprise
        return status
    except TsrnnError as error:
        print(f"tsrnn: error: {error.said(_option(arguments))}", file=sys.stderr)
        return 2
    except Interrupted as stop:
        print(f"tsrnn: {stop}", file=sys.stderr)
        return 128 + stop.signal
    except BrokenPipeError:
        # The reader of our output has gone; what is left to say must not fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("tsrnn: interrupted", file=sys.stderr)
        return 130
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print(f"tsrnn: error: {place}{error.strerror or error}", file=sys.stderr)
        return 2


def _told(verb: str) -> Any:
    """The module of what a verb can be told."""
    return importlib.import_module(f"tsrnn.cli.options.{_VERBS[verb][0]}")


def _option(arguments: list[str]) -> Callable[[str], str | None]:
    """The option of the command for an argument that a message names by its key."""
    if not arguments or arguments[0] not in _VERBS:
        return lambda key: None
    verb = arguments[0]
    option: Callable[[str], str | None] = _told(verb).parser(verb).option
    return option


@contextmanager
def _in_one_line(arguments: list[str]) -> Iterator[None]:
    """Inside, a warning or a notice is one line on standard error, without the place in the code."""

    def show(message: Any, category: Any, *_: Any, **__: Any) -> None:
        kind = "note" if issubclass(category, Notice) else "warning"
        ours = isinstance(message, DataWarning | Notice)
        text = message.said(_option(arguments)) if ours else str(message)
        print(f"tsrnn: {kind}: {text.splitlines()[0]}", file=sys.stderr)

    before, warnings.showwarning = warnings.showwarning, show
    try:
        yield
    finally:
        warnings.showwarning = before


@contextmanager
def _sigterm_as_an_error() -> Iterator[None]:
    """Inside, SIGTERM ends what is under way as Ctrl-C does, so that it is cleaned up and said."""

    def stop(number: int, frame: Any) -> None:
        raise Interrupted(number, "terminated")

    if threading.current_thread() is not threading.main_thread():  # only there are signals heard
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(_help())
        return 0
    if arguments[0] in ("-V", "--version"):
        print(f"tsrnn {tsrnn.__version__}")
        return 0
    verb = arguments[0]
    if verb not in _VERBS:
        kind = "option" if verb.startswith("-") else "command"
        known = ["--help", "--version"] if kind == "option" else list(_VERBS)
        raise ConfigError(f"there is no {kind} {verb}{nearest(verb, known)} (tsrnn --help lists them)")
    told = _told(verb)
    try:
        options = told.parser(verb).parse(arguments[1:])
    except SystemExit:  # after the help
        return 0
    told.check(options)
    module = importlib.import_module(f"tsrnn.cli.verbs.{_VERBS[verb][0]}")
    if not gc.isenabled():
        # Imports leave no garbage, and to look for some among torch's million objects takes half a second.
        gc.freeze()
        gc.set_threshold(50_000)
        gc.enable()
    return int(module.run(options))


def _help() -> str:
    verbs = "\n".join(f"  {verb:<12}{text}" for verb, (_, text) in _VERBS.items())
    return (
        "tsrnn: recurrent networks for sequences, made practical\n\n"
        f"usage: tsrnn COMMAND ...\n\ncommands:\n{verbs}\n\n"
        "options:\n  --help      this text; tsrnn COMMAND --help says more\n  --version   the version"
    )
