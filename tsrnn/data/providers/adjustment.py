"""Prices adjusted for dividends and splits as of a stated day, and the table of several symbols."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd

from tsrnn.data.providers.cache import Fetched
from tsrnn.errors import DataError, DataWarning


def adjusted(frame: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Closes adjusted for the dividends and splits that were known on a stated day.

    The provider's closes C and dividends D are in the units of its last session. They are first brought
    back to the units of `as_of`: times the ratio of every split after that day. Then, with t running over
    the ex-dates and t - 1 the session before,

        y_s = C_s * product over s < t <= as_of of (1 - D_t / C_{t-1}),

    which is Yahoo's "Adj Close" of that day. What comes after `as_of` enters nowhere, so the same `as_of`
    gives the same prices, to the digits that the provider keeps, whenever it is computed.

    Args:
        frame: as in `History.frame`, up to the last session that was fetched.
        as_of: the day, whose own dividend counts.

    Returns:
        A new frame of ds, y (the adjusted close) and close (the raw one, in the units of `as_of`), the
        sessions up to `as_of`.

    Raises:
        DataError: a dividend is as large as the close before it.
    """
    later = frame["ds"] > as_of
    ratios = frame.loc[later, "splits"].replace(0.0, 1.0).prod()
    known = frame[~later]
    close = known["close"].to_numpy() * ratios
    dividends = np.nan_to_num(known["dividends"].to_numpy()) * ratios
    # A session may have no close: its dividend is measured by the last close that there was.
    before = pd.Series(close).ffill().shift().to_numpy()
    paid = (dividends > 0) & ~np.isnan(before)
    if (fault := paid & (dividends >= before)).any():
        row = int(np.argmax(fault))
        problem = f"the dividend of {known['ds'].iloc[row]:%Y-%m-%d} is {dividends[row]:g}"
        raise DataError(f"{problem}, but the close before is {before[row]:g}: it cannot be adjusted for")
    factors = np.ones(len(known) + 1)
    factors[:-1][paid] = 1 - dividends[paid] / before[paid]
    # The product of all factors after a session, its own left out.
    products = np.cumprod(factors[::-1])[::-1][1:]
    return pd.DataFrame({"ds": known["ds"].to_numpy(), "y": close * products, "close": close})


def tidy_prices(
    fetched: Sequence[Fetched],
    start: pd.Timestamp,
    end: pd.Timestamp | None = None,
    as_of: pd.Timestamp | None = None,
) -> tuple[pd.DataFrame, pd.Timestamp]:
    """Adjusted prices of several symbols from `start` to `end`, both included, and the day they are as of.

    Args:
        fetched: symbols with prices.
        start: the first day.
        end: the last day. Default: the last session.
        as_of: of the adjustment. Default: the last session up to `end` of any symbol.

    Returns:
        A frame of unique_id, ds, y (adjusted) and close (raw), and `as_of`.

    Raises:
        DataError: no symbol has a session between the two days, or a price cannot be adjusted.
    """
    frames = {item.symbol: item.prices.frame for item in fetched if item.prices is not None}
    asked = f"from {start:%Y-%m-%d} to {'today' if end is None else f'{end:%Y-%m-%d}'}"
    until = pd.Timestamp.max if end is None else end
    lasts = [frame["ds"][frame["ds"].between(start, until)].max() for frame in frames.values()]
    if all(pd.isna(last) for last in lasts):
        raise DataError(f"{', '.join(frames)}: no session {asked}")
    as_of = max(last for last in lasts if not pd.isna(last)) if as_of is None else as_of
    parts = []
    for symbol, frame in frames.items():
        try:
            prices = adjusted(frame, as_of)
        except DataError as error:
            raise DataError(f"{symbol}: {error}") from None
        prices = prices[prices["ds"].between(start, until)]
        if prices.empty:
            warnings.warn(DataWarning(f"{symbol}: left out, no session {asked}"), stacklevel=2)
        parts.append(prices.assign(unique_id=symbol))
    tidy = pd.concat(parts, ignore_index=True)
    return tidy[["unique_id", "ds", "y", "close"]], as_of


def usable(fetched: Sequence[Fetched], on_missing: str, option: str) -> list[Fetched]:
    """The symbols that have prices; those without are an error, or are named in one warning.

    Args:
        fetched: what came of each symbol.
        on_missing: error or skip.
        option: what the user sets to leave symbols out, for the message.

    Raises:
        DataError: a symbol has no prices under `error`, or none has under `skip`.
    """
    missing = [item for item in fetched if item.prices is None]
    found = [item for item in fetched if item.prices is not None]
    if missing:
        listing = "; ".join(f"{item.symbol}: {item.outcome} ({item.detail})" for item in missing[:5])
        listing += f"; and {len(missing) - 5} more" if len(missing) > 5 else ""
        if on_missing == "error":
            raise DataError(f"{listing}; {option} leaves out what has no prices" if found else listing)
        if not found:
            raise DataError(f"no ticker has prices: {listing}")
        warnings.warn(DataWarning(f"left out: {listing}"), stacklevel=2)
    return found
