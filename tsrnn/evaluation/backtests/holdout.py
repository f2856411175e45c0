"""What `test` says of a span that was held out: a backtest of it beside the naive forecasts."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from tsrnn.evaluation.backtests.comparison import Comparison
from tsrnn.evaluation.backtests.references import Reference, choose_reference
from tsrnn.evaluation.backtests.walk_forward import Origins, backtest
from tsrnn.predictors.by_name import naive_forecasts
from tsrnn.protocols import Holdout, Predictor


@dataclass(frozen=True)
class HoldoutScores:
    """The scores of a test span.

    Attributes:
        scores: of `Comparison`, the model first, then the naive forecasts.
        reference: what the verdict is over.
        verdict: one sentence.
    """

    scores: pd.DataFrame
    reference: Reference
    verdict: str


def score_holdout(predictor: Predictor, holdout: Holdout, *, reference: str | None = None) -> HoldoutScores:
    """The scores of a predictor on a test span, and whether it showed skill: as `tsrnn backtest` has them.

    Args:
        predictor: what is judged.
        holdout: the span.
        reference: by the name that the command line has for it. None: see `choose_reference`.

    Raises:
        ConfigError: if the predictor has seen the span, or there is no such reference.
        DataError: if nothing was both forecast and observed.
    """
    panel, origin, horizon, seasons, train = holdout
    chosen = choose_reference(panel, horizon, seasons, train, origin + 1, reference)
    beside = {one.name: one for one in [chosen.predictor, *naive_forecasts(panel.kind, seasons)]}
    beside.pop(getattr(predictor, "name", ""), None)  # a naive forecast may be what is judged
    models = [predictor, *beside.values()]
    frame = backtest(models, panel, horizon, Origins(origin), season=holdout.season)
    comparison = Comparison(frame, chosen.name)
    return HoldoutScores(comparison.scores, chosen, comparison.verdict(comparison.models[0]))
