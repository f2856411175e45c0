"""The leak test: whether anything up to a cut depends on what lies after it."""

from tsrnn.evaluation.leakage.comparisons import TOLERANCE, LeakReport, Violation
from tsrnn.evaluation.leakage.leak_test import leak_test

__all__ = ["TOLERANCE", "LeakReport", "Violation", "leak_test"]
