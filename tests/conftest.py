from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import torch

torch.set_num_threads(1)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Nobody's tests fail, or ask a server, because of where they run."""
    if item.get_closest_marker("network") and os.environ.get("TSRNN_NETWORK") != "1":
        pytest.skip("needs the internet: set TSRNN_NETWORK=1")


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The tests leave the user's cache alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TSRNN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """No test depends on the tests before it, nor on how many there were."""
    torch.manual_seed(0)
