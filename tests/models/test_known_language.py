"""A language model trained on a source of known entropy reaches it and not less."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from tests.markov import MarkovSource
from tsrnn.backbones import GRU, LSTM
from tsrnn.codecs import Whitespace
from tsrnn.data import TextCorpus
from tsrnn.embeddings import TokenEmbedding
from tsrnn.training import LanguageModel, WarmupCosine
from tsrnn.training.runtime.quiet import quiet


def gap(cell: Any, seed: int, folder: Path, train: int, held_out: int) -> float:
    """Nats a token that the model is worse than the source of 50 words on text that it has not seen."""
    source = MarkovSource(seed=seed)
    test = source.draw(held_out, 2)
    (folder / "train.txt").write_text(source.text(source.draw(train, 1)))
    (folder / "test.txt").write_text(source.text(test))
    data = TextCorpus(
        path=str(folder), tokenizer=Whitespace(), cache_dir=str(folder), batch_size=64, chunk_length=20
    )
    torch.manual_seed(seed)
    task = LanguageModel(
        data.codec,
        lambda count: TokenEmbedding(count, 32),
        lambda size: cell(size, 32),
        optimizer=lambda parameters: torch.optim.Adam(parameters, lr=0.02),
        scheduler=lambda optimizer: WarmupCosine(optimizer, 20),
    )
    with quiet():
        trainer = pl.Trainer(
            default_root_dir=folder,
            max_epochs=2,
            limit_val_batches=0,
            gradient_clip_val=1.0,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(task, datamodule=data)
        trainer.test(task, datamodule=data, verbose=False)
    assert task.scores["tokens"] == len(test) >= held_out
    return task.scores["nats"] - source.nats(test)


def test_the_source_has_the_entropy_that_it_says() -> None:
    source = MarkovSource(seed=3)
    states = source.draw(300_000, 1)
    before = np.concatenate([[0], states[:-1]])
    information = -np.log(source.transitions[before, states])
    error = 3 * information.std() / np.sqrt(len(states))
    assert source.nats(states) == pytest.approx(source.entropy(), abs=error)
    counts = np.bincount(50 * before + states, minlength=2_500).reshape(50, 50)
    frequencies = counts / counts.sum(1, keepdims=True)
    errors = np.sqrt(source.transitions / counts.sum(1, keepdims=True))
    assert (np.abs(frequencies - source.transitions) < 5 * errors + 1e-3).all()


def test_a_language_model_comes_near_the_entropy_of_its_source(tmp_path: Path) -> None:
    nats = gap(GRU, 0, tmp_path, train=200_000, held_out=60_000)
    assert -0.003 < nats < 0.01  # better than the source by more than luck: it has seen the text


@pytest.mark.slow
@pytest.mark.parametrize("cell", [LSTM, GRU])
def test_a_language_model_reaches_the_entropy_of_its_source_and_not_less(cell: Any, tmp_path: Path) -> None:
    nats = gap(cell, 1, tmp_path, train=400_000, held_out=200_000)
    assert -0.003 < nats < 0.01
