"""What was written against what is right: BLEU, chrF and exact matches."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

from tsrnn.errors import DataError, Notice


def corpus_scores(written: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, Any]:
    """BLEU and chrF of a corpus by sacrebleu with its signatures, and the share of exact matches.

    BLEU is cased, on detokenised text, as sacrebleu has it (Post 2018, "A Call for Clarity in Reporting BLEU
    Scores"); a text is an exact match if it is one of its references. Without sacrebleu exact matches are
    all, and a notice says so.

    Args:
        written: a text for each source.
        references: its right texts, at least one.

    Returns:
        exact_percent, bleu and chrf (0 to 100), and bleu_signature and chrf_signature. bleu is NaN where no
        text has the four tokens that it counts.

    Raises:
        DataError: if there is nothing to compare.
    """
    if not written or len(written) != len(references) or not all(references):
        raise DataError("each text that was written needs a reference to be compared with")
    exact = sum(text in own for text, own in zip(written, references, strict=True))
    scores: dict[str, Any] = {"exact_percent": 100 * exact / len(written)}
    try:
        # Where it is used: it is an extra.
        from sacrebleu.metrics.bleu import BLEU
        from sacrebleu.metrics.chrf import CHRF
    except ImportError:
        problem = "BLEU and chrF need the library sacrebleu: pip install tsrnn[translation]"
        warnings.warn(Notice(problem), stacklevel=2)
        return scores
    most = max(map(len, references))
    # sacrebleu wants the first references of all, then the second ones; None where there is no further one.
    streams: Any = [[own[place] if place < len(own) else None for own in references] for place in range(most)]
    bleu, chrf = BLEU(), CHRF()
    found = bleu.corpus_score(list(written), streams)
    return {
        **scores,
        "bleu": float(found.score) if found.totals[-1] else math.nan,
        "chrf": float(chrf.corpus_score(list(written), streams).score),
        "bleu_signature": str(bleu.get_signature()),
        "chrf_signature": str(chrf.get_signature()),
    }
