"""How many CPU threads torch uses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def cpu_threads(count: int | None) -> Iterator[None]:
    """Inside, torch computes on `count` CPU threads; None leaves it as it is.

    The steps of a small recurrent network are too short to be shared between cores: a second thread
    doubles the CPU time and saves next to none of the wait.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(before if count is None else count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
