"""tsrnn leaktest CONFIG [FILE]: whether anything that is learned or forecast depends on what comes later."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import torch

from tsrnn.cli.configuration import ConfiguredNetwork
from tsrnn.cli.output import one_line_warnings, say
from tsrnn.cli.parser import LineParser, positive
from tsrnn.cli.verbs.backtest import split_changes
from tsrnn.evaluation.leakage import TOLERANCE, leak_test

_MOST_SAID = 3
"""Of one kind."""


def run(verb: str, arguments: list[str]) -> int:
    """Test a configuration; 0 if nothing leaks, 1 if something does."""
    arguments, changes = split_changes(arguments)
    parser = LineParser(
        prog=f"tsrnn {verb}",
        description="Change, truncate and delete what lies after many cut points, and compare everything up "
        "to them: values, features, codec, batches, and forecasts of the network with fresh weights. Keys of "
        "the configuration can be set as for fit: --data.codec=my_codecs.Mine.",
    )
    parser.add_argument("config", metavar="CONFIG", help="a configuration of prices or other series")
    parser.add_argument(
        "file", metavar="FILE", nargs="?", help="series to test it on; default: those of CONFIG"
    )
    parser.add_argument("--pairs", type=positive, default=1000, help="pairs of a series and a cut, at least")
    parser.add_argument("--seed", type=int, default=0, help="of the cuts, and of what replaces the values")
    parser.add_argument("--threads", type=positive, default=1, help="CPU threads")
    options = parser.parse(arguments)
    if options.file is not None:
        changes = [*changes, f"--data.path={options.file}"]
    with one_line_warnings(), tempfile.TemporaryDirectory() as folder:
        network = ConfiguredNetwork(options.config, changes, Path(folder))
        torch.set_num_threads(options.threads)
        report = leak_test(
            network.data.reading,
            network.data.panel,
            make_predictor=lambda data: network.untrained.eval(),
            pairs=options.pairs,
            seed=options.seed,
        )
    say("pairs", f"{report.pairs:,} of a series and a cut, {report.series} series")
    for name, count in report.checks.items():
        say(name, f"compared {count:,} times")
    if report.excepted:
        say(
            "excepted", f"{report.excepted} features of the panel as a whole, where another series is removed"
        )
    said: Counter[tuple[str, str]] = Counter()
    for violation in report.violations:
        said[violation.kind, violation.what] += 1
        if said[violation.kind, violation.what] <= _MOST_SAID:
            say("leak", violation)
    if report.ok:
        say("result", f"no leak found (truncated and removed: equal to {TOLERANCE:g}; else bit for bit)")
        return 0
    say("result", f"{report.found:,} violations: something up to a cut depends on what comes after it")
    return 1
