"""A panel after another: the time steps that have come since."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tsrnn.data.calendars import following_sessions, open_steps
from tsrnn.data.tables.source import shown
from tsrnn.errors import DataWarning, first_few, level_of_the_user
from tsrnn.protocols import Panel


class Continued(NamedTuple):
    """A panel with a later one after it.

    Attributes:
        panel: both, on all their time steps; dated series stand on common dates, whenever they end.
        known: how many of the time steps are known, the others are the later ones.
        added: how many time steps were put before the known ones, for series that ended earlier.
    """

    panel: Panel
    known: int
    added: int


def continued(known: Panel, later: Panel) -> Continued | None:
    """A panel with a later one of the same series after it.

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


def on_common_dates(panel: Panel) -> Panel:
    """The panel whose dated series stand on their dates, where each stood at an end of its own."""
    if panel.dates is None or panel.ends is None:
        return panel
    columns = len(panel.dates) - panel.num_steps + np.arange(panel.num_steps) + panel.ends[:, None]
    values = np.full((len(panel.unique_ids), len(panel.dates)), np.nan)
    rows, places = np.nonzero(columns >= 0)
    values[rows, columns[rows, places]] = panel.values[rows, places]
    return replace(panel, ds=panel.dates, values=values, ends=None, dates=None)


def at_own_numbers(panel: Panel) -> Panel:
    """The panel whose numbered series each stand at their last value."""
    back = (~np.isnan(panel.values))[:, ::-1].argmax(1)
    if panel.ds.dtype.kind == "M" or not back.any():
        return panel
    places = np.arange(panel.num_steps) - back[:, None]
    values = np.take_along_axis(panel.values, np.maximum(places, 0), axis=1)
    values[places < 0] = np.nan
    ends = (panel.ds[-1] if panel.ends is None else panel.ends) - back
    return replace(panel, ds=np.arange(1 - panel.num_steps, 1), values=values, ends=ends)


def _by_date(known: Panel, later: Panel, rows: npt.NDArray[Any]) -> Continued | None:
    common = on_common_dates(known)
    shared = bool(later.ds[0] == common.ds[-1])
    if later.ds[0] < common.ds[-1]:
        return None
    if shared and (~np.isnan(common.values[rows, -1]) & ~np.isnan(later.values[:, 0])).any():
        return None
    between = common.ds[:0] if shared else _between(common, later.ds[0])
    if between is None:
        return None
    # A weekend of missing values is as closed as one without rows, where the known panel has none.
    open_ = (~np.isnan(later.values)).any(0) | open_steps(later.ds, common.calendar, common.ds)
    later = replace(later, ds=later.ds[open_], values=later.values[:, open_])
    ds = np.concatenate([between, later.ds[shared:]])
    values = np.full((len(common.unique_ids), len(ds)), np.nan)
    values[rows, len(between) :] = later.values[:, shared:]
    before = common.values
    if shared:
        before, came = before.copy(), ~np.isnan(later.values[:, 0])
        before[rows[came], -1] = later.values[came, 0]
    panel = common.with_values(before).followed_by(values, ds)
    return Continued(panel, common.num_steps - shared, common.num_steps - known.num_steps)


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


def _by_number(known: Panel, later: Panel, rows: npt.NDArray[Any]) -> Continued | None:
    last = known.ds[-1] + (np.zeros(len(known.unique_ids), int) if known.ends is None else known.ends)
    number = later.ds[None, :] + (0 if later.ends is None else later.ends[:, None])
    steps = np.broadcast_to(number, later.values.shape) - last[rows][:, None]
    there = ~np.isnan(later.values)
    if steps[there].min() < 1 or steps[there].max() > known.num_steps + later.num_steps:
        return None
    values = np.full((len(last), int(steps[there].max())), np.nan)
    values[rows[np.nonzero(there)[0]], steps[there] - 1] = later.values[there]
    return Continued(known.followed_by(values), known.num_steps, 0)
