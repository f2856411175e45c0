"""The log probability of classes under a linear softmax, with the logits in memory once at most."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

_LOGITS_AT_ONCE = 1 << 22
"""Logits of a chunk of rows: 16 MiB, measured to be as fast as any, and little beside a large vocabulary."""


def class_log_prob(features: Tensor, weight: Tensor, bias: Tensor, classes: Tensor) -> Tensor:
    """log softmax(W x + b)_c for each row, in nats: (R,).

    Rows are taken in chunks. With gradients, the probabilities of all rows are kept, (R, V), and their
    memory becomes that of the logits' gradient: log_softmax and its backward pass would hold three such
    tensors. Without gradients no more than one chunk is ever there.

    Args:
        features: x, (R, H).
        weight: W, (V, H).
        bias: b, (V,).
        classes: c, (R,) int64.
    """
    if not torch.is_grad_enabled():  # needs_input_grad is what the inputs say, whatever the mode
        features, weight, bias = features.detach(), weight.detach(), bias.detach()
    apply: Any = _ClassLogProb.apply
    result: Tensor = apply(features, weight, bias, classes)
    return result


def _chunks(rows: int, classes: int) -> list[slice]:
    size = max(_LOGITS_AT_ONCE // classes, 1)
    return [slice(start, min(start + size, rows)) for start in range(0, rows, size)]


class _ClassLogProb(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, bias: Tensor, classes: Tensor) -> Tensor:
        rows, chunks = features.shape[0], _chunks(features.shape[0], weight.shape[0])
        with_gradients = any(ctx.needs_input_grad)
        held = rows if with_gradients else (chunks[0].stop if chunks else 0)
        probabilities = features.new_empty(held, weight.shape[0])
        log_prob = features.new_empty(rows)
        for chunk in chunks:
            out = probabilities[chunk] if with_gradients else probabilities[: chunk.stop - chunk.start]
            logits = torch.addmm(bias, features[chunk], weight.t(), out=out)
            own = logits.gather(1, classes[chunk, None]).squeeze(1)
            largest = logits.amax(1)
            torch.softmax(logits, 1, out=out)
            # log Σ exp(logits) = largest logit − log of its probability, which is at least 1/V.
            log_prob[chunk] = own - largest + out.amax(1).log()
        if with_gradients:
            ctx.save_for_backward(features, weight, bias, classes)
            ctx.probabilities = probabilities
        return log_prob

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        features, weight, bias, classes = ctx.saved_tensors
        chunks = _chunks(features.shape[0], weight.shape[0])
        of_logits = ctx.probabilities
        if of_logits is None:  # the graph was kept for a second pass, and the first has used them up
            of_logits = features.new_empty(features.shape[0], weight.shape[0])
            for chunk in chunks:
                torch.addmm(bias, features[chunk], weight.t(), out=of_logits[chunk])
                torch.softmax(of_logits[chunk], 1, out=of_logits[chunk])
        ctx.probabilities = None
        # d log p_c / d logits = 1{c} − p, in the memory of p.
        for chunk in chunks:
            of_logits[chunk].mul_(-gradient[chunk, None])
        of_logits[torch.arange(len(classes), device=classes.device), classes] += gradient
        return of_logits @ weight, of_logits.t() @ features, of_logits.sum(0), None
