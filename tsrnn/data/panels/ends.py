"""Where series end: each at a last time step of its own, or all with the panel."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np

from tsrnn.data.calendars import following_sessions, open_steps
from tsrnn.data.calendars.week import PREFIX
from tsrnn.data.tables.source import shown
from tsrnn.errors import DataError, DataWarning, Notice, level_of_the_user
from tsrnn.protocols import Panel, time_text

_NO_EXCHANGE = ("none", "24/7", "24/5")


def at_own_ends(panel: Panel, source: str) -> Panel:
    """The panel with dated series that end on different dates aligned at their ends, as numbered ones are.

    Each is then forecast from its own last value, and its own last values are its test part. A note says so.
    Series of an exchange, series that end together, and those that have `ends` already stay as they are.

    Args:
        panel: as it was read.
        source: the file's name, in the words of a message.
    """
    of_an_exchange = panel.calendar not in _NO_EXCHANGE and not panel.calendar.startswith(PREFIX)
    if panel.ds.dtype.kind != "M" or panel.ends is not None or of_an_exchange:
        return panel
    seen = ~np.isnan(panel.values)
    back = np.where(seen.any(1), seen[:, ::-1].argmax(1), 0)
    if (back == back[0]).all():
        return panel
    places = np.arange(panel.num_steps) - back[:, None]
    values = np.take_along_axis(panel.values, np.maximum(places, 0), axis=1)
    values[places < 0] = np.nan
    first = int((~np.isnan(values)).any(0).argmax())
    early = f"{np.count_nonzero(back > back.min()):,} of {len(back):,} series end before "
    problem = f"{source}: {early}{time_text(panel.ds[-1 - back.min()])}"
    warnings.warn(
        Notice(f"{problem}: each is forecast from its own last value"), stacklevel=level_of_the_user()
    )
    return replace(panel, ds=panel.ds[first:], values=values[:, first:], ends=-back, dates=panel.ds)


def followed_by(panel: Panel, later: Panel, path: str | Path) -> Panel:
    """The panel with the time steps of another after its own, series by name.

    Raises:
        DataError: if the later panel lacks a series, or does not begin after this one ends.
    """
    places = {name: place for place, name in enumerate(later.unique_ids)}
    missing = [name for name in panel.unique_ids if name not in places]
    if missing:
        raise DataError(f"there is no series {shown(missing[0])}, which the training data have", path=path)
    dated = panel.ds.dtype.kind == "M"
    if dated != (later.ds.dtype.kind == "M"):
        raise DataError("its time steps do not follow those of the training data", path=path)
    if dated:
        known = panel.ds if panel.dates is None else panel.dates
        kept = ~np.isnan(later.values).all(0) | open_steps(later.ds, panel.calendar, known)
        later = replace(later, ds=later.ds[kept], values=later.values[:, kept])
    order = [places[name] for name in panel.unique_ids]
    if panel.dates is not None:
        return _each_followed_by(panel, later.rows(order), path)
    following = later.values[order]
    if dated and later.ds[0] <= panel.ds[-1]:
        raise DataError("its time steps do not follow those of the training data", path=path)
    if later.ends is not None:
        # Aligned at their ends, they begin at different places: what follows begins for all at once.
        begins = later.num_steps - later.ends[order]
        places_of = np.arange(later.num_steps) + begins[:, None]
        padded = np.pad(following, ((0, 0), (0, later.num_steps)), constant_values=np.nan)
        following = np.take_along_axis(padded, places_of, axis=1)
    if dated:
        awaited = following_sessions(panel.ds, panel.calendar, 1)[0]
        if later.ds[0] != awaited:
            problem = f"begins on {time_text(later.ds[0])}, where {time_text(awaited)} follows"
            warnings.warn(DataWarning(f"{path}: {problem} the training data"), stacklevel=level_of_the_user())
    return panel.followed_by(following, later.ds if dated else None)


def _each_followed_by(panel: Panel, later: Panel, path: str | Path) -> Panel:
    """What follows each series after its own end, by its dates; `later` is as it was read."""
    assert panel.dates is not None
    assert panel.ends is not None
    dates, ends = np.union1d(panel.dates, later.ds), len(panel.dates) - 1 + panel.ends
    if len(between := np.setdiff1d(dates[: len(panel.dates)], panel.dates)):
        raise DataError(f"{time_text(between[0])} lies between the dates of the training data", path=path)
    seen = ~np.isnan(later.values)
    ahead = np.searchsorted(dates, later.ds) - ends[:, None]  # (N, K) steps after each one's end, from 1 on
    if (ahead[seen] < 1).any():
        name = panel.unique_ids[int((seen & (ahead < 1)).any(1).argmax())]
        problem = "its time steps do not follow those of the training data"
        raise DataError(f"{problem}, those of {shown(name)} for one", path=path)
    count = int(ahead[seen].max(initial=1))
    values = np.full((len(panel.unique_ids), count), np.nan)
    rows, columns = np.nonzero(seen)
    values[rows, ahead[rows, columns] - 1] = later.values[rows, columns]
    # The dates after the end of the series that end last: those that there are, and those that follow.
    beyond = dates[int(ends.max()) + 1 :][:count]
    if len(beyond) < count:
        beyond = np.append(beyond, following_sessions(dates, panel.calendar, count - len(beyond)))
    return panel.followed_by(values, beyond)
