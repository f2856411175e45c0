"""How many training tokens a second, against the word_language_model of pytorch/examples?

The model and its settings are that example's own: embedding 200, LSTM of 2 layers of 200 units, dropout 0.2,
an exact softmax with vectors of its own, 20 columns, 35 steps of truncated back-propagation, SGD at 20, the
gradient's norm clipped at 0.25. The texts are the Penn Treebank (V = 10,000) and WikiText-2 (V = 33,278), in
$TSRNN_BENCHMARK_DATA/text. Each contender trains in a process of its own, on one thread:

    peer       the example's model.py and data.py, imported from --peer FOLDER, and the steps of its train():
               detach the state, zero_grad, NLL of log_softmax, backward, clip_grad_norm_, p += -lr * gradient
    plain      without --peer: the same loop over a model that is written here in nn.Embedding, nn.LSTM,
               nn.Linear, log_softmax
    tsrnn      `LanguageModel`, `TextCorpus` and `pl.Trainer` as `tsrnn fit` sets them up, with `tune_cpu`,
               without validation and checkpoints; the same mathematics, step by step
    adaptive   that with `AdaptiveSoftmax`, which is another head: no comparison of like with like
    tuned      with --tuned: the peer or the plain loop after `tune_cpu`, to tell what that alone does

The contenders take turns of --steps steps; while one trains, the others wait. Tokens a second are 700 by the
median CPU seconds of a step; a ratio is the median over the rounds of CPU seconds by those of the contender
that is compared with. Memory: the most that the process had in RAM, and how much of it came after the text
was read and before and while the model trained.

    git clone --depth 1 https://github.com/pytorch/examples FOLDER
    taskset -c 0 python benchmarks/training_speed.py --peer FOLDER/word_language_model [--tuned]
        [--rounds 8] [--steps 5] [--texts ptb wikitext2]
"""

from __future__ import annotations

import argparse
import gzip
import multiprocessing
import os
import re
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

# torch and tsrnn are imported where they are used, so that the peer's process holds nothing of ours.

COLUMNS, CHUNK, SIZE, LAYERS, DROPOUT, RATE, CLIP = 20, 35, 200, 2, 0.2, 20.0, 0.25
VOCABULARIES = {"ptb": 10_000, "wikitext2": 33_278}
CUTOFFS = {"ptb": [1200, 4000], "wikitext2": [2000, 10_000]}


class Result(NamedTuple):
    """What a contender reports of a turn: CPU seconds; MB in RAM, at most so far and before the model."""

    seconds: float
    peak: float
    before: float


class Turns:
    """Lets a contender train only while it is its turn: `before_step` waits for the next one."""

    def __init__(self, pipe: Any, turns: int, steps: int) -> None:
        self._pipe, self._steps = pipe, steps
        self.total = turns * steps + 1  # before the last one the last turn ends
        self._step, self._began, self._before = 0, 0.0, 0.0

    def text_is_read(self) -> None:
        """Memory counts from here on."""
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
        self._before = memory("VmRSS")

    def before_step(self) -> None:
        if self._step % self._steps == 0:
            self._pipe.send(Result(time.process_time() - self._began, memory("VmHWM"), self._before))
            self._pipe.recv()
            self._began = time.process_time()
        self._step += 1


