"""Eight leaks that people build, each caught; and no alarm where nothing leaks."""

from functools import cached_property, partial

import numpy as np
import pandas as pd
import pytest
import torch

from tests.panels import seasonal_panel
from tests.prices import random_walks
from tsrnn.backbones import GRU
from tsrnn.codecs import LogReturns
from tsrnn.data import PriceSeries, SeriesPanel
from tsrnn.data.loaders.streams import SeriesChunks
from tsrnn.data.loaders.windows import RandomWindows
from tsrnn.errors import ConfigError
from tsrnn.evaluation.leakage import leak_test
from tsrnn.forecasts import Forecast
from tsrnn.heads import Quantiles
from tsrnn.protocols import Panel
from tsrnn.training import Forecaster

SMALL = {"window_length": 32, "warm_up": 8, "batch_size": 4, "batches_per_epoch": 2, "calendar": "24/5"}


def leaks_of(kind, pairs=120, seed=0, **more):
    """What the test finds in a data module of this kind."""
    data = kind(random_walks(3, 300), **SMALL)
    report = leak_test(data.reading, data.panel, pairs=pairs, seed=seed, **more)
    return {violation.what for violation in report.violations}, report


def with_values(panel, values):
    return Panel(panel.unique_ids, panel.ds, values, panel.calendar, panel.ends)


class GlobalZScore(PriceSeries):
    @cached_property
    def panel(self):
        panel = super().panel
        logs = np.log(panel.values)
        return with_values(panel, np.exp((logs - np.nanmean(logs)) / np.nanstd(logs)))


class GlobalMinMax(PriceSeries):
    @cached_property
    def panel(self):
        panel = super().panel
        low, high = (of(panel.values, axis=1, keepdims=True) for of in (np.nanmin, np.nanmax))
        return with_values(panel, 1 + (panel.values - low) / (high - low))


class CentredMovingAverage(PriceSeries):
    @cached_property
    def panel(self):
        panel = super().panel
        smooth = pd.DataFrame(panel.values.T).rolling(5, center=True, min_periods=1).mean()
        return with_values(panel, smooth.to_numpy().T)


class BackFill(PriceSeries):
    @cached_property
    def panel(self):
        panel = super().panel
        return with_values(panel, pd.DataFrame(panel.values.T).bfill().to_numpy().T.copy())


class ShuffledSplit(PriceSeries):
    """Training windows from all time steps."""

    def train_dataloader(self):
        draws = self.draws(self.batch_size, self.batches_per_epoch, self.seed)
        last = self.panel.num_steps
        return RandomWindows(self.encoding, span=last, window_length=32, warm_up=8, **draws)


class FittedOnValidation(PriceSeries):
    @cached_property
    def codec(self):
        return self.make_codec().fit(self.panel.tensor()[:, : self.spans[1]])


class WindowOverTheBorder(PriceSeries):
    """Training windows that end as much as half a window behind the border."""

    def train_dataloader(self):
        draws = self.draws(64, self.batches_per_epoch, self.seed)
        span = self.spans[0] + 16
        return RandomWindows(self.encoding, span=span, window_length=32, warm_up=8, **draws)


class TargetAsInput(LogReturns):
    """The step's own return among its inputs."""

    def encode(self, raw, state=None):
        encoding, state = super().encode(raw, state)
        inputs = encoding.inputs.clone()
        inputs[..., 0] = encoding.targets
        return encoding._replace(inputs=inputs), state


class ValidatedPastTheEnd(PriceSeries):
    """Validation that runs into the test span."""

    def val_dataloader(self):
        return SeriesChunks(self.encoding, self.spans[0], self.spans[1] + 5)


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (GlobalZScore, "values"),
        (GlobalMinMax, "values"),
        (CentredMovingAverage, "values"),
        (BackFill, "values"),
        (ShuffledSplit, "training batches"),
        (FittedOnValidation, "constants"),
        (WindowOverTheBorder, "training batches"),
        (ValidatedPastTheEnd, "validation batches"),
    ],
)
def test_a_leaky_data_module_is_caught(kind, what):
    found, report = leaks_of(kind)
    assert what in found
    assert not report.ok
    assert report.found >= len(report.violations) > 0


def test_the_target_among_the_covariates_is_caught_twice():
    data = PriceSeries(random_walks(3, 300), **SMALL, codec=TargetAsInput())
    report = leak_test(data.reading, data.panel, pairs=60)
    found = {(violation.kind, violation.what) for violation in report.violations}
    assert ("future changed", "features") in found
    assert ("future planted", "probe") in found


def test_a_smoothed_future_is_found_by_the_probe_too():
    found, _ = leaks_of(CentredMovingAverage, pairs=12)
    assert "probe" in found


class Peeking:
    """A forecast of what is going to happen, where it is there to be seen."""

    def forecast(self, panel, horizon, *, origins=None, num_samples=1000):
        ahead = [min(origin + 1, panel.num_steps - 1) for origin in origins]
        value = panel.values[:, ahead].T
        samples = np.broadcast_to(value[:, :, None, None], (*value.shape, num_samples, horizon))
        return Forecast(panel.unique_ids, panel.ds[origins], panel.ds[origins, None], samples, value)


def test_a_predictor_that_looks_ahead_is_caught():
    found, _ = leaks_of(PriceSeries, make_predictor=lambda data: Peeking())
    assert found == {"forecast"}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_prices_do_not_leak(seed):
    torch.manual_seed(seed)

    def network(data):
        return Forecaster(data.codec, partial(GRU, hidden_size=6), embedding_size=4).eval()

    found, report = leaks_of(PriceSeries, 150, seed, make_predictor=network)
    assert report.ok, found
    assert report.pairs >= 150
    assert report.excepted == 2  # the panel's mean of the surprises, and of their sizes
    wanted = {"values", "spans", "constants", "features", "targets", "training batches", "validation batches"}
    assert wanted | {"forecast", "scales", "probe"} == set(report.checks)


@pytest.mark.parametrize("seed", [0, 1])
def test_blocks_do_not_leak(seed):
    torch.manual_seed(seed)
    data = SeriesPanel.from_panel(seasonal_panel(5, 200), horizon=4, batches_per_epoch=2, batch_size=4)

    def network(data):
        return Forecaster(data.codec, partial(GRU, hidden_size=6), Quantiles, embedding_size=4).eval()

    report = leak_test(data.reading, data.panel, make_predictor=network, pairs=150, seed=seed)
    assert report.ok, report.violations
    assert report.checks["training batches"] >= 1
    assert report.checks["forecast"] >= 60


def test_a_module_that_does_not_read_what_it_is_given_is_no_proof():
    data = PriceSeries(random_walks(3, 300), **SMALL)
    with pytest.raises(ConfigError, match="not made from `given`"):
        leak_test(lambda panel: data, data.panel, pairs=12)
