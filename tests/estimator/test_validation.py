"""scikit-learn's cross-validation and search, on a wide frame and on a long one in order of time."""

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score

from tests.estimator.sizes import PRICES, SERIES
from tests.panels import seasonal_frame
from tests.prices import random_walks
from tsrnn import RNNForecaster
from tsrnn.errors import ConfigError

LONG = seasonal_frame(3, 120, season=7).sort_values("ds", kind="stable")
WIDE = LONG.pivot(index="ds", columns="unique_id", values="y")


def scores(frame, forecaster=None, **split):
    forecaster = RNNForecaster(**SERIES) if forecaster is None else forecaster
    return cross_val_score(forecaster, frame, cv=TimeSeriesSplit(2, **split), error_score="raise")


def test_a_wide_frame_and_a_long_one_have_the_same_scores():
    found = scores(WIDE, test_size=8)
    assert (found < 0).all()
    np.testing.assert_array_equal(scores(LONG, test_size=3 * 8), found)


@pytest.mark.parametrize("numbered", [False, True], ids=["dates", "numbers"])
def test_rows_may_be_cut_in_the_middle_of_a_date(numbered):
    frame = LONG.assign(ds=LONG.groupby("unique_id").cumcount()) if numbered else LONG
    assert np.isfinite(scores(frame, test_size=25)).all()


def test_a_search_refits_the_best():
    grid = {"hidden_size": np.array([4, 8]), "cell": ["GRU"]}
    search = GridSearchCV(
        RNNForecaster(**SERIES), grid, cv=TimeSeriesSplit(2, test_size=8), error_score="raise"
    )
    search.fit(WIDE)
    assert search.best_score_ == search.cv_results_["mean_test_score"].max()
    assert search.predict(2)["cutoff"].iloc[0] == WIDE.index[-1]
    assert search.best_estimator_.task_.name == "GRU"


def test_prices_are_validated_too():
    frame = random_walks(sessions=300).sort_values("ds", kind="stable")
    assert np.isfinite(scores(frame, RNNForecaster(**PRICES), test_size=2 * 20)).all()


def test_rows_that_are_not_in_order_of_time_are_refused():
    with pytest.raises(ConfigError, match=r"sort_values\('ds'\)"):
        scores(LONG.sort_values(["unique_id", "ds"]), test_size=24)
    with pytest.raises(ConfigError, match=r"the values are in the frame, in its column y or its columns"):
        cross_val_score(RNNForecaster(**SERIES), LONG, LONG["y"], cv=TimeSeriesSplit(2), error_score="raise")
