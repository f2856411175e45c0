"""Dropout along a sequence."""

from __future__ import annotations

from torch import Tensor, nn


def dropout(x_BTD: Tensor, p: float, training: bool, *, locked: bool) -> Tensor:
    """The sequence with entries set to 0 with probability p, the others scaled by 1/(1 − p).

    Locked, one mask of a row, (B, 1, D), serves all of its steps (Gal and Ghahramani 2016).
    """
    if not training or p == 0:
        return x_BTD
    if not locked:
        return nn.functional.dropout(x_BTD, p)
    mask = x_BTD.new_empty(x_BTD.shape[0], 1, x_BTD.shape[2]).bernoulli_(1 - p).div_(1 - p)
    return x_BTD * mask
