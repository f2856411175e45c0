"""What every task shares, shown by one that is not autoregressive: a window's last state to a number."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor, distributed, nn
from torch.utils.data import DataLoader

from tsrnn.backbones import GRU
from tsrnn.codecs import Vocabulary
from tsrnn.embeddings import TokenEmbedding
from tsrnn.heads import Categorical
from tsrnn.models import AutoregressiveModel
from tsrnn.protocols import Batch, Encoding
from tsrnn.training import AtomicCheckpointIO, LanguageModel, load
from tsrnn.training.runtime.quiet import quiet
from tsrnn.training.tasks.base import Task


class Pairs(NamedTuple):
    inputs: Tensor
    targets: Tensor
    observed: Tensor


class Regressor(nn.Module):
    is_component = True

    def __init__(self, backbone: GRU) -> None:
        super().__init__()
        self.backbone = backbone
        self.out = nn.Linear(backbone.output_size, 1)

    def forward(self, x_BTD: Tensor) -> Tensor:
        y_BTH, _ = self.backbone(x_BTD)
        return self.out(y_BTH[:, -1]).squeeze(-1)


class Regression(Task):
    """Sequence to number, by squared error."""

    model_class = Regressor
    criterion = "mse"

    def __init__(self, model: Regressor, optimizer: Any = None, scheduler: Any = None) -> None:
        super().__init__(model, optimizer, scheduler)

    @classmethod
    def of_model(cls, model: Regressor) -> Regression:
        return cls(model)

    def losses(self, batch: Pairs, stage: str) -> tuple[Tensor, Tensor]:
        errors = (self.model(batch.inputs) - batch.targets) ** 2
        return errors.masked_fill(~batch.observed, 0.0), batch.observed

    def score_frame(self) -> pd.DataFrame:
        return pd.DataFrame([{"model": self.name}])


def pairs(count: int = 8) -> Pairs:
    x = torch.randn(count, 5, 2)
    return Pairs(x, x.sum((1, 2)), torch.arange(count) % 4 > 0)


def test_a_task_that_is_not_autoregressive_trains_is_kept_and_loaded(tmp_path):
    torch.manual_seed(0)
    task = Regression(Regressor(GRU(2, 4)), lambda parameters: torch.optim.Adam(parameters, 0.05))
    batches: Any = [pairs() for _ in range(4)]
    loader = DataLoader(batches, batch_size=None)
    with quiet():
        trainer = pl.Trainer(
            max_epochs=15, logger=False, enable_progress_bar=False, enable_model_summary=False,
            enable_checkpointing=False, plugins=[AtomicCheckpointIO()], default_root_dir=str(tmp_path),
        )  # fmt: skip
        trainer.fit(task, loader, loader)
        first = float(trainer.callback_metrics["valid_mse"])
        trainer.save_checkpoint(tmp_path / "task.ckpt")
    assert first < 2.0  # the targets' variance is 10
    again = load(tmp_path / "task.ckpt")
    assert type(again) is Regression
    assert torch.equal(again.model(batches[0].inputs), task.eval().model(batches[0].inputs))
    assert again.contents["metrics"]["valid_mse"] == first


def test_the_training_loss_is_the_mean_over_what_is_observed():
    task, batch = Regression(Regressor(GRU(2, 4))), pairs()
    errors = (task.model(batch.inputs) - batch.targets) ** 2
    expected = errors[batch.observed].sum() / int(batch.observed.sum())
    torch.testing.assert_close(task.training_step(batch, 0), expected)
    nothing = batch._replace(observed=torch.zeros(8, dtype=torch.bool))
    assert task.training_step(nothing, 0).item() == 0.0


def test_the_training_loss_of_an_autoregressive_task_is_the_mean_over_what_is_observed():
    model = AutoregressiveModel(
        Vocabulary(["<eos>", "a", "b"]), TokenEmbedding(3, 4), GRU(4, 4), Categorical(4, 3)
    )
    ids = torch.randint(3, (2, 6))
    encoding: Encoding = model.codec.encode(ids)[0]
    observed = torch.rand(2, 6) < 0.5
    task = LanguageModel.of_model(model).eval()
    nats, _ = model.log_prob(ids)
    loss = task.training_step(Batch(encoding._replace(observed=observed), begins=True), 0)
    torch.testing.assert_close(loss, -nats[observed].sum() / int(observed.sum()))


def write_gradients(rank: int, size: int, file: str) -> None:
    """Of one step in one of several processes, summed as DDP sums them, to a file."""
    if size > 1:
        distributed.init_process_group("gloo", init_method=f"file://{file}.group", rank=rank, world_size=size)
    torch.manual_seed(0)
    task, batch = Regression(Regressor(GRU(2, 4))).double(), pairs()
    batch = batch._replace(inputs=batch.inputs.double(), targets=batch.targets.double())
    share = slice(0, 8) if size == 1 else (slice(0, 3), slice(3, 8))[rank]  # 2 observed here and 4 there
    task.training_step(Pairs(*(part[share] for part in batch)), 0).backward()
    gradients = torch.cat([weight.grad.flatten() for weight in task.parameters() if weight.grad is not None])
    if size > 1:
        distributed.all_reduce(gradients)
        gradients /= size
        distributed.barrier()
        distributed.destroy_process_group()
    Path(f"{file}.{rank}.json").write_text(json.dumps(gradients.tolist()))


def test_of_two_processes_every_observed_target_weighs_the_same(tmp_path):
    def gradients(size: int) -> list[list[float]]:
        file = tmp_path / f"of_{size}"
        fork = multiprocessing.get_context("fork")  # a new interpreter would import for seconds
        running = [fork.Process(target=write_gradients, args=(rank, size, str(file))) for rank in range(size)]
        for process in running:
            process.start()
        for process in running:
            process.join(600)
        assert [process.exitcode for process in running] == [0] * size
        return [json.loads(Path(f"{file}.{rank}.json").read_text()) for rank in range(size)]

    (alone,), both = gradients(1), gradients(2)
    assert both[0] == both[1] == pytest.approx(alone, rel=1e-9, abs=1e-12)
