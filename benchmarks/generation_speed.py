"""How many words a second does generation make, one at a time?

`tsrnn.decoding.generate` writes one text, word by word, with an LSTM of 2 layers of 200 units over the 10,000
words of the Penn Treebank ($TSRNN_BENCHMARK_DATA/text), on one thread:

    loop         what it is compared with: nn.Embedding, nn.LSTM, nn.Linear, softmax and torch.multinomial, a
                 step a word, under inference_mode; `<unk>` may be drawn
    plain        the model's own distribution, `<unk>` left out, as everywhere below
    greedy       the most probable word
    temperature  0.8
    top-k        40
    top-p        0.9
    adaptive     the model's own distribution, the head an `AdaptiveSoftmax`

Weights are random and small, and the biases of the softmax are the words' log frequencies in the training
text, so that words are drawn about as often as they are: what an adaptive softmax and a nucleus cost depends
on it. The contenders take turns of --words words in one process; the figures are words by the median CPU
seconds of a turn, and the median over the rounds of the loop's CPU seconds by the contender's.

    taskset -c 0 python benchmarks/generation_speed.py [--rounds 9] [--words 300]
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from tsrnn.backbones import LSTM
from tsrnn.codecs import Vocabulary
from tsrnn.data import TextCorpus
from tsrnn.decoding import Decoding, generate
from tsrnn.embeddings import TokenEmbedding
from tsrnn.heads import AdaptiveSoftmax, Categorical
from tsrnn.heads.categorical import ClassHead
from tsrnn.models import AutoregressiveModel

SIZE, LAYERS, CUTOFFS = 200, 2, [1200, 4000]
DECODINGS = {
    "plain": Decoding(),
    "greedy": Decoding(temperature=0),
    "temperature 0.8": Decoding(temperature=0.8),
    "top-k 40": Decoding(top_k=40),
    "top-p 0.9": Decoding(top_p=0.9),
}


def frequencies() -> tuple[Vocabulary, Tensor]:
    """The words of the Penn Treebank, and their shares of the training text."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = TextCorpus(corpus="ptb", cache_dir=folder)
        counts = corpus.ids(slice(0, corpus.spans[0])).bincount(minlength=corpus.codec.input_size)
        return corpus.codec, counts / counts.sum()


def make_model(vocabulary: Vocabulary, shares: Tensor, head: ClassHead) -> AutoregressiveModel:
    """A model that draws words about as often as they are."""
    embedding = TokenEmbedding(vocabulary.input_size, SIZE)
    with torch.no_grad():
        head.projection.bias.copy_(shares.log())
        if isinstance(head, AdaptiveSoftmax):
            ends = zip(head.starts[1:], head.starts[2:], strict=False)
            clusters = [shares[start:stop].sum() for start, stop in ends]
            head.cluster_projection.bias.copy_(torch.stack(clusters).log())
    return AutoregressiveModel(vocabulary, embedding, LSTM(SIZE, SIZE, LAYERS), head).eval()


def generating(model: AutoregressiveModel, decoding: Decoding, words: int) -> Callable[[], None]:
    generator = torch.Generator().manual_seed(0)

    def write() -> None:
        for _ in generate(model, [], words, decoding, generator=generator):
            pass

    return write


def looping(shares: Tensor, words: int) -> Callable[[], None]:
    """The loop of a tutorial."""
    embedding, lstm = nn.Embedding(len(shares), SIZE), nn.LSTM(SIZE, SIZE, LAYERS)
    projection = nn.Linear(SIZE, len(shares))
    with torch.no_grad():
        nn.init.uniform_(embedding.weight, -0.1, 0.1)
        projection.bias.copy_(shares.log())
    generator = torch.Generator().manual_seed(0)

    @torch.inference_mode()
    def write() -> None:
        word = torch.zeros(1, 1, dtype=torch.int64)
        hidden = (torch.zeros(LAYERS, 1, SIZE), torch.zeros(LAYERS, 1, SIZE))
        for _ in range(words):
            outputs, hidden = lstm(embedding(word), hidden)
            probabilities = projection(outputs[-1, 0]).softmax(-1)
            drawn = torch.multinomial(probabilities, 1, generator=generator)
            word.fill_(int(drawn))

    return write


def contenders(words: int) -> dict[str, Callable[[], None]]:
    vocabulary, shares = frequencies()
    exact = make_model(vocabulary, shares, Categorical(SIZE, len(shares)))
    adaptive = make_model(vocabulary, shares, AdaptiveSoftmax(SIZE, len(shares), CUTOFFS))
    functions = {"loop": looping(shares, words)}
    functions |= {name: generating(exact, decoding, words) for name, decoding in DECODINGS.items()}
    return {**functions, "adaptive": generating(adaptive, Decoding(), words)}


def measure(functions: dict[str, Callable[[], None]], rounds: int) -> dict[str, list[float]]:
    """CPU seconds of each contender, round by round."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for turn in range(rounds + 1):  # the first warms up
        for name, function in functions.items():
            began = time.process_time()
            function()
            if turn:
                seconds[name].append(time.process_time() - began)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9, help="turns that are timed")
    parser.add_argument("--words", type=int, default=300, help="words of a turn")
    options = parser.parse_args()
    if "TSRNN_BENCHMARK_DATA" not in os.environ:
        sys.exit("generation_speed.py: TSRNN_BENCHMARK_DATA must name the folder of the benchmark data")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    seconds = measure(contenders(options.words), options.rounds)
    print("contender\twords_per_second\tmicroseconds_per_word\tratio_to_loop")
    for name, own in seconds.items():
        word = statistics.median(own) / options.words
        ratio = statistics.median(loop / mine for loop, mine in zip(seconds["loop"], own, strict=True))
        print(f"{name}\t{1 / word:.0f}\t{1e6 * word:.0f}\t{ratio:.2f}")


if __name__ == "__main__":
    main()
