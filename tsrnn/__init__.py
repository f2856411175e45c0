"""tsrnn: recurrent networks for sequences, made practical.

Prices and words are forecast by one autoregressive density, codec → embedding → backbone → head.
The names below are imported when they are first used, so that `import tsrnn` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tsrnn.backbones import GRU, LSTM, RNN, Backbone
    from tsrnn.codecs import Codec, LogReturns, Vocabulary
    from tsrnn.data import PriceSeries, TextCorpus
    from tsrnn.errors import TsrnnError
    from tsrnn.evaluation import RandomWalk
    from tsrnn.heads import AdaptiveSoftmax, Categorical, Head, Normal, StudentT
    from tsrnn.models import AutoregressiveModel
    from tsrnn.ops.cpu import tune_cpu
    from tsrnn.protocols import Forecast, Panel, Predictor
    from tsrnn.training import Forecaster, LanguageModel, RNNForecaster, load

__version__ = "0.1.0"

_HOMES = {
    "AdaptiveSoftmax": "heads",
    "AutoregressiveModel": "models",
    "Backbone": "backbones",
    "Categorical": "heads",
    "Codec": "codecs",
    "Forecast": "protocols",
    "Forecaster": "training",
    "GRU": "backbones",
    "Head": "heads",
    "LSTM": "backbones",
    "LanguageModel": "training",
    "LogReturns": "codecs",
    "Normal": "heads",
    "Panel": "protocols",
    "Predictor": "protocols",
    "PriceSeries": "data",
    "RNN": "backbones",
    "RNNForecaster": "training",
    "RandomWalk": "evaluation",
    "StudentT": "heads",
    "TextCorpus": "data",
    "TsrnnError": "errors",
    "Vocabulary": "codecs",
    "load": "training",
    "tune_cpu": "ops.cpu",
}

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "AdaptiveSoftmax",
    "AutoregressiveModel",
    "Backbone",
    "Categorical",
    "Codec",
    "Forecast",
    "Forecaster",
    "Head",
    "LanguageModel",
    "LogReturns",
    "Normal",
    "Panel",
    "Predictor",
    "PriceSeries",
    "RNNForecaster",
    "RandomWalk",
    "StudentT",
    "TextCorpus",
    "TsrnnError",
    "Vocabulary",
    "load",
    "tune_cpu",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'tsrnn' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"tsrnn.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
