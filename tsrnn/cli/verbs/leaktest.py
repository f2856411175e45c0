"""tsrnn leaktest CONFIG [FILE]: whether anything that is learned or forecast depends on what comes later."""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from pathlib import Path

import torch

from tsrnn.cli.configuration import ConfiguredNetwork
from tsrnn.cli.output import say
from tsrnn.evaluation.leakage import TOLERANCE, leak_test

_MOST_SAID = 3
"""Of one kind."""


def run(options: argparse.Namespace) -> int:
    """Test a configuration; 0 if nothing leaks, 1 if something does."""
    with tempfile.TemporaryDirectory() as folder:
        network = ConfiguredNetwork(options.config, options.changes, Path(folder))
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
