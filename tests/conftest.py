from __future__ import annotations

import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """No test depends on the tests before it, nor on how many there were."""
    torch.manual_seed(0)
