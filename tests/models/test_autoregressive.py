"""One battery over prices, words and blocks of values: the model is the same, and so are its properties."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from tsrnn.backbones import GRU, LSTM, RNN
from tsrnn.codecs import Blocks, LogReturns, Vocabulary
from tsrnn.components import build, describe
from tsrnn.embeddings import TokenEmbedding, ValueEmbedding
from tsrnn.errors import ConfigError, DataError
from tsrnn.heads import Categorical, Normal, NormalMixture, Quantiles, StudentT
from tsrnn.models import AutoregressiveModel, ModelState
from tsrnn.ops import state as state_ops

WORDS = ("<eos>", "a", "b", "c")
T = 12
EXACT = {"rtol": 1e-10, "atol": 1e-11}


@dataclass(frozen=True)
class Case:
    cell: Any
    head: Any
    codec: Any = None

    def __str__(self) -> str:
        of_blocks = f"-blocks_of_{self.block}" if self.codec else ""
        return f"{self.cell.__name__}-{self.head.__name__}{of_blocks}"

    @property
    def block(self) -> int:
        """Observations of one step."""
        return math.prod(self.codec.event_shape) if self.codec else 1

    @property
    def length(self) -> int:
        """Observations of a sequence: blocks need some before they have a density."""
        return 2 * T if self.codec else T

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
            codec = self.codec or LogReturns((3.0, 10.0, 30.0), 10.0)
            embedding = ValueEmbedding(codec.input_size, 5)
            head = self.head(6, event_shape=codec.event_shape)
            model = AutoregressiveModel(codec, embedding, self.cell(5, 6), head)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.normal_(std=0.4)
        return model.double()

    def raw(self, steps: int | None = None) -> Tensor:
        steps = steps or self.length
        if self.tokens:
            return torch.randint(len(WORDS), (*self.batch, steps))
        raw = 50 * (0.02 * torch.randn(*self.batch, steps, dtype=torch.float64)).cumsum(-1).exp()
        raw[..., 0, :3] = math.nan
        raw[..., -1, 5:7] = math.nan
        return raw


CASES = [
    *(Case(cell, head) for cell, head in product((RNN, LSTM, GRU), (Categorical, Normal, StudentT))),
    Case(GRU, StudentT, Blocks(4, (1, 3))),
    Case(LSTM, NormalMixture, Blocks(4, (1, 3))),
    Case(RNN, Normal, Blocks(4, (4,), scale_length=6)),
    Case(LSTM, StudentT, Blocks(1)),
    Case(GRU, NormalMixture, Blocks(1, (1, 3))),
]
every_case = pytest.mark.parametrize("case", CASES, ids=str)
price_cases = pytest.mark.parametrize(
    "case", [case for case in CASES if not case.tokens and not case.codec], ids=str
)
block_cases = pytest.mark.parametrize("case", [case for case in CASES if case.codec], ids=str)
token_cases = pytest.mark.parametrize("case", [case for case in CASES if case.tokens], ids=str)


def leaves(state: Any) -> list[Tensor]:
    return [state] if isinstance(state, Tensor) else [leaf for part in state for leaf in leaves(part)]


def assert_same_state(state: ModelState, other: ModelState) -> None:
    torch.testing.assert_close(leaves(state), leaves(other), equal_nan=True, **EXACT)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def steps_of(model: AutoregressiveModel, x: Tensor) -> list[Tensor]:
    """The observation of each step, (..., *event_shape)."""
    return list(model.codec.blocks(x).unbind(x.dim() - 1))


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
    if case.codec:
        observed = case.codec.encode(x)[0].observed.reshape(x.shape)
        assert torch.equal(nats != 0, observed)
        assert observed.sum() > x.numel() / 4
        return
    first = x.isnan().int().argmin(-1, keepdim=True)
    given = x.isnan() | (torch.arange(T) == first)
    assert torch.equal(nats == 0, given)  # a missing price, and the first price, which has none before it


@every_case
@pytest.mark.parametrize("cuts", [range(1, T), [1, 6, 8], [6]], ids=["steps", "uneven", "halves"])
def test_chunks_with_a_carried_state_are_the_whole_factor_by_factor(case: Case, cuts: Any) -> None:
    model, x = case.model(), case.raw()
    whole, whole_after = model.log_prob(x)
    chunks, state = [], None
    bounds = [0, *sorted({case.block * cut for cut in cuts if case.block * cut < case.length}), case.length]
    for start, stop in pairwise(bounds):
        nats, state = model.log_prob(x[..., start:stop], state)
        chunks.append(nats)
    torch.testing.assert_close(torch.cat(chunks, dim=-1), whole, **EXACT)
    assert state is not None
    assert_same_state(state, whole_after)


@every_case
def test_steps_from_the_initial_state_reproduce_log_prob(case: Case) -> None:
    model, x = case.model(), case.raw()
    expected, _ = model.log_prob(x)
    distribution, state = model.step(None, model.initial_state(*case.batch))
    for x_t, expected_t in zip(steps_of(model, x), steps_of(model, expected), strict=True):
        torch.testing.assert_close(nats_of(model, distribution, x_t, state), expected_t, **EXACT)
        distribution, state = model.step(x_t, state)


@every_case
@pytest.mark.parametrize("given", [1, 6, T - 1])
def test_steps_go_on_from_the_state_after_log_prob(case: Case, given: int) -> None:
    model, x = case.model(), case.raw()
    expected, _ = model.log_prob(x)
    steps = min(given, case.length // case.block - 1)
    _, state = model.log_prob(x[..., : steps * case.block])
    distribution, state = model.step(None, state)
    for x_t, expected_t in list(zip(steps_of(model, x), steps_of(model, expected), strict=True))[steps:]:
        torch.testing.assert_close(nats_of(model, distribution, x_t, state), expected_t, **EXACT)
        distribution, state = model.step(x_t, state)


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
    t += case.length - T
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
    assert first.shape == (7, *case.batch, 5 * case.block)
    assert first.isfinite().all()
    assert not first.requires_grad
    assert torch.equal(first, model.sample(state, steps=5, num_samples=7, generator=generator(1)))
    assert not torch.equal(first, model.sample(state, steps=5, num_samples=7, generator=generator(2)))
    prefix = model.sample(state, steps=2, num_samples=7, generator=generator(1))
    torch.testing.assert_close(first[..., : 2 * case.block], prefix)  # a longer horizon only goes on


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
        # The same last price or block, so that only what came before it differs.
        fresh = model.log_prob(x[..., -case.block :])[1]
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


@every_case
def test_read_gives_the_state_of_log_prob(case: Case) -> None:
    model, x = case.model(), case.raw()
    half = x.shape[-1] // 2
    _, state = model.log_prob(x[..., :half])
    assert_same_state(model.read(x[..., :half]), state)
    assert_same_state(model.read(x[..., half:], state), model.log_prob(x)[1])


@every_case
def test_the_loss_of_a_density_is_its_log_prob_in_model_steps(case: Case) -> None:
    model, x = case.model(), case.raw()
    encoding, _ = model.codec.encode(x)
    rows = encoding.map(lambda part: part.reshape(-1, *part.shape[len(case.batch) :]))
    losses, _ = model.loss(rows)
    assert losses.shape == rows.targets.shape
    observed = encoding.observed.reshape(x.shape)
    jacobian = model.codec.log_jacobian(x).masked_fill(~observed, 0.0)
    torch.testing.assert_close(-losses.reshape(x.shape) + jacobian, model.log_prob(x)[0], **EXACT)


def logits(model: AutoregressiveModel, values: list[float]) -> None:
    """Let the model choose between candidates by these logits, whatever it has read."""
    assert model.choice is not None
    with torch.no_grad():
        model.choice.weight.zero_()
        model.choice.bias.copy_(torch.tensor(values))


@pytest.mark.parametrize("chosen", [0, 1, 2])
def test_a_candidate_that_is_surely_chosen_is_the_location(chosen: int) -> None:
    case = Case(GRU, StudentT, Blocks(4, (1, 3)))
    model, x = case.model(), case.raw()
    assert case.codec.candidates == 3
    logits(model, [1e4 * (place == chosen) for place in range(3)])
    with torch.no_grad():  # a head that says nothing of the location
        model.head.projection.weight.view(4, 3, -1)[:, 0] = 0.0
        model.head.projection.bias.view(4, 3)[:, 0] = 0.0
    state = model.read(x)
    distribution, awaiting = model.step(None, state)
    known = model.codec.known(awaiting.codec)
    torch.testing.assert_close(distribution.location, known.location[..., chosen], **EXACT)
    encoding, _ = model.codec.encode(x)
    rows = encoding.map(lambda part: part.flatten(0, 1))
    distribution, _ = model(rows)
    torch.testing.assert_close(distribution.location, rows.location[..., chosen], **EXACT)


def test_candidates_are_weighed_by_a_softmax_for_each_step() -> None:
    case = Case(GRU, StudentT, Blocks(4, (1, 3)))
    model, x = case.model(), case.raw()
    with torch.no_grad():
        model.head.projection.weight.view(4, 3, -1)[:, 0] = 0.0
        model.head.projection.bias.view(4, 3)[:, 0] = 0.0
    encoding, _ = model.codec.encode(x)
    rows = encoding.map(lambda part: part.flatten(0, 1))
    features, _ = model.backbone(model.embedding(rows.inputs))
    weights = model.choice(features).softmax(-1)
    expected = torch.einsum("btpk,btk->btp", rows.location, weights)
    torch.testing.assert_close(model(rows)[0].location, expected, **EXACT)
    logits(model, [math.log(0.5), math.log(0.3), math.log(0.2)])
    expected = rows.location @ torch.tensor([0.5, 0.3, 0.2]).double()
    torch.testing.assert_close(model(rows)[0].location, expected)


def test_one_candidate_needs_no_choice() -> None:
    model = Case(LSTM, StudentT, Blocks(1)).model()
    assert model.choice is None
    assert Case(LSTM, StudentT).model().choice is None


@block_cases
def test_other_units_cost_the_log_of_their_size(case: Case) -> None:
    model, x = case.model(), case.raw()
    nats, scaled = model.log_prob(x)[0], model.log_prob(100 * x)[0]
    expected = torch.where(nats == 0, 0.0, nats - math.log(100))
    torch.testing.assert_close(scaled, expected, rtol=1e-9, atol=1e-9)


@block_cases
def test_the_density_of_a_value_of_a_block_integrates_to_one(case: Case) -> None:
    model, size = case.model(), case.block
    x = 50 + torch.randn(2 * T, dtype=torch.float64)
    values = 50 + torch.sinh(torch.linspace(-14, 14, 8_001, dtype=torch.float64)) * 1e-3
    state = model.read(x.expand(len(values), -1))
    for place in {0, size - 1}:
        block = torch.full((len(values), size), 50.0, dtype=torch.float64)
        block[:, place] = values
        nats, _ = model.log_prob(block, state)
        assert torch.trapezoid(nats[:, place].exp(), values).item() == pytest.approx(1, abs=1e-3)
        others = [other for other in range(size) if other != place]
        torch.testing.assert_close(nats[:, others], nats[:1, others].expand(len(values), -1), **EXACT)


@block_cases
def test_first_sampled_blocks_have_the_distribution_of_the_step(case: Case) -> None:
    model, x = case.model(), case.raw()
    state = model.read(x)
    distribution, awaiting = model.step(None, state)
    samples = model.sample(state, steps=1, num_samples=4_000, generator=generator(3))
    steps, _ = model.codec.target(samples, state_ops.expand(awaiting.codec, 4_000))
    uniform = distribution.cdf(steps.view(4_000, *case.batch, case.block)).detach().numpy()
    for place in np.ndindex(*case.batch, case.block):
        assert stats.kstest(uniform[(slice(None), *place)], "uniform").pvalue > 0.0005


@block_cases
def test_a_path_goes_on_from_what_it_has_drawn(case: Case) -> None:
    model, x = case.model(), case.raw()
    state = model.read(x)
    paths = model.sample(state, steps=3, num_samples=6, generator=generator(3))
    again = generator(3)
    whole = ModelState(state_ops.expand(state.codec, 6), state_ops.repeat(state.backbone, 6))
    for block in steps_of(model, paths):
        distribution, awaiting = model.step(None, whole)
        drawn = model.codec.decode(distribution.sample(again), awaiting.codec)
        torch.testing.assert_close(drawn, block, rtol=1e-9, atol=1e-9)
        whole = model.read(block, whole)


@pytest.mark.parametrize("steps", [1, 13, 23])
def test_a_part_of_a_block_is_refused_in_one_line(steps: int) -> None:
    case = Case(GRU, StudentT, Blocks(4, (1, 3)))
    model = case.model()
    for function in (model.log_prob, model.read):
        with pytest.raises(DataError, match="not a whole number of blocks of 4") as caught:
            function(case.raw(steps))
        assert "\n" not in str(caught.value)
    with pytest.raises(DataError):
        model.log_prob(case.raw()[..., :0])


def quantile_model(codec: Any, levels: tuple[float, ...] = (0.1, 0.5, 0.8)) -> AutoregressiveModel:
    embedding = ValueEmbedding(codec.input_size, 5)
    head = Quantiles(6, event_shape=codec.event_shape, levels=levels)
    model = AutoregressiveModel(codec, embedding, GRU(5, 6), head)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.4)
    return model.double()


quantile_codecs = pytest.mark.parametrize(
    "codec",
    [Blocks(4, (1, 3)), Blocks(1), LogReturns((3.0, 10.0), 10.0)],
    ids=["blocks", "values", "returns"],
)


@quantile_codecs
def test_the_first_quantiles_are_the_head_s_own_decoded(codec: Any) -> None:
    model, x = quantile_model(codec), Case(GRU, StudentT, Blocks(4)).raw()
    state = model.read(x)
    distribution, awaiting = model.step(None, state)
    found = model.quantiles(state, 1, num_paths=7)
    assert found.shape == (3, 2, 3, math.prod(codec.event_shape))
    assert (found.diff(dim=0) >= 0).all()
    assert not found.requires_grad
    for place in range(3):
        expected = codec.decode(distribution.quantiles[..., place], awaiting.codec)
        torch.testing.assert_close(found[place].view(expected.shape), expected.detach(), **EXACT)
    longer = model.quantiles(state, 3, num_paths=7)
    torch.testing.assert_close(longer[..., : found.shape[-1]], found)


@quantile_codecs
@pytest.mark.parametrize("levels", [(0.1, 0.5, 0.8), (0.2, 0.6), (0.4,)], ids=str)
def test_quantiles_further_on_are_those_of_paths_along_levels(codec: Any, levels: tuple[float, ...]) -> None:
    model, x = quantile_model(codec, levels), Case(GRU, StudentT, Blocks(4)).raw()
    start = model.read(x)
    copy = state_ops.map_state(torch.clone, start)
    size, paths = math.prod(codec.event_shape), 5
    found = model.quantiles(start, 3, paths, generator(2))
    assert found.shape == (len(levels), 2, 3, 3 * size)
    assert (found.diff(dim=0) >= 0).all()
    assert_same_state(start, copy)
    assert torch.equal(found, model.quantiles(start, 3, paths, generator(2)))

    # One path after the other: a level each in the first block, the same ones shuffled in each later one.
    even = (torch.arange(paths) + 0.5) / paths
    draws = generator(2)
    orders = [torch.arange(paths), *(torch.randperm(paths, generator=draws) for _ in range(2))]
    path = torch.empty(paths, 2, 3, 3, size, dtype=torch.float64)
    for s in range(paths):
        state = start
        for t in range(3):
            distribution, awaiting = model.step(None, state)
            level = even[orders[t][s]].double()
            block = codec.decode(distribution.quantile(level.expand(distribution.unit.shape)), awaiting.codec)
            path[s, :, :, t] = block.detach().view(2, 3, size)
            state = model.read(path[s, :, :, t], state)
    expected = path.flatten(-2).quantile(torch.tensor(levels, dtype=torch.float64), dim=0)
    torch.testing.assert_close(found[..., size:], expected[..., size:], rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("codec", [Blocks(1), LogReturns((3.0, 10.0), 10.0)], ids=["values", "returns"])
def test_quantiles_further_on_are_those_of_sampled_paths(codec: Any) -> None:
    model, x = quantile_model(codec), Case(GRU, StudentT, Blocks(4)).raw()
    state = model.read(x)
    found = model.quantiles(state, 4, 2_000, generator(1))
    count = 4_000
    samples = model.sample(state, 4, count, generator(3))
    for place, level in enumerate((0.1, 0.5, 0.8)):
        share = (samples <= found[place]).double().mean(0)
        # Both are of finitely many paths.
        error = math.sqrt(level * (1 - level) * (1 / count + 1 / 2_000))
        assert (share - level).abs().max() < 5 * error


def test_a_model_of_quantiles_has_a_loss_in_units_of_the_scale_and_no_density() -> None:
    codec = Blocks(4, (1, 3))
    model, x = quantile_model(codec), Case(GRU, StudentT, codec).raw()
    with pytest.raises(ConfigError, match="no density"):
        model.log_prob(x)
    encodings = [codec.encode(values)[0].map(lambda part: part.flatten(0, 1)) for values in (x, 1e3 * x)]
    ours, theirs = (model.loss(encoding)[0] for encoding in encodings)
    torch.testing.assert_close(ours, theirs)
    assert torch.equal(ours != 0, encodings[0].observed)
    distribution, _ = model(encodings[0])
    torch.testing.assert_close(distribution.unit, encodings[0].scale.unsqueeze(-1).expand_as(ours))
