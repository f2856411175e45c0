"""Scores of one-step densities against what happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
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
        return {"model": self.model, "steps": self.steps, "nats": self.nats, "mae_percent": self.mae, **columns}


def score_densities(
    model: str, log_prob: Tensor, pit: Tensor, error: Tensor, levels: tuple[int, ...] = (80, 95)
) -> DensityScore:
    """The score of a model from what it said of each observation.

    Args:
        model: its name.
        log_prob: (M,) log density of each observed log return, in nats.
        pit: (M,) the probability integral transform, P(return ≤ what was observed). It is uniform if the
            densities are right (Diebold, Gunther and Tay 1998); an interval's coverage is read from it.
        error: (M,) observed log return minus the density's mean.
        levels: of the central intervals, in percent.
    """
    distance = np.abs(pit.double().cpu().numpy() - 0.5)
    return DensityScore(
        model=model,
        steps=log_prob.numel(),
        nats=-float(log_prob.double().mean()),
        mae=100 * float(error.double().abs().mean()),
        coverage={level: 100 * float((distance <= level / 200).mean()) for level in levels},
    )
