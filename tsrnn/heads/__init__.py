"""Heads: features in, a distribution out, one family a file."""

from tsrnn.heads.base import Head
from tsrnn.heads.categorical import Categorical
from tsrnn.heads.normal import Normal
from tsrnn.heads.student_t import StudentT

__all__ = ["Categorical", "Head", "Normal", "StudentT"]
