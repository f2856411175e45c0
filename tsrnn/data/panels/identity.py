"""What makes two panels the same data."""

from __future__ import annotations

import hashlib

import numpy as np

from tsrnn.protocols import Panel


def panel_hash(panel: Panel) -> str:
    """sha256 over names, time steps and values: the same data has the same hash, from whatever file."""
    order = sorted(range(len(panel.unique_ids)), key=panel.unique_ids.__getitem__)
    digest = hashlib.sha256("\x00".join(panel.unique_ids[series] for series in order).encode())
    digest.update(np.ascontiguousarray(panel.ds).astype("int64").tobytes())
    if panel.ends is not None:
        digest.update(np.ascontiguousarray(panel.ends[order]).tobytes())
    for series in order:  # one at a time: a copy of a hundred thousand would be as large as they are
        digest.update(np.ascontiguousarray(panel.values[series]).tobytes())
    return digest.hexdigest()
