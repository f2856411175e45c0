"""Two processes on one text: each reads its own columns; together they do what one does with all."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.markov import MarkovSource

ROOT = Path(__file__).parent.parent.parent

SCRIPT = """
import json
import sys
import warnings

warnings.simplefilter("ignore")
import pytorch_lightning as pl
import torch

from tsrnn.backbones import LSTM
from tsrnn.codecs import Whitespace
from tsrnn.data import TextCorpus
from tsrnn.embeddings import TokenEmbedding
from tsrnn.training import LanguageModel

devices, columns, out = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
torch.set_num_threads(1)
torch.manual_seed(0)
data = TextCorpus(
    train_path="train.txt", valid_path="valid.txt", tokenizer=Whitespace(), cache_dir="cache",
    batch_size=columns, chunk_length=20,
)
task = LanguageModel(
    data.codec,
    lambda count: TokenEmbedding(count, 8),
    lambda size: LSTM(size, 8),
    optimizer=lambda parameters: torch.optim.SGD(parameters, lr=1.0),
)
task.double()
seen = []


class Watch(pl.Callback):
    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        seen.append(batch.encoding.targets.tolist())


trainer = pl.Trainer(
    max_epochs=1, accelerator="cpu", devices=devices, strategy="ddp" if devices > 1 else "auto",
    logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    num_sanity_val_steps=0, callbacks=[Watch()], use_distributed_sampler=True,
)
trainer.fit(task, datamodule=data)
weights = [value for weight in task.state_dict().values() for value in weight.flatten().tolist()]
metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
with open(f"{out}.{trainer.global_rank}.json", "w") as file:
    json.dump({"weights": weights, "metrics": metrics, "seen": seen}, file)
"""


@pytest.mark.slow
def test_two_processes_train_as_one_with_twice_the_columns(tmp_path):

    source = MarkovSource(size=12)
    states = source.draw(1_600, 1)
    states = states[: len(states) - len(states) % 8]
    states[-1] = 0  # the text fills eight columns, so that each process counts the same number of tokens
    (tmp_path / "train.txt").write_text(source.text(states))
    (tmp_path / "valid.txt").write_text(source.text(source.draw(300, 2)))
    (tmp_path / "train.py").write_text(SCRIPT)

    def run(devices, columns, name):
        command = [sys.executable, "train.py", str(devices), str(columns), name]
        environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
        subprocess.run(command, cwd=tmp_path, check=True, timeout=300, env=environment)
        return [json.loads((tmp_path / f"{name}.{rank}.json").read_text()) for rank in range(devices)]

    (alone,) = run(1, 8, "alone")
    ranks = run(2, 4, "ranks")
    assert len(alone["seen"]) == -(-len(states) // (8 * 20))
    for rank, part in enumerate(ranks):
        own = slice(4 * rank, 4 * rank + 4)
        assert part["seen"] == [columns[own] for columns in alone["seen"]]
        assert part["weights"] == pytest.approx(alone["weights"], rel=1e-9, abs=1e-12)
        for name in ("train_nats", "valid_nats", "valid_perplexity"):
            assert part["metrics"][name] == pytest.approx(alone["metrics"][name], rel=1e-6)
