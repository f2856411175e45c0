"""A vector as a context."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor, nn

from tsrnn.encoders.base import Encoder
from tsrnn.errors import ConfigError
from tsrnn.protocols import Context


@final
class VectorEncoder(Encoder):
    """A row of numbers (image features, attributes), standardised and mapped: vector → sequence.

        static = tanh(W (v − location) / scale + b)

    Args:
        input_size: F, numbers of a row.
        output_size: C.
        location: (F,) of the training rows. None: 0.
        scale: (F,) of the training rows, above 0. None: 1.
        dropout: on the standardised numbers.

    Raises:
        ConfigError: if location or scale have another length than the rows.
    """

    def __init__(
        self,
        input_size: int,
        output_size: int,
        location: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        for name, values in (("location", location), ("scale", scale)):
            if values is not None and len(values) != input_size:
                raise ConfigError(f"{name} has {len(values)} numbers for rows of {input_size}")
        self.input_size, self.output_size = input_size, output_size
        self.location = None if location is None else [float(value) for value in location]
        self.scale = None if scale is None else [float(value) for value in scale]
        self.dropout = dropout
        self.projection = nn.Linear(input_size, output_size)
        self.static_size, self.memory_size = output_size, None

    def forward(self, source: Tensor, lengths: Tensor | None = None) -> Context:
        """The context of rows (B, F)."""
        if self.location is not None:
            source = source - torch.tensor(self.location, dtype=source.dtype, device=source.device)
        if self.scale is not None:
            source = source / torch.tensor(self.scale, dtype=source.dtype, device=source.device)
        source = nn.functional.dropout(source, self.dropout, self.training)
        return Context(static=self.projection(source).tanh())
