import pytest

from tests.estimator.sizes import SERIES
from tests.panels import seasonal_frame
from tsrnn import RNNForecaster


@pytest.fixture(scope="session")
def series():
    """A forecaster fitted on three daily series of a week's season; what changes it is a copy."""
    return RNNForecaster(**SERIES).fit(seasonal_frame(3, 120, season=7))
