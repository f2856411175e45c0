"""p(x | context): one density, whatever the context is and wherever it enters."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn

from tsrnn.backbones import GRU, LSTM
from tsrnn.codecs import Blocks, LogReturns, Vocabulary
from tsrnn.components import build, describe
from tsrnn.conditioning import Conditioning, KnownInputs
from tsrnn.decoding import beam_search, generate
from tsrnn.embeddings import TokenEmbedding, ValueEmbedding
from tsrnn.errors import ConfigError, DataError
from tsrnn.heads import Categorical, Normal, Quantiles
from tsrnn.models import AutoregressiveModel, ModelState
from tsrnn.ops import state as state_ops
from tsrnn.protocols import Context

WORDS = ("<eos>", "a", "b")
B, T, K, C, S, M, E = 3, 7, 2, 4, 5, 6, 8
EXACT = {"rtol": 1e-10, "atol": 1e-12}


class Everywhere(Conditioning):
    """A context that enters in each of the three places: initial state, inputs, and attention after."""

    needs = ("static", "known", "memory")

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.start, self.known = nn.Linear(C, size), nn.Linear(K, size)
        self.key, self.read = nn.Linear(M, size), nn.Linear(M, size)
        self.prepared = 0

    def prepare(self, context: Context) -> Context:
        if context.keys is not None:
            return context
        self.prepared += 1
        return context._replace(keys=self.key(context.memory))

    def initial_state(self, state, context):
        return state._replace(hidden=state.hidden + self.start(context.static).unsqueeze(1))

    def inputs(self, x_BTD, context):
        return x_BTD + self.known(context.known)

    def outputs(self, y_BTH, context):
        scores = y_BTH @ context.keys.transpose(1, 2)
        weights = scores.masked_fill(~context.mask.unsqueeze(1), -math.inf).softmax(-1)
        return y_BTH + self.read(weights @ context.memory)


def context_of(rows: int = B, steps: int = T) -> Context:
    generator = torch.Generator().manual_seed(5)

    def normal(*shape: int) -> torch.Tensor:
        return 2 * torch.randn(*shape, generator=generator, dtype=torch.float64)

    mask = torch.arange(S) < torch.tensor([S, 2, 3]).repeat(rows)[:rows, None]
    return Context(normal(rows, C), normal(rows, steps, K), normal(rows, S, M), mask)


def scaled(model: AutoregressiveModel) -> AutoregressiveModel:
    """In float64, its weights large enough that every input matters."""
    model = model.double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)
    return model


def word_model(cell: type = LSTM) -> AutoregressiveModel:
    torch.manual_seed(0)
    embedding, backbone = TokenEmbedding(len(WORDS), E), cell(E, E)
    return scaled(
        AutoregressiveModel(
            Vocabulary(WORDS), embedding, backbone, Categorical(E, len(WORDS)), conditioning=Everywhere(E)
        )
    )


def price_model() -> AutoregressiveModel:
    torch.manual_seed(0)
    codec = LogReturns()
    parts = ValueEmbedding(codec.input_size, E), LSTM(E, E), Normal(E)
    return scaled(AutoregressiveModel(codec, *parts, conditioning=Everywhere(E)))


def words() -> torch.Tensor:
    return torch.randint(len(WORDS), (B, T), generator=torch.Generator().manual_seed(1))


def prices() -> torch.Tensor:
    noise = torch.randn(1, B, T, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return 100 * (0.02 * noise).cumsum(-1).exp()


CASES = [(word_model, words), (price_model, prices)]
BOTH = pytest.mark.parametrize(("make", "data"), CASES, ids=["words", "prices"])


@BOTH
@pytest.mark.parametrize("cuts", [range(1, T), [2, 5]], ids=["steps", "chunks"])
def test_chunks_with_a_context_are_the_whole(make, data, cuts):
    model, x, context = make(), data(), context_of()
    whole, end = model.log_prob(x, context=context)
    parts, state = [], None
    for start, stop in itertools.pairwise([0, *cuts, T]):
        nats, state = model.log_prob(x[..., start:stop], state, context.steps(start, stop))
        parts.append(nats)
    torch.testing.assert_close(torch.cat(parts, -1), whole, **EXACT)
    torch.testing.assert_close(state.backbone, end.backbone, **EXACT)
    torch.testing.assert_close(model.read(x, context=context).backbone, end.backbone, **EXACT)


@BOTH
def test_steps_with_a_context_are_the_whole(make, data):
    model, x, context = make(), data(), context_of()
    whole, _ = model.log_prob(x, context=context)
    prepared = model.prepare(context)
    state, x_t = model.initial_state(*x.shape[:-1], context=prepared), None
    for step in range(T):
        distribution, state = model.step(x_t, state, prepared.steps(step, step + 1))
        x_t = x[..., step]
        target, observed = model.codec.target(x_t, state.codec)
        own = distribution.log_prob(target) + model.codec.log_jacobian(x_t)
        torch.testing.assert_close(own.masked_fill(~observed, 0.0), whole[..., step], **EXACT)
    assert model.conditioning.prepared == 2  # once for log_prob and once for all steps


@BOTH
def test_each_part_of_a_context_matters_and_padding_does_not(make, data):
    model, x, context = make(), data(), context_of()
    nats, _ = model.log_prob(x, context=context)
    for name in ("static", "known", "memory"):
        other = context._replace(**{name: getattr(context, name).flip(0)})
        assert not torch.allclose(model.log_prob(x, context=other)[0], nats, rtol=1e-3), name
    padded = torch.where(context.mask.unsqueeze(-1), context.memory, 77.0)
    assert torch.equal(model.log_prob(x, context=context._replace(memory=padded))[0], nats)


def test_what_is_known_of_a_later_step_changes_no_factor_before_it():
    model, x, context = word_model(), words(), context_of()
    nats, _ = model.log_prob(x, context=context)
    later = context.known.clone()
    later[:, 4:] += 1
    changed, _ = model.log_prob(x, context=context._replace(known=later))
    assert torch.equal(changed[:, :4], nats[:, :4])
    assert not torch.allclose(changed[:, 4], nats[:, 4])


def test_sampled_words_have_the_probabilities_of_log_prob_row_by_row():
    model, context, count = word_model(), context_of(steps=2), 20_000
    state = model.initial_state(B, context=context)
    drawn = model.sample(state, 2, count, torch.Generator().manual_seed(0), context)
    assert drawn.shape == (count, B, 2)
    for pair in itertools.product(range(len(WORDS)), repeat=2):
        share = (drawn == torch.tensor(pair)).all(-1).double().mean(0)
        log_prob, _ = model.log_prob(torch.tensor([pair] * B), context=context)
        expected = log_prob.sum(-1).exp()
        error = (expected * (1 - expected) / count).sqrt()
        assert ((share - expected).abs() <= 5 * error + 1e-9).all()
    assert model.conditioning.prepared == 1 + 1 + len(WORDS) ** 2  # never once a step


def test_the_context_of_some_rows_belongs_to_the_state_of_those_rows():
    model, x, context = word_model(), words(), context_of(steps=T + 1)
    _, state = model.log_prob(x, context=context.steps(0, T))
    distribution, _ = model.step(None, state, context.steps(T, T + 1))
    rows = torch.tensor([2, 0, 0])
    picked = ModelState(*(state_ops.select(part, rows) for part in state))
    own, _ = model.step(None, picked, state_ops.select(context.steps(T, T + 1), rows))
    torch.testing.assert_close(own.log_probs(), distribution.log_probs()[rows], **EXACT)


def test_a_context_is_expanded_repeated_and_selected_as_a_state_is():
    context = Context(static=torch.arange(6.0).view(3, 2), memory=torch.randn(3, 4, 5))
    repeated = state_ops.repeat(context, 2)
    assert torch.equal(repeated.static, torch.cat([context.static] * 2))
    assert state_ops.expand(context, 7).memory.shape == (7, 3, 4, 5)
    assert torch.equal(state_ops.select(context, torch.tensor([1])).static, context.static[1:2])
    assert state_ops.select(context, torch.tensor([1])).known is None


@torch.no_grad()
def test_generation_and_search_are_conditioned_too():
    model, prompt = word_model(), [1, 2]
    context = state_ops.select(context_of(steps=len(prompt) + 3), torch.tensor([1]))
    found = beam_search(model, prompt, 3, width=len(WORDS) ** 3, context=context)
    for hypothesis in found:
        ids = torch.tensor([[*prompt, *hypothesis.ids]])
        nats, _ = model.log_prob(ids, context=context.steps(0, ids.shape[1]))
        assert hypothesis.log_prob == pytest.approx(nats[0, len(prompt) :].sum().item(), abs=1e-9)
    mass = math.fsum(math.exp(hypothesis.log_prob) for hypothesis in found)
    assert mass == pytest.approx(1.0, abs=1e-9)  # a sharp test: every continuation is found
    generator = torch.Generator().manual_seed(0)
    first = [
        next(generate(model, prompt, 1, generator=generator, context=context.steps(0, len(prompt) + 1)))
        for _ in range(2_000)
    ]
    _, state = model.log_prob(torch.tensor([prompt]), context=context.steps(0, len(prompt)))
    distribution, _ = model.step(None, state, context.steps(len(prompt), len(prompt) + 1))
    expected = distribution.log_probs().exp()[0].numpy()
    np.testing.assert_allclose(np.bincount(first, minlength=3) / 2_000, expected, atol=0.05)


@pytest.mark.parametrize("codec", [Blocks(4, (4,)), LogReturns((3.0, 10.0), 10.0)], ids=["blocks", "returns"])
def test_quantiles_are_conditioned_step_by_step(codec):
    torch.manual_seed(0)
    events = {"event_shape": codec.event_shape} if codec.event_shape else {}
    head = Quantiles(E, levels=(0.1, 0.5, 0.9), **events)
    parts = ValueEmbedding(codec.input_size, E), GRU(E, E), head
    model = AutoregressiveModel(codec, *parts, conditioning=KnownInputs(E, K)).double().eval()
    x = prices()[0].repeat(1, 8)
    steps = x.shape[-1] // math.prod(codec.event_shape)
    context = Context(known=context_of(steps=steps + 3).known)
    state = model.read(x, context=context.steps(0, steps))
    ahead = context.steps(steps, steps + 3)
    found = model.quantiles(state, 3, 11, torch.Generator().manual_seed(0), ahead)
    size = math.prod(codec.event_shape)
    other = ahead._replace(known=ahead.known * torch.tensor([1.0, 1.0, 3.0])[:, None])
    changed = model.quantiles(state, 3, 11, torch.Generator().manual_seed(0), other)
    assert torch.equal(found[..., : 2 * size], changed[..., : 2 * size])
    assert not torch.allclose(found[..., 2 * size :], changed[..., 2 * size :])


def test_a_conditioning_is_described_and_built_again():
    model = AutoregressiveModel(
        LogReturns(), ValueEmbedding(7, E), GRU(E, E), Normal(E), conditioning=KnownInputs(E, K)
    )
    again = build(describe(model), AutoregressiveModel)
    assert describe(again) == describe(model)
    assert list(again.state_dict()) == list(model.state_dict())


def test_what_does_not_fit_is_said_in_one_line():
    plain = AutoregressiveModel(
        Vocabulary(WORDS), TokenEmbedding(3, E), GRU(E, E), Categorical(E, len(WORDS))
    )
    assert torch.isfinite(plain.log_prob(words(), context=Context())[0]).all()
    with pytest.raises(ConfigError, match="takes no context"):
        plain.log_prob(words(), context=context_of())
    model = word_model()
    with pytest.raises(DataError, match="conditioned on `static`, which the context lacks"):
        model.log_prob(words())
    with pytest.raises(DataError, match="conditioned on `memory`"):
        model.log_prob(words(), context=context_of()._replace(memory=None))
    known = AutoregressiveModel(
        Vocabulary(WORDS), TokenEmbedding(3, E), GRU(E, E), Categorical(E, 3), conditioning=KnownInputs(E, K)
    )
    with pytest.raises(DataError, match=r"`known` is \(3, 6, 2\), where the steps need \(3, 7, 2\)"):
        known.log_prob(words(), context=context_of(steps=6))


def test_a_density_learns_the_day_of_the_week_by_log_prob_and_by_sample():
    """Returns whose drift and spread depend on the weekday, which the past does not tell: gaps are random."""
    generator = torch.Generator().manual_seed(0)
    spread = torch.tensor([0.03, 0.01, 0.01, 0.01, 0.02], dtype=torch.float64)
    drift = torch.tensor([0.0, 0.0, 0.0, 0.03, 0.0], dtype=torch.float64)
    series, sessions = 16, 1_500
    day = torch.randint(1, 6, (sessions,), generator=generator).cumsum(0) % 5
    noise = torch.randn(series, sessions, generator=generator, dtype=torch.float64)
    x = 100 * (drift[day] + spread[day] * noise).cumsum(-1).exp()
    known = nn.functional.one_hot(day, 5).to(torch.float32).expand(series, -1, -1)
    train = 1_000
    codec = LogReturns(half_lives=[120.0], scale_half_life=120.0).fit(x[:, :train])

    def learned(conditioning):
        torch.manual_seed(0)
        parts = ValueEmbedding(codec.input_size, 16), GRU(16, 16), Normal(16)
        model = AutoregressiveModel(codec, *parts, conditioning=conditioning)
        context = None if conditioning is None else Context(known=known)
        encoding, _ = codec.encode(x[:, :train])
        encoding = encoding.map(lambda part: part.float() if part.is_floating_point() else part)
        optimizer = torch.optim.Adam(model.parameters(), 0.01)
        for _ in range(150):
            start = int(torch.randint(train - 64, (1,)))
            window = None if context is None else context.steps(start, start + 64)
            nats, _ = model.loss(encoding.take(slice(None), slice(start, start + 64)), context=window)
            optimizer.zero_grad()
            nats[:, 8:].mean().backward()
            optimizer.step()
        with torch.no_grad():
            log_prob, state = model.log_prob(x, context=context)
        returns = log_prob[:, train:].double() + x[:, train:].log()
        return model.eval(), -float(returns.mean()), state

    surprise = spread[day[train:]].log() + 0.5 * noise[:, train:] ** 2
    truth = float(surprise.mean() + 0.5 * math.log(2 * math.pi))
    model, nats, state = learned(KnownInputs(16, 5))
    _, without, _ = learned(None)
    assert nats - truth < 0.03
    assert without - truth > 0.3
    ahead = Context(known=nn.functional.one_hot(torch.arange(5), 5).float().expand(series, -1, -1))
    with torch.no_grad():
        paths = model.sample(state, 5, 2_000, torch.Generator().manual_seed(1), ahead)
    moves = torch.cat([x[:, -1].expand(2_000, -1).unsqueeze(-1), paths], -1).log().diff(dim=-1)
    assert moves.mean((0, 1)).numpy() == pytest.approx(drift.numpy(), abs=0.003)
    assert moves.std((0, 1)).numpy() == pytest.approx(spread.numpy(), rel=0.15)
