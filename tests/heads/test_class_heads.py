"""One battery over every head of classes: its distribution is held against its formula, written naively."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from scipy import special, stats
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import tsrnn.heads
from tsrnn.backbones import GRU
from tsrnn.codecs import LogReturns, Vocabulary
from tsrnn.components import build, describe
from tsrnn.embeddings import TokenEmbedding, ValueEmbedding
from tsrnn.errors import ConfigError
from tsrnn.heads import AdaptiveSoftmax, Categorical, ClassHead, Head, Normal
from tsrnn.heads.categorical import CategoricalDistribution
from tsrnn.models import AutoregressiveModel

SIZE, CLASSES = 6, 11


@dataclass(frozen=True)
class Case:
    head: Any
    arguments: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return "-".join([self.head.__name__, *(str(value) for value in self.arguments.values())])

    def build(self, scale: float = 1.0) -> Any:
        """In float64, with random weights."""
        head = self.head(SIZE, CLASSES, **self.arguments).double()
        with torch.no_grad():
            for parameter in head.parameters():
                parameter.normal_(0, scale)
        return head


CASES = [
    Case(Categorical),
    *(
        Case(AdaptiveSoftmax, {"cutoffs": cutoffs, "division": division})
        for cutoffs, division in product(([4, 7], [1, 10], [5]), (1, 2))
    ),
]
every_case = pytest.mark.parametrize("case", CASES, ids=str)
EXACT = {"rtol": 1e-12, "atol": 1e-12}


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def naive(head: Any, features: Tensor) -> Tensor:
    """log P of every class (R, V), class by class as the formula says it."""
    own, bias = head.projection.weight, head.projection.bias
    if isinstance(head, Categorical):
        scores = torch.exp(features @ own.t() + bias)
        return torch.log(scores / scores.sum(-1, keepdim=True))
    cutoffs = list(head.cutoffs)
    into = head.cluster_projection
    shortlist = torch.exp(features @ own[: cutoffs[0]].t() + bias[: cutoffs[0]])
    clusters = torch.exp(features @ into.weight.t() + into.bias)
    normaliser = shortlist.sum(-1) + clusters.sum(-1)
    columns = [shortlist[:, k] / normaliser for k in range(cutoffs[0])]
    for i, (start, stop) in enumerate(zip(cutoffs, [*cutoffs[1:], head.num_classes], strict=True)):
        if head.division == 1:
            inside = torch.exp(features @ own[start:stop].t() + bias[start:stop])
        else:
            reduced = features @ head.reductions[i].weight.t()
            inside = torch.exp(reduced @ head.tails[i].weight.t() + head.tails[i].bias)
        for k in range(stop - start):
            columns.append(clusters[:, i] / normaliser * inside[:, k] / inside.sum(-1))
    return torch.log(torch.stack(columns, -1))


def test_the_table_holds_every_head_of_classes() -> None:
    heads = [getattr(tsrnn.heads, name) for name in tsrnn.heads.__all__]
    classes = {head for head in heads if issubclass(head, ClassHead) and not inspect.isabstract(head)}
    assert {case.head for case in CASES} == classes


@every_case
def test_the_log_probability_of_every_class_is_the_formulas(case: Case) -> None:
    head, features = case.build(), torch.randn(40, SIZE, dtype=torch.float64)
    expected = naive(head, features)
    distribution = head(features)
    torch.testing.assert_close(distribution.log_probs(), expected, **EXACT)
    for k in range(CLASSES):
        torch.testing.assert_close(
            distribution.log_prob(torch.full((40,), k)), expected[:, k], msg=f"class {k}", **EXACT
        )


@every_case
@pytest.mark.parametrize("batch", [(), (7,), (3, 7), (2, 3, 7)], ids=str)
def test_log_prob_is_the_entry_of_log_probs_and_batch_axes_are_free(
    case: Case, batch: tuple[int, ...]
) -> None:
    distribution = case.build()(torch.randn(*batch, SIZE, dtype=torch.float64))
    samples = distribution.sample(generator(0))
    assert samples.shape == batch
    assert samples.dtype == torch.int64
    every = distribution.log_probs()
    assert every.shape == (*batch, CLASSES)
    for value in (samples, torch.randint(CLASSES, batch)):
        expected = every.gather(-1, value.unsqueeze(-1)).squeeze(-1)
        torch.testing.assert_close(distribution.log_prob(value), expected, **EXACT)


@every_case
def test_the_probabilities_of_the_classes_sum_to_one(case: Case) -> None:
    distribution = case.build(3.0)(torch.randn(50, SIZE, dtype=torch.float64))
    total = sum(distribution.log_prob(torch.full((50,), k)).exp() for k in range(CLASSES))
    torch.testing.assert_close(total, torch.ones(50, dtype=torch.float64), **EXACT)


def test_categorical_logits_are_held_against_scipy() -> None:
    logits = torch.randn(3, 500, 4, dtype=torch.float64) * torch.logspace(-2, 2, 500).double()[:, None]
    distribution = CategoricalDistribution(logits)
    expected = special.log_softmax(logits.numpy(), axis=-1)
    np.testing.assert_allclose(distribution.log_probs().numpy(), expected, rtol=1e-10, atol=1e-10)
    value = torch.randint(4, (3, 500))
    chosen = np.take_along_axis(expected, value.numpy()[..., None], -1)[..., 0]
    np.testing.assert_allclose(distribution.log_prob(value).numpy(), chosen, rtol=1e-10, atol=1e-10)


@every_case
def test_float32_agrees_with_float64(case: Case) -> None:
    head, features = case.build(), torch.randn(200, SIZE, dtype=torch.float64)
    value = torch.arange(200) % CLASSES
    exact = head(features).log_prob(value)
    single = head.float()(features.float())
    assert single.log_prob(value).dtype == torch.float32
    torch.testing.assert_close(single.log_prob(value).double(), exact, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(
        single.log_probs().double().gather(1, value[:, None])[:, 0], exact, rtol=1e-5, atol=1e-5
    )


@every_case
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_sampled_classes_have_their_probabilities(case: Case, dtype: torch.dtype) -> None:
    head = case.build(0.5).to(dtype)
    for seed, feature in enumerate(torch.randn(3, 1, SIZE, dtype=dtype)):
        distribution = head(feature.expand(50_000, SIZE))
        counts = distribution.sample(generator(seed)).bincount(minlength=CLASSES)
        expected = 50_000 * head(feature).log_probs()[0].detach().double().exp()
        expected *= 50_000 / expected.sum()
        assert stats.chisquare(counts.numpy(), expected.numpy()).pvalue > 0.001


@pytest.mark.parametrize("draw", [0.0, 1 - 2**-24], ids=["least", "greatest"])
def test_the_ends_of_the_uniform_draw_give_no_impossible_class(
    draw: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    logits = torch.randn(2_000, 4)
    logits[:, [0, 3]] = -1e4
    head = Categorical(4, 4)
    with torch.no_grad():
        head.projection.weight.copy_(torch.eye(4))
        head.projection.bias.zero_()
    monkeypatch.setattr(torch, "rand", lambda shape, **_: torch.full(shape, draw))
    for distribution in (CategoricalDistribution(logits), head(logits)):
        assert set(distribution.sample().tolist()) == {1 if draw == 0 else 2}


@every_case
def test_a_generator_reproduces_the_samples_and_leaves_the_global_one_alone(case: Case) -> None:
    distribution = case.build()(torch.randn(1_000, SIZE, dtype=torch.float64))
    before = torch.get_rng_state()
    first, same, other = (distribution.sample(generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
    going_on = generator(1)
    assert torch.equal(first, distribution.sample(going_on))
    assert not torch.equal(first, distribution.sample(going_on))


def test_classes_have_no_affine_map() -> None:
    for case in CASES:
        with pytest.raises(TypeError, match="no location and no scale"):
            case.build()(torch.zeros(2, SIZE).double()).affine(torch.tensor(0.0), torch.tensor(1.0))


@every_case
def test_gradients_are_those_of_the_formula(case: Case) -> None:
    head, features = case.build(), torch.randn(60, SIZE, dtype=torch.float64, requires_grad=True)
    value, upstream = torch.arange(60) % CLASSES, torch.randn(60, dtype=torch.float64)
    upstream[::4] = 0
    inputs = [features, *head.parameters()]
    ours = torch.autograd.grad(head(features).log_prob(value), inputs, upstream)
    chosen = naive(head, features).gather(1, value[:, None])[:, 0]
    theirs = torch.autograd.grad(chosen, inputs, upstream)
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-10)
    # A cluster of one class has three parameters without a say in the likelihood.
    assert sum(int((gradient != 0).any()) for gradient in ours) >= len(inputs) - 3


@every_case
def test_gradients_agree_with_finite_differences(case: Case) -> None:
    head, value = case.build(), torch.randint(CLASSES, (6,))
    features = torch.randn(6, SIZE, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda features: head(features).log_prob(value), [features])


@every_case
def test_a_batch_of_frequent_words_alone_trains(case: Case) -> None:
    head = case.build()
    head(torch.randn(5, SIZE).double()).log_prob(torch.zeros(5, dtype=torch.int64)).sum().backward()
    gradients = [parameter.grad for parameter in head.parameters() if parameter.grad is not None]
    assert all(gradient.isfinite().all() for gradient in gradients)


@every_case
def test_extreme_features_stay_finite_in_float32(case: Case) -> None:
    head = case.build().float()
    features = torch.tensor(list(product((0.0, 50.0, -1e4), repeat=SIZE)), requires_grad=True)
    for k in range(CLASSES):
        head.zero_grad()
        features.grad = None
        nats = head(features).log_prob(torch.full((len(features),), k))
        assert nats.isfinite().all()
        nats.sum().backward()
        assert features.grad is not None
        assert features.grad.isfinite().all()
        assert all(p.grad is None or p.grad.isfinite().all() for p in head.parameters())
    with torch.no_grad():
        distribution = head(features)
        for seed in range(5):
            assert distribution.log_prob(distribution.sample(generator(seed))).isfinite().all()


@every_case
def test_a_description_builds_the_same_head(case: Case) -> None:
    head = case.build()
    description = describe(head)
    assert description["class_path"] == f"tsrnn.heads.{case.head.__name__}"
    again = build(description, Head).double()
    assert describe(again) == description
    again.load_state_dict(head.state_dict())
    features, value = torch.randn(3, SIZE).double(), torch.tensor([0, 1, 10])
    assert torch.equal(head(features).log_prob(value), again(features).log_prob(value))


@pytest.mark.parametrize("case", [Case(Categorical), Case(AdaptiveSoftmax, {"cutoffs": [1, 2]})], ids=str)
def test_maximum_likelihood_recovers_the_probabilities_of_classes(case: Case) -> None:
    truth = np.array([0.5, 0.3, 0.15, 0.05])
    values = torch.as_tensor(np.random.default_rng(5).choice(4, 10_000, p=truth))
    head = case.head(2, 4, **case.arguments).double()
    feature = torch.ones(1, 2, dtype=torch.float64)
    optimizer = torch.optim.Adam(head.parameters(), lr=0.1)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 200)
    for _ in range(200):
        optimizer.zero_grad()
        (-head(feature.expand(len(values), 2)).log_prob(values).mean()).backward()
        optimizer.step()
        schedule.step()
    fitted = head(feature).log_probs()[0].detach().exp().numpy()
    assert (np.abs(fitted - truth) < 3 * np.sqrt(truth * (1 - truth) / len(values))).all()
    np.testing.assert_allclose(fitted, values.bincount().numpy() / len(values), atol=1e-4)


# ---- the adaptive softmax


def test_it_is_the_adaptive_softmax_of_torch() -> None:
    features, value = torch.randn(300, 16, dtype=torch.float64), torch.arange(300) % 30
    theirs = nn.AdaptiveLogSoftmaxWithLoss(16, 30, [8, 15, 22], div_value=2.0, head_bias=True).double()
    ours = AdaptiveSoftmax(16, 30, [8, 15, 22], division=2).double()
    with torch.no_grad():
        ours.projection.weight.copy_(theirs.head.weight[:8])
        ours.projection.bias.copy_(theirs.head.bias[:8])
        ours.cluster_projection.weight.copy_(theirs.head.weight[8:])
        ours.cluster_projection.bias.copy_(theirs.head.bias[8:])
        for i, (reduction, tail) in enumerate(theirs.tail):
            ours.reductions[i].weight.copy_(reduction.weight)
            ours.tails[i].weight.copy_(tail.weight)
            ours.tails[i].bias.zero_()
        torch.testing.assert_close(ours(features).log_prob(value), theirs(features, value).output, **EXACT)
        torch.testing.assert_close(ours(features).log_probs(), theirs.log_prob(features), **EXACT)


class Sizes(TorchDispatchMode):
    """The sizes of the tensors that operations return."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        self.sizes += [leaf.numel() for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
        return result


