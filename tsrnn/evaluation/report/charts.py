"""What the charts of a report are drawn from: numbers as JSON has them, forecasts compressed."""

from __future__ import annotations

import base64
import gzip
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from tsrnn.errors import DataError
from tsrnn.protocols import Panel, time_text

Floats = npt.NDArray[np.float64]

FAN_COLUMNS = ("q0.025", "q0.1", "median", "q0.9", "q0.975")
FAN_UNITS = 1000
MISSING = 65535
LEAST_CONTEXT = 60


def pack_fans(values: Floats) -> str:
    """The quantiles of one model's forecasts of one series, compressed and in base64.

    Each fan, the forecast from one origin, is written in thousandths of its own height, so that a quantile
    is at most half a thousandth of that height off. The bytes are, one after the other: each fan's lowest
    value in double precision; the thousandths of the fans' heights in single precision; and, in the order
    (Q, H, O), the high bytes and then the low bytes of each quantile's differences from step to step, modulo
    2^16, in those thousandths. A missing value stands as 65535.

    Args:
        values: (O, Q, H) quantiles of O origins and H steps, NaN where there are none.
    """
    known = np.isfinite(values)
    some = known.any(axis=(1, 2))
    low = np.where(some, np.min(values, axis=(1, 2), where=known, initial=np.inf), 0.0)
    high = np.where(some, np.max(values, axis=(1, 2), where=known, initial=-np.inf), 0.0)
    unit = ((high - low) / FAN_UNITS).astype(np.float32)
    places = (values - low[:, None, None]) / np.where(unit > 0, unit, 1.0)[:, None, None]
    whole = np.rint(np.where(known, places, MISSING)).astype(np.uint16)
    differences = np.diff(whole, axis=2, prepend=np.uint16(0)).transpose(1, 2, 0)
    high_bytes, low_bytes = ((differences >> shift).astype(np.uint8) for shift in (8, 0))
    parts = (low.astype("<f8"), unit.astype("<f4"), high_bytes, low_bytes)
    return packed(b"".join(part.tobytes() for part in parts))


def lines(frame: pd.DataFrame, x: str, *columns: str) -> list[dict[str, Any]]:
    """The columns of each model, along `x`."""
    if frame.empty:
        return []
    return [
        {"model": str(model)} | {column: _plain(part[column].to_numpy()) for column in (x, *columns)}
        for model, part in frame.sort_values(x, kind="stable").groupby("model", sort=False, observed=True)
    ]


def histogram(model: str, counts: npt.ArrayLike) -> dict[str, Any]:
    """Shares of the bins, and where a calibrated forecast's lie with 95 %, each bin's by itself."""
    found = np.asarray(counts, dtype=np.int64)
    total = int(found.sum())
    if total == 0:
        raise DataError(f"the report's pit counts nothing of {model}: leave the model out")
    low, high = stats.binom.interval(0.95, total, 1 / len(found))
    share = _plain(found / total)
    return {"model": model, "share": share, "low": float(low / total), "high": float(high / total)}


def fan_data(frame: pd.DataFrame, panel: Panel) -> dict[str, Any]:
    """Every fan, packed, and the actual values around them."""
    known = set(frame["unique_id"])
    models = list(dict.fromkeys(frame["model"]))
    names = [name for name in panel.unique_ids if name in known]
    rows = [panel.unique_ids.index(name) for name in names]
    column = pd.Index(names).get_indexer(frame["unique_id"])
    cutoffs, ds = frame["cutoff"].to_numpy(), frame["ds"].to_numpy()
    ends = None if panel.ends is None else panel.ends[rows]
    if ends is not None:  # back to the time steps that the series have in common
        place = frame["origin"].to_numpy()
        cutoffs, ds = panel.ds[place], panel.ds[place + frame["step"].to_numpy(dtype=np.int64)]
    times = np.unique(np.concatenate([panel.ds, cutoffs, ds]))
    origins, origin = np.unique(cutoffs, return_inverse=True)
    step = frame["step"].to_numpy(dtype=np.int64) - 1
    horizon = int(step.max()) + 1

    values = np.full((len(models), len(names), len(origins), len(FAN_COLUMNS), horizon), np.nan)
    model = pd.Index(models).get_indexer(frame["model"])
    values[model, column, origin, :, step] = frame[list(FAN_COLUMNS)].to_numpy(dtype=np.float64)
    targets = np.full((len(origins), horizon), -1)
    targets[origin, step] = np.searchsorted(times, ds)

    actual = np.full((len(names), len(times)), np.nan)
    actual[:, np.searchsorted(times, panel.ds)] = panel.values[rows]
    context = max(3 * horizon, LEAST_CONTEXT)
    places = np.searchsorted(times, origins)
    first, end = max(int(places[0]) - context, 0), max(int(targets.max()), int(places[-1])) + 1
    shown = times[first:end]
    if panel.dates is not None and ends is not None:  # the dates of series that end earlier, before those
        every = np.union1d(panel.dates, times)
        before = len(every) - len(times)
        shown = every[max(before + first + int(ends.min()), 0) : before + end]
    return {
        "models": [str(name) for name in models],
        "series": names,
        "levels": list(FAN_COLUMNS),
        "missing": MISSING,
        "context": context,
        "times": _plain(shown),
        "lead": len(shown) - (end - first),
        "ends": None if ends is None else ends.tolist(),
        "origins": (places - first).tolist(),
        "targets": np.where(targets < 0, -1, targets - first).tolist(),
        "actuals": [packed(row[first:end].astype("<f4").tobytes()) for row in actual],
        "packed": [[pack_fans(fan) for fan in row] for row in values],
    }


def _plain(values: npt.NDArray[Any]) -> list[Any]:
    """Numbers as JSON has them, dates as text, and None where there is no number."""
    if values.dtype.kind == "M":
        return [time_text(value) for value in values]
    if values.dtype.kind == "f":
        return [float(value) if math.isfinite(value) else None for value in values]
    return list(values.tolist())


def packed(data: bytes) -> str:
    """The bytes compressed by gzip, in base64."""
    return base64_text(gzip.compress(data, 9, mtime=0))


def base64_text(data: bytes) -> str:
    """The bytes in base64."""
    return base64.b64encode(data).decode("ascii")
