"""One battery over prices and words: the model is the same, and so are its properties."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from tsrnn.backbones import GRU, LSTM, RNN
from tsrnn.codecs import LogReturns, Vocabulary
from tsrnn.components import build, describe
from tsrnn.embeddings import TokenEmbedding, ValueEmbedding
from tsrnn.heads import Categorical, Normal, StudentT
from tsrnn.models import AutoregressiveModel, ModelState
from tsrnn.ops import state as state_ops

WORDS = ("<eos>", "a", "b", "c")
T = 12
EXACT = {"rtol": 1e-10, "atol": 1e-11}


@dataclass(frozen=True)
class Case:
    cell: Any
    head: Any

    def __str__(self) -> str:
        return f"{self.cell.__name__}-{self.head.__name__}"

    @property
    def tokens(self) -> bool:
        return self.head is Categorical

    @property
    def batch(self) -> tuple[int, ...]:
        return (3,) if self.tokens else (2, 3)

    def model(self) -> AutoregressiveModel:
        """In float64, its random weights large enough that every input matters."""
        if self.tokens:
            embedding, head = TokenEmbedding(len(WORDS), 5), Categorical(6, len(WORDS))
            model = AutoregressiveModel(Vocabulary(WORDS), embedding, self.cell(5, 6), head)
        else:
            codec = LogReturns((3.0, 10.0, 30.0), 10.0)
            embedding = ValueEmbedding(codec.input_size, 5)
            model = AutoregressiveModel(codec, embedding, self.cell(5, 6), self.head(6))
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.normal_(std=0.4)
        return model.double()

    def raw(self, steps: int = T) -> Tensor:
        if self.tokens:
            return torch.randint(len(WORDS), (*self.batch, steps))
        raw = 50 * (0.02 * torch.randn(*self.batch, steps, dtype=torch.float64)).cumsum(-1).exp()
        raw[..., 0, :3] = math.nan
        raw[..., -1, 5:7] = math.nan
        return raw


CASES = [Case(cell, head) for cell, head in product((RNN, LSTM, GRU), (Categorical, Normal, StudentT))]
every_case = pytest.mark.parametrize("case", CASES, ids=str)
price_cases = pytest.mark.parametrize("case", [case for case in CASES if not case.tokens], ids=str)
token_cases = pytest.mark.parametrize("case", [case for case in CASES if case.tokens], ids=str)


def leaves(state: Any) -> list[Tensor]:
    return [state] if isinstance(state, Tensor) else [leaf for part in state for leaf in leaves(part)]


def assert_same_state(state: ModelState, other: ModelState) -> None:
    torch.testing.assert_close(leaves(state), leaves(other), equal_nan=True, **EXACT)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def nats_of(model: AutoregressiveModel, distribution: Any, x_t: Tensor, state: ModelState) -> Tensor:
    """log p of an observation in raw units, from the distribution that `step` gave together with `state`."""
    target, observed = model.codec.target(x_t, state.codec)
    nats = distribution.log_prob(target) + model.codec.log_jacobian(x_t)
    return torch.where(observed, nats, 0.0)


@every_case
def test_log_prob_has_one_entry_for_every_observation(case: Case) -> None:
    x = case.raw()
    nats, _ = case.model().log_prob(x)
    assert nats.shape == x.shape
    assert nats.isfinite().all()
    if case.tokens:
        assert (nats < 0).all()
        return
    first = x.isnan().int().argmin(-1, keepdim=True)
    given = x.isnan() | (torch.arange(T) == first)
    assert torch.equal(nats == 0, given)  # a missing price, and the first price, which has none before it


@every_case
@pytest.mark.parametrize("sizes", [[1] * T, [1, 5, 2, 4], [6, 6]], ids=["steps", "uneven", "halves"])
def test_chunks_with_a_carried_state_are_the_whole_factor_by_factor(case: Case, sizes: list[int]) -> None:
    model, x = case.model(), case.raw()
    whole, whole_after = model.log_prob(x)
    chunks, state = [], None
    for chunk in x.split(sizes, dim=-1):
        nats, state = model.log_prob(chunk, state)
        chunks.append(nats)
    torch.testing.assert_close(torch.cat(chunks, dim=-1), whole, **EXACT)
    assert state is not None
    assert_same_state(state, whole_after)


@every_case
def test_steps_from_the_initial_state_reproduce_log_prob(case: Case) -> None:
    model, x = case.model(), case.raw()
    expected, _ = model.log_prob(x)
    distribution, state = model.step(None, model.initial_state(*case.batch))
    for t in range(T):
        torch.testing.assert_close(nats_of(model, distribution, x[..., t], state), expected[..., t], **EXACT)
        distribution, state = model.step(x[..., t], state)


@every_case
@pytest.mark.parametrize("steps", [1, 6, T - 1])
def test_steps_go_on_from_the_state_after_log_prob(case: Case, steps: int) -> None:
    model, x = case.model(), case.raw()
    expected, _ = model.log_prob(x)
    _, state = model.log_prob(x[..., :steps])
    distribution, state = model.step(None, state)
    for t in range(steps, T):
        torch.testing.assert_close(nats_of(model, distribution, x[..., t], state), expected[..., t], **EXACT)
        distribution, state = model.step(x[..., t], state)


@every_case
def test_the_initial_state_is_that_of_a_sequence_without_one(case: Case) -> None:
    model, x = case.model(), case.raw()
    fresh, after = model.log_prob(x)
    given, after_given = model.log_prob(x, model.initial_state(*case.batch))
    assert torch.equal(fresh, given)
    assert_same_state(after, after_given)


@every_case
@pytest.mark.parametrize("t", [3, 8, T - 1])
def test_an_observation_changes_no_factor_before_it(case: Case, t: int) -> None:
    model, x = case.model(), case.raw()
    changed = x.clone()
    changed[..., t] = (x[..., t] + 1) % len(WORDS) if case.tokens else 1.3 * x[..., t].nan_to_num(50.0)
    nats, nats_changed = model.log_prob(x)[0], model.log_prob(changed)[0]
    assert torch.equal(nats[..., :t], nats_changed[..., :t])
    assert (nats[..., t] != nats_changed[..., t]).any()


@every_case
def test_a_gradient_reaches_every_parameter(case: Case) -> None:
    model = case.model()
    model.log_prob(case.raw())[0].sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in model.parameters())


@every_case
def test_a_description_builds_the_same_model(case: Case) -> None:
    model, x = case.model(), case.raw()
    again = build(describe(model), AutoregressiveModel).double()
    assert describe(again) == describe(model)
    again.load_state_dict(model.state_dict())
    assert torch.equal(again.log_prob(x)[0], model.log_prob(x)[0])


@token_cases
@pytest.mark.parametrize("given", [[], [2, 0, 1]], ids=["fresh", "carried"])
def test_the_probabilities_of_all_sequences_sum_to_one(case: Case, given: list[int]) -> None:
    model = case.model()
    sequences = torch.tensor(list(product(range(len(WORDS)), repeat=3)))
    state = None
    if given:
        _, state = model.log_prob(torch.tensor(given).expand(len(sequences), -1))
    nats, _ = model.log_prob(sequences, state)
    assert nats.sum(-1).exp().sum().item() == pytest.approx(1, abs=1e-12)


@token_cases
def test_the_first_factor_follows_the_end_of_a_sentence(case: Case) -> None:
    model, x = case.model(), case.raw()
    eos = torch.zeros(*case.batch, dtype=torch.int64)
    features, _ = model.backbone(model.embedding(eos[:, None]))
    expected = model.head(features).log_prob(x[:, :1])
    torch.testing.assert_close(model.log_prob(x)[0][:, :1], expected, **EXACT)


@token_cases
def test_a_text_without_a_batch_axis_has_the_same_factors(case: Case) -> None:
    model, x = case.model(), case.raw()
    torch.testing.assert_close(model.log_prob(x[0])[0], model.log_prob(x)[0][0], **EXACT)


@price_cases
def test_a_price_has_the_density_of_its_log_return_over_the_price(case: Case) -> None:
    model, x = case.model(), case.raw()
    _, state = model.log_prob(x[..., :-1])
    distribution, awaiting = model.step(None, state)
    price = x[..., -1]
    log_return = price.log() - x[..., -2].log()
    expected = distribution.log_prob(log_return) - price.log()
    torch.testing.assert_close(model.log_prob(x)[0][..., -1], expected, **EXACT)
    torch.testing.assert_close(nats_of(model, distribution, price, awaiting), expected, **EXACT)


@price_cases
def test_the_density_of_a_price_integrates_to_one(case: Case) -> None:
    model = case.model()
    history = case.raw(6)[0, 1:2]
    _, state = model.log_prob(history.expand(4_001, 1, 6))
    log_returns = torch.sinh(torch.linspace(-12, 12, 4_001, dtype=torch.float64)) * 1e-4
    price = history[0, -1] * log_returns.exp()
    nats, _ = model.log_prob(price[:, None, None], state)
    kept = price.isfinite() & (log_returns.abs() < 8)
    integral = torch.trapezoid(nats[kept, 0, 0].exp(), price[kept])
    assert integral.item() == pytest.approx(1, abs=1e-3)


@price_cases
def test_prices_in_another_currency_cost_the_log_of_its_rate(case: Case) -> None:
    model, x = case.model(), case.raw()
    nats, in_cents = model.log_prob(x)[0], model.log_prob(100 * x)[0]
    expected = torch.where(nats == 0, 0.0, nats - math.log(100))
    torch.testing.assert_close(in_cents, expected, rtol=1e-9, atol=1e-9)


@every_case
def test_samples_have_their_axes_and_are_reproduced_by_a_seed(case: Case) -> None:
    model = case.model()
    _, state = model.log_prob(case.raw())
    first = model.sample(state, steps=5, num_samples=7, generator=generator(1))
    assert first.shape == (7, *case.batch, 5)
    assert first.isfinite().all()
    assert not first.requires_grad
    assert torch.equal(first, model.sample(state, steps=5, num_samples=7, generator=generator(1)))
    assert not torch.equal(first, model.sample(state, steps=5, num_samples=7, generator=generator(2)))
    prefix = model.sample(state, steps=2, num_samples=7, generator=generator(1))
    torch.testing.assert_close(first[..., :2], prefix)  # a longer horizon only goes on


@every_case
def test_sampling_leaves_the_state_alone(case: Case) -> None:
    model = case.model()
    _, state = model.log_prob(case.raw())
    before = state_ops.map_state(torch.clone, state)
    model.sample(state, steps=3, num_samples=4)
    assert_same_state(state, before)


@price_cases
def test_first_sampled_prices_have_the_distribution_of_the_step(case: Case) -> None:
    model, x = case.model(), case.raw()
    _, state = model.log_prob(x)
    distribution, _ = model.step(None, state)
    samples = model.sample(state, steps=1, num_samples=4_000, generator=generator(3))[..., 0]
    log_returns = (samples / x[..., -1]).log()
    uniform = distribution.cdf(log_returns).detach().numpy()
    for a, b in np.ndindex(*case.batch):
        assert stats.kstest(uniform[:, a, b], "uniform").pvalue > 0.001


@token_cases
def test_first_sampled_tokens_have_the_distribution_of_the_step(case: Case) -> None:
    model, x = case.model(), case.raw()
    _, state = model.log_prob(x)
    distribution, _ = model.step(None, state)
    samples = model.sample(state, steps=1, num_samples=4_000, generator=generator(3))[..., 0]
    for b in range(*case.batch):
        counts = samples[:, b].bincount(minlength=len(WORDS))
        expected = 4_000 * distribution.log_probs()[b].detach().exp()
        assert stats.chisquare(counts.numpy(), expected.numpy()).pvalue > 0.001


@token_cases
def test_sampled_sequences_have_the_probabilities_of_log_prob(case: Case) -> None:
    model = case.model()
    samples = model.sample(model.initial_state(1), steps=3, num_samples=20_000, generator=generator(4))[:, 0]
    index = (samples * torch.tensor([16, 4, 1])).sum(-1)
    sequences = torch.tensor(list(product(range(len(WORDS)), repeat=3)))
    expected = 20_000 * model.log_prob(sequences)[0].sum(-1).exp().detach()
    assert stats.chisquare(index.bincount(minlength=64).numpy(), expected.numpy()).pvalue > 0.01


@pytest.mark.parametrize("cell", [RNN, LSTM, GRU])
def test_the_panels_mean_is_of_the_series_of_the_same_path(cell: Any) -> None:
    case = Case(cell, Normal)
    model, x = case.model(), case.raw()[0]
    _, start = model.log_prob(x)
    paths = model.sample(start, steps=6, num_samples=4, generator=generator(5))

    # The draws that sampling used: a normal one is its location and scale applied to a standard one.
    draws = generator(5)
    standard = model.head.distribution(*torch.zeros(2, 4, len(x), dtype=torch.float64))
    noise = torch.stack([standard.sample(draws) / standard.scale for _ in range(6)], dim=-1)
    same = True
    for s in range(4):
        distribution, state = model.step(None, start)
        for t in range(6):
            step = distribution.location + distribution.scale * noise[s, :, t]
            x_t = model.codec.decode(step, state.codec)
            torch.testing.assert_close(x_t, paths[s, :, t], rtol=1e-9, atol=0)
            of_another = torch.cat([x_t[:1], paths[s - 1, 1:, t]])
            mixed, _ = model.step(of_another, state)
            distribution, state = model.step(x_t, state)
            same &= bool(torch.isclose(mixed.location[0], distribution.location[0], rtol=1e-9))
    assert not same  # the other series of the path do matter


@price_cases
def test_a_series_that_has_no_price_yet_is_not_sampled_and_disturbs_nobody(case: Case) -> None:
    model, x = case.model(), case.raw()
    x[..., 0, :] = math.nan
    _, state = model.log_prob(x)
    samples = model.sample(state, steps=3, num_samples=5)
    assert samples[..., 0, :].isnan().all()
    assert samples[..., 1:, :].isfinite().all()


@every_case
def test_paths_go_on_from_the_carried_state_and_not_from_a_fresh_one(case: Case) -> None:
    model, x = case.model(), case.raw()
    _, carried = model.log_prob(x)
    fresh = model.initial_state(*case.batch)
    if not case.tokens:
        # The same last price, so that only what came before it differs.
        fresh = model.log_prob(x[..., -1:])[1]
    samples = [model.sample(state, 4, 50, generator(6)) for state in (carried, fresh)]
    assert not torch.allclose(samples[0].double(), samples[1].double())
    shifted, _ = model.log_prob(x, carried)
    assert not torch.allclose(shifted, model.log_prob(x)[0])


@every_case
def test_a_float32_network_reads_float64_prices(case: Case) -> None:
    model, x = case.model(), case.raw()
    expected, _ = model.log_prob(x)
    _, state = model.float().log_prob(x)
    nats, after = model.log_prob(x, None)
    assert nats.dtype == torch.float32
    torch.testing.assert_close(nats.double(), expected, rtol=1e-4, atol=1e-4)
    assert {leaf.dtype for leaf in leaves(after.backbone)} == {torch.float32}
    samples = model.sample(state, steps=3, num_samples=4)
    distribution, _ = model.step(None, state)
    if not case.tokens:
        assert {leaf.dtype for leaf in leaves(after.codec)} == {torch.float64}
        assert samples.dtype == torch.float64
        assert distribution.location.dtype == torch.float32
