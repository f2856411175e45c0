"""One battery over every head of a density: what its distribution says is held against scipy's.

The heads of classes have one of their own, in `test_class_heads.py`, and so has the head of quantiles,
which has no density, in `test_quantiles.py`.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
import torch
from scipy import integrate, special, stats
from torch import Tensor

import tsrnn.heads
from tsrnn.components import build, describe
from tsrnn.errors import ConfigError
from tsrnn.heads import ClassHead, Head, NormalMixture
from tsrnn.heads.normal_mixture import NormalMixtureDistribution
from tsrnn.heads.student_t import StudentTDistribution

HEADS = [
    head
    for head in (getattr(tsrnn.heads, name) for name in tsrnn.heads.__all__)
    if not inspect.isabstract(head) and not issubclass(head, ClassHead)
]
DENSITIES = [head for head in HEADS if head.criterion == "nats"]


@dataclass(frozen=True)
class Case:
    """A head and scipy's words for it.

    Args:
        head: the name of the class.
        reference: scipy's distribution for one of the head's.
        truths: unconstrained parameters, one row for each distribution that is tested.
        arguments: of the head, besides its input size.
    """

    head: str
    reference: Callable[[Any], Any]
    truths: list[list[float]]
    arguments: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.head

    def build(self) -> Head:
        """The head whose features are its unconstrained parameters."""
        size = len(self.truths[0])
        head = getattr(tsrnn.heads, self.head)(size, **self.arguments)
        with torch.no_grad():
            head.projection.weight.copy_(torch.eye(size))
            head.projection.bias.zero_()
        return head

    def distributions(self, dtype: torch.dtype = torch.float64) -> Any:
        """One distribution for each row of `truths`."""
        with torch.no_grad():
            return self.build().to(dtype)(torch.tensor(self.truths, dtype=dtype))


class ScipyMixture:
    """A mixture of scipy's normal distributions, the components on the last axis."""

    def __init__(self, distribution: NormalMixtureDistribution) -> None:
        self.weight = np.exp(distribution.log_weight.double().numpy())
        self.parts = stats.norm(distribution.location.double().numpy(), distribution.scale.double().numpy())

    def logpdf(self, value: Any) -> Any:
        # In logarithms: thirty deviations away a density underflows.
        return special.logsumexp(self.parts.logpdf(np.asarray(value)[..., None]), b=self.weight, axis=-1)

    def cdf(self, value: Any) -> Any:
        return (self.weight * self.parts.cdf(np.asarray(value)[..., None])).sum(-1)

    def mean(self) -> Any:
        return (self.weight * self.parts.mean()).sum(-1)

    def rvs(self, size: int, random_state: np.random.Generator) -> Any:
        """Draws of the one distribution of a batch of shape (1,)."""
        weight = self.weight[0] / self.weight[0].sum()
        chosen = random_state.choice(len(weight), size, p=weight)
        return random_state.normal(self.parts.mean()[0, chosen], self.parts.std()[0, chosen])


CASES = [
    Case(
        "Normal",
        lambda d: stats.norm(d.location.numpy(), d.scale.numpy()),
        [[0.0, 0.0], [-3.0, 2.0], [0.7, -6.0], [1e3, 40.0]],
    ),
    Case(
        "StudentT",
        lambda d: stats.t(d.degrees.numpy(), d.location.numpy(), d.scale.numpy()),
        [[0.0, 0.0, 0.0], [-3.0, 2.0, -6.0], [0.7, -6.0, 1.0], [1e3, 40.0, 30.0], [0.0, 0.0, 1e3]],
    ),
    Case(
        "NormalMixture",
        ScipyMixture,
        [
            [0.0] * 6,
            [1.0, -1.0, -3.0, 4.0, 2.0, -6.0],
            [-30.0, 30.0, 0.0, 1.0, -2.0, 0.5],
            [0.5, 0.0, -0.1, 0.1, 3.0, -2.0],
        ],
        {"num_components": 2},
    ),
]

every_head = pytest.mark.parametrize("case", CASES, ids=str)


def center(distribution: Any) -> Tensor:
    """Where a distribution lies."""
    if isinstance(distribution, NormalMixtureDistribution):
        return distribution.mean
    location: Tensor = distribution.location
    return location


