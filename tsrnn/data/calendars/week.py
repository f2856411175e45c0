"""A week of open hours: the times of the week at which values come, and the turn of the year without them."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

import numpy as np
import numpy.typing as npt

from tsrnn.data.calendars.clocks import (
    DAY,
    WEEK,
    Dates,
    Seconds,
    among,
    clock_text,
    file_times,
    market_times,
    moments,
    second_of,
    seconds,
)
from tsrnn.errors import ConfigError

PREFIX = "week "
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_SHUT = re.compile(r"(\d\d)-(\d\d) ([\d:]+) to (\d\d)-(\d\d) ([\d:]+)", re.ASCII)


@dataclass(frozen=True)
class OpenWeek:
    """The times of the week at which values come, on the market's clock.

    Args:
        times: increasing, in seconds since Monday 00:00.
        zone: the zone of the market's clock, where the file's times are in UTC or always as far from it;
            "": the file's own clock is the market's.
        shut: the first and last of the times of the year between which no value comes, as `time_of_year`
            has them.
    """

    times: tuple[int, ...]
    zone: str = ""
    shut: tuple[tuple[int, int], ...] = ()

    @property
    def name(self) -> str:
        """The week in words, from which `from_name` makes it again."""
        days = [(day, _runs([time % DAY for time in self.times if time // DAY == day])) for day in range(7)]
        parts = []
        for runs, same in groupby(days, key=itemgetter(1)):
            numbers = [day for day, _ in same]
            if runs:
                first, last = _DAYS[numbers[0]], _DAYS[numbers[-1]]
                parts.append(f"{first if first == last else f'{first}-{last}'} {runs}")
        words = [", ".join(parts)] + ([self.zone] if self.zone else [])
        if self.shut:
            spans = [f"{_year_text(first)} to {_year_text(last)}" for first, last in self.shut]
            words.append("shut " + ", ".join(spans))
        return PREFIX + "; ".join(words)

    @classmethod
    def from_name(cls, name: str) -> OpenWeek:
        """The week of a name.

        Raises:
            ConfigError: if it is not written as `name` writes it.
        """
        times: set[int] = set()
        zone, shut = "", []
        try:
            days, *more = name.removeprefix(PREFIX).split("; ")
            for part in days.split(", "):
                which, *runs = part.split(" ")
                first, last = (which.split("-") * 2)[:2]
                for day in range(_DAYS.index(first), _DAYS.index(last) + 1):
                    times |= {day * DAY + time for run in runs for time in _times(run)}
            for word in more:
                if word.startswith("shut "):
                    for span in word.removeprefix("shut ").split(", "):
                        shut.append(_span(span))
                else:
                    zone = zoneinfo.ZoneInfo(word).key
            if not times:
                raise ValueError("no times")
        except (ValueError, IndexError, OSError, zoneinfo.ZoneInfoNotFoundError):
            wanted = "week Mon-Fri 09:00-17:00/60min"
            raise ConfigError(f"calendar {name!r} is no week: write it as '{wanted}', or use week") from None
        return cls(tuple(sorted(times)), zone, tuple(shut))

    def following(self, last: np.datetime64, count: int) -> Dates:
        """The `count` times after `last`, both on the file's clock."""
        monday = int(seconds(market_times(np.array([last]), self.zone))[0]) // WEEK * WEEK
        found: Dates = np.empty(0, "datetime64[ns]")
        weeks = -(-count // len(self.times)) + 1
        for _ in range(60):
            starts = monday + WEEK * np.arange(weeks)
            local = moments((starts[:, None] + np.array(self.times)).reshape(-1))
            ahead = file_times(local[~self._is_shut(local)], self.zone)
            found = np.concatenate([found, ahead[ahead > last]])
            if len(found) >= count:
                return found[:count]
            monday += WEEK * weeks
        raise ConfigError(f"calendar {self.name!r} is shut all year")

    def is_open(self, ds: Dates) -> npt.NDArray[np.bool_]:
        """Whether each time of the file is one of those at which values come."""
        local = market_times(ds, self.zone)
        return among(seconds(local) % WEEK, np.array(self.times)) & ~self._is_shut(local)

    def _is_shut(self, local: Dates) -> npt.NDArray[np.bool_]:
        year, shut = time_of_year(local), np.zeros(len(local), bool)
        for first, last in self.shut:
            shut |= (year >= first) & (year <= last)
        return shut


def time_of_year(local: Dates) -> Seconds:
    """Seconds since the start of a year whose months all have 32 days: the same for a date in every year."""
    months, days = local.astype("datetime64[M]"), local.astype("datetime64[D]")
    place = 32 * (months.astype(np.int64) % 12) + (days - months.astype("datetime64[D]")).astype(np.int64)
    return np.asarray(place * DAY + seconds(local) % DAY)


def _year_text(time: int) -> str:
    day, second = divmod(time, DAY)
    return f"{day // 32 + 1:02d}-{day % 32 + 1:02d} {clock_text(second)}"


def _span(text: str) -> tuple[int, int]:
    found = _SHUT.fullmatch(text)
    if found is None:
        raise ValueError(text)
    ends = []
    for month, day, time in (found.groups()[:3], found.groups()[3:]):
        ends.append((32 * (int(month) - 1) + int(day) - 1) * DAY + second_of(time))
    return ends[0], ends[1]


def _runs(times: Sequence[int]) -> str:
    """The times of a day as evenly spaced runs, 09:30-15:30/30min, and single times."""
    words, rest = [], list(times)
    while rest:
        steps = np.diff(rest)
        length = 1 + int(np.argmax(np.append(steps != steps[:1], True))) if len(rest) > 2 else 1
        if length < 3:
            words.append(clock_text(rest.pop(0)))
            continue
        step = int(steps[0])
        spacing = f"{step}s" if step % 60 else f"{step // 60}min"
        words.append(f"{clock_text(rest[0])}-{clock_text(rest[length - 1])}/{spacing}")
        del rest[:length]
    return " ".join(words)


def _times(run: str) -> range:
    """The times of a run of `_runs`."""
    ends, _, step = run.partition("/")
    first, _, last = ends.partition("-")
    if not step:
        return range(second_of(first), second_of(first) + 1)
    length = int(step.removesuffix("min")) * 60 if step.endswith("min") else int(step.removesuffix("s"))
    return range(second_of(first), second_of(last) + 1, length)
