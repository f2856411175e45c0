"""fit, validate, test and predict, on Lightning's CLI."""

from __future__ import annotations

import argparse
import os
from contextlib import ExitStack, redirect_stdout
from typing import Any

from tsrnn.cli.arguments import mistakes_in_one_line
from tsrnn.cli.command_line import CommandLine
from tsrnn.cli.output import say, show, write_table
from tsrnn.cli.verbs.forecast import write_forecast
from tsrnn.data.panels.base import PanelData
from tsrnn.errors import ConfigError, Interrupted
from tsrnn.evaluation import perplexity, readable
from tsrnn.training import LanguageModel
from tsrnn.training.experiment import is_main_process, train
from tsrnn.training.runtime.quiet import quiet


def run(options: argparse.Namespace) -> int:
    """Run one of the four verbs."""
    arguments = [f"--config={file}" for file in options.config]
    if options.ckpt_path is not None:
        arguments.append(f"--ckpt_path={options.ckpt_path}")
    if getattr(options, "reference", None) is not None:
        arguments.append(f"--reference={options.reference}")
    if options.print_config:
        arguments.append("--print_config")
    with ExitStack() as stack:
        if not is_main_process():  # of several processes, one speaks
            stack.enter_context(redirect_stdout(stack.enter_context(open(os.devnull, "w", encoding="utf-8"))))
        for context in (quiet(), mistakes_in_one_line()):
            stack.enter_context(context)
        try:
            _Verb.of(options.verb, [*arguments, *options.changes])
        except SystemExit as error:
            if error.code:  # Lightning ends so after Ctrl-C before the first step
                raise KeyboardInterrupt from error
        except Interrupted:
            # The first process says so, and ends with the signal's status. Lightning kills it where another
            # ends with one before.
            if is_main_process():
                raise
    return 0


class _Verb(CommandLine):
    """The command line, and what it says of each verb."""

    def _prepare_subcommand_kwargs(self, subcommand: str) -> dict[str, Any]:
        quietly = {} if subcommand in ("fit", "predict") else {"verbose": False}
        return {"model": self.model, "datamodule": self.datamodule, **quietly}

    def before_fit(self) -> None:
        """Say what is known before a long training: what followed from the data, and unknown words."""
        summary = getattr(self.source, "summary", None)
        if summary is not None:
            say("data", summary)
        description = self.source.description()
        if "unknown_percent" in description:
            tokens, sentences = (sum(description[name].values()) for name in ("tokens", "lines"))
            how = "one a line" if description["sentences"] == "line" else "split where they end in paragraphs"
            ends = f"their ends are {100 * sentences / tokens:.1f} % of the tokens"
            say("sentences", f"{sentences}, {how}; {ends}")
            say("vocabulary", description["vocabulary"])
            for part, share in description["unknown_percent"].items():
                say(f"unknown_{part}", f"{share:.2f} % of {description['tokens'][part]} tokens")
        coverage = getattr(self.model, "vector_coverage", None)
        if coverage is not None:
            say("word_vectors", f"{100 * coverage:.1f} % of the vocabulary")

    def fit(self, model: Any, datamodule: Any) -> None:
        """Train, and say where the run is and how good its best epoch was."""
        result = train(model, datamodule, self.trainer, checkpoint=self._checkpoint)
        say("run", self.folder)
        if 0 <= self.trainer.max_steps <= result.steps:
            say("stopped", f"after {result.steps} steps, as max_steps asks")
        if result.checkpoint is not None:
            say("checkpoint", os.path.relpath(result.checkpoint))
        if result.score is not None:
            say(str(result.monitor), f"{result.score:.4f}")
            if isinstance(model, LanguageModel):
                say("valid_perplexity", f"{perplexity(result.score):.2f}")

    def after_validate(self) -> None:
        """Say the scores."""
        for name, value in self.trainer.callback_metrics.items():
            say(name, f"{float(value):.4f}")

    def predict(self, model: Any, datamodule: Any) -> None:
        """Forecast beyond the data and write the table and the picture."""
        if not isinstance(self.source, PanelData):
            raise ConfigError("predict forecasts series: use tsrnn generate, translate, caption or classify")
        forecasts: Any = self.trainer.predict(model, datamodule=datamodule)
        if is_main_process():
            write_forecast(self.source.panel, forecasts[0], None, self.folder, levels=(80, 95))

    def before_test(self) -> None:
        """Take the reference that was asked for."""
        reference = self.config["test"].reference
        if reference is None:
            return
        if not hasattr(self.model, "reference"):
            raise ConfigError("--reference is for forecasts: a model of words has none")
        self.model.reference = reference

    def after_test(self) -> None:
        """Show the scores and write them."""
        if not is_main_process():
            return
        frame = self.model.score_frame()
        write_table(frame, self.folder / "test.csv")
        show(readable(frame).to_dict("list"), "Test span")
        say("scores", self.folder / "test.csv")
        reference = getattr(self.model, "judged_by", None)
        if reference is not None:
            say("reference", reference)
            say("verdict", self.model.verdict)
