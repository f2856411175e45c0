"""A panel after another: by dates, by numbers, and where series end at time steps of their own."""

import numpy as np
import pandas as pd
import pytest

from tsrnn.data.panels.ends import at_own_ends
from tsrnn.errors import DataWarning
from tsrnn.estimator.continuing import at_own_numbers, continued, on_common_dates
from tsrnn.protocols import Panel

NAN = float("nan")


def daily(first, *rows, names="AB", calendar="24/7"):
    days = pd.date_range(first, periods=len(rows[0])).to_numpy()
    return Panel(tuple(names[: len(rows)]), days, np.array(rows, float), calendar)


def numbered(first, *rows, names="AB", ends=None):
    width = len(rows[0])
    ds = np.arange(first, first + width) if ends is None else np.arange(1 - width, 1)
    return Panel(
        tuple(names[: len(rows)]), ds, np.array(rows, float), ends=None if ends is None else np.array(ends)
    )


KNOWN = daily("2024-01-01", [1, 2, 3, 4], [10, 20, 30, 40])


def test_what_follows_comes_after_and_what_lies_between_is_missing():
    found = continued(KNOWN, daily("2024-01-06", [6, 7]))
    assert found.known == 4
    assert found.panel.ds[-1] == np.datetime64("2024-01-07")
    np.testing.assert_array_equal(
        found.panel.values, [[1, 2, 3, 4, NAN, 6, 7], [10, 20, 30, 40, NAN, NAN, NAN]]
    )


def test_a_date_that_is_cut_belongs_to_what_follows():
    known = daily("2024-01-01", [1, 2, 3, 4], [10, 20, 30, NAN])
    found = continued(known, daily("2024-01-04", [NAN, 5], [40, 50]))
    assert found.known == 3
    np.testing.assert_array_equal(found.panel.values, [[1, 2, 3, 4, 5], [10, 20, 30, 40, 50]])
    np.testing.assert_array_equal(known.values[1], [10, 20, 30, NAN])


@pytest.mark.parametrize(
    "later",
    [
        pytest.param(daily("2024-01-04", [4, 5]), id="a value again"),
        pytest.param(daily("2024-01-02", [2, 3, 4, 5]), id="from within"),
        pytest.param(daily("2024-01-05", [5, 6], names="C"), id="of another series"),
        pytest.param(daily("2025-01-05", [5, 6]), id="long after"),
        pytest.param(numbered(5, [5, 6]), id="numbers after dates"),
    ],
)
def test_what_does_not_follow_stands_for_itself(later):
    assert continued(KNOWN, later) is None


def test_series_without_a_past_are_left_out_by_name():
    with pytest.warns(DataWarning, match="left out, because what was fitted has no past of them: C"):
        found = continued(KNOWN, daily("2024-01-05", [5], [7], names="AC"))
    np.testing.assert_array_equal(found.panel.values[:, -1], [5, NAN])


def test_dated_series_that_ended_on_dates_of_their_own_stand_on_common_ones():
    plain = daily("2024-01-01", [1, 2, 3, 4], [10, 20, NAN, NAN], calendar="none")
    own = at_own_ends(plain, "the frame")
    assert own.ends is not None
    np.testing.assert_array_equal(on_common_dates(own).values, plain.values)
    np.testing.assert_array_equal(on_common_dates(own).ds, plain.ds)
    found = continued(own, daily("2024-01-05", [5, 6], [50, 60]))
    assert (found.known, found.added) == (4, 0)
    np.testing.assert_array_equal(found.panel.values, [[1, 2, 3, 4, 5, 6], [10, 20, NAN, NAN, 50, 60]])


def test_closed_days_without_values_are_no_time_steps():
    weekdays = pd.bdate_range("2024-01-01", periods=5).to_numpy()
    known = Panel(("A",), weekdays, np.arange(1.0, 6)[None], "24/5")
    found = continued(known, daily("2024-01-06", [NAN, NAN, 8, 9], calendar="none"))  # Saturday to Tuesday
    np.testing.assert_array_equal(found.panel.values, [[1, 2, 3, 4, 5, 8, 9]])


def test_numbers_go_on_from_each_series_own():
    known = numbered(0, [1, 2, 3], [10, 20, 30], ends=[3, 2])
    found = continued(known, numbered(3, [NAN, 4, 6], [30.5, 40, NAN]))
    assert found.known == 3
    np.testing.assert_array_equal(found.panel.values, [[1, 2, 3, 4, 6], [10, 20, 30, 30.5, 40]])
    np.testing.assert_array_equal(found.panel.ends, [5, 4])
    assert continued(known, numbered(2, [3, 4])) is None


def test_numbered_series_stand_at_their_last_values():
    found = at_own_numbers(numbered(1, [1, 2, 3], [10, NAN, NAN]))
    np.testing.assert_array_equal(found.values, [[1, 2, 3], [NAN, NAN, 10]])
    np.testing.assert_array_equal(found.ends, [3, 1])
    whole = numbered(1, [1, 2, 3])
    assert at_own_numbers(whole) is whole
