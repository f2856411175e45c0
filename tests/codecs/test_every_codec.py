"""One battery over every codec, and the numbers of each against a computation by hand."""

from __future__ import annotations

import inspect
import io
import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import tsrnn.codecs
from tsrnn.codecs import Blocks, Codec, LogReturns, TrendBlocks, Vocabulary
from tsrnn.components import build, describe
from tsrnn.errors import ConfigError, DataError
from tsrnn.ops import state as state_ops
from tsrnn.protocols import Encoding

CODECS = [
    codec
    for codec in (getattr(tsrnn.codecs, name) for name in tsrnn.codecs.__all__)
    if issubclass(codec, Codec) and not inspect.isabstract(codec)
]
T = 60
WORDS = ("<eos>", "<unk>", "a", "b", "c")


def prices(*batch: int, steps: int = T, gaps: bool = True) -> Tensor:
    """Random walks with every way in which a panel of prices is incomplete."""
    returns = 0.02 * torch.randn(*batch, steps, dtype=torch.float64)
    raw = 50 * returns.cumsum(-1).exp()
    if gaps:
        raw[..., 0, :7] = math.nan  # listed later
        raw[..., -1, 20:29] = math.nan  # suspended
        raw[..., -1, 33] = math.nan
        raw[..., 40:42] = math.nan  # nobody trades
        raw[..., 0, -1] = math.nan  # nothing at the end
    return raw


