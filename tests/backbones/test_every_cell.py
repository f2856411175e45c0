"""One matrix over every cell: a new one is held to it as soon as `tsrnn.backbones` exports it."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import tsrnn.backbones
from tsrnn.backbones import GRU, LSTM, RNN, Backbone
from tsrnn.components import build, describe
from tsrnn.errors import ConfigError
from tsrnn.ops import state as state_ops

CELLS = [
    cell
    for cell in (getattr(tsrnn.backbones, name) for name in tsrnn.backbones.__all__)
    if not inspect.isabstract(cell)
]
OPTIONS = {
    "nonlinearity": ("tanh", "relu"),
    "num_layers": (1, 2),
    "recurrent_init": ("orthogonal", "uniform"),
}
STATE_FIELDS = {"RNN": ("hidden",), "LSTM": ("hidden", "cell"), "GRU": ("hidden",)}
D, H, B, T = 3, 4, 5, 11


@dataclass(frozen=True)
class Case:
    cell: type[Backbone]
    arguments: dict[str, Any]

    def __str__(self) -> str:
        return "-".join([self.cell.__name__, *map(str, self.arguments.values())])

    def build(self, input_size: int = D, hidden_size: int = H, **arguments: Any) -> Backbone:
        """The cell in float64, its biases random: the initial ones of 0 would hide mistakes in them."""
        cell = self.cell(
            input_size=input_size, hidden_size=hidden_size, **{**self.arguments, **arguments}
        ).double()
        with torch.no_grad():
            for name, parameter in cell.named_parameters():
                if "bias" in name:
                    parameter.normal_(std=0.4)
        return cell


def cases() -> list[Case]:
    found = []
    for cell in CELLS:
        accepted = inspect.signature(cell).parameters
        options = {name: values for name, values in OPTIONS.items() if name in accepted}
        found += [
            Case(cell, dict(zip(options, values, strict=True))) for values in product(*options.values())
        ]
    return found


every_case = pytest.mark.parametrize("case", cases(), ids=str)
every_cell = pytest.mark.parametrize("cell", CELLS)
every_torch_case = pytest.mark.parametrize(
    "case", [case for case in cases() if hasattr(nn, case.cell.__name__)], ids=str
)


def random_state(cell: Backbone, batch_size: int) -> Any:
    return state_ops.map_state(torch.randn_like, cell.initial_state(batch_size))


def torch_name(name: str) -> str:
    """layers.1.weight_ih_l0 is what a stack of torch calls weight_ih_l1."""
    _, layer, parameter = name.split(".")
    return parameter.replace("_l0", f"_l{layer}")


def leaves(state: Any) -> list[Tensor]:
    return [state] if isinstance(state, Tensor) else [leaf for part in state for leaf in leaves(part)]


def assert_same_state(state: Any, other: Any, **tolerance: float) -> None:
    assert type(state) is type(other)
    torch.testing.assert_close(leaves(state), leaves(other), **tolerance)


def test_the_matrix_holds_every_cell() -> None:
    assert {case.cell for case in cases()} == set(CELLS) >= {RNN, LSTM, GRU}


@every_case
@pytest.mark.parametrize("sizes", [[1] * T, [4, 1, 6], [10, 1]], ids=["step_by_step", "uneven", "last_alone"])
def test_chunks_with_a_carried_state_are_the_full_pass(case: Case, sizes: list[int]) -> None:
    cell = case.build()
    x, state = torch.randn(B, T, D, dtype=torch.float64), random_state(cell, B)
    full, full_state = cell(x, state)
    outputs = []
    for chunk in x.split(sizes, dim=1):
        output, state = cell(chunk, state)
        outputs.append(output)
    torch.testing.assert_close(torch.cat(outputs, dim=1), full, rtol=1e-12, atol=1e-13)
    assert_same_state(state, full_state, rtol=1e-12, atol=1e-13)


@every_case
def test_the_state_after_every_step_is_that_of_the_prefix(case: Case) -> None:
    cell = case.build()
    x, initial = torch.randn(B, T, D, dtype=torch.float64), random_state(cell, B)
    state = initial
    for t in range(T):
        _, state = cell(x[:, t : t + 1], state)
        _, of_prefix = cell(x[:, : t + 1], initial)
        assert_same_state(state, of_prefix, rtol=1e-12, atol=1e-13)


@every_case
@pytest.mark.parametrize("with_state", [False, True], ids=["fresh", "carried"])
def test_a_padded_row_is_that_row_alone(case: Case, with_state: bool) -> None:
    cell = case.build()
    lengths = torch.tensor([T, 0, 1, 7, T - 1])
    x = torch.randn(B, T, D, dtype=torch.float64)
    state = random_state(cell, B) if with_state else cell.initial_state(B)
    y, after = cell(x, state if with_state else None, lengths)
    assert y.shape == (B, T, H)
    for b, length in enumerate(lengths.tolist()):
        row = torch.tensor([b])
        alone, alone_after = state_ops.select(state, row), state_ops.select(state, row)
        if length:
            alone, alone_after = cell(x[b : b + 1, :length], alone)
            torch.testing.assert_close(y[b : b + 1, :length], alone, rtol=1e-12, atol=1e-13)
        assert (y[b, length:] == 0).all()
        assert_same_state(state_ops.select(after, row), alone_after, rtol=1e-12, atol=1e-13)


@every_case
def test_padding_is_never_read(case: Case) -> None:
    cell = case.build()
    lengths = torch.tensor([3, 0, 1, 7, 5])  # none is T: outputs are T long all the same
    x = torch.randn(B, T, D, dtype=torch.float64)
    y, after = cell(x, lengths=lengths)
    padding = torch.arange(T) >= lengths[:, None]
    other_y, other_after = cell(x.masked_fill(padding[..., None], 1e3), lengths=lengths)
    assert torch.equal(y, other_y)
    assert_same_state(after, other_after, rtol=0, atol=0)


@every_torch_case
def test_outputs_and_state_are_those_of_torch(case: Case) -> None:
    cell = case.build()
    arguments = {name: value for name, value in case.arguments.items() if name != "recurrent_init"}
    reference = getattr(nn, case.cell.__name__)(D, H, batch_first=True, **arguments).double()
    reference.load_state_dict({torch_name(name): value for name, value in cell.state_dict().items()})
    x, state = torch.randn(B, T, D, dtype=torch.float64), random_state(cell, B)
    layers_first = [tensor.transpose(0, 1).contiguous() for tensor in state]
    expected, hidden = reference(x, tuple(layers_first) if len(layers_first) > 1 else layers_first[0])
    y, after = cell(x, state)
    torch.testing.assert_close(y, expected)
    for tensor, torch_tensor in zip(after, hidden if isinstance(hidden, tuple) else (hidden,), strict=True):
        torch.testing.assert_close(tensor, torch_tensor.transpose(0, 1))


@every_case
@pytest.mark.parametrize("lengths", [None, [3, 0]], ids=["full", "padded"])
def test_gradients_agree_with_finite_differences(case: Case, lengths: list[int] | None) -> None:
    cell = case.build(input_size=2, hidden_size=2)
    names = [name for name, _ in cell.named_parameters()]
    state = random_state(cell, 2)
    x = torch.randn(2, 3, 2, dtype=torch.float64)

    def function(x: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        given, parameters = type(state)(*rest[: len(state)]), rest[len(state) :]
        row_lengths = None if lengths is None else torch.tensor(lengths)
        arguments = (x, given, row_lengths)
        y, after = torch.func.functional_call(cell, dict(zip(names, parameters, strict=True)), arguments)
        return y, *after

    inputs = [x, *state, *cell.parameters()]
    assert torch.autograd.gradcheck(function, [tensor.detach().requires_grad_() for tensor in inputs])


@every_case
@pytest.mark.parametrize("t", [0, 5, T - 1])
def test_an_input_changes_no_output_before_it(case: Case, t: int) -> None:
    cell = case.build()
    x = torch.randn(B, T, D, dtype=torch.float64)
    changed = x.clone()
    changed[:, t] = 3 * torch.randn(B, D, dtype=torch.float64)
    y, y_changed = cell(x)[0], cell(changed)[0]
    assert torch.equal(y[:, :t], y_changed[:, :t])
    assert (y[:, t] != y_changed[:, t]).any(-1).all()


@every_case
def test_no_row_reads_another(case: Case) -> None:
    cell = case.build()
    x, state = torch.randn(B, T, D, dtype=torch.float64), random_state(cell, B)
    order = torch.tensor([3, 0, 4, 1, 2])
    y, after = cell(x, state)
    y_permuted, after_permuted = cell(x[order], state_ops.select(state, order))
    torch.testing.assert_close(y_permuted, y[order], rtol=1e-12, atol=1e-13)
    assert_same_state(after_permuted, state_ops.select(after, order), rtol=1e-12, atol=1e-13)


@every_case
def test_no_state_is_the_initial_state(case: Case) -> None:
    cell = case.build()
    x = torch.randn(B, T, D, dtype=torch.float64)
    y, after = cell(x)
    y_given, after_given = cell(x, cell.initial_state(B))
    assert torch.equal(y, y_given)
    assert_same_state(after, after_given, rtol=0, atol=0)


@every_case
def test_the_state_given_and_the_state_returned_have_one_form(case: Case) -> None:
    cell = case.build()
    given = cell.initial_state(B)
    before = state_ops.map_state(torch.clone, given)
    _, after = cell(torch.randn(B, T, D, dtype=torch.float64), given)
    assert type(given) is type(after)
    for tensor, tensor_after in zip(leaves(given), leaves(after), strict=True):
        assert tensor.shape == tensor_after.shape
        assert tensor.dtype == tensor_after.dtype == torch.float64
    assert_same_state(given, before, rtol=0, atol=0)  # a call leaves the state that it was given alone


@every_case
def test_a_state_is_batch_first_in_every_tensor(case: Case) -> None:
    cell = case.build()
    for batch_size in (1, 7):
        _, after = cell(torch.randn(batch_size, 2, D, dtype=torch.float64))
        assert {leaf.shape[0] for leaf in leaves(cell.initial_state(batch_size)) + leaves(after)} == {
            batch_size
        }


@every_case
def test_a_state_has_named_fields(case: Case) -> None:
    fields = case.build().initial_state(1)._fields
    assert all(not field.startswith("_") for field in fields)
    assert fields == STATE_FIELDS.get(case.cell.__name__, fields)


@every_case
def test_the_initial_state_is_of_the_parameters_type(case: Case) -> None:
    cell = case.build()
    assert {leaf.dtype for leaf in leaves(cell.initial_state(2))} == {torch.float64}
    assert {leaf.dtype for leaf in leaves(cell.float().initial_state(2))} == {torch.float32}


@every_case
def test_sizes_are_attributes(case: Case) -> None:
    cell = case.build(input_size=2, hidden_size=6)
    assert (cell.input_size, cell.output_size) == (2, 6)
    assert cell(torch.zeros(1, 1, 2, dtype=torch.float64))[0].shape == (1, 1, 6)


@every_case
@pytest.mark.parametrize("lengths", [None, [T] * B], ids=["full", "padded"])
def test_dropout_falls_on_outputs_in_training_only(case: Case, lengths: list[int] | None) -> None:
    cell = case.build(dropout=0.5)
    plain = case.build(dropout=0.0)
    plain.load_state_dict(cell.state_dict())
    x = torch.randn(B, T, D, dtype=torch.float64)
    row_lengths = None if lengths is None else torch.tensor(lengths)
    expected, expected_state = plain(x, lengths=row_lengths)

    y, after = cell.eval()(x, lengths=row_lengths)
    torch.testing.assert_close(y, expected)
    assert_same_state(after, expected_state)

    y, after = cell.train()(x, lengths=row_lengths)
    dropped, dead = y == 0, expected == 0  # relu units are 0 without any dropout
    assert 0.3 < dropped[~dead].double().mean() < 0.7
    if case.arguments.get("num_layers", 1) == 1:
        # The recurrence is not touched: what is kept is the plain output, scaled, and the state is whole.
        torch.testing.assert_close(y[~dropped], 2 * expected[~dropped])
        assert_same_state(after, expected_state)
    elif not dead.any():
        assert not torch.allclose(y[~dropped], 2 * expected[~dropped])  # it falls between the layers too


@every_case
def test_locked_dropout_has_one_mask_for_all_steps(case: Case) -> None:
    cell = case.build(dropout=0.5, locked_dropout=True, hidden_size=64).train()
    x = torch.randn(B, T, D, dtype=torch.float64)
    y, _ = cell(x)
    live = cell.eval()(x)[0] != 0  # relu units are 0 without any dropout
    dropped = (y == 0).all(1)
    assert (
        (y != 0) | ~live | dropped[:, None]
    ).double().mean() > 0.9  # a unit is dropped at all steps or at none
    assert 0.3 < dropped.double().mean() < 0.8
    assert not torch.equal(dropped[0], dropped[1])  # each row has its own


@every_case
@pytest.mark.parametrize("lengths", [None, [T] * B], ids=["full", "padded"])
def test_weight_dropout_is_a_masked_recurrent_matrix(case: Case, lengths: list[int] | None) -> None:
    cell, plain = case.build(weight_dropout=0.4).train(), case.build().eval()
    x = torch.randn(B, T, D, dtype=torch.float64)
    row_lengths = None if lengths is None else torch.tensor(lengths)
    torch.manual_seed(5)
    y, after = cell(x, lengths=row_lengths)

    torch.manual_seed(5)
    masked = dict(cell.state_dict())
    for name in [name for name in masked if "weight_hh" in name]:
        masked[name] = nn.functional.dropout(masked[name], 0.4)
        assert 0 < (masked[name] == 0).double().mean() < 1
    plain.load_state_dict(masked)
    expected, expected_after = plain(x, lengths=row_lengths)
    torch.testing.assert_close(y, expected)
    assert_same_state(after, expected_after)

    plain.load_state_dict(cell.state_dict())  # what the cell keeps is whole
    torch.testing.assert_close(cell.eval()(x)[0], plain(x)[0])


@every_case
def test_weight_dropout_reaches_a_single_step_and_the_gradients(case: Case) -> None:
    cell = case.build(weight_dropout=0.5).train()
    x, state = torch.randn(B, 1, D, dtype=torch.float64), random_state(cell, B)
    y, _ = cell(x, state)
    assert not torch.equal(y, cell.eval()(x, state)[0])
    y.sum().backward()
    for name, parameter in cell.named_parameters():
        if "weight_hh" in name:
            assert 0.1 < (parameter.grad == 0).double().mean() < 0.95


@every_cell
def test_orthogonal_blocks_keep_the_norm(cell: type[Backbone]) -> None:
    parameters = cell(D, H, num_layers=2, recurrent_init="orthogonal").double().named_parameters()
    recurrent = [(name, weight) for name, weight in parameters if "weight_hh" in name]
    assert len(recurrent) == 2
    for _, weight in recurrent:
        for W in weight.split(H):
            torch.testing.assert_close(W.T @ W, torch.eye(H, dtype=W.dtype), rtol=0, atol=1e-6)


@every_cell
def test_orthogonal_is_the_default_and_its_biases_are_zero(cell: type[Backbone]) -> None:
    arguments = {"forget_bias": None} if cell is LSTM else {}
    torch.manual_seed(1)
    default = cell(D, H, **arguments).state_dict()
    torch.manual_seed(1)
    orthogonal = cell(D, H, recurrent_init="orthogonal", **arguments).state_dict()
    assert default.keys() == orthogonal.keys()
    for name, value in default.items():
        assert torch.equal(value, orthogonal[name])
        assert "bias" not in name or not value.any()


@every_torch_case
def test_uniform_is_the_initialisation_of_torch(case: Case) -> None:
    arguments = {name: value for name, value in case.arguments.items() if name != "recurrent_init"}
    torch.manual_seed(7)
    expected = getattr(nn, case.cell.__name__)(D, H, **arguments).state_dict()
    if case.cell is LSTM:
        arguments["forget_bias"] = None
    torch.manual_seed(7)
    parameters = case.cell(D, H, recurrent_init="uniform", **arguments).state_dict()
    assert len(parameters) == len(expected)
    for name, value in parameters.items():
        assert torch.equal(value, expected[torch_name(name)])


@pytest.mark.parametrize("recurrent_init", ["orthogonal", "uniform"])
def test_the_forget_bias_is_one_in_total(recurrent_init: Any) -> None:
    lstm = LSTM(D, H, num_layers=2, recurrent_init=recurrent_init)
    for kernel in lstm.layers:
        total = kernel.bias_ih_l0 + kernel.bias_hh_l0
        input_, forget, content, output = total.detach().split(H)
        assert torch.equal(forget, torch.ones(H))
        for other in (input_, content, output):
            assert (other != 1).all()


@pytest.mark.parametrize("forget_bias", [None, 0.0, 2.5])
def test_the_forget_bias_can_be_switched(forget_bias: float | None) -> None:
    kernel = LSTM(D, H, forget_bias=forget_bias).layers[0]
    total = (kernel.bias_ih_l0 + kernel.bias_hh_l0).detach()
    assert torch.equal(total[H : 2 * H], torch.full((H,), forget_bias or 0.0))
    assert not total[:H].any()
    assert not total[2 * H :].any()


@every_case
def test_a_description_builds_the_same_cell(case: Case) -> None:
    cell = case.cell(input_size=D, hidden_size=H, dropout=0.25, **case.arguments)
    description = describe(cell)
    assert description["class_path"] == f"tsrnn.backbones.{case.cell.__name__}"
    again = build(description, Backbone)
    assert type(again) is case.cell
    assert describe(again) == description
    shapes = {name: value.shape for name, value in cell.state_dict().items()}
    assert {name: value.shape for name, value in again.state_dict().items()} == shapes
    again.load_state_dict(cell.state_dict())
    x = torch.randn(B, T, D)
    assert torch.equal(cell.eval()(x)[0], again.eval()(x)[0])


@every_case
def test_every_parameter_has_a_gradient(case: Case) -> None:
    cell = case.build()
    cell(torch.randn(B, T, D, dtype=torch.float64))[0].square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in cell.parameters())


@every_cell
@pytest.mark.parametrize(
    "arguments",
    [
        {"input_size": 0},
        {"hidden_size": 0},
        {"hidden_size": -3},
        {"num_layers": 0},
        {"dropout": 1.0},
        {"dropout": -0.1},
        {"recurrent_init": "zeros"},
    ],
    ids=str,
)
def test_a_wrong_argument_is_refused(cell: type[Backbone], arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as error:
        cell(**{"input_size": D, **arguments})
    assert "\n" not in str(error.value)


def test_a_wrong_nonlinearity_is_refused() -> None:
    with pytest.raises(ConfigError, match="gelu"):
        RNN(D, nonlinearity="gelu")  # type: ignore[arg-type]


def weights(cell: Backbone) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """W of the state, U of the input and their biases, of a cell with one layer."""
    kernel = cell.layers[0]
    return kernel.weight_hh_l0, kernel.weight_ih_l0, kernel.bias_hh_l0, kernel.bias_ih_l0


def test_the_rnn_is_the_recurrence_of_the_lecture() -> None:
    cell = Case(RNN, {}).build()
    W, U, *biases = weights(cell)
    b = sum(biases)
    x = torch.randn(B, T, D, dtype=torch.float64)
    h = torch.zeros(B, H, dtype=torch.float64)
    outputs = []
    for t in range(T):
        h = torch.tanh(h @ W.T + x[:, t] @ U.T + b)
        outputs.append(h)
    y, after = cell(x)
    torch.testing.assert_close(y, torch.stack(outputs, 1))
    torch.testing.assert_close(after.hidden[:, 0], h)


def test_the_lstm_is_its_equations() -> None:
    cell = Case(LSTM, {}).build()
    (W_i, W_f, W_g, W_o), (U_i, U_f, U_g, U_o), *biases = (part.chunk(4) for part in weights(cell))
    b_i, b_f, b_g, b_o = (sum(pair) for pair in zip(*biases, strict=True))
    x = torch.randn(B, T, D, dtype=torch.float64)
    state = random_state(cell, B)
    h, c = state.hidden[:, 0], state.cell[:, 0]
    outputs = []
    for t in range(T):
        i = torch.sigmoid(h @ W_i.T + x[:, t] @ U_i.T + b_i)
        f = torch.sigmoid(h @ W_f.T + x[:, t] @ U_f.T + b_f)
        g = torch.tanh(h @ W_g.T + x[:, t] @ U_g.T + b_g)
        o = torch.sigmoid(h @ W_o.T + x[:, t] @ U_o.T + b_o)
        c = f * c + i * g
        h = o * torch.tanh(c)
        outputs.append(h)
    y, after = cell(x, state)
    torch.testing.assert_close(y, torch.stack(outputs, 1))
    torch.testing.assert_close(after.hidden[:, 0], h)
    torch.testing.assert_close(after.cell[:, 0], c)


def test_the_gru_is_its_equations() -> None:
    cell = Case(GRU, {}).build()
    (W_r, W_z, W_n), (U_r, U_z, U_n), (w_r, w_z, c_n), (u_r, u_z, b_n) = (
        part.chunk(3) for part in weights(cell)
    )
    x = torch.randn(B, T, D, dtype=torch.float64)
    state = random_state(cell, B)
    h = state.hidden[:, 0]
    outputs = []
    for t in range(T):
        r = torch.sigmoid(h @ W_r.T + x[:, t] @ U_r.T + w_r + u_r)
        z = torch.sigmoid(h @ W_z.T + x[:, t] @ U_z.T + w_z + u_z)
        n = torch.tanh(x[:, t] @ U_n.T + b_n + r * (h @ W_n.T + c_n))
        h = (1 - z) * n + z * h
        outputs.append(h)
    y, after = cell(x, state)
    torch.testing.assert_close(y, torch.stack(outputs, 1))
    torch.testing.assert_close(after.hidden[:, 0], h)


def test_the_second_layer_reads_the_first() -> None:
    two = Case(RNN, {"num_layers": 2}).build()
    first, second = Case(RNN, {}).build(), Case(RNN, {}).build(input_size=H)
    for layer, cell in enumerate((first, second)):
        own = {
            name: two.state_dict()[name.replace("layers.0", f"layers.{layer}")] for name in cell.state_dict()
        }
        cell.load_state_dict(own)
    x = torch.randn(B, T, D, dtype=torch.float64)
    below, below_after = first(x)
    above, above_after = second(below)
    y, after = two(x)
    torch.testing.assert_close(y, above)
    torch.testing.assert_close(after.hidden, torch.cat([below_after.hidden, above_after.hidden], dim=1))
