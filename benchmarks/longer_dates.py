"""Does attention write dates that are longer than all it was trained on?

    python benchmarks/longer_dates.py [--run FOLDER]

`configs/translate/dates.yaml` is fitted by `tsrnn fit`; `--run` takes a run of before. Asked are 500 dates
such as "Saturday, 16th of October 2077", a form that the training pairs do not have, of more letters than any
of theirs.
"""

from __future__ import annotations

import argparse
import random
from datetime import date, timedelta
from pathlib import Path

from tsrnn.cli.checkpoints import load_encoder_decoder
from tsrnn.cli.main import main as tsrnn
from tsrnn.data import ParallelText
from tsrnn.decoding import translate

CONFIG = Path(__file__).parents[1] / "configs" / "translate" / "dates.yaml"
SUFFIXES = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--run", help="the folder of a run of the network")
    run = parser.parse_args().run
    if run is None:
        run = "runs/latest"
        assert tsrnn(["fit", "--config", str(CONFIG)]) == 0
    model, settings = load_encoder_decoder(run, "translate")
    longest = max(map(len, ParallelText(corpus="dates").splits["train"].source))
    draw, pairs = random.Random(1), {}
    while len(pairs) < 500:
        day = date(1900, 1, 1) + timedelta(days=draw.randrange(73048))
        text = day.strftime(f"%A, {day.day}{SUFFIXES.get(day.day, 'th')} of %B %Y")
        if len(text) > longest:
            pairs[text] = day.isoformat()
    written = translate(model, list(pairs), **settings)
    right = sum(text == wanted for text, wanted in zip(written, pairs.values(), strict=True))
    print(f"letters in training, at most\t{longest}\nletters asked\t{longest + 1} to {max(map(len, pairs))}")
    print(f"exact_percent\t{100 * right / len(pairs):.1f}")


if __name__ == "__main__":
    main()
