"""Lightning without its tips, its advertisements, and advice that does not apply here."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_LOGGERS = (
    "pytorch_lightning",
    "pytorch_lightning.utilities.rank_zero",
    "lightning_fabric",
    "lightning_fabric.utilities.rank_zero",
)
_ADVICE = (
    ".*does not have many workers.*",  # resident tensors have no workers
    ".*The number of training batches.*is smaller than the logging interval.*",
    ".*GPU available but not used.*",
    ".*Experiment logs directory .* exists and is not empty.*",  # it holds the run's other files
    ".*Checkpoint directory .* exists and is not empty.*",
    ".*Trying to infer the `batch_size`.*",
    ".*`isinstance\\(treespec, LeafSpec\\)` is deprecated.*",
    ".*lr_scheduler.step.*before.*optimizer.step.*",
    ".*Total length of `list` across ranks is zero.*",  # an empty validation part is said elsewhere
    ".*mid-epoch.*",  # our loaders keep their place
    ".*It is recommended to use `self.log.*sync_dist=True.*",  # what is logged was gathered before
    ".*all_gather is deprecated.*",
)


@contextmanager
def quiet() -> Iterator[None]:
    """Inside, Lightning says only what goes wrong."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            # What Lightning uses of other libraries that is to be removed there is not the user's affair.
            warnings.filterwarnings("ignore", category=DeprecationWarning)
            for message in _ADVICE:
                warnings.filterwarnings("ignore", message=message)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
