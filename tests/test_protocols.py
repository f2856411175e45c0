"""A panel and its parts."""

import numpy as np

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
