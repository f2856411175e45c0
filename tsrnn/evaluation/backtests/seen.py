"""What a trained network has seen of the data that it would be tested on."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from tsrnn.errors import ConfigError, DataWarning
from tsrnn.protocols import Panel, time_text

_EQUAL = 1e-6
"""Two changes of a series are the same if they differ by no more, relative to the larger value."""


def first_unseen(panel: Panel, seen: str | None) -> int | None:
    """Index of the first time step after those that a network was trained or chosen on, if that is known.

    Args:
        panel: the series.
        seen: the last of them, as a checkpoint has it; a date where the panel has numbers says nothing.
    """
    dated = np.issubdtype(panel.ds.dtype, np.datetime64)
    if seen is None or dated == seen.lstrip("-").isdigit():
        return None
    last = np.datetime64(seen) if dated else int(seen)
    return int(np.searchsorted(panel.ds, last, side="right"))


def refuse_seen(predictor: Any, name: str, panel: Panel, origin: int) -> None:
    """Stop where a trained network would forecast what it was trained or chosen on.

    Other data of the same dates are not what it was trained on, and are forecast with a warning.

    Args:
        predictor: what forecasts; a network has `seen`, and `history`, the end of its data.
        name: its name in messages.
        panel: the series that it would forecast.
        origin: index of the first origin.

    Raises:
        ConfigError: if that is so.
    """
    network = getattr(predictor, "predictor", predictor)
    seen = getattr(network, "seen", None)
    unseen = first_unseen(panel, seen)
    if unseen is None or origin + 1 >= unseen:
        return
    if not same_data(network, panel.part(0, unseen)):
        problem = f"{name} was trained on other data up to {seen}, which overlap these in time"
        warnings.warn(DataWarning(f"{problem}: what moved both is known to it"), stacklevel=3)
        return
    raise ConfigError(
        f"{name} was trained or chosen on data up to {seen}, and would forecast from "
        f"{time_text(panel.ds[origin])}: begin later"
    )


def same_data(network: Any, panel: Panel) -> bool:
    """Whether a panel has a series of the data that a network was trained or chosen on.

    That is so where a series has the values of one of its own, whatever it is called; or, of one of the
    same name, at least half of the changes, as re-adjusted prices have. Where the network kept
    none of its data of these time steps, a name in common is enough.

    Args:
        network: with `history`, a panel or None, and `contents`, what its checkpoint says.
        panel: the time steps that it has seen.
    """
    history: Panel | None = getattr(network, "history", None)
    kept = None if history is None else np.intersect1d(history.ds, panel.ds, return_indices=True)
    if history is None or kept is None or len(kept[0]) < 2:
        data = (getattr(network, "contents", None) or {}).get("data") or {}
        names = data.get("unique_ids") or (() if history is None else history.unique_ids)
        return not names or not set(names).isdisjoint(panel.unique_ids)
    own, other = history.values[:, kept[1]], panel.values[:, kept[2]]
    known = {row.tobytes() for row in own if np.isfinite(row).any()}
    if any(row.tobytes() in known for row in other):
        return True
    rows = dict(zip(history.unique_ids, own, strict=True))
    pairs = zip(panel.unique_ids, other, strict=True)
    return any(name in rows and _move_alike(rows[name], row) for name, row in pairs)


def _move_alike(own: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> bool:
    """Whether both move by the same ratio or difference at half of the steps, or more, at which one moves."""
    there = np.isfinite(own) & np.isfinite(other)
    own, other = own[there], other[there]
    moved = (own[1:] != own[:-1]) | (other[1:] != other[:-1])
    if not moved.any():
        return bool(np.array_equal(own, other))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.isclose(own[1:] / own[:-1], other[1:] / other[:-1], rtol=_EQUAL, atol=0)
    size = np.maximum(np.abs(own), np.abs(other))
    differences = np.abs(np.diff(own) - np.diff(other)) <= _EQUAL * np.maximum(size[1:], size[:-1])
    return bool((ratios | differences)[moved].mean() >= 0.5)
