"""The forecaster of prices."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from tsrnn.backbones import LSTM, Backbone
from tsrnn.codecs import Codec, LogReturns, Vocabulary
from tsrnn.data.loaders.windows import windows
from tsrnn.embeddings import ValueEmbedding
from tsrnn.errors import ConfigError, DataError, DataWarning, first_few
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
from tsrnn.forecasts import Density, Forecast, QuantileForecast
from tsrnn.heads import Head, Quantiles, StudentT
from tsrnn.models import AutoregressiveModel, ModelState
from tsrnn.ops import state as state_ops
from tsrnn.ops.scan import hold
from tsrnn.predictors import RandomWalk, forecast_sessions
from tsrnn.protocols import Batch, Holdout, Panel, session_text
from tsrnn.training.tasks.autoregressive import AutoregressiveTask
from tsrnn.training.tasks.base import OptimizerFactory, SchedulerFactory

_CHUNK_LENGTH = 4096
_LARGEST_MEMORY = 1 << 22
"""Values of all memories at once, 32 MiB of them."""


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
        horizon: sessions that `predict` forecasts.
        num_samples: paths a series that `predict` draws.
    """

    def __init__(
        self,
        codec: Codec,
        backbone: Callable[[int], Backbone] = LSTM,
        head: Callable[..., Head] = StudentT,
        embedding_size: int = 32,
        optimizer: OptimizerFactory | None = None,
        scheduler: SchedulerFactory | None = None,
        horizon: int = 20,
        num_samples: int = 1000,
    ) -> None:
        if min(horizon, num_samples) < 1:
            raise ConfigError("horizon and num_samples must be at least 1")
        if isinstance(codec, Vocabulary):
            raise ConfigError("a Forecaster reads numbers: give it prices (--data PriceSeries) or series")
        recurrent = backbone(embedding_size)
        embedding = ValueEmbedding(codec.input_size, embedding_size)
        # A head of one's own need not know of blocks where there are none.
        event = {"event_shape": codec.event_shape} if codec.event_shape else {}
        model = AutoregressiveModel(codec, embedding, recurrent, head(recurrent.output_size, **event))
        super().__init__(model, optimizer, scheduler)
        self.horizon = horizon
        self.num_samples = num_samples
        self.scores: list[DensityScore] | list[AccuracyScore] = []
        self.verdicts: list[str] = []
        self._tested: list[Assessment] = []

    @classmethod
    def of_model(cls, model: AutoregressiveModel) -> Forecaster:
        """The task of a model that is there already."""
        task = cls(
            codec=model.codec,
            backbone=lambda input_size: model.backbone,
            head=lambda input_size, **event: model.head,
            embedding_size=model.backbone.input_size,
        )
        task.model = model  # and not one that its parts are put together to anew
        return task

    @property
    def settings(self) -> dict[str, Any]:
        """How it forecasts."""
        return {"horizon": self.horizon, "num_samples": self.num_samples}

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
        data: Any = getattr(self.trainer, "datamodule", None)
        self.verdicts = [] if data is None else judge_steps(self, data.panel, data.spans)
        self.log("test_nats", nats.nats)

    @property
    def seen(self) -> str | None:
        """The last session that it was trained or chosen on, of a checkpoint made with a data module."""
        data = self.contents.get("data")
        return None if data is None else str(data["valid_end"])

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

    def predict_step(self, batch: Panel, batch_idx: int) -> Forecast | QuantileForecast:
        """The forecast beyond the panel's last session."""
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
    ) -> Forecast | QuantileForecast:
        """The distribution of every series' future, from every origin: see `tsrnn.protocols.Predictor`.

        A codec that remembers all of the past has the history read once, from its beginning, with the state
        carried from origin to origin. Where its memory is bounded, the `context` before each origin is read.

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
            if self.model.codec.context is None:
                parts, last, states = self._sample_paths(panel, origins, horizon, num_samples, seed)
                density = self._first_step(states)
            else:
                parts, last = self._from_windows(panel, origins, horizon, num_samples, seed)
                density = None
        finally:
            self.train(training).to(device)
        ids, cutoffs, sessions = (
            panel.unique_ids,
            panel.ds[origins],
            forecast_sessions(panel, origins, horizon),
        )
        held, known = np.stack(parts), np.stack(last)
        _refuse_overflow(ids, held, known)
        if isinstance(self.model.head, Quantiles):
            levels = np.array(self.model.head.levels)
            return QuantileForecast(ids, cutoffs, sessions, held, levels, known, panel.ends)
        return Forecast(ids, cutoffs, sessions, held, known, panel.ends, density)

    def _sample_paths(
        self, panel: Panel, origins: Sequence[int], horizon: int, num_samples: int, seed: int
    ) -> tuple[list[Any], list[Any], list[ModelState]]:
        """For each origin the paths (N, S, H), the last prices (N,) and the model's state."""
        values = panel.tensor()
        state = self.model.initial_state(len(panel.unique_ids))
        paths, last, states, read = [], [], [], 0
        for origin in origins:
            while read <= origin:
                stop = min(read + _CHUNK_LENGTH, origin + 1)
                state = self.model.read(values[:, read:stop], state)
                read = stop
            generator = torch.Generator().manual_seed(seed * 1_000_003 + origin)
            samples = self._draw(state, horizon, num_samples, generator)
            paths.append(samples.transpose(0, 1).numpy())
            last.append(state.codec.price.numpy())
            states.append(state)
        return paths, last, states

    def _first_step(self, states: Sequence[ModelState]) -> Density | None:
        """The closed form of the step after each state; None where the codec or the head has none."""
        if not isinstance(self.model.codec, LogReturns):
            return None
        codec = state_ops.combine(torch.stack, [state.codec for state in states])  # (O, N, ...)
        backbone = state_ops.combine(torch.cat, [state.backbone for state in states])
        distribution, _ = self.model.step(None, ModelState(codec, backbone))
        if not (hasattr(distribution, "median") and hasattr(distribution, "cdf")):
            return None
        median = self.model.codec.decode(distribution.median, codec)
        return Density(_OneStep(distribution), median.unsqueeze(-1).numpy(), codec.price.numpy())

    def _draw(self, state: ModelState, steps: int, num_samples: int, generator: torch.Generator) -> Tensor:
        """Paths (S, ..., H), or quantiles (Q, ..., H) where the head has no density."""
        draw = self.model.quantiles if isinstance(self.model.head, Quantiles) else self.model.sample
        return draw(state, steps, num_samples, generator)

    def _from_windows(
        self, panel: Panel, origins: Sequence[int], horizon: int, num_samples: int, seed: int
    ) -> tuple[list[Any], list[Any]]:
        """For each origin the paths (N, S, H), or quantiles (N, Q, H), and the last values (N,).

        Both are NaN for a series without a value in the codec's memory: it is named in a warning.
        """
        values = panel.tensor()
        prices = hold(values, ~values.isnan(), values.new_full(values.shape[:1], torch.nan))
        codec, quantiles = self.model.codec, isinstance(self.model.head, Quantiles)
        assert codec.memory is not None
        assert codec.context is not None
        # Each step that is read, and then each path, has a memory of its own.
        alone = quantiles and horizon <= codec.event_shape[0]
        copies = max(codec.context, 1 if alone else num_samples)
        rows = max(_LARGEST_MEMORY // (codec.memory * copies), 1)
        parts, last = [], []
        for origin in origins:
            generator = torch.Generator().manual_seed(seed * 1_000_003 + origin)
            chunks = [
                self._from_window(values, some, origin, horizon, num_samples, generator)
                for some in torch.split(torch.arange(len(values)), rows)
            ]
            parts.append(torch.cat(chunks).numpy())
            lost = np.isnan(parts[-1]).all(axis=(1, 2))
            last.append(np.where(lost, np.nan, prices[:, origin].numpy()))
            if lost.any():
                names = first_few([panel.unique_ids[place] for place in np.flatnonzero(lost)])
                problem = f"no forecast from {session_text(panel.ds[origin])}: no recent value of"
                warnings.warn(DataWarning(f"{problem} {names}"), stacklevel=4)
        return parts, last

    def _from_window(
        self,
        values: Tensor,
        rows: Tensor,
        origin: int,
        horizon: int,
        num_samples: int,
        generator: torch.Generator,
    ) -> Tensor:
        """The paths (B, S, H) of some series, or their quantiles (B, Q, H)."""
        codec = self.model.codec
        assert codec.memory is not None
        assert codec.context is not None
        (size,) = codec.event_shape
        # As in training: the step that is forecast is the last of a window's.
        read = (codec.context - 1) * size
        window = windows(values, codec.memory + read, rows, torch.full_like(rows, origin + 1))
        state = self.model.initial_state(len(rows))._replace(
            codec=codec.state_after(window[:, : codec.memory])
        )
        if read:
            state = self.model.read(window[:, codec.memory :], state)
        steps = -(-horizon // size)
        found = self._draw(state, steps, num_samples, generator)
        # Without one value in the codec's memory there is no level, and nothing to say.
        lost = window[:, -codec.memory :].isnan().all(1, keepdim=True)
        found = found.masked_fill(lost, torch.nan)
        return found[..., :horizon].transpose(0, 1).float()

    def score_frame(self) -> pd.DataFrame:
        """The scores of the last test as a table, the model first."""
        return pd.DataFrame([one.row() for one in self.scores])


class _OneStep:
    """A distribution (O, N) as that of one step ahead, (O, N, 1)."""

    def __init__(self, distribution: Any) -> None:
        self._distribution = distribution

    def log_prob(self, value: Tensor) -> Tensor:
        log_prob: Tensor = self._distribution.log_prob(value.squeeze(-1)).unsqueeze(-1)
        return log_prob

    def cdf(self, value: Tensor) -> Tensor:
        probability: Tensor = self._distribution.cdf(value.squeeze(-1)).unsqueeze(-1)
        return probability


def _refuse_overflow(ids: Sequence[str], held: Any, last: Any) -> None:
    """A volatility that feeds on itself can leave the range of numbers: such paths say nothing."""
    broken = ~np.isfinite(held) & np.isfinite(last)[:, :, None, None]
    if broken.any():
        places = np.argwhere(broken)
        _, series, _, session = places[places[:, 3].argmin()]
        raise DataError(
            f"paths of {ids[series]} leave the range of numbers {session + 1} sessions ahead: "
            "shorten the horizon, or train the model longer"
        )
