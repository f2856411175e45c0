"""Walk-forward: what is asked, what is learned from, what is kept, and where it resumes."""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import pytest

from tests.reports import random_walks
from tsrnn.data.calendars import forecast_sessions
from tsrnn.errors import ConfigError, DataError, DataWarning
from tsrnn.evaluation.backtests.comparison import Comparison
from tsrnn.evaluation.backtests.walk_forward import Origins, backtest
from tsrnn.forecasts import Forecast
from tsrnn.protocols import Panel


@dataclass(frozen=True)
class Last:
    """Paths around the last value, and a diary of what it was shown."""

    name: str = "last"
    shift: float = 0.0
    diary: list = field(default_factory=list, compare=False, repr=False)

    def forecast(self, panel, horizon, *, origins=None, num_samples=1000):
        self.diary.append(("forecast", panel.num_steps, list(origins)))
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
        self.diary.append(("fit", panel.num_steps, panel.ds[-1], previous))
        return Last(self.name, panel.num_steps / 1000, self.diary)


def test_the_frame_has_a_row_for_every_model_origin_series_and_step():
    panel = random_walks(3, 60)
    models = [Last(), Last("other", 1.0)]
    frame = backtest(models, panel, 5, Origins(20, stride=2), num_samples=20)
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
    backtest([model], random_walks(3, 60), 5, Origins(20, last=30))
    assert model.diary == [("forecast", 31, list(range(20, 31)))]


def test_many_paths_are_asked_for_in_parts_with_the_same_result(monkeypatch):
    panel = random_walks(3, 60)
    whole = backtest([Last()], panel, 1, Origins(20), num_samples=500)
    monkeypatch.setattr("tsrnn.evaluation.backtests.walk_forward._LARGEST_FORECAST", 3 * 500 * 10)
    model = Last()
    parts = backtest([model], panel, 1, Origins(20), num_samples=500)
    assert [len(asked) for _, _, asked in model.diary] == [10, 10, 10, 9]
    pd.testing.assert_series_equal(whole["y"], parts["y"])


def test_each_fit_learns_from_what_lies_before_its_first_origin():
    panel, model = random_walks(2, 60, dates=False), Fitted()
    backtest([model], panel, 3, Origins(20, last=29), refit=4)
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
    windows = Origins(20, last=24, length=10, purge=4, embargo=3)
    backtest([model], panel, 3, windows, refit=4)
    # The purge is two origins more than the horizon asks for, and the embargo three sessions.
    assert [entry[1:3] for entry in model.diary if entry[0] == "fit"] == [(10, 15), (10, 19)]


def test_a_warm_start_is_handed_the_fit_before_it():
    model = Fitted()
    backtest([model], random_walks(2, 60), 1, Origins(20, last=29), refit=5, warm_start=True)
    before = [entry[3] for entry in model.diary if entry[0] == "fit"]
    assert before[0] is None
    assert isinstance(before[1], Last)
    cold = Fitted()
    backtest([cold], random_walks(2, 60), 1, Origins(20, last=29), refit=5)
    assert all(entry[3] is None for entry in cold.diary if entry[0] == "fit")


def test_an_interrupted_backtest_goes_on_where_it_stopped(tmp_path):
    class Interrupted(Exception):
        pass

    @dataclass(frozen=True)
    class Fails(Fitted):
        def fit(self, panel, *, previous=None):
            if panel.num_steps > 25:
                raise Interrupted
            return super().fit(panel, previous=previous)

    panel = random_walks(2, 60)
    whole = backtest([Last(), Fitted("fitted")], panel, 1, Origins(20, last=34), refit=5)
    with pytest.raises(Interrupted):
        backtest([Last(), Fails("fitted")], panel, 1, Origins(20, last=34), refit=5, folder=tmp_path)
    # The same settings under the same name: only the class of the test is another.
    settings = tmp_path / "parts" / "settings.json"
    settings.write_text(settings.read_text().replace("Fails(", "Fitted("))
    first, second = Last(), Fitted("fitted")
    resumed = backtest([first, second], panel, 1, Origins(20, last=34), refit=5, folder=tmp_path)
    assert first.diary == []
    assert [entry[1] for entry in second.diary if entry[0] == "fit"] == [26, 31]
    pd.testing.assert_frame_equal(resumed, whole, check_categorical=False)
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "backtest.parquet"), whole, check_categorical=False
    )
    third = Fitted("fitted")
    backtest([Last(), third], panel, 1, Origins(20, last=34), refit=5, folder=tmp_path)
    assert third.diary == []


@pytest.mark.parametrize(
    "change",
    [
        {"horizon": 2},
        {"refit": 5},
        {"panel": random_walks(2, 61)},
        {"models": [Last(shift=0.1)]},
        {"windows": Origins(21)},
    ],
)
def test_a_folder_of_another_backtest_is_refused(tmp_path, change):
    usual = {
        "models": [Last()],
        "panel": random_walks(2, 60),
        "horizon": 1,
        "windows": Origins(20),
        "refit": 9,
    }
    backtest(*list(usual.values())[:4], refit=9, folder=tmp_path)
    backtest([Last(), Last("new")], *list(usual.values())[1:4], refit=9, folder=tmp_path)  # a model more
    changed = list((usual | change).values())
    with pytest.raises(ConfigError, match=r"holds another last|other data or settings"):
        backtest(*changed[:4], refit=changed[4], folder=tmp_path)


def test_dates_name_the_last_session_at_or_before_them():
    panel = random_walks(1, 60)  # business days from Wednesday, 1 January 2020
    origins = Origins("2020-02-02", last="2020-02-10").indices(panel, 1)
    assert panel.ds[origins[0]] == np.datetime64("2020-01-31")
    assert panel.ds[origins[-1]] == np.datetime64("2020-02-10")


