"""Attention: a mean of a memory, weighted by how well its parts fit a query."""

from __future__ import annotations

import math

from torch import Tensor


def attention_weights(scores: Tensor, mask: Tensor | None) -> Tensor:
    """The softmax of the scores over what the memory holds: 0 on padding, and a sum of 1.

    Args:
        scores: (B, T, S), of S places of a memory for T queries.
        mask: (B, S), True where the memory holds something; a row that holds nothing has weights of 0.
            None: everywhere.
    """
    if mask is None:
        return scores.softmax(-1)
    held = mask.unsqueeze(1)
    weights = scores.masked_fill(~held, -math.inf).softmax(-1)
    # A row without a memory has the softmax of nothing, which is not a number.
    return weights.masked_fill(~held, 0.0)
