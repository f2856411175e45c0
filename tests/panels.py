"""Small made-up panels of seasonal series for the tests."""

import numpy as np
import pandas as pd

from tsrnn.protocols import Panel


def seasonal_values(series=6, sessions=200, season=4, seed=0):
    """Values with a level, a season and noise of each series' own, (N, T)."""
    generator = np.random.default_rng(seed)
    level = generator.uniform(20, 200, (series, 1))
    pattern = 0.2 * level * generator.standard_normal((series, season))
    noise = 0.05 * level * generator.standard_normal((series, sessions))
    return level + np.tile(pattern, -(-sessions // season))[:, :sessions] + noise


def seasonal_panel(series=6, sessions=200, season=4, seed=0, ends=None):
    """The same as a panel of numbered sessions."""
    names = tuple(f"S{place}" for place in range(series))
    ds = np.arange(1 - sessions, 1) if ends is not None else np.arange(sessions)
    return Panel(names, ds, seasonal_values(series, sessions, season, seed), ends=ends)


def seasonal_frame(series=6, sessions=200, season=4, seed=0, start="2020-01-01", freq="D"):
    """The same as a long frame with dates."""
    ds = pd.date_range(start, periods=sessions, freq=freq)
    values = seasonal_values(series, sessions, season, seed)
    frames = [
        pd.DataFrame({"unique_id": f"S{place}", "ds": ds, "y": row}) for place, row in enumerate(values)
    ]
    return pd.concat(frames, ignore_index=True)


def write_m4(path, rows, names=None):
    """Rows of unequal length in the form of the M4 competition: a name, then the values from the first on."""
    longest = max(map(len, rows))
    names = names or [f"H{place + 1}" for place in range(len(rows))]
    lines = [",".join(f'"V{place + 1}"' for place in range(longest + 1))]
    for name, row in zip(names, rows, strict=True):
        cells = [f'"{name}"', *map(repr, map(float, row)), *[""] * (longest - len(row))]
        lines.append(",".join(cells))
    path.write_text("\n".join(lines) + "\n")
    return path
