"""Trained on one realisation of a known process, judged on another: no model can beat the process itself."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from tsrnn.backbones import GRU, LSTM
from tsrnn.codecs import Blocks, LogReturns, Vocabulary
from tsrnn.embeddings import TokenEmbedding, ValueEmbedding
from tsrnn.heads import Categorical, Normal, StudentT
from tsrnn.models import AutoregressiveModel
from tsrnn.protocols import Encoding

SCORED = 200_000
"""Held-out steps at least, so that a gap of 0.01 nats stands far above its sampling error."""


def train(
    model: AutoregressiveModel, encoding: Encoding, steps: int, warm_up: int, learning_rate: float
) -> None:
    """Adam on random windows of (B, T) encoded rows, the first `warm_up` steps of a window not scored."""
    encoding = encoding.map(lambda part: part.float() if part.is_floating_point() else part)
    rows, length = encoding.targets.shape[:2]
    window = torch.arange(warm_up + 32)
    optimizer = torch.optim.Adam(model.parameters(), learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total_steps=steps)
    for _ in range(steps):
        row = torch.randint(rows, (64, 1))
        time = torch.randint(length - len(window), (64, 1)) + window
        batch = encoding.map(lambda part: part[row, time])  # noqa: B023
        nats, _ = model.loss(batch)
        loss = nats[:, warm_up:].mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()


@torch.no_grad()
def carried_nats(model: AutoregressiveModel, x: Tensor, chunk: int = 1_000) -> npt.NDArray[np.float64]:
    """log p of every observation, in chunks with the state carried."""
    chunks, state = [], None
    for part in x.split(chunk, dim=-1):
        nats, state = model.log_prob(part, state)
        chunks.append(nats)
    return torch.cat(chunks, dim=-1).double().numpy()


def gap_of_student_t_autoregression(seed: int) -> float:
    """Nats a step that the model is worse than r_t = 0.4 r_{t−1} + 0.01 t_5, over prices."""
    phi, scale, degrees, series = 0.4, 0.01, 5, 64

    def returns(steps: int, stream: int) -> npt.NDArray[np.float64]:
        noise = scale * stats.t(degrees).rvs(
            (series, steps), random_state=np.random.default_rng([seed, stream])
        )
        path = np.zeros((series, steps))
        for t in range(steps):
            path[:, t] = phi * path[:, t - 1] + noise[:, t]
        return path

    def prices(returns: npt.NDArray[np.float64]) -> Tensor:
        # Every series is a panel of its own: one axis for the panels, one of length 1 for the series.
        return torch.as_tensor(100 * np.exp(returns.cumsum(axis=-1)))[:, None]

    torch.manual_seed(seed)
    train_prices, test_returns = prices(returns(5_000, 0)), returns(5_500, 1)
    # The volatility is constant, so the longest memory is the best scale.
    codec = LogReturns(half_lives=(2_000.0,), scale_half_life=2_000.0).fit(train_prices[:, 0])
    model = AutoregressiveModel(codec, ValueEmbedding(codec.input_size, 16), GRU(16, 16), StudentT(16))
    encoding, _ = codec.encode(train_prices)
    train(model, encoding.map(lambda part: part[:, 0, 1_000:]), steps=400, warm_up=4, learning_rate=1e-2)

    test_prices = prices(test_returns)
    warm_up = 1_500  # until the average of the volatility has settled
    nats = carried_nats(model, test_prices)[:, 0, warm_up:]
    step, previous = test_returns[:, warm_up:], test_returns[:, warm_up - 1 : -1]
    density = stats.t(degrees, loc=phi * previous, scale=scale).logpdf(step)
    truth = density - test_prices[:, 0, warm_up:].log().numpy()
    assert truth.shape == nats.shape
    assert nats.size >= SCORED
    return float(np.mean(truth - nats))


def gap_of_markov_chain(seed: int) -> float:
    """Nats a token that the model is worse than a chain of 20 tokens with random transitions."""
    size, chains = 20, 64
    transitions = np.random.default_rng([seed, 0]).dirichlet(np.full(size, 0.5), size)

    def tokens(steps: int, stream: int) -> npt.NDArray[np.int64]:
        uniform = np.random.default_rng([seed, stream]).random((steps, chains, 1))
        path = np.zeros((steps + 1, chains), dtype=np.int64)  # every chain starts after <eos>, the token 0
        for t in range(steps):
            path[t + 1] = (transitions[path[t]].cumsum(-1)[:, :-1] < uniform[t]).sum(-1)
        return path[1:].T

    torch.manual_seed(seed)
    vocabulary = Vocabulary(["<eos>", *(f"word{k}" for k in range(1, size))])
    model = AutoregressiveModel(vocabulary, TokenEmbedding(size, 32), LSTM(32, 32), Categorical(32, size))
    encoding, _ = vocabulary.encode(torch.as_tensor(tokens(8_000, 1)))
    train(model, encoding, steps=800, warm_up=0, learning_rate=3e-2)

    held_out = tokens(4_000, 2)
    nats = carried_nats(model, torch.as_tensor(held_out))
    previous = np.concatenate([np.zeros((chains, 1), dtype=np.int64), held_out[:, :-1]], axis=1)
    truth = np.log(transitions[previous, held_out])
    assert truth.shape == nats.shape
    assert nats.size >= SCORED
    return float(np.mean(truth - nats))


@pytest.mark.parametrize("gap", [gap_of_student_t_autoregression, gap_of_markov_chain])
def test_a_trained_model_reaches_the_entropy_of_the_process_and_not_less(gap: Callable[[int], float]) -> None:
    nats = gap(0)
    assert math.isfinite(nats)
    assert nats < 0.01
    assert nats > -0.003  # better than the truth by more than luck: the model has seen what it forecasts


def gap_of_a_season_in_noise(seed: int, scored: int, steps: int) -> float:
    """Nats a value that blocks are worse than y_t = 50 + s_{t mod 4} + 2 ε_t.

    The mean block of the last 400 values tells s: what is left of it costs about 1 / 200 nats a value.
    """
    memory, noise = 400, 2.0

    def seasonal(series: int, length: int, stream: int) -> tuple[Tensor, npt.NDArray[np.float64]]:
        generator = np.random.default_rng([seed, stream])
        mean = np.tile([44.0, 51.0, 58.0, 47.0], (series, (memory + length) // 4))
        values = mean + noise * generator.standard_normal(mean.shape)
        return torch.as_tensor(values), stats.norm(mean, noise).logpdf(values)[:, memory:]

    torch.manual_seed(seed)
    codec = Blocks(4, (4,), scale_length=memory)
    head = Normal(4, event_shape=codec.event_shape)
    model = AutoregressiveModel(codec, ValueEmbedding(codec.input_size, 4), GRU(4, 4), head)
    values, _ = seasonal(400, 40 * 4, 0)
    encoding, _ = codec.encode(values[:, memory:], codec.state_after(values[:, :memory]))
    train(model, encoding, steps, warm_up=4, learning_rate=3e-2)

    values, truth = seasonal(100, scored // 100, 1)
    nats = carried_nats(model, values, chunk=memory)[:, memory:]
    assert nats.shape == truth.shape
    assert nats.size >= scored
    return float(np.mean(truth - nats))


def test_blocks_reach_the_entropy_of_a_season_in_noise_and_not_less() -> None:
    assert -0.003 < gap_of_a_season_in_noise(0, scored=20_000, steps=100) < 0.02


@pytest.mark.slow
def test_blocks_trained_longer_come_closer_to_a_season_in_noise() -> None:
    assert -0.001 < gap_of_a_season_in_noise(1, scored=SCORED, steps=400) < 0.008
