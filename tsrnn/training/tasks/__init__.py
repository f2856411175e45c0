"""Tasks: what is trained, as thin Lightning modules."""

from typing import TYPE_CHECKING

from tsrnn.exports import publish as _publish

if TYPE_CHECKING:
    from tsrnn.training.tasks.captioner import Captioner as Captioner
    from tsrnn.training.tasks.forecaster import Forecaster as Forecaster
    from tsrnn.training.tasks.language_model import LanguageModel as LanguageModel
    from tsrnn.training.tasks.sequence_classifier import SequenceClassifier as SequenceClassifier
    from tsrnn.training.tasks.translator import Translator as Translator

_publish(__name__)
