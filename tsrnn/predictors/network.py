"""A trained network as a predictor: it reads the past, and draws what may come."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from tsrnn.data.calendars import forecast_sessions
from tsrnn.data.loaders.windows import windows
from tsrnn.errors import DataError, DataWarning, first_few
from tsrnn.forecasts import Density, Forecast, QuantileForecast
from tsrnn.heads import Quantiles
from tsrnn.models import AutoregressiveModel, ModelState
from tsrnn.ops import state as state_ops
from tsrnn.predictors.base import PanelPredictor
from tsrnn.protocols import Context, Panel, time_text

_CHUNK_LENGTH = 4096
_LARGEST_MEMORY = 1 << 22
"""Values of all memories at once, 32 MiB of them."""


class NetworkPredictor(PanelPredictor[Forecast | QuantileForecast]):
    """The forecasts of an autoregressive model: sampled paths, or quantiles where its head has no density.

    A codec that remembers all of the past has the history read once, from its beginning, with the state
    carried from origin to origin. Where its memory is bounded, the `context` before each origin is read.

    Args:
        model: the density; it is used on the CPU, in evaluation mode, and left as it was.
        name: the name in tables.
    """

    def __init__(self, model: AutoregressiveModel, name: str) -> None:
        self.model = model
        self._name = name

    @property
    def name(self) -> str:
        """The name in tables."""
        return self._name

    @torch.no_grad()
    def _forecast(
        self,
        panel: Panel,
        horizon: int,
        origins: list[int],
        num_samples: int,
        seed: int,
        context: Context | None,
    ) -> Forecast | QuantileForecast:
        """Those of one path are drawn together: the panel's mean, which is an input, is the path's own."""
        density = None
        with _on_the_cpu(self.model):
            if self.model.codec.memory is None:
                parts, last, states = self._from_history(panel, origins, horizon, num_samples, seed, context)
                density = self._first_step(states, context, origins)
            else:
                parts, last = self._from_windows(panel, origins, horizon, num_samples, seed, context)
        held, known = np.stack(parts), np.stack(last)
        _refuse_overflow(panel.unique_ids, held, known)
        ids, cutoffs, ds = panel.unique_ids, panel.ds[origins], forecast_sessions(panel, origins, horizon)
        lost = np.argwhere(np.isnan(known)) if self.model.codec.memory is not None else ()
        for place in dict.fromkeys(int(place) for place, _ in lost):
            names = first_few([ids[series] for origin, series in lost if origin == place])
            problem = f"no forecast from {time_text(cutoffs[place])}: no recent value of {names}"
            warnings.warn(DataWarning(problem), stacklevel=4)
        if isinstance(self.model.head, Quantiles):
            levels = np.array(self.model.head.levels)
            return QuantileForecast(ids, cutoffs, ds, held, levels, known, panel.ends)
        return Forecast(ids, cutoffs, ds, held, known, panel.ends, density)

    def _from_history(
        self,
        panel: Panel,
        origins: Sequence[int],
        horizon: int,
        num_samples: int,
        seed: int,
        context: Context | None,
    ) -> tuple[list[Any], list[Any], list[ModelState]]:
        """For each origin the paths (N, S, H), the last observed values (N,) and the model's state."""
        values, given = panel.tensor(), self.model.prepare(context)
        state = self.model.initial_state(len(panel.unique_ids), context=given)
        paths, last, states, read = [], [], [], 0
        for origin in origins:
            while read <= origin:
                stop = min(read + _CHUNK_LENGTH, origin + 1)
                state = self.model.read(values[:, read:stop], state, given.steps(read, stop))
                read = stop
            ahead = given.steps(origin + 1, origin + 1 + horizon)
            samples = self._draw(state, horizon, num_samples, _generator(seed, origin), ahead)
            paths.append(samples.transpose(0, 1).numpy())
            last.append(self.model.codec.last(state.codec).numpy())
            states.append(state)
        return paths, last, states

    def _first_step(
        self, states: Sequence[ModelState], context: Context | None, origins: Sequence[int]
    ) -> Density | None:
        """The closed form of the step after each state; None where the codec or the head has none."""
        codec = state_ops.combine(torch.stack, [state.codec for state in states])  # (O, N, ...)
        backbone = state_ops.combine(torch.cat, [state.backbone for state in states])
        given = self.model.prepare(context)
        ahead = [given.steps(origin + 1, origin + 2) for origin in origins]
        state = ModelState(codec, backbone)
        distribution, _ = self.model.step(None, state, state_ops.combine(torch.cat, ahead))
        return self.model.codec.density(distribution, codec)

    def _draw(
        self, state: ModelState, steps: int, num_samples: int, generator: torch.Generator, context: Context
    ) -> Tensor:
        """Paths (S, ..., H), or quantiles (Q, ..., H) where the head has no density."""
        draw = self.model.quantiles if isinstance(self.model.head, Quantiles) else self.model.sample
        return draw(state, steps, num_samples, generator, context)

    def _from_windows(
        self,
        panel: Panel,
        origins: Sequence[int],
        horizon: int,
        num_samples: int,
        seed: int,
        context: Context | None,
    ) -> tuple[list[Any], list[Any]]:
        """For each origin the paths (N, S, H), or quantiles (N, Q, H), and the last values (N,).

        Both are NaN for a series without a value in the codec's memory.
        """
        values, codec, given = panel.tensor(), self.model.codec, Context() if context is None else context
        assert codec.memory is not None
        assert codec.context is not None
        # Each step that is read, and then each path, has a memory of its own.
        alone = isinstance(self.model.head, Quantiles) and horizon <= codec.event_shape[0]
        copies = max(codec.context, 1 if alone else num_samples)
        chunks = torch.split(torch.arange(len(values)), max(_LARGEST_MEMORY // (codec.memory * copies), 1))
        parts, lasts = [], []
        for origin in origins:
            generator = _generator(seed, origin)
            drawn, last = zip(
                *(
                    self._from_window(
                        values, rows, origin, horizon, num_samples, generator, state_ops.select(given, rows)
                    )
                    for rows in chunks
                ),
                strict=True,
            )
            parts.append(torch.cat(drawn).numpy())
            lasts.append(torch.cat(last).numpy())
        return parts, lasts

    def _from_window(
        self,
        values: Tensor,
        rows: Tensor,
        origin: int,
        horizon: int,
        num_samples: int,
        generator: torch.Generator,
        context: Context,
    ) -> tuple[Tensor, Tensor]:
        """The paths (B, S, H) of some series, or their quantiles (B, Q, H), and their last values (B,)."""
        codec = self.model.codec
        assert codec.memory is not None
        assert codec.context is not None
        (size,) = codec.event_shape
        # As in training: the step that is forecast is the last of a window's.
        read = (codec.context - 1) * size
        window = windows(values, codec.memory + read, rows, torch.full_like(rows, origin + 1))
        steps, now = -(-horizon // size), origin + 1
        past, ahead = (
            _of_blocks(context, start, stop, size)
            for start, stop in ((now - read, now), (now, now + steps * size))
        )
        before = codec.state_after(window[:, : codec.memory])
        state = self.model.initial_state(len(rows), context=past)._replace(codec=before)
        if read:
            state = self.model.read(window[:, codec.memory :], state, past)
        found = self._draw(state, steps, num_samples, generator, ahead)
        # Without one value in the codec's memory there is no level, and nothing to say.
        last = codec.last(state.codec)
        found = found.masked_fill(last.isnan().unsqueeze(1), torch.nan)
        return found[..., :horizon].transpose(0, 1).float(), last


def _generator(seed: int, origin: int) -> torch.Generator:
    """Of the paths from an origin: a function of both, whatever else is asked for."""
    return torch.Generator().manual_seed(seed * 1_000_003 + origin)


def _of_blocks(context: Context, start: int, stop: int, size: int) -> Context:
    """The context of the time steps from `start` to `stop`, their `known` side by side in blocks of `size`.

    Before the first and after the last known time step there are zeros.
    """
    if context.known is None:
        return context
    places = torch.arange(start, stop)
    there = (places >= 0) & (places < context.known.shape[1])
    known = context.known[:, places.clamp(0, context.known.shape[1] - 1)] * there.unsqueeze(-1)
    return context._replace(known=known.reshape(len(known), -1, size * known.shape[-1]))


@contextmanager
def _on_the_cpu(model: nn.Module) -> Iterator[None]:
    """Inside, the model is on the CPU and in evaluation mode.

    A codec's recursions are in float64, and a step of a path is too small for a GPU.
    """
    training, device = model.training, next(model.parameters()).device
    model.eval().cpu()
    try:
        yield
    finally:
        model.train(training).to(device)


def _refuse_overflow(ids: Sequence[str], held: npt.NDArray[Any], last: npt.NDArray[Any]) -> None:
    """A volatility that feeds on itself can overflow: such paths say nothing."""
    broken = ~np.isfinite(held) & np.isfinite(last)[:, :, None, None]
    if broken.any():
        places = np.argwhere(broken)
        origin, series, _, step = places[places[:, 3].argmin()]
        remedy = "shorten the horizon, or train the model longer"
        if abs(last[origin, series]) > 1e30:
            remedy = "values beyond 1e30 are too large for single precision; give them in a larger unit"
        raise DataError(f"paths of {ids[series]} overflow {step + 1} steps ahead: {remedy}")
