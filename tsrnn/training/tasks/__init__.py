"""Tasks: what is trained, as thin Lightning modules."""

from tsrnn.exports import publish as _publish
from tsrnn.training.tasks.forecaster import Forecaster as Forecaster
from tsrnn.training.tasks.language_model import LanguageModel as LanguageModel

_publish(__name__)
