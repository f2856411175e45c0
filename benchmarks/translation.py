"""How good is a recurrent translator with attention, and what does it gain by reading many sentences at once?

    TSRNN_BENCHMARK_DATA=... python benchmarks/translation.py [--run FOLDER] [--sentences 1000]

English captions into German, Multi30k: `configs/translate/multi30k.yaml`, fitted by `tsrnn fit`; `--run`
takes one that was fitted before. BLEU and chrF of test_2016 are sacrebleu's, cased and detokenised, greedily
and with the beam of the configuration. Then the same sentences are translated greedily all at once and one by
one, in CPU seconds on one thread, and the texts compared: they must be equal.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import torch

from tsrnn.cli.checkpoints import load_encoder_decoder
from tsrnn.cli.main import main as tsrnn
from tsrnn.data.text.files import read_lines
from tsrnn.decoding import translate
from tsrnn.evaluation import corpus_scores

CONFIG = Path(__file__).parents[1] / "configs" / "translate" / "multi30k.yaml"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--run", help="the folder of a run of the network")
    parser.add_argument("--sentences", type=int, default=1000, help="how many are translated one by one, too")
    options = parser.parse_args()
    torch.set_num_threads(1)
    folder, run = Path(os.environ["TSRNN_BENCHMARK_DATA"]) / "parallel", options.run
    if run is None:
        run = "runs/latest"
        assert tsrnn(["fit", "--config", str(CONFIG), "--data.path", str(folder)]) == 0
    model, settings = load_encoder_decoder(run, "translate")
    sources, references = (
        list(read_lines(folder / f"multi30k.test_2016_flickr.{name}.gz")) for name in ("en", "de")
    )
    print(f"parameters\t{sum(parameter.numel() for parameter in model.parameters())}")
    for beam in (1, settings["beam"]):
        written = translate(model, sources, **{**settings, "beam": beam})
        scores = corpus_scores(written, [[text] for text in references])
        print(f"beam {beam}\tBLEU {scores['bleu']:.2f}\tchrF {scores['chrf']:.2f}")
        print(f"signature\t{scores['bleu_signature']}")
    some, greedy = sources[: options.sentences], {**settings, "beam": 1}
    begun = time.process_time()
    together = translate(model, some, **greedy)
    half = time.process_time()
    alone = [translate(model, [source], **greedy)[0] for source in some]
    seconds = (half - begun, time.process_time() - half)
    print(f"together\t{seconds[0]:.1f} CPU s\none by one\t{seconds[1]:.1f} CPU s")
    print(f"ratio\t{seconds[1] / seconds[0]:.1f}\nequal\t{together == alone}")


if __name__ == "__main__":
    main()