def spread(distribution: Any) -> Tensor:
    """How wide a distribution is."""
    if isinstance(distribution, NormalMixtureDistribution):
        apart = distribution.location - distribution.mean.unsqueeze(-1)
        moment = distribution.log_weight.exp() * (distribution.scale.square() + apart.square())
        return moment.sum(-1).sqrt()
    scale: Tensor = distribution.scale
    return scale


def row(distribution: Any, index: int) -> Any:
    """One of a batch of distributions, as a batch of shape (1,)."""
    return type(distribution)(*(value[index : index + 1] for value in vars(distribution).values()))


def copies(distribution: Any, count: int) -> Any:
    """A distribution of batch shape (1,) as one of batch shape (count,)."""
    parameters = vars(distribution).values()
    return type(distribution)(*(value.expand(count, *value.shape[1:]) for value in parameters))


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_table_holds_every_head() -> None:
    assert {case.head for case in CASES} == {head.__name__ for head in DENSITIES}


@every_head
def test_log_prob_and_cdf_are_those_of_scipy(case: Case) -> None:
    features = (
        torch.randn(2_000, len(case.truths[0]), dtype=torch.float64) * torch.logspace(-2, 1.5, 2_000)[:, None]
    )
    with torch.no_grad():
        distribution = case.build().double()(features.double())
    reference = case.reference(distribution)
    for z in (0.0, -0.3, 1.0, -4.0, 30.0, -200.0):
        value = center(distribution) + z * spread(distribution)
        expected = reference.logpdf(value.numpy())
        np.testing.assert_allclose(distribution.log_prob(value).numpy(), expected, rtol=1e-10, atol=1e-10)
        np.testing.assert_allclose(
            distribution.cdf(value).numpy(), reference.cdf(value.numpy()), rtol=1e-9, atol=1e-14
        )
    distribution = case.distributions()
    for level in (0.025, 0.1, 0.975):
        value = distribution.icdf(level).numpy()
        np.testing.assert_allclose(case.reference(distribution).cdf(value), level, atol=1e-6)


@every_head
def test_the_mean_is_that_of_scipy(case: Case) -> None:
    distribution = case.distributions()
    np.testing.assert_allclose(distribution.mean.numpy(), case.reference(distribution).mean(), rtol=1e-12)


@every_head
def test_features_of_zero_give_about_a_standard_density(case: Case) -> None:
    distribution = row(case.distributions(), 0)
    torch.testing.assert_close(center(distribution), torch.zeros(1, dtype=torch.float64))
    torch.testing.assert_close(spread(distribution), torch.ones(1, dtype=torch.float64), rtol=0, atol=1e-5)


def test_every_student_t_has_a_variance() -> None:
    case = next(case for case in CASES if case.head == "StudentT")
    degrees = case.build()(torch.tensor([[0.0, 0.0, raw] for raw in (-1e4, -20.0, 0.0, 20.0, 1e4)])).degrees
    assert (degrees > 2).all()
    assert (degrees.diff() >= 0).all()
    assert degrees[2].item() == pytest.approx(5, abs=1e-4)


@every_head
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_samples_have_the_density_of_log_prob(case: Case, dtype: torch.dtype) -> None:
    distributions = case.distributions(dtype)
    for index in range(len(case.truths)):
        distribution = row(distributions, index)
        if center(distribution).abs() > 100 * spread(distribution):
            continue  # float32 cannot say such values finely enough
        samples = copies(distribution, 50_000).sample(generator(index))
        assert samples.dtype == dtype
        assert stats.kstest(samples.double().numpy(), case.reference(distribution).cdf).pvalue > 0.01


