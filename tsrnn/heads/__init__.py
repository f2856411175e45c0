"""Heads: features in, a distribution out, one family a file."""

from tsrnn.heads.adaptive_softmax import AdaptiveSoftmax
from tsrnn.heads.base import Head
from tsrnn.heads.categorical import Categorical, ClassHead
from tsrnn.heads.normal import Normal
from tsrnn.heads.normal_mixture import NormalMixture
from tsrnn.heads.quantiles import Quantiles
from tsrnn.heads.student_t import StudentT

__all__ = [
    "AdaptiveSoftmax",
    "Categorical",
    "ClassHead",
    "Head",
    "Normal",
    "NormalMixture",
    "Quantiles",
    "StudentT",
]
