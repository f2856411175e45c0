"""A network as a predictor: its random numbers, its context, and that it is left as it was."""

import numpy as np
import pytest
import torch

from tests.panels import seasonal_panel
from tests.predictors.test_baselines import swinging
from tsrnn.backbones import GRU
from tsrnn.codecs import Blocks, LogReturns
from tsrnn.conditioning import KnownInputs
from tsrnn.embeddings import ValueEmbedding
from tsrnn.errors import DataError
from tsrnn.heads import Normal, Quantiles
from tsrnn.models import AutoregressiveModel
from tsrnn.predictors import NetworkPredictor
from tsrnn.protocols import Context, Predictor

K = 2
CODECS = {"returns": LogReturns(), "blocks": Blocks(4, (4,), context=6)}
both = pytest.mark.parametrize("kind", CODECS)


def predictor(kind, known=0, head=Normal):
    """With weights large enough that every input matters."""
    torch.manual_seed(0)
    codec = CODECS[kind]
    size = known * (codec.event_shape[0] if codec.event_shape else 1)
    events = {"event_shape": codec.event_shape} if codec.event_shape else {}
    parts = ValueEmbedding(codec.input_size, 8), GRU(8, 8), head(8, **events)
    model = AutoregressiveModel(codec, *parts, conditioning=KnownInputs(8, size) if known else None)
    with torch.no_grad():
        for parameter in model.backbone.parameters():
            parameter.mul_(2)
    return NetworkPredictor(model, "GRU")


def panel_of(kind):
    return swinging() if kind == "returns" else seasonal_panel(2, 200)


@both
def test_each_origin_has_random_numbers_of_its_own(kind):
    panel, network = panel_of(kind), predictor(kind)
    if kind == "blocks":  # the same values before each origin
        panel = panel.with_values(np.tile(panel.values[:, :20], 10))
    samples = network.forecast(panel, 3, origins=[119, 139, 159], num_samples=20).samples
    assert not np.allclose(samples[0], samples[1], rtol=1e-4)
    alone = network.forecast(panel, 3, origins=[139], num_samples=20).samples
    np.testing.assert_allclose(alone[0], samples[1], rtol=1e-6)


@both
def test_the_model_is_left_as_it_was(kind):
    network = predictor(kind)
    assert isinstance(network, Predictor)
    network.model.train()
    network.forecast(panel_of(kind), 2, num_samples=2)
    assert network.model.training
    with pytest.raises(DataError):
        network.forecast(panel_of(kind), 2, origins=[-1])
    assert network.model.training


@pytest.mark.parametrize(("kind", "head"), [("returns", Normal), ("blocks", Normal), ("blocks", Quantiles)])
def test_a_forecast_is_conditioned_on_what_is_known_of_its_steps(kind, head):
    panel, network, horizon = panel_of(kind), predictor(kind, K, head), 10
    generator = torch.Generator().manual_seed(0)
    known = torch.randn(2, panel.num_steps + horizon, K, generator=generator)
    origin = panel.num_steps - 30

    def paths(changed, origins=(origin,)):
        forecast = network.forecast(
            panel, horizon, origins=list(origins), num_samples=30, context=Context(known=changed)
        )
        held = forecast.samples if head is Normal else forecast.values
        return held[-1], getattr(forecast, "density", None)

    def altered(step):
        other = known.clone()
        other[:, step] += 5
        return other

    before, density = paths(known)
    size = 4 if kind == "blocks" else 1
    first = origin + 1 + 2 * size  # the third step ahead
    after, same = paths(altered(first))
    np.testing.assert_array_equal(after[..., : 2 * size], before[..., : 2 * size])
    assert not np.allclose(after[..., 2 * size : 3 * size], before[..., 2 * size : 3 * size], rtol=1e-4)
    beyond, _ = paths(altered(origin + 1 + horizon if kind == "returns" else origin + 1 + 12))
    np.testing.assert_array_equal(beyond, before)
    past, _ = paths(altered(origin))  # what is known of a step that is read enters the state
    assert not np.allclose(past, before, rtol=1e-6)
    if density is not None:
        np.testing.assert_array_equal(density.median, same.median)
        _, moved = paths(altered(origin + 1))
        assert not np.allclose(moved.median, density.median, rtol=1e-6)
    together, _ = paths(known, (origin - 40, origin))
    np.testing.assert_allclose(together, before, rtol=1e-5)


def test_a_conditioned_network_without_its_context_says_so():
    with pytest.raises(DataError, match="conditioned on `known`"):
        predictor("returns", K).forecast(swinging(), 2)


@pytest.mark.parametrize("head", [Normal, Quantiles])
def test_values_too_large_for_single_precision_are_refused(head):
    panel = seasonal_panel(2, 200)
    panel = panel.with_values(panel.values * [[1], [1e300]])
    with pytest.raises(DataError, match="S1 overflow 1 steps ahead: values beyond 1e30 are too large"):
        predictor("blocks", head=head).forecast(panel, 3, num_samples=2)
