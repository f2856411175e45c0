"""The forecaster of prices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np
import pandas as pd
import torch

from tsrnn.backbones import LSTM, Backbone
from tsrnn.codecs import Codec, Vocabulary
from tsrnn.embeddings import ValueEmbedding
from tsrnn.errors import ConfigError, DataError
from tsrnn.evaluation import Assessment, DensityScore, RandomWalk, assess, forecast_sessions, score
from tsrnn.heads import Head, StudentT
from tsrnn.models import AutoregressiveModel
from tsrnn.protocols import Batch, Forecast, Panel
from tsrnn.training.autoregressive_task import AutoregressiveTask, OptimizerFactory, SchedulerFactory

_CHUNK_LENGTH = 4096


@final
class Forecaster(AutoregressiveTask):
    """A density of next-session returns, trained by maximum likelihood, that samples paths of prices.

    Args:
        codec: how prices become model steps; on the command line it comes from the data.
        backbone: makes the backbone from its input size.
        head: makes the head from its input size.
        embedding_size: the backbone's input size.
        optimizer: makes the optimizer from the parameters. Default: AdamW.
        scheduler: makes the learning-rate schedule from the optimizer; it counts steps. None: constant.
        horizon: sessions that `predict` forecasts.
        num_samples: paths a series that `predict` draws.
    """

    def __init__(
        self,
        codec: Codec,
        backbone: Callable[[int], Backbone] = LSTM,
        head: Callable[[int], Head] = StudentT,
        embedding_size: int = 32,
        optimizer: OptimizerFactory | None = None,
        scheduler: SchedulerFactory | None = None,
        horizon: int = 20,
        num_samples: int = 1000,
    ) -> None:
        if min(horizon, num_samples) < 1:
            raise ConfigError("horizon and num_samples must be at least 1")
        if isinstance(codec, Vocabulary):
            raise ConfigError("a Forecaster reads prices: give it prices (--data PriceSeries)")
        recurrent = backbone(embedding_size)
        embedding = ValueEmbedding(codec.input_size, embedding_size)
        model = AutoregressiveModel(codec, embedding, recurrent, head(recurrent.output_size))
        super().__init__(model, optimizer, scheduler)
        self.horizon = horizon
        self.num_samples = num_samples
        self.scores: list[DensityScore] = []
        self._tested: list[Assessment] = []

    @classmethod
    def of_model(cls, model: AutoregressiveModel) -> Forecaster:
        """The task of a model that is there already."""
        return cls(
            codec=model.codec,
            backbone=lambda input_size: model.backbone,
            head=lambda input_size: model.head,
            embedding_size=model.backbone.input_size,
        )

    @property
    def settings(self) -> dict[str, Any]:
        """How it forecasts."""
        return {"horizon": self.horizon, "num_samples": self.num_samples}

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        """Keep what the model said of each observed step."""
        distribution, state = self.model(batch.encoding, self.carried(batch, "test"))
        self.carry(state, "test")
        self._tested.append(assess(distribution, batch.encoding.targets, batch.encoding.observed))

    def on_test_epoch_end(self) -> None:
        """Score the span, beside the random walk on the same steps: see `scores`."""
        self.scores = [score(type(self.model.backbone).__name__, self._tested), *self._random_walks()]
        self._tested.clear()
        self.log("test_nats", self.scores[0].nats)

    def _random_walks(self) -> list[DensityScore]:
        data: Any = getattr(self.trainer, "datamodule", None)
        if data is None:  # bare loaders: there is no panel to walk on
            return []
        train, first, last = data.spans
        span = slice(first, last)
        returns, observed = data.encoding.targets.double()[:, span], data.encoding.observed[:, span]
        walks = (RandomWalk("constant", train), RandomWalk("ewma"))
        return [
            score(walk.name, [assess(walk.densities(data.panel, span), returns, observed)]) for walk in walks
        ]

    def predict_step(self, batch: Panel, batch_idx: int) -> Forecast:
        """Paths beyond the panel's last session."""
        return self.forecast(batch, self.horizon, num_samples=self.num_samples)

    @torch.no_grad()
    def forecast(
        self,
        panel: Panel,
        horizon: int,
        *,
        origins: Sequence[int] | None = None,
        num_samples: int = 1000,
        seed: int = 0,
    ) -> Forecast:
        """Paths of every series from every origin: see `tsrnn.protocols.Predictor`.

        The history is read once, from its beginning, with the state carried from origin to origin.

        Args:
            panel: the series.
            horizon: H sessions.
            origins: indices of the last known sessions, increasing; default the panel's last.
            num_samples: S paths a series. Those of one path are drawn together: the panel's mean, which
                is an input, is the path's own.
            seed: of the paths; those of an origin do not depend on the other origins.
        """
        origins = [panel.num_sessions - 1] if origins is None else list(origins)
        if horizon < 1 or num_samples < 1:
            raise DataError("a forecast needs a horizon and a number of paths of at least 1")
        if (
            not origins
            or list(origins) != sorted(set(origins))
            or not 0 <= origins[0] <= origins[-1] < panel.num_sessions
        ):
            raise DataError(f"origins must increase within the panel's {panel.num_sessions} sessions")
        training, device = self.training, self.device
        # On the CPU: the codec's recursions are in float64, and a step of a path is too small for a GPU.
        self.eval().cpu()
        try:
            paths, last = self._sample_paths(panel, origins, horizon, num_samples, seed)
        finally:
            self.train(training).to(device)
        sessions = forecast_sessions(panel, origins, horizon)
        forecast = Forecast(panel.unique_ids, panel.ds[origins], sessions, np.stack(paths), np.stack(last))
        _refuse_overflow(forecast)
        return forecast

    def _sample_paths(
        self, panel: Panel, origins: Sequence[int], horizon: int, num_samples: int, seed: int
    ) -> tuple[list[Any], list[Any]]:
        """For each origin the paths (N, S, H) and the last prices (N,)."""
        values = torch.from_numpy(panel.values)
        state = self.model.initial_state(len(panel.unique_ids))
        paths, last, read = [], [], 0
        for origin in origins:
            while read <= origin:
                stop = min(read + _CHUNK_LENGTH, origin + 1)
                _, state = self.model.log_prob(values[:, read:stop], state)
                read = stop
            generator = torch.Generator().manual_seed(seed * 1_000_003 + origin)
            samples = self.model.sample(state, horizon, num_samples, generator)
            paths.append(samples.transpose(0, 1).numpy())
            last.append(state.codec.price.numpy())
        return paths, last

    def score_frame(self) -> pd.DataFrame:
        """The scores of the last test as a table, the model first."""
        return pd.DataFrame([one.row() for one in self.scores])


def _refuse_overflow(forecast: Forecast) -> None:
    """A volatility that feeds on itself can leave the range of numbers: such paths say nothing."""
    broken = ~np.isfinite(forecast.samples) & np.isfinite(forecast.last)[:, :, None, None]
    if broken.any():
        places = np.argwhere(broken)
        _, series, _, session = places[places[:, 3].argmin()]
        name = forecast.unique_ids[series]
        raise DataError(
            f"paths of {name} leave the range of numbers {session + 1} sessions ahead: "
            "shorten the horizon, or train the model longer"
        )
