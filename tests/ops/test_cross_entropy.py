"""The log probability of classes, against log_softmax: its value, its gradients and its memory."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from tsrnn.ops import cross_entropy
from tsrnn.ops.cross_entropy import class_log_prob

ROWS, FEATURES, CLASSES = 23, 4, 9
CHUNKS = pytest.mark.parametrize("rows_at_once", [1, 5, 23, 1_000], ids=lambda rows: f"{rows} at once")


def plain(features: Tensor, weight: Tensor, bias: Tensor, classes: Tensor) -> Tensor:
    return (features @ weight.t() + bias).log_softmax(1).gather(1, classes[:, None])[:, 0]


def problem(rows: int = ROWS, dtype: torch.dtype = torch.float64, scale: float = 1.5) -> tuple[Tensor, ...]:
    shapes = ((rows, FEATURES), (CLASSES, FEATURES), (CLASSES,))
    parts = [(scale * torch.randn(shape, dtype=dtype)).requires_grad_() for shape in shapes]
    return (*parts, torch.randint(CLASSES, (rows,)))


def upstream(rows: int = ROWS) -> Tensor:
    """Gradients of either sign and any size; every third row does not count."""
    gradient = torch.randn(rows, dtype=torch.float64) * torch.logspace(-3, 2, rows, dtype=torch.float64)
    gradient[::3] = 0
    return gradient


def gradients(function: Any, problem: tuple[Tensor, ...], upstream: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad(function(*problem), problem[:3], upstream)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> Any:
    def set_rows(rows: int, classes: int = CLASSES) -> None:
        monkeypatch.setattr(cross_entropy, "_LOGITS_AT_ONCE", rows * classes + classes - 1)

    return set_rows


@CHUNKS
def test_it_is_the_log_softmax(rows_at_once: int, at_once: Any) -> None:
    at_once(rows_at_once)
    parts = problem()
    torch.testing.assert_close(class_log_prob(*parts), plain(*parts), rtol=1e-13, atol=1e-13)
    with torch.no_grad():
        torch.testing.assert_close(class_log_prob(*parts), plain(*parts), rtol=1e-13, atol=1e-13)


@CHUNKS
def test_its_gradients_are_those_of_the_plain_formula(rows_at_once: int, at_once: Any) -> None:
    at_once(rows_at_once)
    parts, gradient = problem(), upstream()
    ours, theirs = gradients(class_log_prob, parts, gradient), gradients(plain, parts, gradient)
    torch.testing.assert_close(ours, theirs, rtol=1e-11, atol=1e-12)
    assert torch.equal(ours[0][gradient == 0], torch.zeros_like(ours[0][gradient == 0]))


def test_more_classes_than_fit_a_chunk_are_taken_row_by_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cross_entropy, "_LOGITS_AT_ONCE", CLASSES - 1)
    parts, gradient = problem(), upstream()
    torch.testing.assert_close(class_log_prob(*parts), plain(*parts), rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(
        gradients(class_log_prob, parts, gradient), gradients(plain, parts, gradient), rtol=1e-11, atol=1e-12
    )


@CHUNKS
def test_a_second_backward_pass_gives_the_same_gradients(rows_at_once: int, at_once: Any) -> None:
    at_once(rows_at_once)
    parts, gradient = problem(), upstream()
    nats = class_log_prob(*parts)
    first = torch.autograd.grad(nats, parts[:3], gradient, retain_graph=True)
    second = torch.autograd.grad(nats, parts[:3], gradient, retain_graph=True)
    other = torch.autograd.grad(nats, parts[:3], 2 * gradient)
    torch.testing.assert_close(second, first, rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(other, tuple(2 * part for part in first), rtol=1e-13, atol=1e-13)


def test_gradients_of_some_inputs_alone() -> None:
    features, weight, bias, classes = problem()
    parts = (features.detach(), weight, bias.detach(), classes)
    ours = torch.autograd.grad(class_log_prob(*parts).sum(), weight)
    torch.testing.assert_close(ours, torch.autograd.grad(plain(*parts).sum(), weight))


def test_no_rows_have_no_log_prob_and_gradients_of_zero() -> None:
    parts = problem(0)
    nats = class_log_prob(*parts)
    assert nats.shape == (0,)
    for part, gradient in zip(parts[:3], torch.autograd.grad(nats.sum(), parts[:3]), strict=True):
        assert torch.equal(gradient, torch.zeros_like(part))
    with torch.no_grad():
        assert class_log_prob(*parts).shape == (0,)


@pytest.mark.parametrize("scale", [1e2, 1e8, 1e15])
def test_extreme_logits_stay_finite_in_float32(scale: float) -> None:
    parts = problem(dtype=torch.float32, scale=scale)
    nats = class_log_prob(*parts)
    assert nats.isfinite().all()
    assert (nats <= 0).all()
    assert nats.min() < -scale
    for gradient in torch.autograd.grad(nats.sum(), parts[:3]):
        assert gradient.isfinite().all()


def test_float32_is_as_exact_as_log_softmax() -> None:
    parts = problem(5_000, torch.float32)
    exact = plain(*(part.double() for part in parts[:3]), parts[3])
    ours = (class_log_prob(*parts).double() - exact).abs().max()
    theirs = (plain(*parts).double() - exact).abs().max()
    assert ours < 2 * theirs + 1e-6


class Allocations(TorchDispatchMode):
    """The sizes of the memory that operations newly took."""

    def __init__(self) -> None:
        super().__init__()
        self.known: set[int] = set()
        self.held: list[Any] = []
        self.sizes: list[int] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        self.known |= {tensor.untyped_storage().data_ptr() for tensor in given}
        result = function(*args, **kwargs)
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor) and tensor.untyped_storage().data_ptr() not in self.known:
                storage = tensor.untyped_storage()
                self.known.add(storage.data_ptr())
                self.held.append(storage)  # so that no later one has its address
                self.sizes.append(storage.nbytes() // tensor.element_size())
        return result


MANY = 600


def test_training_holds_the_logits_once(at_once: Any) -> None:
    at_once(10)
    parts = problem(MANY)
    with Allocations() as allocations:
        nats = class_log_prob(*parts)
        torch.autograd.grad(nats, parts[:3], torch.ones_like(nats))
    whole, chunk = MANY * CLASSES, 11 * CLASSES
    assert allocations.sizes.count(whole) == 1
    rest = [size for size in allocations.sizes if size != whole]
    assert max(rest) <= max(chunk, MANY * FEATURES)  # the gradient of the features
    with Allocations() as allocations:
        nats = plain(*parts)
        torch.autograd.grad(nats, parts[:3], torch.ones_like(nats))
    assert allocations.sizes.count(whole) >= 3  # what this saves, and that it would be seen here


@pytest.mark.parametrize(
    "mode", [torch.no_grad, torch.inference_mode, None], ids=["off", "inference", "none"]
)
def test_without_gradients_no_more_than_a_chunk_is_there(mode: Any, at_once: Any) -> None:
    at_once(10)
    parts = problem(MANY)
    if mode is None:
        parts = tuple(part.detach() for part in parts)
    with (torch.enable_grad if mode is None else mode)(), Allocations() as allocations:
        class_log_prob(*parts)
    assert max(allocations.sizes) <= max(11 * CLASSES, MANY)  # a chunk, or one number a row
