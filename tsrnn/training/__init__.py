"""Training: thin Lightning tasks, and checkpoints."""

from typing import TYPE_CHECKING

from tsrnn.exports import publish as _publish

if TYPE_CHECKING:
    from tsrnn.training.checkpoints.callback import RunCheckpoint as RunCheckpoint
    from tsrnn.training.checkpoints.contents import AtomicCheckpointIO as AtomicCheckpointIO
    from tsrnn.training.loading import load as load
    from tsrnn.training.runtime.schedules import WarmupCosine as WarmupCosine
    from tsrnn.training.tasks import *  # noqa: F403

_publish(__name__)
