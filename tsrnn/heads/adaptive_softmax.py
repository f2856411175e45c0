"""The adaptive softmax: a step costs what its word's frequency deserves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor, nn

from tsrnn.errors import ConfigError, argument
from tsrnn.heads.categorical import CategoricalDistribution, ClassDistribution, ClassHead
from tsrnn.ops.cross_entropy import class_log_prob


@final
@dataclass(frozen=True)
class AdaptiveDistribution(ClassDistribution):
    """P(x = k) of an `AdaptiveSoftmax`; V logits are made only where all of them are asked for.

    Attributes:
        features: h, (..., H).
        head: whose classes they are.
    """

    features: Tensor
    head: AdaptiveSoftmax

    def log_prob(self, value: Tensor) -> Tensor:
        """The log probability of the classes `value` (...) int64, exact."""
        features = self.features.reshape(-1, self.features.shape[-1])
        classes = value.reshape(-1)
        (first_weight, first_bias), *tails = self.head.clusters()
        starts = self.head.starts
        cluster = torch.bucketize(classes, classes.new_tensor(starts[1:]), right=True)
        log_prob = class_log_prob(
            features, first_weight, first_bias, torch.where(cluster == 0, classes, starts[1] + cluster - 1)
        )
        for index, (weight, bias) in enumerate(tails):
            rows = (cluster == index + 1).nonzero().squeeze(1)
            inside = class_log_prob(
                self.head.reduce(features[rows], index), weight, bias, classes[rows] - starts[index + 1]
            )
            log_prob = log_prob.index_add(0, rows, inside)
        return log_prob.view(value.shape)

    def log_probs(self) -> Tensor:
        """The log probability of every class, (..., V)."""
        (weight, bias), *tails = self.head.clusters()
        first = nn.functional.linear(self.features, weight, bias).log_softmax(-1)
        shortlist = self.head.starts[1]
        parts = [first[..., :shortlist]]
        for index, (weight, bias) in enumerate(tails):
            logits = nn.functional.linear(self.head.reduce(self.features, index), weight, bias)
            parts.append(first[..., shortlist + index, None] + logits.log_softmax(-1))
        return torch.cat(parts, -1)

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """One class for every element: its cluster first, and only then one of the cluster's classes."""
        features = self.features.reshape(-1, self.features.shape[-1])
        (weight, bias), *tails = self.head.clusters()
        drawn = CategoricalDistribution(nn.functional.linear(features, weight, bias)).sample(generator)
        starts = self.head.starts
        cluster = drawn - starts[1] + 1
        for index, (weight, bias) in enumerate(tails):
            rows = (cluster == index + 1).nonzero().squeeze(1)
            if rows.numel():
                logits = nn.functional.linear(self.head.reduce(features[rows], index), weight, bias)
                drawn[rows] = starts[index + 1] + CategoricalDistribution(logits).sample(generator)
        return drawn.view(self.features.shape[:-1])


@final
class AdaptiveSoftmax(ClassHead):
    """A softmax in two stages: the frequent classes and the clusters, then the classes of one cluster.

        P(k) = softmax(V_0 h + b_0)_k                              for k below the first cutoff
        P(k) = softmax(V_0 h + b_0)_{cluster i} · softmax(V_i R_i h + b_i)_k     for k in cluster i

    It is a full distribution over all V classes, and its perplexity is exact. Class ids must be in order
    of frequency, as `Vocabulary` has them.

    Source: Grave, Joulin, Cissé, Grangier and Jégou (2017), "Efficient softmax approximation for GPUs",
    section 4. There the clusters' vectors shrink by 4 from one to the next; here `division` says by how
    much, and 1 (no R_i) leaves all vectors at size H, so that they can be the embedding's own.

    Args:
        input_size: H.
        num_classes: V.
        cutoffs: the first class of each cluster, increasing.
        division: vectors of the i-th cluster have H / division^i entries.
    """

    def __init__(
        self, input_size: int, num_classes: int, cutoffs: Sequence[int] = (1200, 4000), division: int = 1
    ) -> None:
        super().__init__()
        cutoffs = list(cutoffs)
        if not cutoffs or cutoffs != sorted(set(cutoffs)) or cutoffs[0] < 1 or cutoffs[-1] >= num_classes:
            raise ConfigError(
                f"{argument('model.head.cutoffs')} must increase, from at least 1 to less than the "
                f"{num_classes} classes: {cutoffs}"
            )
        if division < 1:
            raise ConfigError(f"{argument('model.head.division')} must be at least 1, not {division}")
        self.input_size, self.num_classes = input_size, num_classes
        self.cutoffs, self.division = cutoffs, division
        self.starts = [0, *cutoffs, num_classes]
        self.cluster_projection = nn.Linear(input_size, len(cutoffs))
        own_size = num_classes if division == 1 else cutoffs[0]
        self.projection = nn.Linear(input_size, own_size)
        self.reductions, self.tails = nn.ModuleList(), nn.ModuleList()
        if division > 1:
            for index, (start, stop) in enumerate(zip(self.starts[1:], self.starts[2:], strict=False)):
                size = max(input_size // division ** (index + 1), 1)
                self.reductions.append(nn.Linear(input_size, size, bias=False))
                self.tails.append(nn.Linear(size, stop - start))

    def forward(self, features: Tensor) -> AdaptiveDistribution:
        """The distribution of each step."""
        return AdaptiveDistribution(features, self)

    def reduce(self, features: Tensor, tail: int) -> Tensor:
        """R_i h."""
        reduced: Tensor = self.reductions[tail](features) if self.division > 1 else features
        return reduced

    def clusters(self) -> list[tuple[Tensor, Tensor]]:
        """Weight and bias of the first stage, clusters behind the frequent classes, then of each cluster."""
        own_weight: Any = self.projection.weight
        own_bias: Any = self.projection.bias
        weights, biases = [own_weight], [own_bias]
        if self.division == 1:
            # Split and not sliced: the gradient is assembled once, not padded to V for every cluster.
            sizes = [stop - start for start, stop in zip(self.starts, self.starts[1:], strict=False)]
            weights, biases = list(own_weight.split(sizes)), list(own_bias.split(sizes))
        tail: Any
        for tail in self.tails:
            weights.append(tail.weight)
            biases.append(tail.bias)
        weights[0] = torch.cat([weights[0], self.cluster_projection.weight])
        biases[0] = torch.cat([biases[0], self.cluster_projection.bias])
        return list(zip(weights, biases, strict=True))

    def tie(self, weight: Tensor) -> None:
        """Use the embedding's vectors as the classes' own: see `ClassHead.tie`."""
        if self.division != 1:
            raise ConfigError("tied weights need an AdaptiveSoftmax with division 1: all vectors of one size")
        super().tie(weight)
