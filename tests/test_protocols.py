"""A panel and its parts."""

from dataclasses import dataclass

import numpy as np
import pytest

from tsrnn.protocols import Panel


def test_a_part_of_a_panel_has_its_sessions_without_copying():
    panel = Panel(("a", "b"), np.arange(10, 20), np.arange(20.0).reshape(2, 10))
    part = panel.part(2, 5)
    assert part.ds.tolist() == [12, 13, 14]
    assert part.values.tolist() == [[2, 3, 4], [12, 13, 14]]
    assert np.shares_memory(part.values, panel.values)
    assert panel.last(3).ds.tolist() == [17, 18, 19]


def test_a_part_of_series_that_count_their_own_sessions_ends_earlier_in_each():
    panel = Panel(("a", "b"), np.arange(-9, 1), np.ones((2, 10)), ends=np.array([10, 500]))
    part = panel.part(2, 7)
    assert part.ends.tolist() == [7, 497]
    assert part.ds.tolist() == [-4, -3, -2, -1, 0]
    assert panel.last(3).ends.tolist() == [10, 500]


@dataclass(frozen=True)
class Labelled(Panel):
    """A panel with a field of its own, as a later version may have it."""

    unit: str = ""


@pytest.mark.parametrize(
    "change",
    [
        lambda panel: panel.with_values(panel.values * 2),
        lambda panel: panel.rows([1]),
        lambda panel: panel.part(2, 5),
        lambda panel: panel.last(3),
        lambda panel: panel.followed_by(np.ones((2, 1))),
    ],
    ids=["with_values", "rows", "part", "last", "followed_by"],
)
def test_no_change_of_a_panel_loses_a_field(change):
    values = np.arange(20.0).reshape(2, 10)
    changed = change(Labelled(("a", "b"), np.arange(10), values, "XNYS", unit="USD"))
    assert (type(changed), changed.calendar, changed.unit) == (Labelled, "XNYS", "USD")


def test_rows_of_a_panel_are_named_by_places_or_by_a_mask():
    panel = Panel(("a", "b"), np.arange(-2, 1), np.array([[1.0, 2, 3], [4, 5, 6]]), ends=np.array([3, 9]))
    for places in ([1], np.array([1]), np.array([False, True])):
        own = panel.rows(places)
        assert (own.unique_ids, own.values.tolist(), own.ends.tolist()) == (("b",), [[4, 5, 6]], [9])


def test_what_follows_a_panel_takes_the_numbers_that_follow():
    numbered = Panel(("a",), np.array([2, 4]), np.ones((1, 2)))
    assert numbered.followed_by(np.zeros((1, 2))).ds.tolist() == [2, 4, 6, 8]
    own = Panel(("a",), np.array([-1, 0]), np.ones((1, 2)), ends=np.array([7])).followed_by(np.zeros((1, 2)))
    assert (own.ds.tolist(), own.ends.tolist()) == ([-3, -2, -1, 0], [9])
    days = np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[ns]")
    dated = Panel(("a",), days[:1], np.ones((1, 1)), "24/7").followed_by(np.zeros((1, 1)), days[1:])
    assert (dated.ds == days).all()