@every_head
def test_affine_is_a_change_of_variable(case: Case) -> None:
    distribution = case.distributions()
    location, scale = torch.tensor(-2.5, dtype=torch.float64), torch.tensor(0.013, dtype=torch.float64)
    moved = distribution.affine(location, scale)
    x = center(distribution) + spread(distribution) * torch.tensor(
        [[0.1], [-3.0], [8.0]], dtype=torch.float64
    )
    y = location + scale * x
    torch.testing.assert_close(
        moved.log_prob(y), distribution.log_prob(x) - scale.log(), rtol=1e-9, atol=1e-9
    )
    torch.testing.assert_close(moved.cdf(y), distribution.cdf(x), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(moved.mean, location + scale * distribution.mean)
    torch.testing.assert_close(
        moved.sample(generator(3)), location + scale * distribution.sample(generator(3))
    )


@every_head
def test_a_density_integrates_to_one(case: Case) -> None:
    distributions = case.distributions()
    for index in range(len(case.truths)):
        distribution = row(distributions, index)
        location, scale = center(distribution).item(), spread(distribution).item()

        def density(z: float) -> float:
            value = torch.tensor([location + scale * z], dtype=torch.float64)  # noqa: B023
            return scale * distribution.log_prob(value).exp().item()  # noqa: B023

        modes = {0.0, *((distribution.location.flatten() - location) / scale).tolist()}
        bounds = pairwise([-math.inf, *sorted(modes), math.inf])
        parts = [integrate.quad(density, *bound)[0] for bound in bounds]
        assert sum(parts) == pytest.approx(1, abs=1e-6)


def fit(head: Head, values: Tensor) -> Any:
    """The distribution of greatest likelihood, by gradient descent from one constant feature."""
    feature = torch.ones(1, head.input_size, dtype=torch.float64)
    optimizer = torch.optim.Adam(head.parameters(), lr=0.1)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 200)
    for _ in range(200):
        optimizer.zero_grad()
        (-copies(head(feature), len(values)).log_prob(values).mean()).backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        return head(feature)


@pytest.mark.parametrize("case", [case for case in CASES if case.head != "NormalMixture"], ids=str)
def test_maximum_likelihood_recovers_the_parameters(case: Case) -> None:
    truth = row(case.distributions(), 0).affine(torch.tensor([0.3]).double(), torch.tensor([0.5]).double())
    values = torch.as_tensor(case.reference(truth).rvs(10_000, random_state=np.random.default_rng(5)))

    def mean_nats(*parameters: Tensor) -> Tensor:
        return copies(type(truth)(*parameters), len(values)).log_prob(values).mean()

    # The sampling error of a maximum-likelihood estimate: the inverse of the observed information.
    parameters = tuple(vars(truth).values())
    hessian = torch.autograd.functional.hessian(mean_nats, parameters)
    information = -len(values) * torch.tensor([[float(entry) for entry in line] for line in hessian])
    errors = torch.linalg.inv(information).diagonal().sqrt().tolist()

    fitted = fit(getattr(tsrnn.heads, case.head)(2, **case.arguments).double(), values)
    for estimate, true_value, error in zip(vars(fitted).values(), parameters, errors, strict=True):
        assert abs(estimate.item() - true_value.item()) < 3 * error
    assert mean_nats(*vars(fitted).values()) >= mean_nats(*parameters)


@every_head
def test_extreme_parameters_and_targets_stay_finite_in_float32(case: Case) -> None:
    size = len(case.truths[0])
    head = case.build()
    raw = torch.tensor(list(product((0.0, 50.0, -50.0, 1e4, -1e4), repeat=size)), requires_grad=True)
    for value in [torch.full((len(raw),), value) for value in (0.0, 1.0, -1e4, 1e10, -1e10)]:
        head.zero_grad()
        raw.grad = None
        nats = head(raw).log_prob(value)
        assert nats.isfinite().all()
        nats.sum().backward()
        assert raw.grad is not None
        assert all(tensor.grad.isfinite().all() for tensor in (raw, *head.parameters()))
    with torch.no_grad():
        distribution = head(raw)
    for seed in range(20):
        samples = distribution.sample(generator(seed))
        assert samples.isfinite().all()
        assert distribution.log_prob(samples).isfinite().all()


@every_head
def test_float32_agrees_with_float64(case: Case) -> None:
    double = case.distributions()
    # Standardised, so that only the density's own rounding is measured.
    double = double.affine(-center(double) / spread(double), 1 / spread(double))
    values = torch.linspace(-3, 3, len(case.truths), dtype=torch.float64)
    single = type(double)(*(parameter.float() for parameter in vars(double).values()))
    nats = single.log_prob(values.float())
    torch.testing.assert_close(nats.double(), double.log_prob(values), rtol=1e-4, atol=1e-4)


