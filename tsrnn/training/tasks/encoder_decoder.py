"""What every task of an encoder and a decoder shares: maximum likelihood of a target given its source."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import pandas as pd
import torch
from torch import Tensor, nn

from tsrnn.errors import ConfigError
from tsrnn.evaluation import corpus_scores, perplexity
from tsrnn.models import EncoderDecoder
from tsrnn.protocols import Context, Encoding, PairBatch
from tsrnn.training.runtime.schedules import total_steps
from tsrnn.training.tasks.base import OptimizerFactory, SchedulerFactory, Task


class EncoderDecoderTask(Task):
    """Trains p(y_1, ..., y_T | source) by maximum likelihood, and writes the best y for a source.

    Args:
        model: encoder and decoder.
        label_smoothing: ε; in training the loss of a step is (1 − ε)(−log p_y) + ε mean_k(−log p_k)
            (Szegedy et al. 2016, section 7).
        teacher_forcing: probability that a step reads the right word before it; else it reads one that the
            model drew itself, given what it read so far (scheduled sampling; Bengio et al. 2015).
        teacher_forcing_end: that probability at the end of training, reached along a line. None: constant.
        beam: hypotheses that are kept while a target is looked for; 1: the most probable word each time.
        length_penalty: α of the beam search's score, log p / n^α.
        maximum_length: words of a target at most.
        optimizer: makes the optimizer from the parameters. None: AdamW.
        scheduler: makes the learning-rate schedule from the optimizer; see `Task`.
    """

    model_class: ClassVar[type[nn.Module]] = EncoderDecoder
    model: EncoderDecoder

    def __init__(
        self,
        model: EncoderDecoder,
        label_smoothing: float,
        teacher_forcing: float,
        teacher_forcing_end: float | None,
        beam: int,
        length_penalty: float,
        maximum_length: int,
        optimizer: OptimizerFactory | None,
        scheduler: SchedulerFactory | None,
    ) -> None:
        shares = {
            "label_smoothing": label_smoothing,
            "teacher_forcing": teacher_forcing,
            "teacher_forcing_end": teacher_forcing if teacher_forcing_end is None else teacher_forcing_end,
        }
        for name, share in shares.items():
            if not 0 <= share <= 1:
                raise ConfigError(f"{name} lies between 0 and 1, not at {share}")
        if min(beam, maximum_length) < 1:
            raise ConfigError("beam and maximum_length must be at least 1")
        super().__init__(model, optimizer, scheduler)
        self.label_smoothing = label_smoothing
        self.teacher_forcing, self.teacher_forcing_end = teacher_forcing, teacher_forcing_end
        self.beam, self.length_penalty = beam, length_penalty
        self.maximum_length = maximum_length
        self.scores: dict[str, Any] = {}

    @classmethod
    def of_model(cls, model: EncoderDecoder) -> Self:
        """The task of an existing model."""
        task = cls.__new__(cls)
        EncoderDecoderTask.__init__(task, model, 0.0, 1.0, None, 5, 1.0, 100, None, None)
        return task

    @property
    def settings(self) -> dict[str, Any]:
        """How targets are looked for."""
        names = ("beam", "length_penalty", "maximum_length")
        return {name: getattr(self, name) for name in names}

    @property
    def criterion(self) -> str:
        """Nats per token of the target."""
        return "nats"

    def losses(self, batch: PairBatch, stage: str) -> tuple[Tensor, Tensor]:
        """−log p of every token of the targets, smoothed in training, and which are there."""
        context = self.model.context(batch.source, batch.lengths)
        encoding = batch.target
        assert isinstance(encoding, Encoding)
        decoder = self.model.decoder
        if stage != "train":
            losses, _ = decoder.loss(encoding, None, context)
            return losses, encoding.observed
        forced = self._forced()
        if forced < 1:
            encoding = encoding._replace(inputs=self._own_inputs(encoding, context, forced))
        if self.label_smoothing == 0:
            losses, _ = decoder.loss(encoding, None, context)
            return losses, encoding.observed
        distribution: Any = decoder(encoding, None, context)[0]
        smoothed = distribution.smoothed_log_prob(encoding.targets, self.label_smoothing)
        return -smoothed.masked_fill(~encoding.observed, 0.0), encoding.observed

    def _forced(self) -> float:
        """The share of right words now."""
        if self.teacher_forcing_end is None:
            return self.teacher_forcing
        total = total_steps(self.trainer)
        if total is None:
            raise ConfigError("teacher_forcing_end needs trainer.max_epochs or trainer.max_steps")
        done = min(self.global_step / max(total, 1), 1.0)
        return self.teacher_forcing + done * (self.teacher_forcing_end - self.teacher_forcing)

    @torch.no_grad()
    def _own_inputs(self, encoding: Encoding, context: Context, forced: float) -> Tensor:
        """Inputs of which a share are words that the model drew itself, one after another, (B, T).

        No gradient flows through a draw, so that one pass over these inputs has the gradient of the loop.
        """
        state = self.model.decoder.initial_state(len(encoding.targets), context=context)
        token, inputs = None, [encoding.inputs[:, 0]]
        for step in range(encoding.targets.shape[1] - 1):
            distribution, state = self.model.decoder.step(token, state, context.steps(step, step + 1))
            right = encoding.targets[:, step]
            own = torch.rand(right.shape, device=right.device) >= forced
            token = torch.where(own, distribution.sample(), right)
            inputs.append(token)
        return torch.stack(inputs, dim=1)

    def on_test_epoch_end(self) -> None:
        """Score the test set: nats per token, perplexity, and what is written against the references."""
        found = self._log_mean("test")
        if found is None:
            return
        mean, tokens = found
        data: Any = self.trainer.datamodule  # type: ignore[attr-defined]
        sources, references = data.references("test")
        written = self.written(sources)
        self.scores = {
            "pairs": len(written),
            "tokens": tokens,
            "nats": mean,
            "perplexity": perplexity(mean),
            **corpus_scores(written, references),
        }

    @abstractmethod
    def written(self, sources: Sequence[Any]) -> list[str]:
        """What is written for each source, in their order."""

    def score_frame(self) -> pd.DataFrame:
        """The scores of the last test."""
        return pd.DataFrame([{"model": self.name, **self.scores}])
