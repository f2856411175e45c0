"""tsrnn: recurrent networks for sequences, made practical.

Prices and words are forecast by one autoregressive density, codec → embedding → backbone → head.
The names below are imported when they are first used, so that `import tsrnn` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tsrnn.exports import publish as _publish

if TYPE_CHECKING:
    # The one list of what is public. Type checkers follow it, `publish` reads it, and nothing here is run.
    from tsrnn.backbones import *  # noqa: F403
    from tsrnn.codecs import *  # noqa: F403
    from tsrnn.conditioning import *  # noqa: F403
    from tsrnn.data import *  # noqa: F403
    from tsrnn.errors import TsrnnError as TsrnnError
    from tsrnn.estimator import RNNForecaster as RNNForecaster
    from tsrnn.estimator import RNNLanguageModel as RNNLanguageModel
    from tsrnn.estimator import load as load
    from tsrnn.evaluation import Comparison as Comparison
    from tsrnn.evaluation import Origins as Origins
    from tsrnn.evaluation import backtest as backtest
    from tsrnn.forecasts import Forecast as Forecast
    from tsrnn.forecasts import QuantileForecast as QuantileForecast
    from tsrnn.heads import *  # noqa: F403
    from tsrnn.models import AutoregressiveModel as AutoregressiveModel
    from tsrnn.ops.cpu import tune_cpu as tune_cpu
    from tsrnn.predictors import *  # noqa: F403
    from tsrnn.protocols import Panel as Panel
    from tsrnn.protocols import Predictor as Predictor
    from tsrnn.training.tasks import *  # noqa: F403

__version__ = "0.1.0"

_publish(__name__)
