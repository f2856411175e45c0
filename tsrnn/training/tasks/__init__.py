"""Tasks: what is trained, as thin Lightning modules."""

from typing import TYPE_CHECKING

from tsrnn.exports import publish as _publish

if TYPE_CHECKING:
    from tsrnn.training.tasks.forecaster import Forecaster as Forecaster
    from tsrnn.training.tasks.language_model import LanguageModel as LanguageModel

_publish(__name__)
