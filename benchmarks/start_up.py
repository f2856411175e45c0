"""How long do the command and the package take to start?

The user CPU seconds of child processes, the median of 10 of each, the commands turn by turn, beside those
of a bare Python. At most 0.2 s for `tsrnn --help` and `tsrnn --version` and 0.1 s for `import tsrnn` are
aimed at.

    taskset -c 0 python benchmarks/start_up.py [--repeats 10]
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
from pathlib import Path

COMMAND = str(Path(sys.executable).with_name("tsrnn"))  # the console script beside this Python
COMMANDS = {
    "tsrnn --help": [COMMAND, "--help"],
    "tsrnn --version": [COMMAND, "--version"],
    "import tsrnn": [sys.executable, "-c", "import tsrnn"],
    "bare python": [sys.executable, "-c", "pass"],
}


def user_seconds(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def measure(repeats: int) -> dict[str, float]:
    """The median user CPU seconds of each command."""
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for repeat in range(repeats + 1):  # the first fills the file cache
        for name, command in COMMANDS.items():
            taken = user_seconds(command)
            if repeat:
                seconds[name].append(taken)
    return {name: statistics.median(values) for name, values in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=10)
    options = parser.parse_args()
    figures = measure(options.repeats)
    for name, value in figures.items():
        print(f"{name}\t{value:.3f}")


if __name__ == "__main__":
    main()
