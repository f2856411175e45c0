"""Panels in a checkpoint: plain dicts, which load without running anything."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from tsrnn.protocols import Panel


def plain_panel(panel: Panel) -> dict[str, Any]:
    """A panel as a dict of lists, strings and tensors."""
    dated = bool(np.issubdtype(panel.ds.dtype, np.datetime64))
    return {
        "unique_ids": list(panel.unique_ids),
        "dated": dated,
        "ds": _whole(panel.ds),
        "values": torch.from_numpy(panel.values.copy()),
        "calendar": panel.calendar,
        "ends": None if panel.ends is None else torch.from_numpy(panel.ends.copy()),
        "kind": panel.kind,
        "dates": None if panel.dates is None else _whole(panel.dates),
    }


def _whole(ds: npt.NDArray[Any]) -> torch.Tensor:
    """Time steps as whole numbers: dates in nanoseconds since 1970."""
    moments = ds.astype("datetime64[ns]") if ds.dtype.kind == "M" else ds
    return torch.from_numpy(moments.astype(np.int64))


def panel_from_plain(plain: dict[str, Any]) -> Panel:
    """The panel that `plain_panel` wrote."""
    ds = plain["ds"].numpy()
    return Panel(
        tuple(plain["unique_ids"]),
        ds.astype("datetime64[ns]") if plain["dated"] else ds,
        plain["values"].numpy(),
        plain["calendar"],
        None if plain["ends"] is None else plain["ends"].numpy(),
        plain.get("kind", "series"),
        # A checkpoint of before there were any has none.
        None if plain.get("dates") is None else plain["dates"].numpy().astype("datetime64[ns]"),
    )
