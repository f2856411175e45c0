from __future__ import annotations

import io
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from tsrnn.codecs import LogReturns
from tsrnn.ops import state as state_ops

B = 3


class Inner(NamedTuple):
    hidden: Tensor
    count: Tensor


class Outer(NamedTuple):
    first: Inner
    second: Inner
    price: Tensor
    empty: None


def make_state() -> Outer:
    def inner() -> Inner:
        return Inner(torch.randn(B, 2, 4, dtype=torch.float64), torch.randint(100, (B,)))

    return Outer(inner(), inner(), torch.randn(B, 5), None)


def leaves(state: Outer) -> list[Tensor]:
    return [*state.first, *state.second, state.price]


def assert_form(state: Any) -> None:
    assert type(state) is Outer
    assert type(state.first) is type(state.second) is Inner
    assert state.empty is None


def test_map_reaches_every_tensor_and_keeps_the_form() -> None:
    state = make_state()
    mapped = state_ops.map_state(lambda tensor: 2 * tensor, state)
    assert_form(mapped)
    for tensor, original in zip(leaves(mapped), leaves(state), strict=True):
        assert torch.equal(tensor, 2 * original)


def test_a_bare_tensor_is_a_state() -> None:
    tensor = torch.randn(B, 2)
    assert torch.equal(state_ops.map_state(torch.neg, tensor), -tensor)
    assert torch.equal(state_ops.repeat(tensor, 2), torch.cat([tensor, tensor]))
    assert state_ops.to_plain(tensor) is tensor
    assert state_ops.map_state(torch.neg, None) is None


def test_detach_cuts_the_graph_and_keeps_the_numbers() -> None:
    state = make_state()._replace(price=torch.randn(B, 5, requires_grad=True) * 2)
    cut = state_ops.detach(state)
    assert_form(cut)
    assert state.price.requires_grad
    assert not cut.price.requires_grad
    assert torch.equal(cut.price, state.price)


def test_select_takes_rows_in_the_order_given_and_as_often() -> None:
    state, rows = make_state(), [2, 0, 2, 2]
    selected = state_ops.select(state, torch.tensor(rows))
    assert_form(selected)
    for tensor, original in zip(leaves(selected), leaves(state), strict=True):
        assert torch.equal(tensor, torch.stack([original[row] for row in rows]))


def test_repeat_puts_row_b_of_copy_s_at_s_times_rows_plus_b() -> None:
    state = make_state()
    repeated = state_ops.repeat(state, 4)
    assert_form(repeated)
    for tensor, original in zip(leaves(repeated), leaves(state), strict=True):
        assert tensor.shape == (4 * B, *original.shape[1:])
        for s in range(4):
            for b in range(B):
                assert torch.equal(tensor[s * B + b], original[b])


def test_expand_is_repeat_with_an_axis_of_its_own_and_no_copy() -> None:
    state = make_state()
    expanded, repeated = state_ops.expand(state, 4), state_ops.repeat(state, 4)
    assert_form(expanded)
    for tensor, flat, original in zip(leaves(expanded), leaves(repeated), leaves(state), strict=True):
        assert tensor.shape == (4, *original.shape)
        assert torch.equal(tensor.flatten(0, 1), flat)
        assert tensor.data_ptr() == original.data_ptr()


def test_where_chooses_row_by_row() -> None:
    state, other = make_state()._replace(empty=torch.zeros(B)), make_state()._replace(empty=torch.ones(B))
    condition = torch.tensor([True, False, True])
    chosen = state_ops.where(condition, state, other)
    assert type(chosen.first) is Inner
    for tensor, if_true, if_false in zip(leaves(chosen), leaves(state), leaves(other), strict=True):
        for b in range(B):
            assert torch.equal(tensor[b], if_true[b] if condition[b] else if_false[b])
    assert chosen.empty.tolist() == [0.0, 1.0, 0.0]


def test_a_plain_state_survives_a_checkpoint() -> None:
    state = make_state()
    plain = state_ops.to_plain(state)
    assert type(plain) is type(plain["first"]) is dict
    buffer = io.BytesIO()
    torch.save(plain, buffer)
    buffer.seek(0)
    again = state_ops.from_plain(torch.load(buffer, weights_only=True), make_state())
    assert_form(again)
    for tensor, original in zip(leaves(again), leaves(state), strict=True):
        assert torch.equal(tensor, original)
        assert tensor.dtype == original.dtype


def test_from_plain_goes_by_name_and_not_by_place() -> None:
    state = make_state()
    plain = dict(reversed(state_ops.to_plain(state).items()))
    plain["first"] = dict(reversed(plain["first"].items()))
    again = state_ops.from_plain(plain, make_state())
    assert torch.equal(again.price, state.price)
    assert torch.equal(again.first.hidden, state.first.hidden)


def test_from_plain_needs_no_template_of_the_same_batch() -> None:
    codec = LogReturns()
    _, state = codec.encode(torch.rand(4, 9, dtype=torch.float64))
    again = state_ops.from_plain(state_ops.to_plain(state), codec.initial_state(1))
    assert type(again) is type(state)
    for tensor, original in zip(again, state, strict=True):
        torch.testing.assert_close(tensor, original, rtol=0, atol=0, equal_nan=True)


def test_a_field_that_is_missing_is_not_made_up() -> None:
    plain = state_ops.to_plain(make_state())
    del plain["second"]
    with pytest.raises(KeyError, match="second"):
        state_ops.from_plain(plain, make_state())
