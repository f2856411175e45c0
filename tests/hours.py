"""Times of made-up markets for the tests: currencies, stocks by the minute, crypto."""

import numpy as np
import pandas as pd

# Of New York, 2023 to 2025.
HOLIDAYS = (
    *("2023-01-02", "2023-01-16", "2023-02-20", "2023-04-07", "2023-05-29", "2023-06-19", "2023-07-04"),
    *("2023-09-04", "2023-11-23", "2023-12-25", "2024-01-01", "2024-01-15", "2024-02-19", "2024-03-29"),
    *("2024-05-27", "2024-06-19", "2024-07-04", "2024-09-02", "2024-11-28", "2024-12-25", "2025-01-01"),
    *("2025-01-09", "2025-01-20", "2025-02-17", "2025-04-18"),
)
EARLY_CLOSES = ("2023-07-03", "2023-11-24", "2024-07-03", "2024-11-29", "2024-12-24")


def currency_hours(first, last, zone="UTC", freq="h"):
    """From Sunday to Friday, 17:00 in New York, without Christmas and New Year, on the clock of a zone."""
    times = pd.date_range(first, last, freq=freq, tz="UTC").tz_convert("America/New_York")
    since_monday = times.day_of_week * 24 + times.hour
    days = (times + pd.Timedelta(hours=7)).strftime("%m-%d")  # from 17:00 the day before
    kept = ((since_monday < 4 * 24 + 17) | (since_monday >= 6 * 24 + 17)) & ~days.isin(["12-25", "01-01"])
    return times[kept].tz_convert(zone).tz_localize(None).to_numpy()


def stock_bars(first, last, minutes, zone="America/New_York", labels="left"):
    """New York's sessions on the clock of a zone, bars named by where they begin or end (labels right)."""
    days = pd.bdate_range(first, last)
    parts = []
    for day in days[~days.strftime("%Y-%m-%d").isin(HOLIDAYS)]:
        hours = 3.5 if str(day.date()) in EARLY_CLOSES else 6.5
        opens = day + pd.Timedelta(hours=9.5)
        closes = opens + pd.Timedelta(hours=hours)
        parts.append(pd.date_range(opens, closes, freq=f"{minutes}min", inclusive=labels))
    times = pd.DatetimeIndex(np.concatenate(parts)).tz_localize("America/New_York")
    return times.tz_convert(zone).tz_localize(None).to_numpy()


def rate_frame(ds, level=1.1, scale=0.0008, seed=0):
    """A long frame of one random walk at these times, as small as an exchange rate."""
    steps = scale * np.random.default_rng(seed).standard_t(5, len(ds))
    return pd.DataFrame({"unique_id": "EURUSD", "ds": ds, "y": level * np.exp(steps.cumsum())})