@pytest.mark.parametrize("division", [1, 2])
def test_a_frequent_word_costs_the_first_stage_alone(division: int) -> None:
    rows, classes = 500, 400
    head, features = AdaptiveSoftmax(4, classes, [10, 100], division), torch.randn(rows, 4)
    value = torch.randint(10, (rows,))
    value[:3] = torch.tensor([50, 200, 399])
    with torch.no_grad(), Sizes() as mode:
        head(features).log_prob(value)
    assert max(mode.sizes) == rows * 12
    with Sizes() as mode:
        head(features).log_prob(value).sum().backward()
    assert max(mode.sizes) == rows * 12
    with torch.no_grad(), Sizes() as mode:
        head(features).log_probs()
    assert max(mode.sizes) == rows * classes  # what it saves, and that it would be seen here


@pytest.mark.parametrize(
    "cutoffs", [[], [0, 3], [3, 3], [5, 3], [3, 11], [12], [-2, 4]], ids=lambda cutoffs: str(cutoffs)
)
def test_bad_cutoffs_are_refused(cutoffs: list[int]) -> None:
    with pytest.raises(ConfigError, match="must increase, from at least 1 to less than the 11 classes"):
        AdaptiveSoftmax(SIZE, CLASSES, cutoffs)


def test_a_division_below_one_is_refused() -> None:
    with pytest.raises(ConfigError, match="division must be at least 1, not 0"):
        AdaptiveSoftmax(SIZE, CLASSES, [4], division=0)


