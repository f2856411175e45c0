"""What a leak test compares, and what it writes down."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tsrnn.protocols import Encoding, Panel, time_text

Floats = npt.NDArray[np.float64]

TOLERANCE = 1e-6
_MOST_KEPT = 10


@dataclass(frozen=True)
class Violation:
    """Something up to a cut that what lies after it has changed.

    Attributes:
        kind: what was done: "future changed", "future removed", "series removed" or "future planted".
        what: values, spans, constants, features, targets, training batches, validation batches, forecast, or
            probe.
        unique_id: the series; "" for all.
        cut: the last time step that nothing may differ up to.
        difference: the largest, relative to the size of what differs; of a probe its hits less one half.
    """

    kind: str
    what: str
    unique_id: str
    cut: str
    difference: float

    def __str__(self) -> str:
        name = f" of {self.unique_id}" if self.unique_id else ""
        return f"{self.kind}: {self.what}{name} up to {self.cut} differ by {self.difference:.2g}"


@dataclass(frozen=True)
class LeakReport:
    """What a leak test found.

    Attributes:
        pairs: how many pairs of a series and a cut were looked at.
        checks: how often each thing was compared.
        violations: the first ten of each kind.
        found: how many violations there were in all.
        excepted: how many features are the same for all series of the panel (its mean, for one), and
            therefore excepted where another series is removed.
        series: how many of the panel's series were looked at.
    """

    pairs: int
    checks: dict[str, int]
    violations: tuple[Violation, ...]
    found: int
    excepted: int
    series: int

    @property
    def ok(self) -> bool:
        """Whether nothing leaks."""
        return not self.found


class Comparisons:
    """Compares what two runs have made of one panel, and keeps what differs.

    Args:
        panel: whose series and time steps are named in a violation.
    """

    def __init__(self, panel: Panel) -> None:
        self.panel = panel
        self.checks: Counter[str] = Counter()
        self.violations: list[Violation] = []
        self.found: Counter[tuple[str, str]] = Counter()

    def compare_encodings(
        self,
        kind: str,
        what: str,
        ours: Encoding,
        theirs: Encoding,
        step: int,
        cut: int,
        tolerance: float = 0.0,
        names: list[str] | None = None,
        *,
        without_inputs: bool = False,
    ) -> None:
        """Inputs, locations and scales up to and with a step; targets before it."""
        parts: list[Any] = [] if without_inputs else [(what, ours.inputs, theirs.inputs, step + 1)]
        parts += [
            (what, ours.location, theirs.location, step + 1),
            (what, ours.scale, theirs.scale, step + 1),
            ("targets", ours.targets, theirs.targets, step),
            ("targets", ours.observed, theirs.observed, step),
        ]
        for name, mine, other, stop in parts:
            if mine is not None and other is not None:
                self.compare(
                    kind, name, mine[:, :stop].numpy(), other[:, :stop].numpy(), cut, tolerance, names
                )

    def compare_batches(self, kind: str, what: str, ours: list[Any], theirs: list[Any], cut: int) -> None:
        """Batch by batch, bit for bit."""
        self.checks[what] += 1
        for mine, other in zip(ours, theirs, strict=True):
            for left, right in zip(mine.encoding, other.encoding, strict=True):
                if left is None and right is None:
                    continue
                left, right = left.numpy(), right.numpy()
                if left.shape != right.shape:
                    return self.violate(kind, what, "", cut, 1.0)
                if not np.array_equal(left, right, equal_nan=True):
                    return self.violate(kind, what, "", cut, float(_difference(left, right).max()))
        return None

    def compare(
        self,
        kind: str,
        what: str,
        ours: Any,
        theirs: Any,
        cut: int,
        tolerance: float = 0.0,
        names: list[str] | None = None,
    ) -> None:
        """Series stand on the first axis; a violation for each one that differs."""
        self.checks[what] += 1
        ours, theirs = np.asarray(ours), np.asarray(theirs)
        if ours.shape != theirs.shape:
            return self.violate(kind, what, "", cut, 1.0)
        if np.array_equal(ours, theirs, equal_nan=ours.dtype.kind == "f"):
            return None
        # What differs by rounding may be next to 0: it is measured by the usual size.
        usual = float(np.nanmean(np.abs(ours))) if tolerance and np.isfinite(ours).any() else 0.0
        difference = _difference(ours, theirs, usual).reshape(len(ours), -1).max(axis=1)
        # A tolerance of 0 is bit for bit: even a difference too small to be divided counts.
        for series in np.flatnonzero(difference > tolerance):
            name = (names or list(self.panel.unique_ids))[series]
            self.violate(kind, what, name, cut, float(difference[series]))
        return None

    def violate(self, kind: str, what: str, name: str, cut: int, difference: float) -> None:
        """Count a violation, and keep the first ones of its kind."""
        self.found[kind, what] += 1
        if self.found[kind, what] <= _MOST_KEPT:
            moment = time_text(self.panel.ds[cut])
            self.violations.append(Violation(kind, what, name, moment, difference))


def _difference(ours: Any, theirs: Any, usual: float = 0.0) -> Floats:
    """Relative to the size, elementwise, or to the usual one; 1 where only one of the two is missing."""
    ours, theirs = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    size = np.maximum(np.maximum(np.abs(ours), np.abs(theirs)), usual)
    with np.errstate(invalid="ignore", divide="ignore"):
        difference = np.where(ours == theirs, 0.0, np.abs(ours - theirs) / np.maximum(size, 1e-300))
    missing = np.isnan(ours) | np.isnan(theirs)
    both = np.isnan(ours) & np.isnan(theirs)
    found: Floats = np.where(missing, np.where(both, 0.0, 1.0), difference)
    return found