def memory(field: str) -> float:
    """VmRSS, what this process has in RAM, or VmHWM, the most that it had, in MB."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    found = re.search(rf"{field}:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1024


def train_bare(turns: Turns, model: Any, ids: Any) -> None:
    """The steps of the peer's train(), for a model that returns log probabilities and its state."""
    import torch
    from torch import nn

    length = len(ids) // COLUMNS
    columns = ids[: length * COLUMNS].view(COLUMNS, length).t().contiguous()
    criterion, total = nn.NLLLoss(), 0.0
    hidden = model.init_hidden(COLUMNS)
    model.train()
    for step in range(turns.total):
        turns.before_step()
        begin = step * CHUNK % (length - CHUNK)
        inputs = columns[begin : begin + CHUNK]
        targets = columns[begin + 1 : begin + 1 + CHUNK].view(-1)
        model.zero_grad()
        hidden = tuple(tensor.detach() for tensor in hidden)
        log_probs, hidden = model(inputs, hidden)
        loss = criterion(log_probs, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        for parameter in model.parameters():
            parameter.data.add_(parameter.grad, alpha=-RATE)
        total += loss.item()


def peer(turns: Turns, text: str, folder: str, words: str) -> None:
    """The example's own model, on the text as its own data.py reads it."""
    sys.path.insert(0, folder)
    import data
    import model

    corpus = data.Corpus(words)
    assert len(corpus.dictionary) == VOCABULARIES[text]
    turns.text_is_read()
    network = model.RNNModel("LSTM", len(corpus.dictionary), SIZE, SIZE, LAYERS, DROPOUT, False)
    train_bare(turns, network, corpus.train)


def plain(turns: Turns, text: str) -> None:
    """The same network in torch's own modules."""
    import torch
    from torch import nn

    class Plain(nn.Module):
        def __init__(self, classes: int) -> None:
            super().__init__()
            self.embedding, self.dropout = nn.Embedding(classes, SIZE), nn.Dropout(DROPOUT)
            self.lstm = nn.LSTM(SIZE, SIZE, LAYERS, dropout=DROPOUT)
            self.projection = nn.Linear(SIZE, classes)
            for weight in (self.embedding.weight, self.projection.weight):
                nn.init.uniform_(weight, -0.1, 0.1)

        def init_hidden(self, columns: int) -> tuple[torch.Tensor, ...]:
            return torch.zeros(LAYERS, columns, SIZE), torch.zeros(LAYERS, columns, SIZE)

        def forward(self, ids: torch.Tensor, hidden: Any) -> tuple[torch.Tensor, Any]:
            outputs, hidden = self.lstm(self.dropout(self.embedding(ids)), hidden)
            logits = self.projection(self.dropout(outputs)).flatten(0, 1)
            return logits.log_softmax(1), hidden

    corpus = read(text)
    ids = corpus.ids(slice(0, corpus.spans[0]))
    turns.text_is_read()
    train_bare(turns, Plain(corpus.codec.input_size), ids)


def ours(turns: Turns, text: str, adaptive: bool) -> None:
    """The path of `tsrnn fit`."""
    import pytorch_lightning as pl
    from pytorch_lightning.loggers import CSVLogger
    from torch.optim import SGD

    from tsrnn.backbones import LSTM
    from tsrnn.embeddings import TokenEmbedding
    from tsrnn.heads import AdaptiveSoftmax, Categorical
    from tsrnn.training import LanguageModel
    from tsrnn.training.runtime.quiet import quiet

    class Waiting(pl.Callback):
        def on_train_batch_start(self, *_: Any) -> None:
            turns.before_step()

    tuned()
    corpus = read(text)
    assert corpus.codec.input_size == VOCABULARIES[text]
    turns.text_is_read()
    as_torch = {"forget_bias": None, "recurrent_init": "uniform"}
    task = LanguageModel(
        codec=corpus.codec,
        embedding=partial(TokenEmbedding, output_size=SIZE, dropout=DROPOUT),
        backbone=partial(LSTM, hidden_size=SIZE, num_layers=LAYERS, dropout=DROPOUT, **as_torch),
        head=partial(AdaptiveSoftmax, cutoffs=CUTOFFS[text]) if adaptive else Categorical,
        optimizer=partial(SGD, lr=RATE),
    )
    with quiet(), tempfile.TemporaryDirectory() as folder:
        trainer = pl.Trainer(
            max_steps=turns.total,
            accelerator="cpu",
            devices=1,
            gradient_clip_val=CLIP,
            num_sanity_val_steps=0,
            limit_val_batches=0,
            enable_checkpointing=False,
            enable_model_summary=False,
            enable_progress_bar=False,
            callbacks=[Waiting()],
            logger=CSVLogger(folder, name="", version=""),
            default_root_dir=folder,
        )
        trainer.fit(task, datamodule=corpus)


def read(text: str) -> Any:
    """The corpus, its tokens from the cache where they are there."""
    from tsrnn.data import TextCorpus

    corpus = TextCorpus(corpus=text, batch_size=COLUMNS, chunk_length=CHUNK)
    _ = corpus.table  # the vocabulary is counted and the text tokenised before anything is measured
    return corpus


def tuned() -> None:
    """What `tsrnn fit` chooses for this processor, for the whole process."""
    from tsrnn.ops.cpu import tune_cpu

    tune_cpu()


def contender(name: str, pipe: Any, text: str, options: argparse.Namespace, words: str) -> None:
    """What a process of its own does."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    turns = Turns(pipe, options.rounds + 1, options.steps)  # the first turn warms up
    if name.startswith("tuned"):
        tuned()
    if name in ("tsrnn", "adaptive"):
        ours(turns, text, adaptive=name == "adaptive")
    elif options.peer is not None:
        peer(turns, text, options.peer, words)
    else:
        plain(turns, text)


def measure(text: str, names: list[str], options: argparse.Namespace, words: str) -> dict[str, list[Result]]:
    """The results of every contender, round by round."""
    context = multiprocessing.get_context("spawn")
    pipes, processes = {}, {}
    for name in names:
        pipes[name], end = context.Pipe()
        arguments = (name, end, text, options, words)
        processes[name] = context.Process(target=contender, args=arguments, daemon=True)
        processes[name].start()
        end.close()
        pipes[name].recv()  # one after another, to the first step: what is read is read once
    results: dict[str, list[Result]] = {name: [] for name in names}
    for turn in range(options.rounds + 1):
        for name, pipe in pipes.items():
            pipe.send("your turn")
            result = pipe.recv()
            if turn:
                results[name].append(result)
    for name, pipe in pipes.items():
        pipe.send("end")
        processes[name].join()
    return results


def unpack(text: str, source: Path, folder: Path) -> str:
    """The text's files as the peer reads them."""
    folder.mkdir()
    for part in ("train", "valid", "test"):
        (folder / f"{part}.txt").write_bytes(gzip.decompress((source / f"{text}.{part}.txt.gz").read_bytes()))
    return str(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", metavar="FOLDER", help="word_language_model of pytorch/examples")
    parser.add_argument("--tuned", action="store_true", help="what is compared with after tune_cpu, too")
    parser.add_argument("--rounds", type=int, default=8, help="turns that are timed")
    parser.add_argument("--steps", type=int, default=5, help="steps of a turn")
    parser.add_argument("--texts", nargs="+", choices=list(VOCABULARIES), default=list(VOCABULARIES))
    options = parser.parse_args()
    data = os.environ.get("TSRNN_BENCHMARK_DATA")
    if data is None:
        sys.exit("training_speed.py: TSRNN_BENCHMARK_DATA must name the folder of the benchmark data")
    other = "peer" if options.peer else "plain"
    names = [other, "tsrnn", "adaptive", *(["tuned " + other] if options.tuned else [])]
    print(f"text\tcontender\ttokens_per_second\tms_per_step\tratio_to_{other}\tpeak_mb\ttraining_mb")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TSRNN_CACHE"] = f"{folder}/cache"
        for text in options.texts:
            words = unpack(text, Path(data) / "text", Path(folder) / text)
            results = measure(text, names, options, words)
            for name, turns in results.items():
                step = statistics.median(turn.seconds for turn in turns) / options.steps
                pairs = zip(results[other], turns, strict=True)
                ratio = statistics.median(theirs.seconds / own.seconds for theirs, own in pairs)
                held = f"{turns[-1].peak:.0f}\t{turns[-1].peak - turns[-1].before:.0f}"
                speed = f"{COLUMNS * CHUNK / step:.0f}\t{1e3 * step:.1f}\t{ratio:.2f}"
                print(f"{text}\t{name}\t{speed}\t{held}", flush=True)


if __name__ == "__main__":
    main()
