"""The language model's task: what it counts, what it carries, what it resumes, and what it starts from."""

import math
import os
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
import yaml

import tsrnn
from tests.markov import MarkovSource
from tsrnn.codecs import Whitespace
from tsrnn.components import describe
from tsrnn.data import TextCorpus
from tsrnn.data.text import corpus as text_corpus
from tsrnn.embeddings import TokenEmbedding
from tsrnn.errors import ConfigError
from tsrnn.heads import AdaptiveSoftmax, Categorical
from tsrnn.ops import state as state_ops
from tsrnn.ops.dropout import dropout
from tsrnn.training import AtomicCheckpointIO, LanguageModel, WarmupCosine
from tsrnn.training.runtime.quiet import quiet
from tsrnn.training.tasks.autoregressive import AutoregressiveTask

CONFIGS = Path(__file__).parent.parent.parent / "configs"
COLUMNS, CHUNK, STEPS = 8, 25, 15  # of an epoch, about 3,000 tokens


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the three parts of a text of 50 words."""
    source, folder = MarkovSource(), tmp_path_factory.mktemp("text")
    for seed, (part, count) in enumerate({"train": 2_850, "valid": 400, "test": 500}.items(), 1):
        (folder / f"{part}.txt").write_text(source.text(source.draw(count, seed)))
    return folder


@pytest.fixture
def new_data(folder):
    def new(**sizes):
        sizes = {"batch_size": COLUMNS, "chunk_length": CHUNK, **sizes}
        return TextCorpus(path=str(folder), tokenizer=Whitespace(), cache_dir=str(folder / "cache"), **sizes)

    return new


def adaptive(size, classes):
    return AdaptiveSoftmax(size, classes, cutoffs=[10, 30])


def new_task(data, cell=tsrnn.LSTM, p=0.0, seed=0, size=12, **arguments):
    torch.manual_seed(seed)
    settings = {
        "embedding": lambda count: TokenEmbedding(count, size, dropout=p, locked_dropout=True),
        "backbone": lambda width: cell(width, 12, dropout=p, locked_dropout=True),
        "optimizer": lambda parameters: torch.optim.AdamW(parameters, lr=0.01),
    }
    return LanguageModel(codec=data.codec, **{**settings, **arguments})


class Record(pl.Callback):
    """What the epochs' means and the steps' learning rates were."""

    def __init__(self, task):
        self.train_nats, self.rates = [], []
        log_mean = task._log_mean

        def recorded(stage):
            mean = log_mean(stage)
            if stage == "train" and mean is not None:
                self.train_nats.append(mean[0])
            return mean

        task._log_mean = recorded

    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        self.rates.append(trainer.optimizers[0].param_groups[0]["lr"])


def new_trainer(folder, callbacks=(), **arguments):
    settings = {"max_epochs": 1, "num_sanity_val_steps": 0, "gradient_clip_val": 1.0, "accelerator": "cpu"}
    quietly = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    arguments = {**settings, **quietly, **arguments}
    arguments.setdefault("enable_checkpointing", any("Checkpoint" in type(c).__name__ for c in callbacks))
    return pl.Trainer(
        default_root_dir=folder, plugins=[AtomicCheckpointIO()], callbacks=list(callbacks), **arguments
    )


def fit(folder, task, data, resume=None, callbacks=(), **arguments):
    """The task after training, with the record of its epochs as `.record`."""
    task.record = Record(task)
    with quiet():
        trainer = new_trainer(folder, [task.record, *callbacks], **arguments)
        trainer.fit(task, datamodule=data, ckpt_path=resume, weights_only=True)
    return task


def scores(task, data):
    with quiet():
        new_trainer(None).test(task, datamodule=data, verbose=False)
    return task.scores


def same_weights(task, other):
    theirs = other.state_dict()
    assert list(task.state_dict()) == list(theirs)
    return all(torch.equal(weight, theirs[name]) for name, weight in task.state_dict().items())


# ---- what is counted


def test_the_score_depends_on_neither_size_and_is_that_of_log_prob(new_data, folder, monkeypatch):
    data = new_data()
    task = new_task(data, p=0.5)
    with torch.no_grad():
        for parameter in task.parameters():
            parameter.mul_(3)
    task.eval()
    count = len((folder / "test.txt").read_text().replace("\n", " <eos> ").split())
    _, valid, test = data.spans
    with torch.no_grad():
        nats = task.model.log_prob(data.ids(slice(valid, test)).long()[None])[0]
    assert nats.shape == (1, count)
    expected = -nats.double().mean().item()
    for sizes in ((8, 25), (1, 1), (20, 35)):
        found = scores(task, new_data(batch_size=sizes[0], chunk_length=sizes[1]))
        assert found["tokens"] == count
        assert found["nats"] == pytest.approx(expected, rel=1e-6)
        assert found["perplexity"] == pytest.approx(math.exp(expected), rel=1e-5)
    for chunk in (7, 100_000):
        monkeypatch.setattr(text_corpus, "_SCORED_CHUNK", chunk)
        assert scores(task, new_data())["nats"] == pytest.approx(expected, rel=1e-6)
    frame = task.score_frame()
    assert frame["tokens"].tolist() == [count]
    assert frame["model"].tolist() == ["LSTM"]


def test_train_nats_are_the_mean_over_every_token_once(new_data, folder):
    data = new_data(chunk_length=77)
    task = new_task(data, optimizer=lambda parameters: torch.optim.SGD(parameters, lr=0.0))
    fit(folder, task, data)
    batches = list(new_data(chunk_length=77).train_dataloader())
    assert sum(int(batch.encoding.observed.sum()) for batch in batches) == data.spans[0]
    total, state = 0.0, None
    with torch.no_grad():
        for batch in batches:
            nats, state = task.model.loss(batch.encoding, state)
            total += nats.double().sum().item()
    assert task.record.train_nats == [pytest.approx(total / data.spans[0], rel=1e-6)]


# ---- truncated back-propagation through time


def test_a_chunk_begins_with_the_state_that_the_one_before_left_cut_from_its_graph(new_data):
    data = new_data()
    task, batches = new_task(data), list(data.train_dataloader())[:3]
    state, losses = None, []
    for batch in batches:
        carried = task.carried(batch, "train")
        assert (carried is None) == (state is None)
        if state is not None:
            for ours, theirs in zip(carried, state, strict=True):
                assert torch.equal(ours, theirs)
                assert not ours.requires_grad
                assert ours.grad_fn is None
                assert ours.any()
        losses.append(task.training_step(batch, len(losses)))
        _, state = task.model.loss(batch.encoding, state)
    parameters = list(task.parameters())
    ours = torch.autograd.grad(losses[1], parameters)

    def gradient(cut):
        _, state = task.model.loss(batches[0].encoding)
        state = state_ops.detach(state) if cut else state
        nats, _ = task.model.loss(batches[1].encoding, state)
        return torch.autograd.grad(nats.mean(), parameters)

    torch.testing.assert_close(ours, gradient(cut=True), rtol=1e-5, atol=1e-7)
    assert not all(
        torch.allclose(a, b, rtol=1e-3, atol=1e-7) for a, b in zip(ours, gradient(cut=False), strict=True)
    )


def test_each_epoch_and_each_stage_begins_anew(new_data, folder):
    data, begun = new_data(), []

    class Watch(pl.Callback):
        def on_train_batch_start(self, trainer, module, batch, batch_idx):
            begun.append((trainer.current_epoch, batch_idx, module.carried(batch, "train") is None))

    fit(folder, new_task(data), data, callbacks=[Watch()], max_epochs=2, val_check_interval=4)
    assert begun == [(epoch, step, step == 0) for epoch in range(2) for step in range(STEPS)]


def test_training_with_the_carried_state_is_another_than_without(new_data, folder, monkeypatch):
    carrying = fit(folder, new_task(new_data()), new_data())
    again = fit(folder, new_task(new_data()), new_data())
    monkeypatch.setattr(AutoregressiveTask, "carried", lambda self, batch, stage: None)
    forgetting = fit(folder, new_task(new_data()), new_data())
    assert same_weights(carrying, again)
    assert not same_weights(carrying, forgetting)


def test_validation_in_mid_epoch_touches_nothing_of_the_training(new_data, folder):
    with_validation = fit(folder, new_task(new_data(), p=0.3), new_data(), max_epochs=2, val_check_interval=3)
    without = fit(folder, new_task(new_data(), p=0.3), new_data(), max_epochs=2, limit_val_batches=0)
    assert with_validation._carried.keys() == {"train", "valid"}
    assert same_weights(with_validation, without)
    assert with_validation.record.train_nats == without.record.train_nats


# ---- resuming


class Stop(pl.Callback):
    """Saves and ends training after a step, as a killed run would have."""

    def __init__(self, step, path, after_validation=False):
        self.step, self.path, self.after_validation = step, path, after_validation

    def stop(self, trainer):
        if trainer.global_step == self.step:
            trainer.save_checkpoint(self.path)
            raise KeyboardInterrupt

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        if not self.after_validation:
            self.stop(trainer)

    def on_validation_end(self, trainer, module):
        if self.after_validation:
            self.stop(trainer)


def cosine(optimizer):
    return WarmupCosine(optimizer, warmup_steps=5, final=0.05)


RESUMED = {
    "LSTM-tied-adaptive": {"cell": tsrnn.LSTM, "p": 0.4, "tied": True, "head": adaptive},
    "GRU": {"cell": tsrnn.GRU, "p": 0.2},
    "RNN-plain": {"cell": tsrnn.RNN},
}


@pytest.mark.parametrize("name", RESUMED)
def test_a_resumed_run_is_the_whole_one_bit_for_bit(new_data, folder, tmp_path, name):
    arguments = {"max_epochs": 3, "val_check_interval": 7}

    def task():
        return new_task(new_data(), scheduler=cosine, **RESUMED[name])

    def ends():
        return pl.callbacks.ModelCheckpoint(tmp_path, "{epoch}", save_top_k=-1, save_on_train_epoch_end=True)

    whole = fit(tmp_path, task(), new_data(), callbacks=[ends()], **arguments)
    resumed_from = [(tmp_path / "epoch=0.ckpt", STEPS, [ends()])]
    for step in (14, 4, STEPS, STEPS + 9)[: 4 if name.startswith("LSTM") else 2]:
        path = tmp_path / f"stopped{step}.ckpt"
        stop = Stop(step, path, after_validation=step == 14)
        with pytest.raises(SystemExit):
            fit(tmp_path, task(), new_data(), callbacks=[stop], **arguments)
        resumed_from.append((path, step, []))
    for path, step, callbacks in resumed_from:
        torch.rand(5)  # whatever else happened meanwhile
        resumed = fit(tmp_path, task(), new_data(), path, callbacks, **arguments)
        assert same_weights(resumed, whole), path.name
        epochs = len(resumed.record.train_nats)
        assert epochs >= 2
        assert resumed.record.train_nats == whole.record.train_nats[-epochs:], path.name
        assert resumed.record.rates == whole.record.rates[step:], path.name


# ---- checkpoints

KINDS = {
    "untied": {},
    "tied": {"tied": True},
    "tied-adaptive": {"tied": True, "head": adaptive},
    "adaptive": {"head": lambda size, classes: AdaptiveSoftmax(size, classes, [10, 30], division=2)},
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpoint_alone_gives_the_same_factors_and_tied_weights_stay_tied(
    new_data, folder, tmp_path, kind
):
    data = new_data()
    task = fit(tmp_path, new_task(data, p=0.3, **KINDS[kind]), data, max_steps=3)
    task.trainer.save_checkpoint(tmp_path / "model.ckpt")
    task.eval()
    loaded = tsrnn.load(tmp_path / "model.ckpt")
    other = LanguageModel.of_model(task.model).eval()
    ids = data.ids(slice(0, 300)).long()[None]
    expected, _ = task.model.log_prob(ids)
    for each in (loaded, other):
        assert isinstance(each, LanguageModel)
        assert describe(each.model) == describe(task.model)  # saved again it is tied again
        assert torch.equal(each.model.log_prob(ids)[0], expected)
        assert (each.model.head.projection.weight is each.model.embedding.weight) == ("tied" in kind[:4])
        assert sum(p.numel() for p in each.parameters()) == sum(p.numel() for p in task.parameters())
    assert loaded.model.codec.tokens == data.codec.tokens
    assert loaded.history is None
    assert loaded.contents["data"]["tokens"]["train"] == data.spans[0]
    assert scores(loaded, new_data()) == scores(task, new_data())
    # It can be trained on, and its two uses stay one.
    fit(tmp_path, loaded.train(), new_data(), max_steps=2)
    weight = loaded.model.head.projection.weight
    assert (weight is loaded.model.embedding.weight) == ("tied" in kind[:4])


# ---- dropout and the start


def test_locked_dropout_is_one_mask_for_all_steps_of_a_row_and_only_in_training(new_data):
    x = torch.ones(6, 30, 40)
    locked = dropout(x, 0.25, True, locked=True)
    assert torch.equal(locked, locked[:, :1].expand_as(locked))
    assert locked.unique().tolist() == [0.0, pytest.approx(1 / 0.75)]
    assert not torch.equal(locked[0], locked[1])
    assert abs(float((locked == 0).float().mean()) - 0.25) < 0.1
    free = dropout(x, 0.25, True, locked=False)
    assert not torch.equal(free, free[:, :1].expand_as(free))
    assert float(free.mean()) == pytest.approx(1, abs=0.05)
    for is_locked in (True, False):
        assert dropout(x, 0.25, False, locked=is_locked) is x
        assert dropout(x, 0.0, True, locked=is_locked) is x

    embedding = TokenEmbedding(5, 40, dropout=0.5, locked_dropout=True)
    ids = torch.randint(5, (3, 20))
    kept = embedding(ids) / embedding.weight[ids]
    assert torch.equal((kept == 0), (kept[:, :1] == 0).expand_as(kept))
    assert torch.equal(embedding.eval()(ids), embedding.weight[ids])
    with pytest.raises(ConfigError, match="dropout"):
        TokenEmbedding(5, 4, dropout=1.0)

    model = new_task(new_data(), p=0.5).model
    ids = ids[:1]
    assert not torch.equal(model.log_prob(ids)[0], model.log_prob(ids)[0])
    model.eval()
    assert torch.equal(model.log_prob(ids)[0], model.log_prob(ids)[0])


@pytest.mark.parametrize("kind", ["untied", "tied"])
def test_the_initial_range_is_that_of_every_weight_and_bias(new_data, kind):
    task = new_task(new_data(), initial_range=0.07, **KINDS[kind])
    for name, parameter in task.named_parameters():
        assert parameter.abs().max() < 0.07, name
        if parameter.numel() > 300:
            assert parameter.std().item() == pytest.approx(0.07 / math.sqrt(3), rel=0.15), name
        assert parameter.abs().max() > 0.04, name
    forget = task.model.backbone.layers[0].bias_ih_l0[12:24]
    assert forget.abs().max() < 0.07
    embedding = new_task(new_data()).model.embedding.weight
    assert 0.095 < embedding.abs().max() <= 0.1


# ---- the schedule


@pytest.mark.parametrize(("warmup", "final"), [(5, 0.0), (0, 0.0), (5, 0.1)])
def test_the_learning_rate_goes_up_on_a_line_and_down_along_a_cosine(new_data, folder, warmup, final):
    data = new_data()
    for epochs in (1, 2):
        task = new_task(data, scheduler=lambda optimizer: WarmupCosine(optimizer, warmup, final))
        fit(folder, task, data, max_epochs=epochs)
        steps = epochs * STEPS
        expected = [0.01 * (t + 1) / warmup for t in range(warmup)]
        for t in range(warmup, steps):
            fall = 0.5 * (1 + math.cos(math.pi * (t - warmup) / (steps - warmup)))
            expected.append(0.01 * (final + (1 - final) * fall))
        assert task.record.rates == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert max(task.record.rates) == pytest.approx(0.01)
        assert task.record.rates[-1] < 0.01 * (final + 0.03)  # a shorter run ends as low
        after = task.trainer.lr_scheduler_configs[0].scheduler.get_last_lr()
        assert after == pytest.approx([0.01 * final], abs=1e-12)


@pytest.mark.parametrize(
    ("arguments", "steps"),
    [
        ({"max_steps": 7, "max_epochs": -1}, 7),
        ({"max_epochs": 2, "accumulate_grad_batches": 4}, 8),
        ({"max_epochs": 2, "limit_train_batches": 6}, 12),
        ({"max_epochs": 2, "max_steps": 9}, 9),
        ({"max_epochs": 1, "max_steps": 900}, 15),
    ],
    ids=lambda value: str(value),
)
def test_the_schedule_learns_from_the_trainer_how_long_it_is(new_data, folder, arguments, steps):
    task = fit(folder, new_task(new_data(), scheduler=cosine), new_data(), **arguments)
    assert task.trainer.global_step == steps
    schedule = task.trainer.lr_scheduler_configs[0].scheduler
    assert schedule.total_steps == steps
    assert schedule.get_last_lr() == pytest.approx([0.01 * 0.05])


def test_a_schedule_without_an_end_is_refused(new_data, folder):
    with pytest.raises(ConfigError, match=r"needs max_epochs or max_steps"):
        fit(folder, new_task(new_data(), scheduler=cosine), new_data(), max_epochs=-1)


def zaremba():
    return yaml.safe_load((CONFIGS / "language" / "ptb_zaremba_small.yaml").read_text())


def test_zarembas_rate_halves_after_the_fourth_epoch_and_every_later_one():
    arguments = zaremba()["model"]["init_args"]["scheduler"]["init_args"]
    assert arguments["milestones"] == [
        2_324 * epoch for epoch in range(4, zaremba()["trainer"]["max_epochs"])
    ]
    assert arguments["gamma"] == 0.5


@pytest.mark.benchmark_data
def test_zarembas_epoch_has_2324_steps(tmp_path):
    if not os.environ.get("TSRNN_BENCHMARK_DATA"):
        pytest.skip("TSRNN_BENCHMARK_DATA is not set")
    arguments = zaremba()["data"]["init_args"]
    assert len(TextCorpus(**arguments, cache_dir=str(tmp_path)).train_dataloader()) == 2_324


# ---- word vectors


@pytest.mark.parametrize("freeze", [True, False])
def test_frozen_word_vectors_stay_and_others_move(new_data, folder, tmp_path, freeze):
    data = new_data()
    found = data.codec.tokens[2:30]
    vectors = 0.3 * torch.randn(len(found), 12)
    lines = [f"{word} {' '.join(map(str, row))}\n" for word, row in zip(found, vectors.tolist(), strict=True)]
    (tmp_path / "vectors.txt").write_text("".join(lines))
    task = new_task(
        data,
        word_vectors=str(tmp_path / "vectors.txt"),
        freeze_word_vectors=freeze,
        optimizer=lambda parameters: torch.optim.AdamW(parameters, lr=0.01, weight_decay=0.5),
    )
    plain = new_task(data).model.embedding.weight
    weight = task.model.embedding.weight
    start = weight.detach().clone()
    torch.testing.assert_close(start[2:30], vectors)
    assert torch.equal(start[30:], plain[30:])  # words without a vector start as they would have
    assert torch.equal(start[:2], plain[:2])
    assert task.vector_coverage == pytest.approx(28 / len(data.codec.tokens))
    fit(tmp_path, task, data)
    moved = (weight != start).any(1)
    assert moved[30:].all()
    assert moved[:2].all()  # <unk> too: it decays
    assert moved[2:30].any() != freeze
    assert freeze or moved[2:30].all()


def test_word_vectors_of_another_size_are_refused(new_data, tmp_path):
    (tmp_path / "vectors.txt").write_text("w1 1 2 3\n")
    with pytest.raises(tsrnn.TsrnnError, match="the vector has 3 entries, the embedding 12"):
        new_task(new_data(), word_vectors=str(tmp_path / "vectors.txt"))


# ---- what diverges


def test_training_that_diverges_stops_in_one_line(new_data, folder):
    data = new_data()
    task = new_task(data)
    with torch.no_grad():
        task.model.head.projection.bias[5] = math.nan
    with pytest.raises(tsrnn.TsrnnError, match="train_nats is nan in epoch 0: training diverged"):
        fit(folder, task, data, limit_val_batches=0)


def test_head_and_weights_of_other_kinds_are_not_tied(new_data):
    with pytest.raises(ConfigError, match="tied weights"):
        new_task(new_data(), size=11, tied=True, head=Categorical)
