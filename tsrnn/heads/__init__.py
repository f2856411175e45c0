"""Heads: features in, a distribution out, one family a file."""

from typing import TYPE_CHECKING

from tsrnn.exports import publish as _publish

if TYPE_CHECKING:
    from tsrnn.heads.adaptive_softmax import AdaptiveSoftmax as AdaptiveSoftmax
    from tsrnn.heads.base import Head as Head
    from tsrnn.heads.categorical import Categorical as Categorical
    from tsrnn.heads.categorical import ClassHead as ClassHead
    from tsrnn.heads.normal import Normal as Normal
    from tsrnn.heads.normal_mixture import NormalMixture as NormalMixture
    from tsrnn.heads.quantiles import Quantiles as Quantiles
    from tsrnn.heads.student_t import StudentT as StudentT

_publish(__name__)