@dataclass(frozen=True)
class Case:
    name: str
    codec: Codec
    batch: tuple[int, ...]
    gaps: bool = True

    def __str__(self) -> str:
        return self.name

    @property
    def size(self) -> int:
        """Observations of one step."""
        return math.prod(self.codec.event_shape)

    def cut(self, observations: int) -> int:
        """The whole steps that so many observations have, and at least one."""
        return max(observations // self.size, 1)

    def raw(self) -> Tensor:
        if isinstance(self.codec, Vocabulary):
            return torch.randint(len(WORDS), (*self.batch, T))
        return prices(*self.batch, gaps=self.gaps)

    def others(self, raw_t: Tensor) -> list[Tensor]:
        """What could have been observed in place of `raw_t`."""
        if isinstance(self.codec, Vocabulary):
            return [(raw_t + 1) % len(WORDS)]
        return [torch.where(raw_t.isnan(), 50.0, 1.7 * raw_t), torch.full_like(raw_t, math.nan)]


CASES = [
    Case("returns", LogReturns(), (3,)),
    Case("returns_without_gaps", LogReturns(), (3,), gaps=False),
    Case("returns_of_one_series", LogReturns((3.0, 10.0), 3.0), (1,)),
    Case("returns_with_one_half_life", LogReturns((5.0,), 5.0, 0.01), (4,)),
    Case("returns_with_long_half_lives", LogReturns((0.5, 60.0, 4000.0), 4000.0), (2, 3)),
    Case("blocks_of_one", Blocks(1), (3,)),
    Case("blocks_of_one_without_gaps", Blocks(1, (1, 7)), (2, 3), gaps=False),
    Case("blocks_of_four", Blocks(4, (1, 3)), (3,)),
    Case("blocks_of_six", Blocks(6, (4, 12)), (2, 3)),
    Case("blocks_of_six_of_one_series", Blocks(6, (4, 12), scale_length=9), (1,)),
    Case("blocks_longer_than_their_seasons", Blocks(12, (3, 5)), (3,)),
    Case("blocks_with_a_long_scale", Blocks(4, (4,), scale_length=30), (2,), gaps=False),
    Case("blocks_with_a_scale_as_long_as_they", Blocks(4, (1,), scale_length=4), (2, 2, 2)),
    Case("blocks_without_batch", Blocks(4, (1, 4)), (), gaps=False),
    Case("trends", TrendBlocks(4, (3, 9)), (3,)),
    Case("trends_of_one_series", TrendBlocks(6, (4,), context=2, history=5), (1,)),
    Case("trends_without_gaps", TrendBlocks(1, (2, 30)), (2, 3), gaps=False),
    Case("vocabulary", Vocabulary(WORDS), (2,)),
    Case("vocabulary_without_batch", Vocabulary(WORDS), ()),
    Case("vocabulary_of_two_axes", Vocabulary(WORDS), (2, 3)),
]
every_case = pytest.mark.parametrize("case", CASES, ids=str)
returns_cases = pytest.mark.parametrize(
    "case", [case for case in CASES if isinstance(case.codec, LogReturns)], ids=str
)
any_blocks_cases = pytest.mark.parametrize(
    "case", [case for case in CASES if isinstance(case.codec, Blocks)], ids=str
)
blocks_cases = pytest.mark.parametrize(
    "case", [case for case in CASES if type(case.codec) is Blocks], ids=str
)


def parts(encoding: Encoding) -> dict[str, Tensor]:
    return {name: part for name, part in encoding._asdict().items() if part is not None}


def assert_same(encoding: Encoding, other: Encoding, rtol: float = 1e-10) -> None:
    torch.testing.assert_close(parts(encoding), parts(other), rtol=rtol, atol=1e-12)


def assert_same_state(state: Any, other: Any) -> None:
    assert type(state) is type(other)
    for tensor, other_tensor in zip(state, other, strict=True):
        torch.testing.assert_close(tensor, other_tensor, rtol=1e-10, atol=1e-12, equal_nan=True)


def steps_of(codec: Codec, raw: Tensor) -> list[Tensor]:
    """The observation of each step, (..., *event_shape)."""
    return list(codec.blocks(raw).unbind(raw.dim() - 1))


def states(codec: Codec, raw: Tensor) -> list[Any]:
    """The state before each step."""
    found = [codec.initial_state(*raw.shape[:-1])]
    for raw_t in steps_of(codec, raw)[:-1]:
        found.append(codec.update(raw_t, found[-1]))
    return found


def test_the_table_holds_every_codec() -> None:
    assert {type(case.codec) for case in CASES} == set(CODECS)


@every_case
def test_the_whole_sequence_at_once_is_step_by_step(case: Case) -> None:
    raw = case.raw()
    whole, after = case.codec.encode(raw)
    steps, after_steps = Codec.encode(case.codec, raw)
    assert_same(whole, steps)
    assert_same_state(after, after_steps)
    assert whole.targets.shape == whole.observed.shape == case.codec.blocks(raw).shape


@every_case
@pytest.mark.parametrize("cuts", [range(T), [1, 6, 8], [41]], ids=["steps", "uneven", "cut_in_a_gap"])
def test_chunks_with_a_carried_state_are_the_whole_sequence(case: Case, cuts: Any) -> None:
    raw = case.raw()
    whole, whole_after = case.codec.encode(raw)
    chunks, after = [], None
    bounds = [0, *sorted({case.size * case.cut(cut) for cut in cuts} - {T}), T]
    for start, stop in pairwise(bounds):
        chunk = raw[..., start:stop]
        encoding, after = case.codec.encode(chunk, after)
        chunks.append(encoding)
    time = len(case.batch)
    joined = (None if parts_[0] is None else torch.cat(parts_, time) for parts_ in zip(*chunks, strict=True))
    assert_same(Encoding(*joined), whole)
    assert_same_state(after, whole_after)


@every_case
def test_no_state_is_the_initial_state_and_a_given_one_is_left_alone(case: Case) -> None:
    raw = case.raw()
    before = raw.clone()
    state = case.codec.initial_state(*case.batch)
    copy = state_ops.map_state(torch.clone, state)
    given, after = case.codec.encode(raw, state)
    fresh, after_fresh = case.codec.encode(raw)
    assert_same(given, fresh, rtol=0)
    assert_same_state(after, after_fresh)
    assert_same_state(state, copy)
    assert [tensor.shape for tensor in after] == [tensor.shape for tensor in state]
    torch.testing.assert_close(raw, before, rtol=0, atol=0, equal_nan=True)


@every_case
@pytest.mark.parametrize("t", [0, 8, 33, 41, T - 2])
def test_a_step_is_known_before_its_observation(case: Case, t: int) -> None:
    raw = case.raw()
    encoding, _ = case.codec.encode(raw)
    for other in case.others(raw[..., t]):
        changed = raw.clone()
        changed[..., t] = other
        changed_encoding, _ = case.codec.encode(changed)
        time = len(case.batch)
        for name, part in parts(encoding).items():
            new = parts(changed_encoding)[name]
            if name in ("inputs", "location", "scale"):
                known = t // case.size + 1
                assert torch.equal(part.narrow(time, 0, known), new.narrow(time, 0, known)), name
            else:  # the other values of the same block do not read it either
                others = [other for other in range((t // case.size + 1) * case.size) if other != t]
                assert torch.equal(part.reshape(raw.shape)[..., others], new.reshape(raw.shape)[..., others])


@every_case
def test_an_observation_is_seen_by_the_next_step(case: Case) -> None:
    raw = case.raw()
    time = len(case.batch)
    changed = raw.clone()
    changed[..., 30] = case.others(raw[..., 30])[0]
    inputs, changed_inputs = case.codec.encode(raw)[0].inputs, case.codec.encode(changed)[0].inputs
    step = 30 // case.size + 1
    assert not torch.equal(inputs.select(time, step), changed_inputs.select(time, step))


@every_case
@pytest.mark.parametrize("observations", [1, 2, 17, 41, 59])
def test_the_future_cut_off_changes_nothing(case: Case, observations: int) -> None:
    raw, steps = case.raw(), case.cut(observations)
    whole, _ = case.codec.encode(raw)
    cut, _ = case.codec.encode(raw[..., : steps * case.size])
    assert_same(cut, whole.map(lambda part: part.narrow(len(case.batch), 0, steps)), rtol=1e-14)


@every_case
def test_decode_gives_back_what_target_took(case: Case) -> None:
    raw = case.raw()
    decoded = 0
    for raw_t, state in zip(steps_of(case.codec, raw), states(case.codec, raw), strict=True):
        step, observed = case.codec.target(raw_t, state)
        torch.testing.assert_close(
            case.codec.decode(step, state)[observed], raw_t[observed], rtol=1e-13, atol=0
        )
        decoded += int(observed.sum())
    assert decoded == int(case.codec.encode(raw)[0].observed.sum()) > raw.numel() / 3


@every_case
def test_the_log_jacobian_is_that_of_target(case: Case) -> None:
    raw = case.raw()
    log_jacobian = case.codec.log_jacobian(raw)
    assert log_jacobian.shape == raw.shape
    if not raw.is_floating_point():
        assert not log_jacobian.any()  # a probability has no units
        return
    steps = steps_of(case.codec, raw), steps_of(case.codec, log_jacobian), states(case.codec, raw)
    for raw_t, log_jacobian_t, state in zip(*steps, strict=True):
        leaf = raw_t.clone().requires_grad_()
        step, observed = case.codec.target(leaf, state)
        (derivative,) = torch.autograd.grad(step[observed].sum(), leaf)
        torch.testing.assert_close(log_jacobian_t[observed], derivative[observed].abs().log())
        wider = (
            case.codec.target(raw_t * (1 + 1e-6), state)[0] - case.codec.target(raw_t * (1 - 1e-6), state)[0]
        )
        numerical = (wider / (2e-6 * raw_t)).abs().log()
        torch.testing.assert_close(log_jacobian_t[observed], numerical[observed], rtol=1e-6, atol=1e-6)
    assert log_jacobian.isfinite().all()


@every_case
def test_a_plain_description_builds_the_same_codec(case: Case) -> None:
    buffer = io.BytesIO()
    torch.save(describe(case.codec), buffer)
    buffer.seek(0)
    description = torch.load(buffer, weights_only=True)
    again = build(description, Codec)
    assert type(again) is type(case.codec)
    assert describe(again) == describe(case.codec) == description
    raw = case.raw()
    assert_same(again.encode(raw)[0], case.codec.encode(raw)[0], rtol=0)


@every_case
def test_input_size_is_that_of_the_inputs(case: Case) -> None:
    inputs = case.codec.encode(case.raw())[0].inputs
    if inputs.is_floating_point():
        assert inputs.shape == (*case.batch, T // case.size, case.codec.input_size)
    else:
        assert inputs.shape == (*case.batch, T)
        assert case.codec.input_size == len(WORDS)


@every_case
def test_a_missing_value_never_reaches_what_a_network_reads(case: Case) -> None:
    encoding, _ = case.codec.encode(case.raw())
    assert all(part.isfinite().all() for part in parts(encoding).values())
    assert (encoding.scale is None) == (encoding.location is None)
    if encoding.scale is not None:
        assert (encoding.scale > 0).all()


@every_case
def test_the_state_after_a_sequence_is_the_one_that_encode_returns(case: Case) -> None:
    raw = case.raw()
    assert_same_state(case.codec.state_after(raw), case.codec.encode(raw)[1])


@every_case
def test_every_candidate_has_a_location(case: Case) -> None:
    encoding, _ = case.codec.encode(case.raw())
    if encoding.location is None:
        assert case.codec.candidates == 1
        return
    axes = (case.codec.candidates,) if case.codec.candidates > 1 else ()
    assert encoding.location.shape == (*encoding.targets.shape, *axes)
    assert encoding.scale is not None
    assert encoding.scale.shape == (*case.batch, T // case.size)


def by_hand(codec: LogReturns, raw: Tensor, initial_volatility: float) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (N, T, D) and scale (N, T) of one panel, by loops over sessions, series and half-lives."""
    panel = raw.tolist()
    steps, series = len(panel[0]), range(len(panel))
    decays = [2 ** (-1 / half_life) for half_life in codec.half_lives]
    own = codec.half_lives.index(codec.scale_half_life)
    floor = 1e-3 * initial_volatility
    last = [math.nan for _ in series]
    weight = [[1 - decay for decay in decays] for _ in series]
    energy = [[(1 - decay) * initial_volatility**2 for decay in decays] for _ in series]
    surprise = [0.0 for _ in series]
    mean = size = 0.0
    inputs, scales = np.zeros((len(panel), steps, codec.input_size)), np.zeros((len(panel), steps))
    for t in range(steps):
        traded = []
        for n in series:
            sigma = [max(math.sqrt(e / w), floor) for e, w in zip(energy[n], weight[n], strict=True)]
            ratios = [math.log(s / sigma[own]) for k, s in enumerate(sigma) if k != own]
            z = math.asinh(surprise[n])
            inputs[n, t] = [z, abs(z), mean, size, *ratios]
            scales[n, t] = sigma[own]
            price = panel[n][t]
            if math.isnan(price):
                continue
            if not math.isnan(last[n]):
                r = math.log(price / last[n])
                surprise[n] = r / sigma[own]
                traded.append(surprise[n])
                weight[n] = [l * w + 1 - l for l, w in zip(decays, weight[n], strict=True)]
                energy[n] = [l * e + (1 - l) * r * r for l, e in zip(decays, energy[n], strict=True)]
            last[n] = price
        if traded:
            mean = math.asinh(sum(traded) / len(traded))
            size = sum(abs(math.asinh(z)) for z in traded) / len(traded)
    return inputs, scales


@pytest.mark.parametrize("half_lives", [(3.0, 10.0, 30.0, 120.0), (10.0,), (0.7, 10.0)], ids=str)
@pytest.mark.parametrize("initial_volatility", [None, 0.005])
def test_returns_are_what_their_docstring_says(half_lives: Any, initial_volatility: float | None) -> None:
    codec = LogReturns(half_lives, 10.0, initial_volatility)
    raw = prices(3)
    encoding, _ = codec.encode(raw)
    inputs, scale = by_hand(codec, raw, initial_volatility or 0.02)
    assert encoding.location is not None
    assert encoding.scale is not None
    np.testing.assert_allclose(encoding.inputs.numpy(), inputs, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(encoding.scale.numpy(), scale, rtol=1e-10)
    assert not encoding.location.any()


def test_the_panels_means_are_of_the_series_that_trade() -> None:
    # One volatility for all time: a half-life this long leaves the initial 0.01 in place for two steps.
    codec = LogReturns((1e9,), 1e9, 0.01)
    first, second = 0.02, -0.05
    raw = torch.tensor([[1.0, math.exp(first), 1.0], [1.0, math.exp(second), 1.0], [1.0, math.nan, 1.0]])
    _, _, mean, size = codec.encode(raw.double())[0].inputs[0, 2].tolist()
    assert mean == pytest.approx(math.asinh((2.0 - 5.0) / 2), rel=1e-6)
    assert size == pytest.approx((math.asinh(2.0) + math.asinh(5.0)) / 2, rel=1e-6)


def test_a_leading_axis_holds_panels_that_do_not_read_one_another() -> None:
    codec = LogReturns()
    raw = prices(2, 3)
    together, after = codec.encode(raw)
    for panel in range(2):
        alone, alone_after = codec.encode(raw[panel])
        assert_same(together.map(lambda part: part[panel]), alone)  # noqa: B023
        assert_same_state(state_ops.map_state(lambda tensor: tensor[panel], after), alone_after)  # noqa: B023


def test_a_session_without_a_price_has_no_density_and_the_return_spans_the_gap() -> None:
    raw = torch.tensor([[math.nan, 10.0, math.nan, math.nan, 12.0, 12.0]], dtype=torch.float64)
    encoding, _ = LogReturns().encode(raw)
    assert encoding.observed.tolist() == [[False, False, False, False, True, True]]
    assert encoding.targets[0, 4].item() == pytest.approx(math.log(1.2))
    assert encoding.targets[0, 5].item() == 0
    assert not encoding.targets[0, :4].any()


@returns_cases
@pytest.mark.parametrize(
    "values",
    [
        [7.0] * 40,
        [1e100 * (1 + 0.01 * (t % 3)) for t in range(40)],
        [1e-100 * (1 + 0.01 * (t % 3)) for t in range(40)],
        [1 + 1e-14 * (t % 2) for t in range(40)],
        [1.0] * 20 + [1e100] * 20,
        [1e100] * 20 + [1e-100] * 20,
        [1.0, *[math.nan] * 38, 2.0],
        [math.nan] * 40,
    ],
    ids=["constant", "huge", "tiny", "tiny_returns", "jump", "crash", "almost_empty", "empty"],
)
def test_every_number_is_finite_in_both_precisions(case: Case, values: list[float]) -> None:
    raw = torch.tensor(values, dtype=torch.float64).expand(*case.batch, -1)
    for codec in (case.codec, case.codec.fit(raw[(0,) * (len(case.batch) - 1)])):
        encoding, after = codec.encode(raw)
        for part in parts(encoding).values():
            assert part.isfinite().all()
            assert part.to(torch.float32).isfinite().all()
        assert encoding.scale is not None
        assert (encoding.scale.to(torch.float32) > 0).all()
        assert codec.log_jacobian(raw).isfinite().all()
        assert all(tensor.isfinite().all() for tensor in after[1:])
        assert_same(encoding, Codec.encode(codec, raw)[0])


def test_a_price_that_never_moves_again_keeps_a_scale() -> None:
    raw = prices(1, steps=4_500, gaps=False)
    raw[:, 10:] = raw[:, 10:11]  # long enough for the energy of a half-life of 3 to underflow
    encoding, after = LogReturns((3.0, 10.0), 3.0, 0.01).encode(raw)
    assert after.energy.min() == 0
    assert encoding.inputs.isfinite().all()
    assert encoding.scale is not None
    assert encoding.scale.min().item() == pytest.approx(1e-3 * 0.01)


def test_fit_takes_the_volatility_of_what_it_is_given_and_of_nothing_else() -> None:
    raw = prices(3)
    train = raw[:, :45].clone()
    codec = LogReturns()
    fitted = codec.fit(train)
    squares = []
    for values in train.tolist():
        observed = [value for value in values if not math.isnan(value)]
        squares += [math.log(b / a) ** 2 for a, b in pairwise(observed)]
    assert fitted.initial_volatility == pytest.approx(math.sqrt(sum(squares) / len(squares)), rel=1e-12)
    assert (fitted.half_lives, fitted.scale_half_life) == (codec.half_lives, codec.scale_half_life)
    assert codec.initial_volatility is None
    torch.testing.assert_close(train, raw[:, :45], rtol=0, atol=0, equal_nan=True)
    inputs, scale = by_hand(fitted, raw, fitted.initial_volatility)
    encoding, _ = fitted.encode(raw)
    assert encoding.scale is not None
    np.testing.assert_allclose(encoding.inputs.numpy(), inputs, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(encoding.scale.numpy(), scale, rtol=1e-10)


def test_fit_leaves_a_given_volatility_alone() -> None:
    codec = LogReturns(initial_volatility=0.3)
    assert codec.fit(prices(2)).initial_volatility == 0.3
    assert LogReturns().fit(torch.full((2, 9), 5.0)).initial_volatility > 0


@pytest.mark.parametrize(
    "arguments",
    [
        {"scale_half_life": 11.0},
        {"half_lives": (0.0, 10.0)},
        {"half_lives": (-1.0, 10.0)},
        {"initial_volatility": 0.0},
        {"initial_volatility": -0.1},
    ],
    ids=str,
)
def test_wrong_half_lives_and_volatilities_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        LogReturns(**arguments)


def blocks_by_hand(codec: Blocks, series: list[float]) -> list[dict[str, Any]]:
    """What each block knows, and its targets, by loops over blocks, seasons and values."""
    size, seasons = codec.block_size, codec.seasons
    length = codec.scale_length or max(seasons[-1], 2 * size, 8)

    def value(place: int) -> float:
        return series[place] if place >= 0 else math.nan

    def mean(values: list[float]) -> float:
        return sum(values) / len(values)

    found = []
    for t in range(0, len(series), size):
        recent = [value(t - length + place) for place in range(length)]
        seen = [y for y in recent if not math.isnan(y)]
        level = mean(seen) if seen else 0.0
        spread = mean([abs(y - level) for y in seen]) if seen else 0.0
        scale = max(spread, 1e-3 * abs(level)) or 1.0
        # A missing value counts as the level.
        above = [0.0 if math.isnan(y) else y - level for y in recent]

        candidates: list[list[float]] = []
        for m in seasons:
            block = []
            for i in range(size):
                y = value(t + i - m * math.ceil((i + 1) / m))
                shorter = candidates[-1][i] if candidates else 0.0
                block.append(shorter if math.isnan(y) else y - level)
            candidates.append(block)
        following = []
        for i in range(size):
            y = value(t + size + i - seasons[-1] * math.ceil((size + i + 1) / seasons[-1]))
            following.append(candidates[-1][i] if math.isnan(y) else y - level)
        blocks = length // size
        if size > 1 and blocks > 0:
            start = length - blocks * size
            candidates.append(
                [mean([above[start + day * size + i] for day in range(blocks)]) for i in range(size)]
            )

        half = length // 2
        rise = mean(above[half:]) - mean(above[:half])
        ratio = min(max(math.log(scale / (abs(level) or scale)), -7), 3)
        features = [y / scale for block in (*candidates, following) for y in block]
        features += [ratio, len(seen) / length, rise / scale]
        observed = [len(seen) >= max(size, 2) and not math.isnan(y) for y in series[t : t + size]]
        found.append(
            {
                "inputs": [min(max(feature, -10.0), 10.0) for feature in features],
                "location": candidates,
                "scale": scale,
                "observed": observed,
                "targets": [
                    y - level if known else 0.0
                    for y, known in zip(series[t : t + size], observed, strict=True)
                ],
            }
        )
    return found


@blocks_cases
def test_blocks_are_what_their_docstring_says(case: Case) -> None:
    raw = case.raw()
    codec: Any = case.codec
    encoding, _ = codec.encode(raw)
    for place in np.ndindex(*case.batch):
        expected = blocks_by_hand(codec, raw[place].tolist())
        for name in ("inputs", "scale", "targets", "observed"):
            by_loops = np.array([step[name] for step in expected], dtype=np.float64)
            part = parts(encoding)[name][place].double().numpy()
            if name == "inputs":  # the share of the values has a test of its own
                by_loops, part = (np.delete(one, codec.input_size - 2, axis=1) for one in (by_loops, part))
            np.testing.assert_allclose(part, by_loops, rtol=1e-9, atol=1e-9, err_msg=name)
        assert encoding.location is not None
        location = np.array([step["location"] for step in expected]).swapaxes(1, 2)
        ours = encoding.location[place].numpy()
        np.testing.assert_allclose(
            ours if codec.candidates > 1 else ours[..., None], location, rtol=1e-9, atol=1e-9
        )


@blocks_cases
def test_the_share_of_the_values_that_are_there_is_exact(case: Case) -> None:
    raw = case.raw()
    codec: Any = case.codec
    share = codec.encode(raw)[0].inputs[..., -2]
    for place in np.ndindex(*case.batch):
        expected = [step["inputs"][-2] for step in blocks_by_hand(codec, raw[place].tolist())]
        np.testing.assert_allclose(share[place].numpy(), expected, rtol=1e-14)


def test_a_season_of_one_is_the_last_value_and_one_of_a_block_the_last_block() -> None:
    raw = torch.arange(1.0, 25.0, dtype=torch.float64) ** 2
    encoding, _ = Blocks(4, (1, 4), scale_length=8).encode(raw)
    last_value, last_block, profile = encoding.location[-1].unbind(-1)  # type: ignore[index]
    level = raw[12:20].mean()
    torch.testing.assert_close(last_value, (raw[19] - level).expand(4))
    torch.testing.assert_close(last_block, raw[16:20] - level)
    torch.testing.assert_close(profile, (raw[12:16] + raw[16:20]) / 2 - level)
    torch.testing.assert_close(encoding.targets[-1], raw[20:] - level)
    torch.testing.assert_close(encoding.scale[-1], (raw[12:20] - level).abs().mean())  # type: ignore[index]


@any_blocks_cases
@pytest.mark.parametrize(("shift", "factor"), [(0.0, 7.0), (31.0, 1.0), (-100.0, 0.3)], ids=str)
def test_other_units_change_no_input_but_the_ratio(case: Case, shift: float, factor: float) -> None:
    codec: Any = case.codec
    raw = 50 + 10 * torch.randn(*case.batch, T, dtype=torch.float64)
    ours, theirs = codec.encode(raw)[0], codec.encode(shift + factor * raw)[0]
    assert torch.equal(ours.observed, theirs.observed)
    known = ours.observed.flatten(len(case.batch) + 1).any(-1) if codec.event_shape else ours.observed
    assert known.any()
    kept = [column for column in range(codec.input_size) if column != codec.input_size - 3]
    exact = {"rtol": 1e-9, "atol": 1e-9}
    torch.testing.assert_close(theirs.inputs[known][:, kept], ours.inputs[known][:, kept], **exact)
    for name in ("location", "targets", "scale"):
        torch.testing.assert_close(parts(theirs)[name][known], factor * parts(ours)[name][known], **exact)


@blocks_cases
@pytest.mark.parametrize(
    "values",
    [
        [7.0] * T,
        [0.0] * T,
        [-0.1] * T,
        [1e30 * (1 + 0.01 * (t % 3)) for t in range(T)],
        [1e-100 * (1 + 0.01 * (t % 3)) for t in range(T)],
        [1 + 1e-14 * (t % 2) for t in range(T)],
        [1.0] * 30 + [1e30] * 30,
        [1e30] * 30 + [1e-30] * 30,
        [1.0, *[math.nan] * (T - 2), 2.0],
        [math.nan] * T,
    ],
    ids=[
        "constant",
        "zero",
        "negative",
        "huge",
        "tiny",
        "tiny_moves",
        "jump",
        "crash",
        "almost_empty",
        "empty",
    ],
)
def test_every_number_of_a_block_is_finite_in_both_precisions(case: Case, values: list[float]) -> None:
    codec: Any = case.codec
    raw = torch.tensor(values, dtype=torch.float64).expand(*case.batch, -1)
    encoding, _ = codec.encode(raw)
    for part in parts(encoding).values():
        assert part.isfinite().all()
        assert part.to(torch.float32).isfinite().all()
    assert encoding.inputs.abs().max() <= 10
    assert encoding.scale is not None
    assert (encoding.scale.to(torch.float32) > 0).all()
    assert_same(encoding, Codec.encode(codec, raw)[0])


@any_blocks_cases
@pytest.mark.parametrize("length", [1, 5, 19, 53])
def test_the_state_after_any_number_of_values_is_their_memory(case: Case, length: int) -> None:
    codec: Any = case.codec
    raw = case.raw()
    state = codec.state_after(raw[..., :length])
    assert state.memory.shape == (*case.batch, codec.memory)
    kept = min(length, codec.memory)
    last = raw[..., length - kept : length]
    torch.testing.assert_close(state.memory[..., -kept:], last, rtol=0, atol=0, equal_nan=True)
    assert state.memory[..., :-kept].isnan().all()
    # Blocks that go on from there are those of a sequence whose blocks are cut at that place.
    steps = (T - length) // case.size
    encoding, _ = codec.encode(raw[..., length : length + steps * case.size], state)
    pad = torch.full((*case.batch, -length % case.size), math.nan, dtype=torch.float64)
    whole, _ = codec.encode(torch.cat([pad, raw[..., : length + steps * case.size]], -1))
    time = len(case.batch)
    before = (length + pad.shape[-1]) // case.size
    assert_same(encoding, whole.map(lambda part: part.narrow(time, before, steps)))


@any_blocks_cases
def test_nothing_beyond_the_memory_is_read(case: Case) -> None:
    codec: Any = case.codec
    raw = torch.randn(*case.batch, 120, dtype=torch.float64)
    changed = raw.clone()
    changed[..., : 120 - case.size - codec.memory] = 1e6
    encodings = [codec.encode(values)[0] for values in (raw, changed)]
    ours, theirs = (encoding.map(lambda part: part.select(len(case.batch), -1)) for encoding in encodings)
    assert_same(ours, theirs)


def test_a_value_has_a_density_once_a_block_of_values_and_two_of_them_are_there() -> None:
    nan = math.nan
    raw = torch.tensor([nan, 1.0, nan, 2.0, 3.0, nan, 4.0], dtype=torch.float64)
    assert Blocks(1).encode(raw)[0].observed.flatten().tolist() == [False] * 4 + [True, False, True]
    raw = torch.tensor([[nan, 1, 2], [3, 4, nan], [5, nan, 6]], dtype=torch.float64).flatten()
    observed = Blocks(3, (3,)).encode(raw)[0].observed
    assert observed.tolist() == [[False] * 3, [False] * 3, [True, False, True]]


@pytest.mark.parametrize("size", [2, 4, 7])
def test_a_part_of_a_block_is_refused_in_one_line(size: int) -> None:
    with pytest.raises(DataError, match=f"13 observations are not a whole number of blocks of {size}"):
        Blocks(size).encode(torch.zeros(2, 13))


@pytest.mark.parametrize(
    "arguments",
    [
        {"block_size": 0},
        {"block_size": 2, "context": 0},
        {"block_size": 2, "seasons": ()},
        {"block_size": 2, "seasons": (0, 3)},
        {"block_size": 2, "seasons": (3, 3)},
        {"block_size": 2, "seasons": (4, 3)},
        {"block_size": 1, "scale_length": 1},
        # Fewer values than a block has can never give it a density.
        {"block_size": 6, "scale_length": 5},
    ],
    ids=str,
)
def test_wrong_blocks_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        Blocks(**arguments)
    assert "\n" not in str(caught.value)


def test_the_first_input_of_a_text_is_the_end_of_a_sentence() -> None:
    vocabulary = Vocabulary(["a", "b", "<eos>"])
    encoding, _ = vocabulary.encode(vocabulary.ids(["b", "a", "a"]))
    assert vocabulary.words(encoding.inputs) == ["<eos>", "b", "a"]
    assert vocabulary.words(encoding.targets) == ["b", "a", "a"]
    assert encoding.observed.all()
    assert encoding.location is None
    assert encoding.scale is None


def test_words_gives_back_what_ids_took() -> None:
    vocabulary = Vocabulary(WORDS)
    text = ["a", "b", "c", "<eos>", "c", "c", "<unk>", "a"]
    ids = vocabulary.ids(text)
    assert ids.dtype == torch.int64
    assert vocabulary.words(ids) == text
    assert vocabulary.words(torch.arange(len(WORDS))) == list(WORDS)


def test_an_unknown_word_becomes_unk() -> None:
    vocabulary = Vocabulary(WORDS)
    assert vocabulary.words(vocabulary.ids(["a", "zebra"])) == ["a", "<unk>"]


def test_an_unknown_word_is_refused_where_there_is_no_unk() -> None:
    with pytest.raises(ConfigError, match="zebra"):
        Vocabulary(["<eos>", "a"]).ids(["a", "zebra"])


def test_a_vocabulary_is_ordered_by_frequency_and_then_by_the_alphabet() -> None:
    text = [*"cbbaaddd", *["<eos>"] * 4]
    assert Vocabulary.from_tokens(text).tokens == ("<eos>", "<unk>", "d", "a", "b", "c")


def test_rare_words_are_left_out() -> None:
    text = [*"cbbaaddd", "<unk>", "<eos>"]
    assert Vocabulary.from_tokens(text, minimum_count=2).tokens == ("<eos>", "<unk>", "d", "a", "b")
    assert Vocabulary.from_tokens(text, minimum_count=4).tokens == ("<eos>", "<unk>")


@pytest.mark.parametrize("size", [2, 3, 5, 6, 100])
def test_a_vocabulary_is_not_larger_than_its_maximum(size: int) -> None:
    tokens = Vocabulary.from_tokens([*"cbbaaddd", "<eos>"], maximum_size=size).tokens
    assert tokens == ("<eos>", "<unk>", "d", "a", "b", "c")[:size]


def test_a_maximum_that_the_special_tokens_exceed_is_refused() -> None:
    with pytest.raises(ConfigError):
        Vocabulary.from_tokens(["a"], maximum_size=1)


@pytest.mark.parametrize(
    "tokens", [["<eos>", "a", "a"], ["<unk>", "a"], []], ids=["twice", "no_eos", "empty"]
)
def test_a_wrong_vocabulary_is_refused(tokens: list[str]) -> None:
    with pytest.raises(ConfigError):
        Vocabulary(tokens)
