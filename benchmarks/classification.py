"""Is a recurrent classifier of texts better than a linear one on counts of words or of characters?

    TSRNN_BENCHMARK_DATA=... python benchmarks/classification.py [--task sst2|nsmc] [--run FOLDER]

The network is that of `configs/classify/text.yaml`, for Korean with subwords, fitted and tested by `tsrnn` on
the data's own splits, its best epoch chosen on the validation texts; `--run` tests one that is there already.
Beside it stands logistic regression on TF-IDF of words (1 and 2 in a row) and of characters (2 to 5), its
penalty chosen on the validation texts among five. No pre-trained vectors anywhere. The test texts are scored
once. Intervals are Wilson's, 95 %.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import pandas as pd
from scipy.stats import binomtest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from tsrnn.cli.main import main as tsrnn

CONFIG = Path(__file__).parents[1] / "configs" / "classify" / "text.yaml"
SUBWORDS = ["--data.tokenizer", "tsrnn.codecs.Subwords", "--data.tokenizer.vocabulary_size", "16000"]
SETTINGS: dict[str, list[str]] = {"sst2": [], "nsmc": SUBWORDS}
FILES = {"sst2": ("train", "dev", "test"), "nsmc": ("train", "valid", "test")}
COUNTS = {
    "words": {"ngram_range": (1, 2), "min_df": 2, "token_pattern": r"\S+"},
    "characters": {"ngram_range": (2, 5), "min_df": 2, "analyzer": "char_wb"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--task", choices=FILES, default="sst2")
    parser.add_argument("--run", help="the folder of a run of the network")
    options = parser.parse_args()
    folder = Path(os.environ["TSRNN_BENCHMARK_DATA"]) / "labelled"
    files = [folder / f"{options.task}.{split}.tsv.gz" for split in FILES[options.task]]
    train, valid, test = (pd.read_csv(file, sep="\t", quoting=3, keep_default_na=False) for file in files)
    text, label = (next(name for name in train if name in names) for names in (TEXTS, LABELS))
    print("model\taccuracy_percent\tlow\thigh\tcpu_s")
    for name, settings in COUNTS.items():
        begun = time.process_time()
        counts = TfidfVectorizer(sublinear_tf=True, **settings)
        rows = counts.fit_transform(train[text])
        fits = [LogisticRegression(C=c, max_iter=1000).fit(rows, train[label]) for c in (0.3, 1, 3, 10, 30)]
        held = counts.transform(valid[text])
        best = max(fits, key=lambda fit: fit.score(held, valid[label]))
        right = int((best.predict(counts.transform(test[text])) == test[label]).sum())
        interval = binomtest(right, len(test)).proportion_ci(0.95, method="wilson")
        shares = (right / len(test), interval.low, interval.high)
        row = "\t".join(f"{100 * share:.1f}" for share in shares)
        print(f"TF-IDF of {name} (C = {best.C:g})\t{row}\t{time.process_time() - begun:.0f}")
    run = options.run
    if run is None:
        begun, run = time.process_time(), "runs/latest"
        names = zip(("train", "valid", "test"), files, strict=True)
        paths = [word for name, file in names for word in (f"--data.{name}_path", str(file))]
        assert tsrnn(["fit", "--config", str(CONFIG), *paths, *SETTINGS[options.task]]) == 0
        print(f"fitted in\t{time.process_time() - begun:.0f}\tCPU s")
    assert tsrnn(["test", run]) == 0


TEXTS, LABELS = ("text", "sentence", "document"), ("label", "class")

if __name__ == "__main__":
    main()