def test_the_clusters_vectors_shrink_by_the_division() -> None:
    head = AdaptiveSoftmax(8, 30, [5, 10, 20, 25], division=3)
    assert [tail.weight.shape for tail in head.tails] == [(5, 2), (10, 1), (5, 1), (5, 1)]
    assert sum(p.numel() for p in AdaptiveSoftmax(8, 30, [5, 10]).parameters()) == 9 * 32


# ---- tied weights

TIED = [case for case in CASES if case.arguments.get("division", 1) == 1]
WORDS = ["<eos>", *(f"w{k}" for k in range(1, CLASSES))]


def tied_model(case: Case, tied: bool = True, size: int = SIZE) -> AutoregressiveModel:
    head = case.head(SIZE, CLASSES, **case.arguments)
    embedding = TokenEmbedding(CLASSES, size)
    return AutoregressiveModel(Vocabulary(WORDS), embedding, GRU(size, SIZE), head, tied=tied).double()


@pytest.mark.parametrize("case", TIED, ids=str)
def test_tied_vectors_are_one_parameter_wherever_the_model_comes_from(case: Case) -> None:
    model, untied = tied_model(case), tied_model(case, tied=False)
    count, untied_count = (sum(p.numel() for p in each.parameters()) for each in (model, untied))
    assert untied_count - count == CLASSES * SIZE
    again = build(describe(model), AutoregressiveModel).double()
    assert describe(again) == describe(model)
    again.load_state_dict(model.state_dict())
    text = torch.randint(CLASSES, (2, 9))
    assert torch.equal(again.log_prob(text)[0], model.log_prob(text)[0])
    for each in (model, again, again.float().double()):
        assert each.head.projection.weight is each.embedding.weight
        assert isinstance(each.embedding.weight, nn.Parameter)


