"""Scores of one-step densities against the observed values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor


@dataclass(frozen=True)
class DensityScore:
    """How good a model's one-step densities of returns were, over the steps of a span.

    Attributes:
        model: its name.
        steps: how many observations were scored.
        nats: mean of −log p(return), in nats per step; less is better.
        mae: mean absolute error of the density's mean, in percent of the price.
        coverage: share of the observations, in percent, inside the central interval of each level.
    """

    model: str
    steps: int
    nats: float
    mae: float
    coverage: dict[int, float]

    def row(self) -> dict[str, Any]:
        """The score as plain columns."""
        columns = {f"coverage_{level}": share for level, share in self.coverage.items()}
        return {
            "model": self.model,
            "steps": self.steps,
            "nats": self.nats,
            "mae_percent": self.mae,
            **columns,
        }


class Assessment(NamedTuple):
    """What a model said of each of M observations, and what was observed.

    Attributes:
        log_prob: (M,) log density of the observed log return, in nats.
        pit: (M,) the probability integral transform, P(return ≤ what was observed). It is uniform if the
            densities are right (Diebold, Gunther and Tay 1998); an interval's coverage is read from it.
        error: (M,) observed log return minus the density's mean.
    """

    log_prob: Tensor
    pit: Tensor
    error: Tensor


def assess(distribution: Any, targets: Tensor, observed: Tensor) -> Assessment:
    """The assessment of one-step densities where there is an observation.

    Args:
        distribution: the density of each step, (...), with `cdf` and `mean`.
        targets: (...) observed values.
        observed: (...) bool.
    """
    parts = distribution.log_prob(targets), distribution.cdf(targets), targets - distribution.mean
    return Assessment(*(part.cpu()[observed.cpu()] for part in parts))


def score(model: str, assessments: Sequence[Assessment], levels: tuple[int, ...] = (80, 95)) -> DensityScore:
    """The score of a model from its assessments, for central intervals of `levels` percent."""
    log_prob, pit, error = (torch.cat(parts).double() for parts in zip(*assessments, strict=True))
    distance = (pit - 0.5).abs()
    return DensityScore(
        model=model,
        steps=log_prob.numel(),
        nats=-float(log_prob.mean()),
        mae=100 * float(error.abs().mean()),
        coverage={level: 100 * float((distance <= level / 200).double().mean()) for level in levels},
    )
