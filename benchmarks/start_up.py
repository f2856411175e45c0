"""How long do the command and the package take to start, and the verbs of a checkpoint to answer?

The user CPU seconds of child processes, the median of 5 of each, the commands turn by turn, beside those
of a bare Python and of `import torch`. The bars: 0.2 s for `tsrnn --help` and `tsrnn --version`, 0.1 s for
`import tsrnn`, 0.5 s for a mistyped path; and beyond `import torch`, measured in the same run, 0.8 s for
`inspect`, `score` and `generate`, and 2.2 s for `forecast` of the bundled prices with its table and picture.
The checkpoints are trained first, for one epoch.

    taskset -c 0 python benchmarks/start_up.py [--repeats 5]
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
COMMAND = str(Path(sys.executable).with_name("tsrnn"))  # the console script beside this Python
TORCH = "import torch"
COMMANDS = {
    "bare python": ([sys.executable, "-c", "pass"], None),
    TORCH: ([sys.executable, "-c", TORCH], None),
    "import tsrnn": ([sys.executable, "-c", "import tsrnn"], 0.1),
    "tsrnn --help": ([COMMAND, "--help"], 0.2),
    "tsrnn --version": ([COMMAND, "--version"], 0.2),
    "a mistyped path": ([COMMAND, "forecast", "runs/latset"], 0.5),
}
OF_A_CHECKPOINT = {
    "tsrnn inspect": (["inspect", "prices"], 0.8),
    "tsrnn score": (["score", "words", "The class is an object."], 0.8),
    "tsrnn generate": (["generate", "words", "The class", "--words", "20"], 0.8),
    "tsrnn forecast": (["forecast", "prices", "--horizon", "20", "--out", "forecast"], 2.2),
}
"""Commands, and their bars beyond `import torch`."""


def trained(folder: Path) -> None:
    """A small model of the bundled prices and one of the words of a page, in folders `prices` and `words`."""
    text = ["--data.path", str(ROOT / "docs" / "design.md")]
    for name, config, more in (
        ("prices", "forecast/prices_lstm.yaml", []),
        ("words", "language/my_text.yaml", text),
    ):
        fit = [COMMAND, "fit", "--config", str(ROOT / "configs" / config), "--trainer.max_epochs", "1"]
        subprocess.run([*fit, *more], check=True, cwd=folder, stdout=subprocess.DEVNULL)
        (folder / "runs" / "latest").resolve().rename(folder / name)


def user_seconds(command: list[str], folder: Path) -> float:
    """Those of a command; of a mistake, too."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if done.returncode not in (0, 2):
        raise SystemExit(done.stderr.decode())
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def measure(repeats: int, commands: dict[str, list[str]], folder: Path) -> dict[str, float]:
    """The median user CPU seconds of each command."""
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for repeat in range(repeats + 1):  # the first fills the file cache
        for name, command in commands.items():
            taken = user_seconds(command, folder)
            if repeat:
                seconds[name].append(taken)
    return {name: statistics.median(values) for name, values in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    commands = {name: command for name, (command, _) in COMMANDS.items()}
    commands |= {name: [COMMAND, *arguments] for name, (arguments, _) in OF_A_CHECKPOINT.items()}
    with tempfile.TemporaryDirectory() as folder:
        trained(Path(folder))
        figures = measure(options.repeats, commands, Path(folder))
    bars = {name: bar for name, (_, bar) in COMMANDS.items()}
    bars |= {name: figures[TORCH] + bar for name, (_, bar) in OF_A_CHECKPOINT.items()}
    print("command\tuser CPU s\tbar")
    for name, value in figures.items():
        print(f"{name}\t{value:.2f}\t{'' if bars[name] is None else f'{bars[name]:.2f}'}")


if __name__ == "__main__":
    main()
