"""tsrnn: recurrent networks for sequences, made practical.

Prices and words are forecast by one autoregressive density, codec → embedding → backbone → head.
The names below are imported when they are first used, so that `import tsrnn` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tsrnn.backbones import GRU, LSTM, RNN, Backbone
    from tsrnn.codecs import Blocks, Codec, LogReturns, Vocabulary
    from tsrnn.data import PriceSeries, SeriesPanel, TextCorpus, Yahoo, read_prices, read_series
    from tsrnn.errors import TsrnnError
    from tsrnn.evaluation import Comparison, Origins, backtest
    from tsrnn.forecasts import Forecast, QuantileForecast
    from tsrnn.heads import (
        AdaptiveSoftmax,
        Categorical,
        Head,
        Normal,
        NormalMixture,
        Quantiles,
        StudentT,
    )
    from tsrnn.models import AutoregressiveModel
    from tsrnn.ops.cpu import tune_cpu
    from tsrnn.predictors import Conformal, RandomWalk, SeasonalNaive
    from tsrnn.protocols import Panel, Predictor
    from tsrnn.training import Forecaster, LanguageModel, RNNForecaster, load

__version__ = "0.1.0"

_HOMES = {
    "AdaptiveSoftmax": "heads",
    "AutoregressiveModel": "models",
    "Backbone": "backbones",
    "Blocks": "codecs",
    "Categorical": "heads",
    "Codec": "codecs",
    "Comparison": "evaluation",
    "Conformal": "predictors",
    "Forecast": "forecasts",
    "Forecaster": "training",
    "GRU": "backbones",
    "Head": "heads",
    "LSTM": "backbones",
    "LanguageModel": "training",
    "LogReturns": "codecs",
    "Normal": "heads",
    "NormalMixture": "heads",
    "Panel": "protocols",
    "Predictor": "protocols",
    "PriceSeries": "data",
    "QuantileForecast": "forecasts",
    "Quantiles": "heads",
    "RNN": "backbones",
    "RNNForecaster": "training",
    "RandomWalk": "predictors",
    "SeasonalNaive": "predictors",
    "SeriesPanel": "data",
    "StudentT": "heads",
    "TextCorpus": "data",
    "TsrnnError": "errors",
    "Vocabulary": "codecs",
    "Origins": "evaluation",
    "Yahoo": "data",
    "backtest": "evaluation",
    "load": "training",
    "read_prices": "data",
    "read_series": "data",
    "tune_cpu": "ops.cpu",
}

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "AdaptiveSoftmax",
    "AutoregressiveModel",
    "Backbone",
    "Blocks",
    "Categorical",
    "Codec",
    "Comparison",
    "Conformal",
    "Forecast",
    "Forecaster",
    "Head",
    "LanguageModel",
    "LogReturns",
    "Normal",
    "NormalMixture",
    "Origins",
    "Panel",
    "Predictor",
    "PriceSeries",
    "QuantileForecast",
    "Quantiles",
    "RNNForecaster",
    "RandomWalk",
    "SeasonalNaive",
    "SeriesPanel",
    "StudentT",
    "TextCorpus",
    "TsrnnError",
    "Vocabulary",
    "Yahoo",
    "backtest",
    "load",
    "read_prices",
    "read_series",
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
