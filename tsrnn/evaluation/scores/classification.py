"""Scores of classes that were predicted with probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tsrnn.errors import DataError

_BINS = 15


def classification_scores(probabilities: npt.NDArray[Any], classes: npt.NDArray[Any]) -> dict[str, float]:
    """How good predicted classes and their probabilities are.

    Args:
        probabilities: (N, K), rows that add up to 1.
        classes: (N,), the right classes, from 0 to K − 1.

    Returns:
        accuracy: share of right classes; accuracy_low and accuracy_high, its 95 % interval (Wilson 1927).
        macro_f1: mean over classes of F1, the harmonic mean of precision and recall.
        auroc: area under the ROC curve, for several classes the mean of one against the rest; NaN where one
            class alone occurs.
        ece: expected calibration error, the mean distance of confidence and accuracy over 15 bins of
            confidence (Guo et al. 2017, "On Calibration of Modern Neural Networks", equation 5).
        nats: mean of −log p of the right class.

    Raises:
        DataError: if there is nothing to score.
    """
    from scipy.stats import binomtest
    from sklearn.metrics import f1_score, roc_auc_score

    count, size = probabilities.shape
    if count == 0:
        raise DataError("there is nothing to score")
    predicted = probabilities.argmax(1)
    right = predicted == classes
    interval = binomtest(int(right.sum()), count).proportion_ci(0.95, method="wilson")
    occurring = np.unique(classes)
    if len(occurring) < 2:
        auroc = float("nan")
    elif size == 2:
        auroc = float(roc_auc_score(classes, probabilities[:, 1]))
    else:
        of_each = [roc_auc_score(classes == own, probabilities[:, own]) for own in occurring]
        auroc = float(np.mean(of_each))
    own = np.clip(probabilities[np.arange(count), classes], np.finfo(np.float64).tiny, None)
    return {
        "accuracy": float(right.mean()),
        "accuracy_low": float(interval.low),
        "accuracy_high": float(interval.high),
        "macro_f1": float(f1_score(classes, predicted, average="macro", zero_division=0)),
        "auroc": auroc,
        "ece": _calibration_error(probabilities.max(1), right),
        "nats": float(-np.log(own).mean()),
    }


def _calibration_error(confidence: npt.NDArray[Any], right: npt.NDArray[Any]) -> float:
    bins = np.clip(np.ceil(confidence * _BINS).astype(int) - 1, 0, _BINS - 1)
    distance = np.zeros(_BINS)
    np.add.at(distance, bins, right - confidence)
    return float(np.abs(distance).sum() / len(right))