@every_head
def test_a_generator_reproduces_the_samples_and_leaves_the_global_one_alone(case: Case) -> None:
    distribution = copies(row(case.distributions(), 0), 1_000)
    before = torch.get_rng_state()
    first, same, other = (distribution.sample(generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
    going_on = generator(1)
    assert torch.equal(first, distribution.sample(going_on))
    assert not torch.equal(first, distribution.sample(going_on))


@every_head
@pytest.mark.parametrize("batch", [(), (7,), (3, 7), (2, 3, 7)], ids=str)
def test_batch_axes_are_free(case: Case, batch: tuple[int, ...]) -> None:
    head = case.build().double()
    features = torch.randn(*batch, head.input_size, dtype=torch.float64)
    with torch.no_grad():
        distribution, flat = head(features), head(features.reshape(-1, head.input_size))
    samples = distribution.sample(generator(0))
    assert samples.shape == batch
    nats = distribution.log_prob(samples)
    assert nats.shape == batch
    torch.testing.assert_close(nats.reshape(-1), flat.log_prob(samples.reshape(-1)))


@every_head
def test_a_gradient_reaches_every_parameter(case: Case) -> None:
    head = case.build()
    distribution = head(torch.randn(50, head.input_size))
    value = torch.randn(50)
    distribution.log_prob(value).sum().backward()
    assert all(parameter.grad is not None and (parameter.grad != 0).all() for parameter in head.parameters())


@every_head
def test_gradients_agree_with_finite_differences(case: Case) -> None:
    head = case.build().double()
    features = torch.randn(6, head.input_size, dtype=torch.float64, requires_grad=True)
    value = torch.randn(6, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda features: head(features).log_prob(value), [features])


@every_head
def test_a_description_builds_the_same_head(case: Case) -> None:
    head = getattr(tsrnn.heads, case.head)(5, **case.arguments)
    description = describe(head)
    assert description["class_path"] == f"tsrnn.heads.{case.head}"
    again = build(description, Head)
    assert describe(again) == description
    again.load_state_dict(head.state_dict())
    features, value = torch.randn(3, 5), torch.tensor([0, 1, 2])
    assert torch.equal(head(features).log_prob(value), again(features).log_prob(value))


@pytest.mark.parametrize("degrees", [5.0, 63.0, 65.0, 100.0, 1e3, 3e4, 1e6, 1e8])
def test_many_degrees_of_freedom_stay_exact_in_float32(degrees: float) -> None:
    z = torch.tensor([0.0, 1.0, -3.0])
    distribution = StudentTDistribution(torch.zeros(3), torch.ones(3), torch.full((3,), degrees))
    np.testing.assert_allclose(
        distribution.log_prob(z).numpy(), stats.t.logpdf(z.numpy(), degrees), atol=1e-5
    )


@pytest.mark.parametrize("name", [head.__name__ for head in HEADS])
@pytest.mark.parametrize("batch", [(), (5, 2)], ids=str)
def test_a_block_has_the_distributions_of_as_many_heads(name: str, batch: tuple[int, ...]) -> None:
    make: Any = getattr(tsrnn.heads, name)
    block, single = make(6, event_shape=(4,)).double(), make(6).double()
    with torch.no_grad():
        block.projection.weight.normal_()
        block.projection.bias.normal_()
    assert tuple(block.event_shape) == (4,)
    features = torch.randn(*batch, 6, dtype=torch.float64)
    value = torch.randn(*batch, 4, dtype=torch.float64)
    with torch.no_grad():
        whole = block(features)
        samples, losses = whole.sample(generator(0)), block.loss(whole, value)
        assert samples.shape == losses.shape == (*batch, 4)
        for place in range(4):
            for parameter in ("weight", "bias"):
                of_block = getattr(block.projection, parameter).unflatten(0, (4, -1))
                getattr(single.projection, parameter).copy_(of_block[place])
            alone = single(features)
            torch.testing.assert_close(losses[..., place], single.loss(alone, value[..., place]))
            for ours, theirs in zip(vars(whole).values(), vars(alone).values(), strict=True):
                if ours.dim() <= len(batch):  # the levels of the quantiles, which all share
                    continue
                if ours.shape != theirs.shape:
                    torch.testing.assert_close(ours.select(len(batch), place), theirs)


@pytest.mark.parametrize("name", [head.__name__ for head in HEADS])
def test_a_block_s_first_distributions_are_those_of_one_value(name: str) -> None:
    make: Any = getattr(tsrnn.heads, name)
    block, single = make(3, event_shape=(4,)), make(3)
    features = torch.zeros(2, 3)
    value = torch.linspace(-2, 2, 4)
    with torch.no_grad():
        losses = block.loss(block(features), value.expand(2, 4))
        for place in range(4):
            alone = single.loss(single(features), value[place].expand(2))
            torch.testing.assert_close(losses[:, place], alone)
        assert block.projection.weight.abs().max() <= 0.1 / math.sqrt(3)


@pytest.mark.parametrize("name", [head.__name__ for head in HEADS])
def test_a_description_keeps_the_shape_of_a_block(name: str) -> None:
    head = getattr(tsrnn.heads, name)(5, event_shape=(3,))
    again = build(describe(head), Head)
    assert describe(again) == describe(head)
    again.load_state_dict(head.state_dict())
    features, value = torch.randn(2, 5), torch.randn(2, 3)
    assert torch.equal(head.loss(head(features), value), again.loss(again(features), value))


@pytest.mark.parametrize("event_shape", [(), (2,)], ids=str)
def test_the_components_of_a_mixture_start_apart_and_are_told_apart(event_shape: tuple[int, ...]) -> None:
    head = NormalMixture(4, event_shape=event_shape, num_components=5).double()
    features = torch.zeros(1, 4, dtype=torch.float64)
    distribution = head(features)
    expected = torch.linspace(-1, 1, 5, dtype=torch.float64).expand(1, *event_shape, 5)
    torch.testing.assert_close(distribution.location, expected)
    torch.testing.assert_close(distribution.log_weight.exp(), torch.full_like(expected, 0.2))
    torch.testing.assert_close(distribution.scale, torch.ones_like(expected), rtol=0, atol=1e-5)
    distribution.log_prob(torch.full((1, *event_shape), 0.7, dtype=torch.float64)).sum().backward()
    grad = head.projection.bias.grad.view(-1, 3, 5)[0]
    assert all(len(set(kind.tolist())) == 5 for kind in grad)


def test_a_mixture_of_one_is_a_normal_distribution() -> None:
    mixture, normal = NormalMixture(3, num_components=1).double(), tsrnn.heads.Normal(3).double()
    features = torch.randn(50, 3, dtype=torch.float64)
    with torch.no_grad():
        mixture.projection.weight.normal_()
        normal.projection.weight.copy_(mixture.projection.weight[1:])
        ours, theirs = mixture(features), normal(features)
    value = torch.randn(50, dtype=torch.float64)
    torch.testing.assert_close(ours.log_prob(value), theirs.log_prob(value))
    torch.testing.assert_close(ours.mean, theirs.mean)
    with pytest.raises(ConfigError, match="at least one component"):
        NormalMixture(3, num_components=0)


def test_a_mixture_learns_two_modes_of_different_weight_and_width() -> None:
    truth = NormalMixtureDistribution(
        torch.tensor([[0.3, 0.7]]).double().log(),
        torch.tensor([[-1.5, 1.0]]).double(),
        torch.tensor([[0.2, 0.6]]).double(),
    )
    values = torch.as_tensor(ScipyMixture(truth).rvs(10_000, np.random.default_rng(5)))
    fitted = fit(NormalMixture(2, num_components=2).double(), values)
    order = fitted.location.argsort(-1)
    for ours, theirs, tolerance in zip(
        vars(fitted).values(), vars(truth).values(), (0.08, 0.05, 0.03), strict=True
    ):
        torch.testing.assert_close(ours.gather(-1, order), theirs, rtol=0, atol=tolerance)
    mean_nats = [copies(one, len(values)).log_prob(values).mean() for one in (fitted, truth)]
    assert mean_nats[0] > mean_nats[1] - 1e-4


def test_a_component_without_weight_is_never_drawn() -> None:
    distribution = NormalMixtureDistribution(
        torch.tensor([-math.inf, 0.0, -math.inf]).expand(10_000, 3),
        torch.tensor([-100.0, 0.0, 100.0]).expand(10_000, 3),
        torch.ones(10_000, 3),
    )
    assert distribution.sample(generator(0)).abs().max() < 10
