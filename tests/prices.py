"""Small made-up prices for the tests."""

import numpy as np
import pandas as pd

from tsrnn.data.providers.base import COLUMNS


def random_walks(series=2, sessions=400, seed=0, start="2020-01-01"):
    """A frame in unique_id, ds, y: random walks named S0, S1, ... on weekdays."""
    generator = np.random.default_rng(seed)
    ds = pd.bdate_range(start, periods=sessions)
    steps = 0.01 * generator.standard_t(5, size=(series, sessions))
    prices = 100 * np.exp(steps.cumsum(axis=1))
    frames = [pd.DataFrame({"unique_id": f"S{i}", "ds": ds, "y": prices[i]}) for i in range(series)]
    return pd.concat(frames, ignore_index=True)


def write_long(path, frame):
    """The frame as a file of symbol, date and close."""
    frame = frame.rename(columns={"unique_id": "symbol", "ds": "date", "y": "close"})
    frame.to_csv(path, index=False, date_format="%Y-%m-%d")
    return path


def raw_prices(count=40, dividends=(), splits=(), start="2024-01-02"):
    """Raw prices of one symbol on weekdays, as a provider has them; dividends and splits as (row, value)."""
    generator = np.random.default_rng(0)
    close = 100 * np.exp(0.01 * generator.standard_normal(count).cumsum())
    frame = pd.DataFrame({"ds": pd.bdate_range(start, periods=count)}).astype({"ds": "datetime64[ns]"})
    for name in COLUMNS[1:]:
        frame[name] = 0.0 if name in ("dividends", "splits") else close
    for name, values in (("dividends", dividends), ("splits", splits)):
        for row, value in values:
            frame.loc[row, name] = value
    return frame
