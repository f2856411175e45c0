"""tsrnn backtest CONFIG|CKPT [FILE]: past forecasts beside observed values and baselines."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import torch

from tsrnn.cli.checkpoints import load_forecaster
from tsrnn.cli.output import say, show, write_table
from tsrnn.cli.reading import read_file
from tsrnn.data.panels.identity import panel_hash
from tsrnn.errors import ConfigError, DataError
from tsrnn.evaluation import (
    CAPTIONS,
    Comparison,
    Origins,
    Reference,
    backtest,
    captioned,
    choose_reference,
    readable,
)
from tsrnn.evaluation.backtests.seen import first_unseen
from tsrnn.predictors import Conformal
from tsrnn.predictors.by_name import baselines, naive_forecasts
from tsrnn.protocols import Panel, first_season, time_text
from tsrnn.training.runtime.run_folder import new_run_folder


@dataclass(frozen=True)
class _Task:
    """What is backtested: the network, the series, where its training span ends, and its validation span."""

    network: Any
    panel: Panel
    train: int | None
    first: int | str
    seasons: tuple[int, ...]
    horizon: int
    source: str


def run(options: argparse.Namespace) -> int:
    """Backtest a configuration or a checkpoint, and say what came of it."""
    torch.set_num_threads(options.threads)
    folder = Path(options.out) if options.out else new_run_folder("runs", "backtest")
    task = (_of_configuration if options.configured else _of_checkpoint)(options, folder)
    origins = Origins(
        task.first if options.first is None else options.first,
        options.last,
        options.stride,
        options.length,
        options.purge,
        options.embargo,
    )
    reference = _reference(options, task, origins)
    predictors, judged = _predictors(options, task, origins, reference)
    say("folder", folder)
    say("reference", reference)
    frame = backtest(
        predictors,
        task.panel,
        task.horizon,
        origins,
        refit=options.refit,
        warm_start=options.warm_start,
        num_samples=options.paths,
        season=first_season(task.seasons),
        folder=folder,
        progress=sys.stderr.isatty(),
    )
    comparison = Comparison(frame, reference.name, stride=options.stride, lags=options.lags)
    _say_findings(comparison, folder, task, judged)
    if options.report:
        from tsrnn.evaluation.report.backtest import backtest_report
        from tsrnn.evaluation.report.page import write_report

        contents = backtest_report(
            frame,
            comparison,
            task.panel,
            {"reference": str(reference), **_settings(options, task, origins)},
            title=f"Backtest of {predictors[0].name} on {Path(task.source).name}",
            created=f"{datetime.now():%Y-%m-%d %H:%M}",
        )
        write_report(contents, options.report)
        say("report", options.report)
    return 0


def _of_configuration(options: argparse.Namespace, folder: Path) -> _Task:
    from tsrnn.cli.configuration import ConfiguredNetwork  # Lightning, which a checkpoint does not need

    network = ConfiguredNetwork(options.network, options.changes, folder / "fits")
    data = network.data
    return _Task(
        network,
        data.panel,
        data.spans[0],
        data.spans[1] - 1,
        (options.season,) if options.season else data.codec.seasons,
        options.horizon or getattr(data, "horizon", 20),
        data.source,
    )


def _of_checkpoint(options: argparse.Namespace, folder: Path) -> _Task:
    task = load_forecaster(options.network, options.modules)
    panel = task.history if options.file is None else read_file(options, task)
    data = task.contents["data"] or {}
    if panel is None:
        raise DataError("the checkpoint holds no series: name a file")
    if options.file is None and panel.num_steps < data.get("time_steps", 0):
        raise DataError(
            f"the checkpoint holds the last {panel.num_steps:,} of {data['time_steps']:,} time steps, and "
            "scores need all of them: name the file"
        )
    if options.first is None and task.seen is None:
        raise ConfigError("the checkpoint does not say what it has seen: give --first")
    seasons = (options.season,) if options.season else task.model.codec.seasons
    train = first_unseen(panel, data.get("train_end"))
    source = options.file or data.get("source", options.network)
    return _Task(task, panel, train, str(task.seen), seasons, options.horizon or task.horizon, source)


def _reference(options: argparse.Namespace, task: _Task, origins: Origins) -> Reference:
    """The reference, chosen on what lies before the first origin, without the training span."""
    origin = int(origins.indices(task.panel, task.horizon)[0])
    return choose_reference(task.panel, task.horizon, task.seasons, task.train, origin + 1, options.reference)


def _predictors(
    options: argparse.Namespace, task: _Task, origins: Origins, reference: Reference
) -> tuple[list[Any], list[str]]:
    """The network, corrected too where that is asked for, and the baselines; and the names to be judged.

    The naive forecasts of series stand in the table without a verdict of their own, unless asked for.
    """
    known = baselines(first_season(task.seasons), task.panel.kind)
    prices = task.panel.kind == "prices"
    chosen = options.baselines if options.baselines is not None else (["random-walk-ewma"] if prices else [])
    naive = [] if prices else naive_forecasts(task.panel.kind, task.seasons)
    models = [task.network]
    if options.conformal:
        if options.refit != "never":
            raise ConfigError("a conformal correction needs a network that is fitted once: leave out --refit")
        origin = int(origins.indices(task.panel, task.horizon)[0])
        unseen = first_unseen(task.panel, getattr(task.network, "seen", None))
        if options.configured:
            span = origins.training_span(origin, task.horizon)
            models = [task.network.fit(task.panel.part(span.start, span.stop))]
            unseen = span.stop
        models.append(Conformal(models[0], options.conformal, first=origin + 1 if unseen is None else unseen))
    asked = [known[name]() for name in chosen]
    judged = [model.name for model in [*models, *asked] if model.name != reference.name]
    for baseline in [reference.predictor, *asked, *naive]:
        if baseline.name not in [model.name for model in models]:
            models.append(baseline)
    return models, judged


def _settings(options: argparse.Namespace, task: _Task, origins: Origins) -> dict[str, str]:
    """What was run, for the report."""
    ds, places = task.panel.ds, origins.indices(task.panel, task.horizon)
    spans = "all time steps before" if origins.length is None else f"the {origins.length} time steps before"
    purge = task.horizon - 1 if origins.purge is None else origins.purge
    return {
        "network": " ".join([options.network, *options.changes]),
        "data": task.source,
        "data sha256": panel_hash(task.panel),
        "time steps": f"{time_text(ds[0])} to {time_text(ds[-1])}, {len(ds):,}",
        "first and last origin": f"{time_text(ds[places[0]])} and {time_text(ds[places[-1]])}",
        "stride": str(origins.stride),
        "horizon": str(task.horizon),
        "paths": str(options.paths),
        "fitted": "once" if options.refit == "never" else f"before every {options.refit} origins",
        "fitted on": f"{spans} (purge {purge}, embargo {origins.embargo})",
        "season": str(first_season(task.seasons)),
        "test": "Diebold-Mariano, Newey-West, fixed-b critical values",
    }


def _say_findings(comparison: Comparison, folder: Path, task: _Task, judged: list[str]) -> None:
    """The scores, the tests and the verdicts; all of them in files."""
    write_table(comparison.scores.rename(columns=dict(CAPTIONS)), folder / "scores.csv")
    write_table(comparison.significance, folder / "significance.csv")
    title = f"{comparison.origins:,} origins, {comparison.series:,} series, {comparison.horizon} steps"
    show(readable(captioned(comparison.scores, task.panel.kind)).to_dict("list"), title)
    say("forecasts", folder / "backtest.parquet")
    say("scores", folder / "scores.csv")
    say("tests", folder / "significance.csv")
    if comparison.left_out:
        say("left out", f"{comparison.left_out:,} rows that a model did not forecast")
    for name in dict.fromkeys(judged):
        say("verdict", comparison.verdict(name))
