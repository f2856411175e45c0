"""Two clocks: that of a file, and that by which a market opens and closes, in summer an hour apart or not."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Dates: TypeAlias = npt.NDArray[Any]
Seconds: TypeAlias = npt.NDArray[np.int64]

DAY, WEEK = 86_400, 604_800
_MONDAY = 4 * DAY  # 1970-01-05 was one


def market_times(ds: Dates, zone: str) -> Dates:
    """The file's times on the clock of a zone, where the file's are in UTC; as they are for the zone ""."""
    import pandas as pd

    if not zone:
        return ds.astype("datetime64[ns]")
    moments = pd.DatetimeIndex(ds.astype("datetime64[ns]"), tz="UTC")
    return np.asarray(moments.tz_convert(zone).tz_localize(None).to_numpy(), "datetime64[ns]")


def file_times(times: Dates, zone: str) -> Dates:
    """What `market_times` was given; an hour that a clock put forward leaves out is left out here too."""
    import pandas as pd

    if not zone:
        return times.astype("datetime64[ns]")
    local = pd.DatetimeIndex(times.astype("datetime64[ns]"))
    winter = np.zeros(len(local), bool)  # of an hour that comes twice, the second
    moments = local.tz_localize(zone, ambiguous=winter, nonexistent="NaT").dropna()
    return np.asarray(moments.tz_convert("UTC").tz_localize(None).to_numpy(), "datetime64[ns]")


def seconds(ds: Dates) -> Seconds:
    """Seconds since a Monday at 00:00."""
    return ds.astype("datetime64[s]").astype(np.int64) - _MONDAY


def moments(since_monday: Seconds) -> Dates:
    """The times of `seconds`."""
    return (since_monday + _MONDAY).astype("datetime64[s]").astype("datetime64[ns]")


def usual_step(ds: Dates) -> int:
    """The most frequent step, in seconds; 0 for a single time."""
    lengths, counts = np.unique(np.diff(seconds(ds)), return_counts=True)
    return int(lengths[counts.argmax()]) if len(lengths) else 0


def among(values: npt.NDArray[Any], known: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Whether each value is one of those known, which are in order: `np.isin` takes ten times as long."""
    if not len(known):
        return np.zeros(values.shape, bool)
    places = np.searchsorted(known, values).clip(max=len(known) - 1)
    return np.asarray(known[places] == values)


def usual_times(times: Seconds) -> Seconds:
    """The different times, in order, that come at least a tenth as often as the most frequent one."""
    different, counts = np.unique(times, return_counts=True)
    return np.asarray(different[counts >= 0.1 * counts.max()])


def clock_text(second: int) -> str:
    """A second of the day as HH:MM, or HH:MM:SS where it is no whole minute."""
    text = f"{second // 3600:02d}:{second // 60 % 60:02d}"
    return f"{text}:{second % 60:02d}" if second % 60 else text


def second_of(text: str) -> int:
    """The second of the day that `clock_text` wrote."""
    parts = [int(part) for part in text.split(":")]
    return sum(part * unit for part, unit in zip(parts, (3600, 60, 1), strict=False))
