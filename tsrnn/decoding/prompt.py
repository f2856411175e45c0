"""What is read before the first word of a continuation."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from tsrnn.models import AutoregressiveModel
from tsrnn.models.autoregressive import ModelState
from tsrnn.protocols import Context

_CHUNK_LENGTH = 512
"""Words of a prompt that are read at once."""


@torch.inference_mode()
def read_prompt(
    model: AutoregressiveModel, prompt_ids: Sequence[int], context: Context | None
) -> tuple[ModelState, Context]:
    """The state after a prompt, for one row, and the context as every step needs it."""
    prepared = model.prepare(context)
    state = model.initial_state(1, context=prepared)
    prompt = torch.as_tensor(prompt_ids, dtype=torch.int64).view(1, -1)
    for start in range(0, prompt.shape[1], _CHUNK_LENGTH):
        chunk = prompt[:, start : start + _CHUNK_LENGTH]
        state = model.read(chunk, state, prepared.steps(start, start + chunk.shape[1]))
    return state, prepared
