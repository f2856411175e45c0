"""The forecaster of prices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, final

import pandas as pd

from tsrnn.backbones import LSTM, Backbone
from tsrnn.codecs import Codec
from tsrnn.data.panels.base import PanelData
from tsrnn.embeddings import ValueEmbedding
from tsrnn.errors import ConfigError
from tsrnn.evaluation import (
    AccuracyScore,
    Assessment,
    DensityScore,
    assess,
    judge_holdout,
    judge_steps,
    score,
    score_holdout,
    score_naive,
)
from tsrnn.forecasts import Forecast, QuantileForecast
from tsrnn.heads import Head, StudentT
from tsrnn.models import AutoregressiveModel
from tsrnn.predictors import NetworkPredictor, RandomWalk
from tsrnn.protocols import Batch, Context, Holdout, Panel
from tsrnn.training.tasks.autoregressive import AutoregressiveTask
from tsrnn.training.tasks.base import OptimizerFactory, SchedulerFactory


@final
class Forecaster(AutoregressiveTask):
    """The density of a series' next step, trained by maximum likelihood, that samples paths.

    A step is a price's log return (`LogReturns`) or a block of values (`Blocks`). With the head `Quantiles`
    there is no density: training makes the pinball loss small, and a forecast holds quantiles.

    Args:
        codec: how values become model steps; on the command line it comes from the data.
        backbone: makes the backbone from its input size.
        head: makes the head from its input size, and, where a step is a block, from its `event_shape`.
        embedding_size: the backbone's input size.
        optimizer: makes the optimizer from the parameters. Default: AdamW.
        scheduler: makes the learning-rate schedule from the optimizer; it counts steps. None: constant.
        num_samples: paths a series that `predict` draws.

    Attributes:
        horizon: time steps that `predict` forecasts: those of the data module that it is trained on.
    """

    def __init__(
        self,
        codec: Codec,
        backbone: Callable[[int], Backbone] = LSTM,
        head: Callable[..., Head] = StudentT,
        embedding_size: int = 32,
        optimizer: OptimizerFactory | None = None,
        scheduler: SchedulerFactory | None = None,
        num_samples: int = 1000,
    ) -> None:
        if num_samples < 1:
            raise ConfigError("num_samples must be at least 1")
        if codec.kind == "text":
            raise ConfigError("a Forecaster reads numbers: give it prices (--data PriceSeries) or series")
        recurrent = backbone(embedding_size)
        embedding = ValueEmbedding(codec.input_size, embedding_size)
        # Custom heads may omit event_shape where there are no blocks.
        event = {"event_shape": codec.event_shape} if codec.event_shape else {}
        model = AutoregressiveModel(codec, embedding, recurrent, head(recurrent.output_size, **event))
        super().__init__(model, optimizer, scheduler)
        self.horizon = 20
        self.num_samples = num_samples
        self.scores: list[DensityScore] | list[AccuracyScore] = []
        self.verdicts: list[str] = []
        self._tested: list[Assessment] = []

    @classmethod
    def of_model(cls, model: AutoregressiveModel) -> Forecaster:
        """The task of an existing model."""
        task = cls(
            codec=model.codec,
            backbone=lambda input_size: model.backbone,
            head=lambda input_size, **event: model.head,
            embedding_size=model.backbone.input_size,
        )
        task.model = model  # not one rebuilt from its parts, which would lack its conditioning
        return task

    @property
    def settings(self) -> dict[str, Any]:
        """How it forecasts."""
        return {"horizon": self.horizon, "num_samples": self.num_samples}

    def setup(self, stage: str) -> None:
        """Take the horizon from the data."""
        data: Any = getattr(self.trainer, "datamodule", None)
        self.horizon = getattr(data, "horizon", self.horizon)

    def test_step(self, batch: Batch | Holdout, batch_idx: int) -> None:
        """Keep what the model said of each observed step; or forecast a holdout as a whole, and score it."""
        if isinstance(batch, Holdout):
            forecast = self.forecast(
                batch.panel, batch.horizon, origins=[batch.origin], num_samples=self.num_samples
            )
            self.scores = [score_holdout(self.name, forecast, batch), score_naive(batch)]
            self.verdicts = judge_holdout(self.name, forecast, batch)
            return
        distribution, state = self.model(batch.encoding, self.carried(batch, "test"), batch.context)
        self.carry(state, "test")
        self._tested.append(assess(distribution, batch.encoding.targets, batch.encoding.observed))

    def on_test_epoch_end(self) -> None:
        """Score the span, beside the random walk on the same steps: see `scores` and `verdicts`."""
        if not self._tested:  # a holdout, which is scored already
            return
        nats = score(self.name, self._tested)
        self.scores = [nats, *self._random_walks()]
        self._tested.clear()
        data = self._data
        self.verdicts = [] if data is None else judge_steps(self, data.panel, data.spans)
        self.log("test_nats", nats.nats)

    @property
    def seen(self) -> str | None:
        """The last time step that it was trained or chosen on, of a checkpoint made with a data module."""
        data = self.contents.get("data")
        return None if data is None else str(data["valid_end"])

    @property
    def _data(self) -> PanelData | None:
        """What the trainer tests on; None with bare loaders, which have no panel to walk on."""
        data = getattr(self.trainer, "datamodule", None)
        return data if isinstance(data, PanelData) else None

    def _random_walks(self) -> list[DensityScore]:
        data = self._data
        if data is None:
            return []
        train, first, last = data.spans
        span = slice(first, last)
        returns, observed = data.encoding.targets.double()[:, span], data.encoding.observed[:, span]
        walks = (RandomWalk("constant", train), RandomWalk("ewma"))
        return [
            score(walk.name, [assess(walk.densities(data.panel, span), returns, observed)]) for walk in walks
        ]

    def predict_step(self, batch: Panel, batch_idx: int) -> Forecast | QuantileForecast:
        """The forecast beyond the panel's last time step."""
        return self.forecast(batch, self.horizon, num_samples=self.num_samples)

    def forecast(
        self,
        panel: Panel,
        horizon: int,
        *,
        origins: Sequence[int] | None = None,
        num_samples: int = 1000,
        seed: int = 0,
        context: Context | None = None,
    ) -> Forecast | QuantileForecast:
        """The distribution of every series' future, from every origin: see `NetworkPredictor.forecast`."""
        return NetworkPredictor(self.model, self.name).forecast(
            panel, horizon, origins=origins, num_samples=num_samples, seed=seed, context=context
        )

    def score_frame(self) -> pd.DataFrame:
        """The scores of the last test as a table, the model first."""
        return pd.DataFrame([one.row() for one in self.scores])
