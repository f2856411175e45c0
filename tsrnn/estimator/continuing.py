"""A panel after another: the time steps that have come since."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from tsrnn.data.calendars import following_sessions
from tsrnn.data.tables.source import shown
from tsrnn.errors import DataWarning, first_few, level_of_the_user
from tsrnn.protocols import Panel


def continued(known: Panel, later: Panel) -> tuple[Panel, int] | None:
    """A panel with a later one of the same series after it, and the index of its last time step before that.

    Time steps that lie between the two are missing values. Where the first date of the later panel is the
    last of the known one, for other series (as where the rows of a long frame are cut in the middle of a
    date), that date belongs to the later one.

    Args:
        known: the series so far.
        later: some or all of them; others have no past there, and are named in a warning.

    Returns:
        None where the later panel does not follow: it has none of the series, or begins before the end of the
        known one, or so long after it that more time steps are missing than are known.
    """
    places = {name: place for place, name in enumerate(known.unique_ids)}
    new = [shown(name) for name in later.unique_ids if name not in places]
    if len(new) == len(later.unique_ids) or (known.ds.dtype.kind == "M") != (later.ds.dtype.kind == "M"):
        return None
    later = later.rows([name in places for name in later.unique_ids])
    rows = np.array([places[name] for name in later.unique_ids])
    joined = (_by_date if known.ds.dtype.kind == "M" else _by_number)(known, later, rows)
    if joined is not None and new:
        problem = f"left out, because what was fitted has no past of them: {first_few(new)}"
        warnings.warn(DataWarning(problem), stacklevel=level_of_the_user())
    return joined


def _by_date(known: Panel, later: Panel, rows: npt.NDArray[Any]) -> tuple[Panel, int] | None:
    shared = bool(later.ds[0] == known.ds[-1])
    if later.ds[0] < known.ds[-1]:
        return None
    if shared and (~np.isnan(known.values[rows, -1]) & ~np.isnan(later.values[:, 0])).any():
        return None
    between = known.ds[:0] if shared else _between(known, later.ds[0])
    if between is None:
        return None
    ds = np.concatenate([between, later.ds[shared:]])
    values = np.full((len(known.unique_ids), len(ds)), np.nan)
    values[rows, len(between) :] = later.values[:, shared:]
    before = known.values
    if shared:
        before = before.copy()
        came = ~np.isnan(later.values[:, 0])
        before[rows[came], -1] = later.values[came, 0]
    return known.with_values(before).followed_by(values, ds), known.num_steps - 1 - shared


def _between(known: Panel, first: Any) -> npt.NDArray[Any] | None:
    """The time steps after the known ones and before `first`; None if they are more than are known."""
    count = 1
    while True:
        ds = following_sessions(known.ds, known.calendar, count).astype(known.ds.dtype)
        if ds[-1] >= first:
            return np.asarray(ds[ds < first])
        if count > known.num_steps:
            return None
        count *= 2


def _by_number(known: Panel, later: Panel, rows: npt.NDArray[Any]) -> tuple[Panel, int] | None:
    last = known.ds[-1] + (np.zeros(len(known.unique_ids), int) if known.ends is None else known.ends)
    number = later.ds[None, :] + (0 if later.ends is None else later.ends[:, None])
    steps = np.broadcast_to(number, later.values.shape) - last[rows][:, None]
    there = ~np.isnan(later.values)
    if steps[there].min() < 1 or steps[there].max() > known.num_steps + later.num_steps:
        return None
    values = np.full((len(last), int(steps[there].max())), np.nan)
    values[rows[np.nonzero(there)[0]], steps[there] - 1] = later.values[there]
    return known.followed_by(values), known.num_steps - 1
