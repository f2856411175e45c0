"""The one model: an autoregressive density, codec → embedding → backbone → head."""

from __future__ import annotations

import math
from typing import ClassVar, NamedTuple, final

import torch
from torch import Tensor, nn

from tsrnn.backbones.base import Backbone
from tsrnn.codecs.base import Codec, Known
from tsrnn.conditioning.base import Conditioning
from tsrnn.errors import ConfigError, DataError
from tsrnn.heads.base import Head
from tsrnn.heads.categorical import ClassHead
from tsrnn.heads.quantiles import QuantileDistribution
from tsrnn.ops import state as state_ops
from tsrnn.protocols import Context, Distribution, Encoding, State


class ModelState(NamedTuple):
    """Everything that the next step depends on.

    Attributes:
        codec: the codec's state, batch axes as in the raw observations.
        backbone: the backbone's state, the batch axes flattened to one.
    """

    codec: State
    backbone: State


@final
class AutoregressiveModel(nn.Module):
    """p(x_1, ..., x_T | context) = Π_t p(x_t | x_{<t}, context), for prices and for words alike.

    Raw observations are (..., T); the batch axes are free, and the codec may read across the last of
    them (the series of a panel). Every function takes a state and returns one, so that a sequence in
    chunks with the state carried has the whole sequence's numbers, factor by factor.

    Args:
        codec: raw observation ↔ model step.
        embedding: the codec's inputs to the backbone's.
        backbone: the recurrent network.
        head: features to the distribution of a step.
        tied: the head's class vectors are the embedding's, one tensor for both.
        conditioning: how a context enters; None for a density of the past alone.

    Every function that takes a `context` wants one row of it for each row of the batch axes, flattened, and
    of `known` as many steps as it reads or makes.

    Raises:
        ConfigError: if vectors are to be tied that there are not, or that differ in size.
    """

    is_component: ClassVar[bool] = True

    def __init__(
        self,
        codec: Codec,
        embedding: nn.Module,
        backbone: Backbone,
        head: Head,
        tied: bool = False,
        conditioning: Conditioning | None = None,
    ) -> None:
        super().__init__()
        self.codec = codec
        self.embedding = embedding
        self.backbone = backbone
        self.head = head
        self.tied = tied
        self.conditioning = conditioning
        # Where a codec offers several locations for a step, the model learns which to trust.
        self.choice = nn.Linear(backbone.output_size, codec.candidates) if codec.candidates > 1 else None
        if tied:
            if not isinstance(embedding, nn.Embedding) or not isinstance(head, ClassHead):
                raise ConfigError("tied weights need an embedding of tokens and a head over classes")
            head.tie(embedding.weight)

    def prepare(self, context: Context | None) -> Context:
        """The context with what can be computed once for all steps; to call twice changes nothing.

        Every function does this by itself. A loop over `step` does it once, before the loop.

        Raises:
            ConfigError: if there is a context and the model has no conditioning.
            DataError: if the context lacks what the model is conditioned on.
        """
        if self.conditioning is None:
            if context is not None and any(part is not None for part in context):
                raise ConfigError("the model has no conditioning, and takes no context")
            return Context()
        dtype = self._dtype
        context = state_ops.map_state(lambda tensor: _cast(tensor, dtype), self.conditioning.check(context))
        return self.conditioning.prepare(context)

    def forward(
        self, encoding: Encoding, state: State = None, context: Context | None = None
    ) -> tuple[Distribution, State]:
        """The distribution of every encoded step, (B, T), and the backbone's state after the last.

        Args:
            encoding: rows of model steps, (B, T, ...).
            state: the backbone's state before the first; None for a fresh one.
            context: of the B rows and T steps.
        """
        y_BTH, state = self._recur(encoding.inputs, state, self.prepare(context))
        return self._distribution(y_BTH, encoding.location, encoding.scale), state

    def loss(
        self, encoding: Encoding, state: State = None, context: Context | None = None
    ) -> tuple[Tensor, State]:
        """The head's loss of every target, 0 where none is observed, and the backbone's state.

        For a density that is −log p in nats, (B, T), or (B, T, P) where a step is a block of P values.
        """
        distribution, state = self(encoding, state, context)
        return self.loss_of(distribution, encoding), state

    def loss_of(self, distribution: Distribution, encoding: Encoding) -> Tensor:
        """The head's loss of every target under its distribution, 0 where none is observed."""
        return self.head.loss(distribution, encoding.targets).masked_fill(~encoding.observed, 0.0)

    def log_prob(
        self, x: Tensor, state: ModelState | None = None, context: Context | None = None
    ) -> tuple[Tensor, ModelState]:
        """log p(x_t | x_{<t}, context) for every observation, in nats per step, in raw units.

        Args:
            x: raw observations (..., T): prices (..., N, T), token ids (B, T).
            state: what came before; None for a sequence's start.
            context: of these rows and steps.

        Returns:
            (..., T), one entry for every observation, the first included; and the state after the last.
            An entry is 0 where there is no density: a missing price, and the first price of a series,
            which is given. The sum is the log density of the sequence.

        Raises:
            DataError: if T is 0.
        """
        if x.shape[-1] == 0:
            raise DataError("an empty sequence has no density")
        encoding, codec_state = self.codec.encode(x, None if state is None else state.codec)
        rows = self._rows(encoding, x.dim() - 1)
        distribution, backbone_state = self(rows, None if state is None else state.backbone, context)
        nats = distribution.log_prob(rows.targets).masked_fill(~rows.observed, 0.0).reshape(x.shape)
        jacobian = self.codec.log_jacobian(x).to(nats.dtype)
        jacobian = jacobian.masked_fill(~encoding.observed.reshape(x.shape), 0.0)
        return nats + jacobian, ModelState(codec_state, backbone_state)

    def read(self, x: Tensor, state: ModelState | None = None, context: Context | None = None) -> ModelState:
        """The state after the observations (..., T), which are not scored."""
        encoding, codec_state = self.codec.encode(x, None if state is None else state.codec)
        inputs = self._rows(encoding, x.dim() - 1).inputs
        before = None if state is None else state.backbone
        _, backbone_state = self._recur(inputs, before, self.prepare(context))
        return ModelState(codec_state, backbone_state)

    def initial_state(self, *batch: int, context: Context | None = None) -> ModelState:
        """The state before the first observation, for the batch axes `batch`."""
        state = self._initial_state(math.prod(batch), self.prepare(context))
        return ModelState(self.codec.initial_state(*batch), state)

    def step(
        self, x_t: Tensor | None, state: ModelState, context: Context | None = None
    ) -> tuple[Distribution, ModelState]:
        """One observation in, the next one's distribution (...) out, in model steps; O(1).

        Args:
            x_t: (...) the observation that `state` awaits; None where it awaits none: at the start, and
                after `log_prob`.
            state: from `initial_state`, `log_prob` or `step`. After a step it awaits its observation.
            context: of the step whose distribution is asked for.
        """
        codec_state = state.codec if x_t is None else self.codec.update(x_t, state.codec)
        distribution, backbone_state = self._next(codec_state, state.backbone, self.prepare(context))
        return distribution, ModelState(codec_state, backbone_state)

    @torch.no_grad()
    def sample(
        self,
        state: ModelState,
        steps: int,
        num_samples: int,
        generator: torch.Generator | None = None,
        context: Context | None = None,
    ) -> Tensor:
        """Paths that continue from a state that awaits no observation, sampled together step by step.

        Args:
            state: from `initial_state` or `log_prob`, batch axes (...).
            steps: H.
            num_samples: S.
            context: of the rows of the state and the H steps; all paths of a row share it.

        Returns:
            (S, ..., H) raw values; (S, ..., H · P) where a step is a block of P values.
        """
        # What comes first is read once, for it is the same for all paths.
        codec_state, backbone_state = state
        known, prepared = self._known(codec_state), self.prepare(context)
        features, backbone_state = self._features(known, backbone_state, prepared.steps(0, 1))
        codec_state = state_ops.expand(codec_state, num_samples)
        backbone_state = state_ops.repeat(backbone_state, num_samples)
        prepared = state_ops.repeat(prepared, num_samples)
        known = state_ops.expand(known, num_samples)
        features = features.expand(num_samples, *features.shape)
        path: list[Tensor] = []
        while True:
            distribution = self._distribution(features, known.location, known.scale)
            x_t = self.codec.decode(distribution.sample(generator), codec_state)
            path.append(x_t)
            if len(path) == steps:
                return self._joined(path)
            codec_state = self.codec.update(x_t, codec_state)
            known = self._known(codec_state)
            features, backbone_state = self._features(
                known, backbone_state, prepared.steps(len(path), len(path) + 1)
            )

    @torch.no_grad()
    def quantiles(
        self,
        state: ModelState,
        steps: int,
        num_paths: int,
        generator: torch.Generator | None = None,
        context: Context | None = None,
    ) -> Tensor:
        """Quantiles of the steps that follow a state, for a head of quantiles.

        Those of the first step are the head's own. The later ones are taken over paths: each path follows
        one level through a block, evenly spaced levels in the first block and the same ones in a random
        order in each later one (a Latin hypercube), so that a few paths cover the whole distribution.

        Args:
            state: from `initial_state`, `log_prob` or `read`, batch axes (...).
            steps: H.
            num_paths: S, not used for a single step.
            context: of the rows of the state and the H steps.

        Returns:
            (Q, ..., H) raw values; (Q, ..., H · P) where a step is a block of P values.
        """
        codec_state, prepared = state.codec, self.prepare(context)
        distribution, backbone_state = self._next(codec_state, state.backbone, prepared.steps(0, 1))
        assert isinstance(distribution, QuantileDistribution)
        levels = distribution.levels
        own = distribution.quantiles.movedim(-1, 0)
        found = [self.codec.decode(own, state_ops.expand(codec_state, len(own)))]
        if steps == 1:
            return self._joined(found)
        even = (torch.arange(num_paths, dtype=levels.dtype) + 0.5) / num_paths
        codec_state = state_ops.expand(codec_state, num_paths)
        backbone_state = state_ops.repeat(backbone_state, num_paths)
        prepared = state_ops.repeat(prepared, num_paths)
        followed = distribution.expand(num_paths).quantile(even)
        for place in range(1, steps):
            codec_state = self.codec.update(self.codec.decode(followed, codec_state), codec_state)
            distribution, backbone_state = self._next(
                codec_state, backbone_state, prepared.steps(place, place + 1)
            )
            assert isinstance(distribution, QuantileDistribution)
            followed = distribution.quantile(even[torch.randperm(num_paths, generator=generator)])
            paths = self.codec.decode(followed, codec_state)
            found.append(torch.quantile(paths, levels.to(paths.dtype), dim=0))
        return self._joined(found)

    def _joined(self, path: list[Tensor]) -> Tensor:
        """The steps of a path, each (..., *event_shape), as one sequence on the last axis."""
        event = len(self.codec.event_shape)
        return torch.stack(path, dim=-1 - event).flatten(-1 - event)

    def _next(
        self, codec_state: State, backbone_state: State, context: Context
    ) -> tuple[Distribution, State]:
        """The distribution (...) of the observation that follows a state."""
        known = self._known(codec_state)
        features, backbone_state = self._features(known, backbone_state, context)
        return self._distribution(features, known.location, known.scale), backbone_state

    def _known(self, codec_state: State) -> Known:
        """What is known of the next observation, in the network's precision."""
        inputs, location, scale = self.codec.known(codec_state)
        dtype = self._dtype
        return Known(
            _cast(inputs, dtype),
            None if location is None else _cast(location, dtype),
            None if scale is None else _cast(scale, dtype),
        )

    def _recur(self, inputs: Tensor, state: State, context: Context) -> tuple[Tensor, State]:
        """The head's features (B, T, H), and the backbone's state after the last step.

        Args:
            inputs: the embedding's, (B, T, ...).
            state: the backbone's state before them; None for a fresh one.
            context: prepared.
        """
        x_BTD = self.embedding(inputs)
        if self.conditioning is None:
            y_BTH, state = self.backbone(x_BTD, state)
            return y_BTH, state
        if state is None:
            state = self._initial_state(len(inputs), context)
        return self.conditioning.recur(self.backbone, x_BTD, state, context)

    def _initial_state(self, rows: int, context: Context) -> State:
        if self.conditioning is None:
            return self.backbone.initial_state(rows)
        return self.conditioning.begin(self.backbone, rows, context)

    def _features(self, known: Known, backbone_state: State, context: Context) -> tuple[Tensor, State]:
        """The backbone's output (..., H) for what is known of the next observation."""
        inputs = known.inputs
        batch = inputs.shape if known.scale is None else known.scale.shape
        rows = inputs.reshape(-1, 1, *inputs.shape[len(batch) :])
        y_BTH, backbone_state = self._recur(rows, backbone_state, context)
        return y_BTH.view(*batch, -1), backbone_state

    def _distribution(self, features: Tensor, location: Tensor | None, scale: Tensor | None) -> Distribution:
        distribution: Distribution = self.head(features)
        if location is None or scale is None:
            return distribution
        if self.choice is not None:
            location = (location @ self.choice(features).softmax(-1).unsqueeze(-1)).squeeze(-1)
        return distribution.affine(location, scale[(..., *(None,) * len(self.codec.event_shape))])

    def _rows(self, encoding: Encoding, batch_axes: int) -> Encoding:
        """The encoding with its batch axes flattened to one and floats in the network's precision."""
        dtype = self._dtype
        return encoding.map(lambda tensor: _cast(tensor.reshape(-1, *tensor.shape[batch_axes:]), dtype))

    @property
    def _dtype(self) -> torch.dtype:
        return next(self.parameters()).dtype


def _cast(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """Floats in the network's precision; codecs compute in float64. Token ids stay as they are."""
    return tensor.to(dtype) if tensor.is_floating_point() else tensor
