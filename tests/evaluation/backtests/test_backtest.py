"""Walk-forward: what is asked, what is learned from, what is kept, and where it goes on."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

from tests.reports import random_walks
from tsrnn.errors import ConfigError, DataError
from tsrnn.evaluation.backtests.walk_forward import Windows, backtest
from tsrnn.forecasts import Forecast
from tsrnn.predictors.random_walk import forecast_sessions
from tsrnn.protocols import Panel


@dataclass(frozen=True)
class Last:
    """Paths around the last value, and a diary of what it was shown."""

    name: str = "last"
    shift: float = 0.0
    diary: list = field(default_factory=list, compare=False, repr=False)

    def forecast(self, panel, horizon, *, origins=None, num_samples=1000):
        self.diary.append(("forecast", panel.num_sessions, list(origins)))
        last = panel.values[:, origins].T
        noise = np.random.default_rng(0).standard_normal((len(origins), len(last.T), num_samples, horizon))
        ds = forecast_sessions(panel, origins, horizon)
        return Forecast(
            panel.unique_ids, panel.ds[origins], ds, last[..., None, None] + self.shift + noise, last
        )


@dataclass(frozen=True)
class Fitted(Last):
    """It learns how many sessions it was fitted on."""

    def fit(self, panel, *, previous=None):
        self.diary.append(("fit", panel.num_sessions, panel.ds[-1], previous))
        return Last(self.name, panel.num_sessions / 1000, self.diary)


def test_the_frame_has_a_row_for_every_model_origin_series_and_step():
    panel = random_walks(3, 60)
    models = [Last(), Last("other", 1.0)]
    frame = backtest(models, panel, 5, Windows(20, stride=2), num_samples=20)
    origins = range(20, 55, 2)
    assert len(frame) == 2 * len(origins) * 3 * 5
    assert list(frame["model"].unique()) == ["last", "other"]
    assert set(frame["origin"]) == set(origins)
    row = frame[(frame["model"] == "other") & (frame["unique_id"] == "S02") & (frame["origin"] == 54)].iloc[4]
    assert row["ds"] == panel.ds[59]
    assert row["y"] == panel.values[2, 59]
    assert row["median"] == pytest.approx(panel.values[2, 54] + 1, abs=1)


def test_a_predictor_is_asked_once_for_all_origins_and_shown_nothing_after_them():
    model = Last()
    backtest([model], random_walks(3, 60), 5, Windows(20, last=30))
    assert model.diary == [("forecast", 31, list(range(20, 31)))]


def test_many_paths_are_asked_for_in_parts_with_the_same_result(monkeypatch):
    panel = random_walks(3, 60)
    whole = backtest([Last()], panel, 1, Windows(20), num_samples=500)
    monkeypatch.setattr("tsrnn.evaluation.backtests.walk_forward._LARGEST_FORECAST", 3 * 500 * 10)
    model = Last()
    parts = backtest([model], panel, 1, Windows(20), num_samples=500)
    assert [len(asked) for _, _, asked in model.diary] == [10, 10, 10, 9]
    pd.testing.assert_series_equal(whole["y"], parts["y"])


def test_each_fit_learns_from_what_lies_before_its_first_origin():
    panel, model = random_walks(2, 60, dates=False), Fitted()
    backtest([model], panel, 3, Windows(20, last=29), refit=4)
    assert [entry[:3] for entry in model.diary if entry[0] == "fit"] == [
        ("fit", 21, 20),
        ("fit", 25, 24),
        ("fit", 29, 28),
    ]
    assert [entry[2] for entry in model.diary if entry[0] == "forecast"] == [
        [20, 21, 22, 23],
        [24, 25, 26, 27],
        [28, 29],
    ]


def test_a_rolling_window_a_larger_purge_and_an_embargo_cut_what_is_learned():
    panel, model = random_walks(2, 60, dates=False), Fitted()
    windows = Windows(20, last=24, length=10, purge=4, embargo=3)
    backtest([model], panel, 3, windows, refit=4)
    # The purge is two origins more than the horizon asks for, and the embargo three sessions.
    assert [entry[1:3] for entry in model.diary if entry[0] == "fit"] == [(10, 15), (10, 19)]


def test_a_warm_start_is_handed_the_fit_before_it():
    model = Fitted()
    backtest([model], random_walks(2, 60), 1, Windows(20, last=29), refit=5, warm_start=True)
    before = [entry[3] for entry in model.diary if entry[0] == "fit"]
    assert before[0] is None
    assert isinstance(before[1], Last)
    cold = Fitted()
    backtest([cold], random_walks(2, 60), 1, Windows(20, last=29), refit=5)
    assert all(entry[3] is None for entry in cold.diary if entry[0] == "fit")


def test_an_interrupted_backtest_goes_on_where_it_stopped(tmp_path):
    class Interrupted(Exception):
        pass

    @dataclass(frozen=True)
    class Fails(Fitted):
        def fit(self, panel, *, previous=None):
            if panel.num_sessions > 25:
                raise Interrupted
            return super().fit(panel, previous=previous)

    panel = random_walks(2, 60)
    whole = backtest([Last(), Fitted("fitted")], panel, 1, Windows(20, last=34), refit=5)
    with pytest.raises(Interrupted):
        backtest([Last(), Fails("fitted")], panel, 1, Windows(20, last=34), refit=5, folder=tmp_path)
    # The same settings under the same name: only the class of the test is another.
    settings = tmp_path / "parts" / "settings.json"
    settings.write_text(settings.read_text().replace("Fails(", "Fitted("))
    first, second = Last(), Fitted("fitted")
    resumed = backtest([first, second], panel, 1, Windows(20, last=34), refit=5, folder=tmp_path)
    assert first.diary == []
    assert [entry[1] for entry in second.diary if entry[0] == "fit"] == [26, 31]
    pd.testing.assert_frame_equal(resumed, whole, check_categorical=False)
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "backtest.parquet"), whole, check_categorical=False
    )
    third = Fitted("fitted")
    backtest([Last(), third], panel, 1, Windows(20, last=34), refit=5, folder=tmp_path)
    assert third.diary == []


@pytest.mark.parametrize(
    "change",
    [
        {"horizon": 2},
        {"refit": 5},
        {"panel": random_walks(2, 61)},
        {"models": [Last(shift=0.1)]},
        {"windows": Windows(21)},
    ],
)
def test_a_folder_of_another_backtest_is_refused(tmp_path, change):
    usual = {
        "models": [Last()],
        "panel": random_walks(2, 60),
        "horizon": 1,
        "windows": Windows(20),
        "refit": 9,
    }
    backtest(*list(usual.values())[:4], refit=9, folder=tmp_path)
    backtest([Last(), Last("new")], *list(usual.values())[1:4], refit=9, folder=tmp_path)  # a model more
    changed = list((usual | change).values())
    with pytest.raises(ConfigError, match=r"holds another last|other data or settings"):
        backtest(*changed[:4], refit=changed[4], folder=tmp_path)


def test_dates_name_the_last_session_at_or_before_them():
    panel = random_walks(1, 60)  # business days from Wednesday, 1 January 2020
    origins = Windows("2020-02-02", last="2020-02-10").origins(panel, 1)
    assert panel.ds[origins[0]] == np.datetime64("2020-01-31")
    assert panel.ds[origins[-1]] == np.datetime64("2020-02-10")


@pytest.mark.parametrize(
    ("windows", "horizon", "said"),
    [
        (Windows("2019-01-01"), 1, "before the first session"),
        (Windows("soon"), 1, "is not a date"),
        (Windows(59), 1, "no origin with 1 sessions"),
        (Windows(0), 60, "no origin with 60 sessions"),
        (Windows(0), 1, "nothing lies before session 0"),
        (Windows(30, purge=3), 5, "at least 4"),
    ],
)
def test_windows_that_cannot_be_are_said_before_anything_is_fitted(windows, horizon, said):
    model = Fitted()
    with pytest.raises((ConfigError, DataError), match=said):
        backtest([model], random_walks(2, 60), horizon, windows)
    assert model.diary == []


def test_a_panel_without_series_and_predictors_of_one_name_are_refused():
    with pytest.raises(DataError, match="no series"):
        backtest([Last()], Panel((), np.arange(60), np.empty((0, 60))), 1, Windows(20))
    with pytest.raises(ConfigError, match="different names"):
        backtest([Last(), Last()], random_walks(1, 60), 1, Windows(20))


def test_a_trained_network_does_not_forecast_what_it_has_seen():
    @dataclass(frozen=True)
    class Trained(Last):
        seen = "2020-02-10"

    panel = random_walks(1, 60)
    with pytest.raises(ConfigError, match="up to 2020-02-10"):
        backtest([Trained()], panel, 1, Windows("2020-02-09"))
    assert len(backtest([Trained()], panel, 1, Windows("2020-02-10", last="2020-02-11"))) == 2
