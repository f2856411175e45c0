"""The forecaster of prices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np
import numpy.typing as npt
import pandas as pd
from torch import Tensor

from tsrnn.backbones import LSTM, Backbone
from tsrnn.codecs import Codec
from tsrnn.embeddings import ValueEmbedding
from tsrnn.errors import ConfigError, argument
from tsrnn.evaluation import Reference, captioned, score_holdout
from tsrnn.forecasts import Forecast, QuantileForecast
from tsrnn.heads import Head, Quantiles, StudentT
from tsrnn.models import AutoregressiveModel
from tsrnn.predictors import NetworkPredictor
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
        reference: what the verdict of a test is over, by the name of the baseline; None: the random walk for
            prices, for other series the naive forecast that was best on the validation span.
        scores: of the last test, one row a model: see `tsrnn.Comparison.scores`.
        judged_by: the reference of the last test, and why it is that.
        verdict: of the last test, one sentence.
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
            raise ConfigError(f"{argument('model.num_samples')} must be at least 1")
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
        self.reference: str | None = None
        self.scores = pd.DataFrame()
        self.judged_by: Reference | None = None
        self.verdict: str | None = None
        self._distances: list[npt.NDArray[np.floating[Any]]] = []
        self._series, self._width = 0, 1.0

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

    def losses(self, batch: Batch, stage: str) -> tuple[Tensor, Tensor]:
        """The head's loss of every target, and which are observed; in validation quantiles are judged too."""
        head = self.model.head
        if stage != "valid" or not isinstance(head, Quantiles):
            return super().losses(batch, stage)
        distribution, state = self.model(batch.encoding, self.carried(batch, stage), batch.context)
        self.carry(state, stage)
        observed = batch.encoding.observed
        self._distances.append(distribution.distance(batch.encoding.targets)[observed].numpy(force=True))
        self._series += int(observed.flatten(1).any(1).sum())
        return self.model.loss_of(distribution, batch.encoding), observed

    def on_validation_epoch_start(self) -> None:
        """Judge the quantiles as they were trained."""
        self._distances, self._series = [], 0
        if isinstance(self.model.head, Quantiles):
            self._width = float(self.model.head.width)
            self.model.head.width.fill_(1.0)

    def on_validation_epoch_end(self) -> None:
        """Log the mean, and in training calibrate the width of quantiles by what the epoch has seen."""
        super().on_validation_epoch_end()
        head = self.model.head
        if not isinstance(head, Quantiles):
            return
        if self.trainer.state.fn != "fit":
            head.width.fill_(self._width)
        elif self._distances:
            head.calibrate(np.concatenate(self._distances), self._series)
        self._distances = []

    def test_step(self, batch: Batch | Holdout, batch_idx: int) -> None:
        """Score a holdout beside the naive forecasts; of any other batch, add its steps to the mean."""
        if not isinstance(batch, Holdout):
            super().test_step(batch, batch_idx)
            return
        found = score_holdout(self, batch, reference=self.reference)
        self.scores, self.judged_by, self.verdict = found.scores, found.reference, found.verdict
        own = found.scores.iloc[0].drop(["model", "values"]).astype(float).dropna()
        self.log_dict({f"test_{name}": value for name, value in own.items()}, batch_size=1)

    def on_test_epoch_end(self) -> None:
        """Log the mean of what was no holdout."""
        mean = self._log_mean("test")
        if mean is not None:
            row = {"model": self.name, "values": mean[1], self.criterion: mean[0]}
            self.scores = pd.DataFrame([row])

    @property
    def seen(self) -> str | None:
        """The last time step that it was trained or chosen on, of a checkpoint made with a data module."""
        data = self.contents.get("data")
        return None if data is None else str(data["valid_end"])

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
        """The scores of the last test as a table, the model first; for a program, see `scores`."""
        return captioned(self.scores, self.model.codec.kind)