@pytest.mark.parametrize(
    ("origins", "horizon", "said"),
    [
        (Origins("2019-01-01"), 1, "before the first time step"),
        (Origins("soon"), 1, "is not a date"),
        (Origins(59), 1, "no origin with 1 time steps"),
        (Origins(0), 60, "no origin with 60 time steps"),
        (Origins(0), 1, "nothing lies before index 0"),
        (Origins(30, purge=3), 5, "at least 4"),
    ],
)
def test_origins_that_cannot_be_are_said_before_anything_is_fitted(origins, horizon, said):
    model = Fitted()
    with pytest.raises((ConfigError, DataError), match=said):
        backtest([model], random_walks(2, 60), horizon, origins)
    assert model.diary == []


def test_a_panel_without_series_and_predictors_of_one_name_are_refused():
    with pytest.raises(DataError, match="no series"):
        backtest([Last()], Panel((), np.arange(60), np.empty((0, 60))), 1, Origins(20))
    with pytest.raises(ConfigError, match="different names"):
        backtest([Last(), Last()], random_walks(1, 60), 1, Origins(20))


def test_a_trained_network_does_not_forecast_what_it_has_seen():
    @dataclass(frozen=True)
    class Trained(Last):
        seen = "2020-02-10"

    panel = random_walks(1, 60)
    with pytest.raises(ConfigError, match="up to 2020-02-10"):
        backtest([Trained()], panel, 1, Origins("2020-02-09"))
    assert len(backtest([Trained()], panel, 1, Origins("2020-02-10", last="2020-02-11"))) == 2


def test_a_last_origin_that_is_a_day_has_all_of_its_hours():
    hours = pd.date_range("2020-01-01", periods=240, freq="h").to_numpy()
    panel = Panel(("a",), hours, 100.0 + np.arange(240)[None] % 5, "24/7")
    whole = Origins("2020-01-03", last="2020-01-05").indices(panel, 1)
    assert panel.ds[whole[0]] == np.datetime64("2020-01-03T00")
    assert panel.ds[whole[-1]] == np.datetime64("2020-01-05T23")
    exact = Origins("2020-01-03", last="2020-01-05 07:00").indices(panel, 1)
    assert panel.ds[exact[-1]] == np.datetime64("2020-01-05T07")


def test_two_predictors_of_one_class_stand_side_by_side_by_the_names_they_are_given(tmp_path):
    panel = random_walks(2, 60)
    models = {"small": Last(), "large": Last(shift=3.0)}
    frame = backtest(models, panel, 2, Origins(20, stride=4), num_samples=20, folder=tmp_path)
    assert list(frame["model"].unique()) == ["small", "large"]
    medians = frame.groupby("model", observed=True)["median"].mean()
    assert medians["large"] - medians["small"] == pytest.approx(3.0, abs=1e-6)
    (verdict,) = Comparison(frame, "small").verdicts
    assert verdict.startswith("large: no skill shown")
    again = {"small": Last(), "large": Last(shift=3.0)}  # from the parts, each its own
    pd.testing.assert_frame_equal(
        backtest(again, panel, 2, Origins(20, stride=4), num_samples=20, folder=tmp_path), frame
    )
    assert again["small"].diary == again["large"].diary == []
    with pytest.raises(ConfigError, match="holds another large"):
        backtest(
            {"small": Last(), "large": Last(shift=4.0)},
            panel, 2, Origins(20, stride=4), num_samples=20, folder=tmp_path,
        )  # fmt: skip


@dataclass(frozen=True)
class Network(Last):
    """It was trained on a panel, up to its session 39."""

    history: Panel | None = None
    contents: dict = field(default_factory=dict)
    seen = "39"


def renamed(panel):
    return Panel(tuple(f"X{name}" for name in panel.unique_ids), panel.ds, panel.values)


def restated(panel):
    """As prices are after a dividend: what lies before it has another factor."""
    values = panel.values.copy()
    values[:, :30] *= 0.98
    return panel.with_values(values)


@pytest.mark.parametrize(
    "change",
    [
        lambda panel: panel,
        lambda panel: panel.part(0, 50),
        lambda panel: panel.part(10, 60),
        lambda panel: panel.rows([1]),
        renamed,
        restated,
        lambda panel: panel.followed_by(np.ones((2, 5))),
    ],
    ids=["same", "shorter", "begins later", "one series", "renamed", "restated", "longer"],
)
def test_what_a_network_was_trained_on_is_refused_however_it_is_cut(change):
    trained = random_walks(2, 60, dates=False)
    panel = change(trained)
    with pytest.raises(ConfigError, match="was trained or chosen on data up to 39, and would forecast"):
        backtest([Network(history=trained)], panel, 1, Origins(25, last=30))
    # Without its data, a name in common is enough; without even names, anything is.
    for contents in ({"data": {"unique_ids": list(panel.unique_ids)}}, {}):
        with pytest.raises(ConfigError, match="begin later"):
            backtest([Network(contents=contents)], panel, 1, Origins(25, last=30))


def test_other_data_of_the_same_dates_are_forecast_with_a_warning():
    trained, others = random_walks(2, 60, dates=False), random_walks(4, 60, dates=False).rows([2, 3])
    others = replace(others, unique_ids=trained.unique_ids)
    with pytest.warns(DataWarning, match="trained on other data up to 39, which overlap these in time"):
        frame = backtest([Network(history=trained)], others, 1, Origins(25, last=30))
    assert len(frame) == 12
    contents = {"data": {"unique_ids": ["another"]}}
    with pytest.warns(DataWarning, match="trained on other data"):
        backtest([Network(contents=contents)], others, 1, Origins(25, last=30))
