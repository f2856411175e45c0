"""Tasks whose model has a context: they train on batches that carry one, and their checkpoints keep it."""

from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader

from tsrnn.backbones import GRU
from tsrnn.codecs import LogReturns, Vocabulary
from tsrnn.components import describe
from tsrnn.conditioning import KnownInputs
from tsrnn.embeddings import TokenEmbedding, ValueEmbedding
from tsrnn.errors import ConfigError
from tsrnn.heads import Categorical, Normal
from tsrnn.models import AutoregressiveModel
from tsrnn.protocols import Batch, Context
from tsrnn.training import AtomicCheckpointIO, Forecaster, LanguageModel, load
from tsrnn.training.runtime.quiet import quiet

B, T, K, E = 4, 12, 3, 6


def returns() -> tuple[AutoregressiveModel, torch.Tensor]:
    codec = LogReturns()
    parts = ValueEmbedding(codec.input_size, E), GRU(E, E), Normal(E)
    x = 100 * (0.02 * torch.randn(B, 2 * T, dtype=torch.float64)).cumsum(-1).exp()
    return AutoregressiveModel(codec, *parts, conditioning=KnownInputs(E, K)), x


def words() -> tuple[AutoregressiveModel, torch.Tensor]:
    codec = Vocabulary(("<eos>", "a", "b"))
    parts = TokenEmbedding(3, E), GRU(E, E), Categorical(E, 3)
    model = AutoregressiveModel(codec, *parts, tied=True, conditioning=KnownInputs(E, K))
    return model, torch.randint(3, (B, 2 * T))


def trainer_of(folder: Any) -> pl.Trainer:
    return pl.Trainer(
        max_epochs=2, logger=False, enable_progress_bar=False, enable_model_summary=False, accelerator="cpu",
        enable_checkpointing=False, plugins=[AtomicCheckpointIO()], default_root_dir=str(folder),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("make", "kind"), [(returns, Forecaster), (words, LanguageModel)], ids=["returns", "words"]
)
def test_a_conditioned_task_is_trained_kept_and_loaded(make, kind, tmp_path):
    torch.manual_seed(0)
    model, x = make()
    known = torch.randn(B, 2 * T, K)
    encoding, _ = model.codec.encode(x)
    encoding = encoding.map(lambda part: part.float() if part.is_floating_point() else part)
    context = Context(known=known)
    batches: Any = [
        Batch(
            encoding.take(slice(None), slice(start, start + T)), start == 0, context.steps(start, start + T)
        )
        for start in (0, T)
    ]
    loader, task = DataLoader(batches, batch_size=None), kind.of_model(model)
    assert task.model is model
    before = model.conditioning.weight.weight.detach().clone()
    with quiet():
        trainer = trainer_of(tmp_path)
        trainer.fit(task, loader, loader)
        trainer.save_checkpoint(tmp_path / "task.ckpt")
    assert not torch.equal(model.conditioning.weight.weight, before)
    again = load(tmp_path / "task.ckpt")
    model.eval()
    assert describe(again.model) == describe(model)
    with torch.no_grad():
        whole, _ = model.log_prob(x, context=context)
        assert torch.equal(again.model.log_prob(x, context=context)[0], whole)
    # The last validation read the same steps with the state carried from batch to batch.
    nats = -(whole + x.log() if kind is Forecaster else whole)[:, 1 if kind is Forecaster else 0 :].mean()
    assert float(trainer.callback_metrics["valid_nats"]) == pytest.approx(float(nats), abs=1e-5)


def test_a_data_module_that_says_nothing_of_itself_is_named(tmp_path):
    class Plain(pl.LightningDataModule):
        def train_dataloader(self) -> Any:
            return DataLoader(batches, batch_size=None)

        val_dataloader = train_dataloader

    model, x = words()
    known = Context(known=torch.zeros(B, 2 * T, K))
    batches: Any = [Batch(model.codec.encode(x)[0], True, known)]
    with quiet():
        trainer = trainer_of(tmp_path)
        trainer.fit(LanguageModel.of_model(model), datamodule=Plain())
        with pytest.raises(ConfigError, match="Plain is no data module of tsrnn: let it inherit") as caught:
            trainer.save_checkpoint(tmp_path / "task.ckpt")
    assert "\n" not in str(caught.value)
