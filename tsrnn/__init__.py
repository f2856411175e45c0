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
    from tsrnn.data import PriceSeries
    from tsrnn.errors import TsrnnError
    from tsrnn.evaluation import RandomWalk
    from tsrnn.heads import Categorical, Head, Normal, StudentT
    from tsrnn.models import AutoregressiveModel
    from tsrnn.protocols import Forecast, Panel, Predictor
    from tsrnn.training import Forecaster, RNNForecaster, load

__version__ = "0.1.0"

_HOMES = {
    "AutoregressiveModel": "models",
    "Backbone": "backbones",
    "Categorical": "heads",
    "Codec": "codecs",
    "Forecast": "protocols",
    "Forecaster": "training",
    "GRU": "backbones",
    "Head": "heads",
    "LSTM": "backbones",
    "LogReturns": "codecs",
    "Normal": "heads",
    "Panel": "protocols",
    "Predictor": "protocols",
    "PriceSeries": "data",
    "RNN": "backbones",
    "RNNForecaster": "training",
    "RandomWalk": "evaluation",
    "StudentT": "heads",
    "TsrnnError": "errors",
    "Vocabulary": "codecs",
    "load": "training",
}

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "AutoregressiveModel",
    "Backbone",
    "Categorical",
    "Codec",
    "Forecast",
    "Forecaster",
    "Head",
    "LogReturns",
    "Normal",
    "Panel",
    "Predictor",
    "PriceSeries",
    "RNNForecaster",
    "RandomWalk",
    "StudentT",
    "TsrnnError",
    "Vocabulary",
    "load",
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
