"""Adjusted prices are Yahoo's formula, and stay what they are whatever comes later."""

import numpy as np
import pandas as pd
import pytest

from tests.prices import raw_prices
from tsrnn.data.providers.adjustment import adjusted
from tsrnn.errors import DataError


def yahoo_adj_close(close, dividends):
    """Yahoo's formula, step by step: every price before an ex-date times 1 - dividend / close before it."""
    prices = list(close)
    for day in range(1, len(close)):
        if dividends[day]:
            factor = 1 - dividends[day] / close[day - 1]
            prices[:day] = [price * factor for price in prices[:day]]
    return prices


def test_the_adjusted_close_is_yahoos_formula():
    frame = raw_prices(dividends=[(0, 9.0), (7, 0.25), (20, 1.5), (21, 0.1), (39, 2.0)])
    ours = adjusted(frame, frame["ds"].iloc[-1])
    np.testing.assert_allclose(ours["y"], yahoo_adj_close(frame["close"], frame["dividends"]), rtol=1e-12)
    assert ours["y"].iloc[-1] == frame["close"].iloc[-1]
    np.testing.assert_array_equal(ours["close"], frame["close"])


def test_the_same_day_gives_the_same_prices_whatever_came_later():
    """Dividends and a split after the day restate the provider's history, and change nothing."""
    early = raw_prices(count=25, dividends=[(7, 0.25), (20, 1.5)])
    late = raw_prices(dividends=[(7, 0.25), (20, 1.5), (30, 3.0)], splits=[(27, 4.0), (35, 0.5)])
    late[["open", "high", "low", "close", "dividends"]] /= 2.0  # 4 new for 1, then 1 for 2
    as_of = early["ds"].iloc[-1]
    then, now = adjusted(early, as_of), adjusted(late, as_of)
    pd.testing.assert_frame_equal(then, now, rtol=1e-12)
    np.testing.assert_allclose(adjusted(late, late["ds"].iloc[-1])["close"], late["close"])


def test_a_split_before_the_day_is_in_the_closes_already():
    frame = raw_prices(splits=[(10, 4.0)])
    np.testing.assert_array_equal(adjusted(frame, frame["ds"].iloc[-1])["y"], frame["close"])


def test_a_dividend_after_a_missing_close_is_measured_by_the_close_before_it():
    frame = raw_prices(dividends=[(20, 1.0)])
    frame.loc[19, "close"] = np.nan
    ours = adjusted(frame, frame["ds"].iloc[-1])
    assert np.isnan(ours["y"][19])
    assert ours["y"][18] == pytest.approx(frame["close"][18] - 1.0)


def test_a_dividend_as_large_as_the_price_cannot_be_adjusted_for():
    frame = raw_prices(dividends=[(20, 500.0)])
    with pytest.raises(DataError, match="dividend of 2024-01-30 is 500, but the close before is"):
        adjusted(frame, frame["ds"].iloc[-1])