@pytest.mark.parametrize("case", TIED, ids=str)
def test_tied_vectors_learn_from_both_of_their_uses(case: Case) -> None:
    model, untied = tied_model(case), tied_model(case, tied=False)
    untied.load_state_dict(model.state_dict())
    text = torch.randint(CLASSES, (2, 30))
    for each in (model, untied):
        each.log_prob(text)[0].sum().backward()
    parts = [untied.embedding.weight.grad, untied.head.projection.weight.grad]
    assert all(part is not None and part.any() for part in parts)
    torch.testing.assert_close(model.embedding.weight.grad, sum(parts), **EXACT)


def test_what_cannot_be_tied_is_refused() -> None:
    with pytest.raises(ConfigError, match="AdaptiveSoftmax with division 1"):
        tied_model(Case(AdaptiveSoftmax, {"cutoffs": [4], "division": 2}))
    for case in TIED:
        with pytest.raises(ConfigError, match="11 vectors of 5, the head needs 11 of 6"):
            tied_model(case, size=5)
    with pytest.raises(ConfigError, match="an embedding of tokens and a head over classes"):
        AutoregressiveModel(LogReturns(), ValueEmbedding(7, 4), GRU(4, 4), Normal(4), tied=True)
    with pytest.raises(ConfigError, match="an embedding of tokens and a head over classes"):
        AutoregressiveModel(Vocabulary(WORDS), TokenEmbedding(CLASSES, 4), GRU(4, 4), Normal(4), tied=True)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
def test_smoothed_labels_have_the_same_loss_and_gradient_as_by_definition(smoothing):
    torch.manual_seed(0)
    head = Categorical(5, 7).double()
    features = torch.randn(3, 4, 5, dtype=torch.float64, requires_grad=True)
    classes = torch.randint(0, 7, (3, 4))
    every = head(features).logits.log_softmax(-1)
    own = every.gather(-1, classes.unsqueeze(-1)).squeeze(-1)
    expected = (1 - smoothing) * own + smoothing * every.mean(-1)
    found = head(features).smoothed_log_prob(classes, smoothing)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)
    parameters = (features, *head.parameters())
    ours = torch.autograd.grad(found.sum(), parameters, retain_graph=True)
    theirs = torch.autograd.grad(expected.sum(), parameters)
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-11)
