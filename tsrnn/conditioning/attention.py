"""Attention over a memory, after the recurrence."""

from __future__ import annotations

from typing import ClassVar, Literal, final

import torch
from torch import Tensor, nn

from tsrnn.conditioning.base import Conditioning
from tsrnn.errors import ConfigError, DataError
from tsrnn.ops.attention import attention_weights
from tsrnn.protocols import Context

Score = Literal["dot", "general", "additive"]


class AttentionWeights(nn.Module):
    """How much of each place of a memory each step reads; a module, so that a hook can see it.

    Args:
        hidden_size: H, of the queries.
        size: A, of the layer of the additive score; None: the score is a product with the keys.
    """

    def __init__(self, hidden_size: int, size: int | None) -> None:
        super().__init__()
        self.query = None if size is None else nn.Linear(hidden_size, size)
        self.energy = None if size is None else nn.Linear(size, 1, bias=False)

    def forward(self, y_BTH: Tensor, keys: Tensor, mask: Tensor | None) -> Tensor:
        """a_ts (B, T, S), for outputs (B, T, H), keys (B, S, A) and a mask of the memory (B, S)."""
        if self.query is None or self.energy is None:
            return attention_weights(y_BTH @ keys.transpose(1, 2), mask)
        both = self.query(y_BTH).unsqueeze(2) + keys.unsqueeze(1)
        return attention_weights(self.energy(both.tanh()).squeeze(-1), mask)


@final
class Attention(Conditioning):
    """Each step reads what it needs of a memory m_1, ..., m_S: the context vector is no bottleneck.

        a_ts = softmax_s score(h_t, m_s)                                     (weights, 0 on padding)
        c_t  = Σ_s a_ts m_s                                                  (context vector of the step)
        h̃_t  = tanh(W_c [c_t; h_t])                                          (what the head reads)

    with score(h, m) = h · m ("dot"), h · W m ("general"; Luong, Pham and Manning 2015, "Effective Approaches
    to Attention-based Neural Machine Translation", equations 5 to 8), or vᵀ tanh(W h + U m) ("additive";
    Bahdanau, Cho and Bengio 2015, "Neural Machine Translation by Jointly Learning to Align and Translate",
    appendix A.1.2). The part of the score that depends on the memory alone is computed once, as `keys`. As
    Luong's, it stands after the recurrence, additive scores too, so that training is one kernel call over
    all steps; Bahdanau's stands before it. With `feeding` the features h̃_{t−1} are an input of step t (input
    feeding, section 3.3), and training goes step by step.

    Args:
        hidden_size: H, of the backbone's output.
        memory_size: M.
        score: dot, which needs H = M, general or additive.
        attention_size: A, of the additive score's layer. None: H.
        output_size: of h̃. None: H.
        dropout: on h̃.
        feeding: whether the features of a step are an input of the next.
        input_size: D, of the embedding's output; needed for feeding.

    Raises:
        ConfigError: if sizes do not fit.
    """

    needs: ClassVar[tuple[str, ...]] = ("memory",)

    def __init__(
        self,
        hidden_size: int,
        memory_size: int,
        score: Score = "general",
        attention_size: int | None = None,
        output_size: int | None = None,
        dropout: float = 0.0,
        feeding: bool = False,
        input_size: int | None = None,
    ) -> None:
        super().__init__()
        if score not in ("dot", "general", "additive"):
            raise ConfigError(f"score is dot, general or additive, not {score!r}")
        if score == "dot" and hidden_size != memory_size:
            problem = f"the backbone's output has {hidden_size} entries and the memory {memory_size}"
            raise ConfigError(f"the dot score needs vectors of one size: {problem}; general maps them")
        if feeding and input_size is None:
            raise ConfigError("feeding needs input_size, that of the embedding's output")
        if not 0 <= dropout < 1:
            raise ConfigError(f"dropout is a probability below 1, not {dropout}")
        self.hidden_size, self.memory_size = hidden_size, memory_size
        self.score, self.attention_size = score, attention_size
        self.output_size, self.dropout = output_size, dropout
        self.features_size = hidden_size if output_size is None else output_size
        self.feeding, self.input_size = feeding, input_size
        size = hidden_size if attention_size is None else attention_size
        keys = {"dot": None, "general": hidden_size, "additive": size}[score]
        self.key = None if keys is None else nn.Linear(memory_size, keys, bias=False)
        self.weights = AttentionWeights(hidden_size, size if score == "additive" else None)
        self.combine = nn.Linear(memory_size + hidden_size, self.features_size)
        self.fed = nn.Linear(self.features_size, input_size, bias=False) if feeding and input_size else None

    @property
    def feeds(self) -> bool:
        """Whether the features of the step before are an input."""
        return self.feeding

    def prepare(self, context: Context) -> Context:
        """The context with its keys, (B, S, A).

        Raises:
            DataError: if the memory has vectors of another size.
        """
        if context.keys is not None:
            return context
        assert context.memory is not None
        if context.memory.shape[-1] != self.memory_size:
            problem = f"`memory` has vectors of {context.memory.shape[-1]}"
            raise DataError(f"{problem}, where the attention reads {self.memory_size}")
        return context._replace(keys=context.memory if self.key is None else self.key(context.memory))

    def feed(self, x_BTD: Tensor, features: Tensor) -> Tensor:
        """The step's input with a map of the features of the step before."""
        assert self.fed is not None
        mapped: Tensor = self.fed(features)
        return x_BTD + mapped.unsqueeze(1)

    def outputs(self, y_BTH: Tensor, context: Context) -> Tensor:
        """The features h̃."""
        assert context.memory is not None
        read = self.weights(y_BTH, context.keys, context.mask) @ context.memory
        features: Tensor = self.combine(torch.cat([read, y_BTH], dim=-1)).tanh()
        return nn.functional.dropout(features, self.dropout, self.training)
