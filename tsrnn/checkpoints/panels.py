"""Panels in a checkpoint: plain dicts, which load without running anything."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from tsrnn.protocols import Panel


def plain_panel(panel: Panel) -> dict[str, Any]:
    """A panel as a dict of lists, strings and tensors."""
    dated = bool(np.issubdtype(panel.ds.dtype, np.datetime64))
    ds = panel.ds.astype("datetime64[ns]") if dated else panel.ds
    return {
        "unique_ids": list(panel.unique_ids),
        "dated": dated,
        "ds": torch.from_numpy(ds.astype(np.int64)),
        "values": torch.from_numpy(panel.values.copy()),
        "calendar": panel.calendar,
        "ends": None if panel.ends is None else torch.from_numpy(panel.ends.copy()),
        "kind": panel.kind,
    }


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
    )
