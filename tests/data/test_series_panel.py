"""The data module of any series: what it reads, what it leaves out, its spans, and its rule of blocks."""

import warnings

import numpy as np
import pandas as pd
import pytest
import torch

from tests.hours import currency_hours
from tests.panels import seasonal_frame, seasonal_panel, write_m4
from tsrnn.codecs import Blocks, LogReturns
from tsrnn.data import SeriesPanel
from tsrnn.data.panels.seasons import (
    FREQUENCIES,
    default_blocks,
    default_horizon,
    frequency_of,
    seasons_of,
)
from tsrnn.errors import ConfigError, DataError, DataWarning, Notice
from tsrnn.protocols import Panel

NAN = float("nan")
SMALL = {"horizon": 4, "batch_size": 16, "batches_per_epoch": 3}


def small(panel=None, **arguments):
    return SeriesPanel.from_panel(
        seasonal_panel() if panel is None else panel,
        **{**SMALL, "codec": Blocks(4, (1, 4), context=3), **arguments},
    )


def with_values(values, **more):
    names = tuple(f"S{place}" for place in range(len(values)))
    return Panel(names, np.arange(values.shape[1]), values, **more)


def test_a_file_a_frame_and_a_panel_are_the_same(tmp_path):
    frame = seasonal_frame()
    frame.to_csv(tmp_path / "series.csv", index=False)
    from_frame = SeriesPanel(frame, **SMALL)
    from_file = SeriesPanel(path=str(tmp_path / "series.csv"), **SMALL)
    from_panel = SeriesPanel.from_panel(from_frame.panel, **SMALL)
    for other in (from_file, from_panel):
        assert other.panel.unique_ids == from_frame.panel.unique_ids
        np.testing.assert_array_equal(other.panel.values, from_frame.panel.values)
        np.testing.assert_array_equal(other.panel.ds, from_frame.panel.ds)
        assert other.spans == from_frame.spans
        assert other.description()["sha256"] == from_frame.description()["sha256"]
    assert from_frame.source == "the frame"
    assert from_file.source == str(tmp_path / "series.csv")


def test_columns_of_other_names_are_read(tmp_path):
    frame = seasonal_frame().rename(columns={"unique_id": "shop", "ds": "day", "y": "sales"})
    columns = {"id_column": "shop", "time_column": "day", "value_column": "sales"}
    frame.to_csv(tmp_path / "shops.csv", index=False)
    expected = SeriesPanel(seasonal_frame(), **SMALL).panel.values
    np.testing.assert_array_equal(SeriesPanel(frame, **columns, **SMALL).panel.values, expected)
    path = str(tmp_path / "shops.csv")
    np.testing.assert_array_equal(SeriesPanel(path=path, **columns, **SMALL).panel.values, expected)


def test_the_spans_end_with_the_horizon_unless_said_otherwise():
    assert small().spans == (192, 196, 200)
    assert small(horizon=10).spans == (180, 190, 200)
    assert small(valid_size=7, test_size=13).spans == (180, 187, 200)
    assert small(valid_size=0).spans == (196, 196, 200)
    assert small(test_size=0).spans == (196, 200, 200)
    assert small(valid_size=0, test_size=0).spans == (200, 200, 200)


def test_spans_of_nothing_have_no_loader():
    assert small(valid_size=0).val_dataloader() == []
    with pytest.raises(DataError, match="the test span is empty"):
        small(test_size=0).test_dataloader()


def test_the_test_is_a_forecast_from_the_last_session_before_its_span():
    data = small(valid_size=5, test_size=9)
    (holdout,) = data.test_dataloader()
    assert holdout.panel is data.panel
    assert (holdout.origin, holdout.horizon, holdout.season) == (190, 9, 4)
    assert (holdout.train, holdout.seasons) == (186, data.codec.seasons)
    (panel,) = data.predict_dataloader()
    assert panel is data.panel


def test_validation_scores_the_span_s_values_and_nothing_else():
    panel = seasonal_panel()
    panel.values[2, 193] = NAN
    data = small(panel)
    (batch,) = data.val_dataloader()
    assert int(batch.encoding.observed.sum()) == 6 * 4 - 1
    changed = seasonal_panel()
    changed.values[2, 193] = NAN
    changed.values[:, 196:] = 1e12
    (other,) = small(changed).val_dataloader()
    for part, same in zip(batch.encoding, other.encoding, strict=True):
        assert torch.equal(part, same)


def test_nothing_after_the_training_span_enters_a_window():
    panel, changed = seasonal_panel(), seasonal_panel()
    changed.values[:, 192:] = 1e12
    # So many windows that every end is drawn, the last one included.
    loaders = [small(one, batch_size=2_000).train_dataloader() for one in (panel, changed)]
    for ours, theirs in zip(*loaders, strict=True):
        for part, other in zip(ours.encoding, theirs.encoding, strict=True):
            assert part.isfinite().all()
            assert torch.equal(part, other)
        assert ours.encoding.targets.abs().max() < 1e6


def test_the_rule_of_blocks_sees_nothing_after_the_training_span():
    late = seasonal_panel(sessions=120)
    late.values[:, :100] = NAN  # so that the span decides what is long enough
    data = SeriesPanel.from_panel(late, horizon=4, frequency="monthly")
    assert data.codec.seasons == default_blocks("monthly", (1, 12), 4, 12).seasons


def test_the_form_of_the_m4_competition_has_its_test_in_a_file_of_its_own(tmp_path):
    values = seasonal_panel(sessions=60).values
    lengths = [60, 50, 40, 60, 55, 60]
    rows = [values[row, :length] for row, length in enumerate(lengths)]
    future = seasonal_panel(sessions=5, seed=1).values
    train = write_m4(tmp_path / "train.csv", rows)
    names = [f"H{place + 1}" for place in range(6)]
    order = [3, 1, 0, 5, 4, 2]
    test = write_m4(tmp_path / "test.csv", future[order], [names[place] for place in order])
    data = SeriesPanel(path=str(train), test_path=str(test), **{**SMALL, "horizon": 5})
    assert data.panel.unique_ids == tuple(names)
    assert data.spans == (55, 60, 65)
    assert list(data.panel.ends) == [length + 5 for length in lengths]
    assert list(data.panel.ds) == list(range(-64, 1))
    np.testing.assert_array_equal(data.panel.values[:, 60:], future)
    for row, length in enumerate(lengths):
        np.testing.assert_array_equal(data.panel.values[row, 60 - length : 60], rows[row])
        assert np.isnan(data.panel.values[row, : 60 - length]).all()
    (holdout,) = data.test_dataloader()
    assert (holdout.origin, holdout.horizon) == (59, 5)
    shorter = SeriesPanel(path=str(train), test_path=str(test), test_size=2, **{**SMALL, "horizon": 3})
    assert shorter.spans == (60, 63, 65)


def test_test_series_of_unequal_length_follow_their_training_sessions(tmp_path):
    values = seasonal_panel(2, 40).values
    train = write_m4(tmp_path / "train.csv", [values[0], values[1, :30]])
    test = write_m4(tmp_path / "test.csv", [[1.0, 2.0, 3.0, 4.0], [5.0, 6.0]])
    data = SeriesPanel(path=str(train), test_path=str(test), **SMALL)
    np.testing.assert_array_equal(data.panel.values[:, 40:], [[1, 2, 3, 4], [5, 6, NAN, NAN]])


def test_a_dated_test_file_follows_by_its_dates(tmp_path):
    frame = seasonal_frame(sessions=100)
    late = frame.ds >= frame.ds.iloc[90]
    frame[~late].to_csv(tmp_path / "train.csv", index=False)
    frame[late].to_csv(tmp_path / "test.csv", index=False)
    paths = {"path": str(tmp_path / "train.csv"), "test_path": str(tmp_path / "test.csv")}
    data, whole = SeriesPanel(**paths, **SMALL), SeriesPanel(frame, test_size=10, **SMALL)
    assert data.spans == whole.spans == (86, 90, 100)
    np.testing.assert_array_equal(data.panel.values, whole.panel.values)
    np.testing.assert_array_equal(data.panel.ds, whole.panel.ds)


@pytest.mark.parametrize("fault", ["before", "numbered", "missing"])
def test_a_test_file_that_does_not_follow_is_refused(tmp_path, fault):
    frame = seasonal_frame(sessions=100)
    late = frame[frame.ds >= frame.ds.iloc[90]]
    if fault == "missing":
        late = late[late.unique_id != "S3"]
    if fault == "numbered":
        late = late.assign(ds=late.groupby("unique_id").cumcount())
    frame[frame.ds < frame.ds.iloc[95 if fault == "before" else 90]].to_csv(
        tmp_path / "train.csv", index=False
    )
    late.to_csv(tmp_path / "test.csv", index=False)
    data = SeriesPanel(path=str(tmp_path / "train.csv"), test_path=str(tmp_path / "test.csv"), **SMALL)
    with pytest.raises(DataError, match="S3" if fault == "missing" else "do not follow") as caught:
        _ = data.panel
    assert "test.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def caught_warnings(make):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = make()
    assert all(one.category in (DataWarning, Notice) for one in caught)
    return found, [str(one.message) for one in caught if one.category is DataWarning]


def test_series_that_say_nothing_are_named_and_the_rest_goes_on():
    frame = seasonal_frame(9)
    frame.loc[(frame.unique_id == "S1") & (frame.ds > frame.ds.iloc[6]), "y"] = NAN
    frame.loc[(frame.unique_id == "S2") & (frame.ds > frame.ds.iloc[5]), "y"] = NAN
    frame.loc[frame.unique_id.isin(["S4", "S5"]), "y"] = 3.5
    frame.loc[frame.unique_id == "S7", "y"] = NAN

    def make():
        data = SeriesPanel(frame, codec=Blocks(4, (1, 4), context=3), **SMALL)
        return data, data.panel

    (data, panel), messages = caught_warnings(make)
    assert panel.unique_ids == ("S0", "S3", "S4", "S5", "S6", "S8")
    assert len(messages) == 3
    assert messages[0].endswith("left out, without any value: S7")
    assert messages[1].endswith("fewer than 8 values before the test span: S1, S2")
    assert messages[2].endswith("constant before the test span, and used as they are: S4, S5")
    assert all("\n" not in message for message in messages)
    for batch in data.train_dataloader():
        assert all(part.isfinite().all() for part in batch.encoding)
    assert len(data.description()["unique_ids"]) == 6


def test_many_series_that_are_too_short_are_one_warning():
    values = seasonal_panel(12).values
    values[1:10, :190] = NAN
    data, messages = caught_warnings(lambda: small(with_values(values)).panel)
    assert data.unique_ids == ("S0", "S10", "S11")
    (message,) = messages
    assert message.endswith("S1, S2, S3, S4, S5 and 4 more")


def test_the_ends_of_the_series_that_stay_are_kept():
    panel = seasonal_panel(3, ends=np.array([200, 7, 300]))
    panel.values[1, :193] = NAN
    with pytest.warns(DataWarning, match="S1"):
        kept = small(panel).panel
    assert list(kept.ends) == [200, 300]


def test_only_series_that_are_too_short_are_an_error():
    values = seasonal_panel().values
    values[:, :186] = NAN
    with pytest.raises(DataError, match="every series has fewer than 8 values"):
        _ = small(with_values(values)).panel
    with pytest.raises(DataError, match="every series has fewer than"):
        _ = SeriesPanel.from_panel(with_values(np.full((2, 50), NAN)), horizon=4).panel


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"codec": LogReturns()}, "for log returns use PriceSeries"),
        ({"horizon": 0}, "horizon"),
        ({"batch_size": 0}, "batch_size"),
        ({"batches_per_epoch": 0}, "batches_per_epoch"),
        ({"valid_size": -1}, "valid_size"),
        ({"test_size": -1}, "test_size"),
        ({"frequency": "houry"}, "did you mean hourly"),
        ({"valid_size": 150, "test_size": 49}, "lower valid_size or test_size"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(arguments, words):
    with pytest.raises((ConfigError, DataError), match=words) as caught:
        _ = small(**arguments).spans
    assert "\n" not in str(caught.value)


def test_a_module_without_a_path_says_so():
    with pytest.raises(ConfigError, match="a SeriesPanel needs path: a frame, or a file"):
        _ = SeriesPanel().panel


# How often the data come


@pytest.mark.parametrize(
    ("freq", "frequency", "seasons"),
    [
        ("min", "minute", (1440, 10080)),
        ("15min", "15min", (96, 672)),
        ("30min", "30min", (48, 336)),
        ("h", "hourly", (24, 168)),
        ("D", "daily", (1, 7)),
        ("B", "business", (1, 5)),
        ("W", "weekly", (1, 52)),
        ("MS", "monthly", (1, 12)),
        ("ME", "monthly", (1, 12)),
        ("QS", "quarterly", (1, 4)),
        ("YS", "yearly", (1,)),
        ("2D", "unknown", (1,)),
        ("3h", "3h", (8, 56)),
        ("5h", "unknown", (1,)),
    ],
)
def test_the_dates_tell_how_often_the_data_come(freq, frequency, seasons):
    ds = pd.date_range("2020-01-01", periods=60, freq=freq).to_numpy()
    panel = Panel(("a",), ds, np.arange(60.0)[None])
    assert frequency_of(panel) == frequency
    assert seasons_of(frequency) == seasons
    gaps = np.delete(ds, [7, 20, 21, 40])
    assert frequency_of(Panel(("a",), gaps, np.arange(56.0)[None])) == frequency


def test_numbers_and_a_single_date_tell_nothing():
    assert frequency_of(seasonal_panel()) == "unknown"
    day = np.array(["2020-01-01"], dtype="datetime64[ns]")
    assert frequency_of(Panel(("a",), day, np.ones((1, 1)))) == "unknown"
    with pytest.raises(ConfigError, match="there is no frequency 'dayly', did you mean daily"):
        seasons_of("dayly")
    assert all(seasons_of(name) for name in FREQUENCIES)


@pytest.mark.parametrize(
    ("frequency", "horizon", "longest", "expected"),
    [
        ("hourly", 48, 700, (24, (24, 168), 28)),
        ("hourly", 24, 700, (24, (24, 168), 28)),
        ("hourly", 6, 700, (6, (24, 168), 28)),
        ("hourly", 48, 200, (24, (24,), 28)),
        ("30min", 96, 2_000, (48, (48, 336), 28)),
        ("daily", 14, 500, (7, (1, 7), 8)),
        ("daily", 3, 500, (3, (1, 7), 9)),
        ("daily", 1, 500, (1, (1, 7), 28)),
        ("business", 10, 500, (5, (1, 5), 8)),
        ("weekly", 13, 500, (13, (1, 52), 16)),
        ("monthly", 18, 200, (12, (1, 12), 8)),
        ("monthly", 18, 20, (18, (1,), 8)),
        ("quarterly", 8, 100, (4, (1, 4), 8)),
        ("yearly", 6, 40, (6, (1,), 8)),
        ("unknown", 1, 40, (1, (1,), 8)),
        ("unknown", 30, 400, (30, (1,), 8)),
    ],
)
def test_blocks_are_chosen_by_the_rule(frequency, horizon, longest, expected):
    codec = default_blocks(frequency, seasons_of(frequency), horizon, longest)
    assert (codec.block_size, codec.seasons, codec.context) == expected


@pytest.mark.parametrize(("frequency", "horizon", "longest"), [("minute", 30, 1_000), ("hourly", 4, 20)])
def test_a_season_that_no_series_holds_is_left_out(frequency, horizon, longest):
    codec = default_blocks(frequency, seasons_of(frequency), horizon, longest)
    assert max(codec.seasons) + 2 * horizon <= longest


def test_the_default_codec_comes_from_the_dates_or_from_the_stated_frequency():
    hourly = SeriesPanel(seasonal_frame(sessions=600, season=24, freq="h"), horizon=48)
    assert hourly.codec.seasons == (24, 168)
    assert hourly.codec.block_size == 24
    assert hourly.season == 24
    numbered = SeriesPanel.from_panel(seasonal_panel(sessions=600), horizon=48, frequency="hourly")
    assert numbered.codec.seasons == (24, 168)
    unknown = SeriesPanel.from_panel(seasonal_panel(), horizon=5)
    assert numbered.frequency == "hourly"
    assert unknown.frequency == "unknown"
    assert (unknown.codec.block_size, unknown.codec.seasons, unknown.season) == (5, (1,), 1)


@pytest.mark.parametrize(
    ("frequency", "longest", "expected"),
    [
        ("minute", 10_000, 60),
        ("30min", 1_000, 96),
        ("hourly", 1_000, 48),
        ("6h", 1_000, 8),
        ("daily", 1_000, 14),
        ("business", 1_000, 14),
        ("weekly", 1_000, 13),
        ("monthly", 100, 18),
        ("monthly", 40, 8),
        ("quarterly", 100, 8),
        ("yearly", 58, 6),
        ("yearly", 20, 4),
        ("unknown", 100, 8),
        ("unknown", 4, 1),
    ],
)
def test_the_horizon_is_that_of_the_m4_competition_or_a_fifth_of_what_there_is(frequency, longest, expected):
    assert default_horizon(frequency, seasons_of(frequency), longest) == expected


def test_everything_follows_from_the_data_and_is_said_in_one_line():
    data = SeriesPanel(seasonal_frame(3, 200, season=12, freq="MS"))
    assert (data.frequency, data.horizon, data.season) == ("monthly", 18, 12)
    assert data.spans == (164, 182, 200)
    assert data.summary == (
        "3 series, monthly: 18 ahead; seasons of 1 and 12, blocks of 12, 8 of them read; "
        "164 time steps to train on"
    )
    quarters = data.reading(SeriesPanel(seasonal_frame(3, 100, freq="QS"), horizon=2).panel)
    assert (quarters.frequency, quarters.horizon, quarters.season) == ("quarterly", 8, 4)


def test_a_frequency_that_the_dates_deny_is_refused():
    quarters = seasonal_frame(3, 100, freq="QS")
    data = SeriesPanel(quarters, frequency="monthly")
    with pytest.raises(ConfigError, match="the dates of the frame are quarterly, and frequency is monthly"):
        _ = data.codec
    assert SeriesPanel(seasonal_frame(3, 100, freq="B"), frequency="daily").season == 7


def test_a_day_has_the_hours_that_there_are():
    hours = pd.date_range("2024-01-01", periods=24 * 70, freq="h")
    day, hour = hours.day_of_week, hours.hour
    open_hours = hours[(day < 5) & (hour >= 9) & (hour < 16)]
    panel = Panel(("a",), open_hours.to_numpy(), np.arange(float(len(open_hours)))[None])
    data = SeriesPanel.from_panel(panel)
    assert (data.frequency, data.codec.seasons, data.codec.block_size) == ("hourly", (7, 35), 7)
    assert data.horizon == 14
    rates = hours[(day < 4) | ((day == 4) & (hour < 22)) | ((day == 6) & (hour >= 22))]
    assert seasons_of("hourly", rates.to_numpy()) == (24, 120)
    # From Sunday evening on by New York's clock; and day and night, with an hour missing now and then.
    assert seasons_of("hourly", currency_hours("2024-01-01", "2024-06-01", "America/New_York")) == (24, 120)
    gaps = hours.to_numpy()[np.random.default_rng(0).random(len(hours)) > 0.03]
    assert seasons_of("hourly", gaps) == (24, 168)


def test_a_test_file_says_how_far_ahead_a_forecast_is_wanted(tmp_path):
    values = seasonal_panel(2, 60).values
    train = write_m4(tmp_path / "train.csv", list(values[:, :50]))
    test = write_m4(tmp_path / "test.csv", list(values[:, 50:57]))
    data = SeriesPanel(path=str(train), test_path=str(test))
    assert (data.horizon, data.spans) == (7, (43, 50, 57))
    assert data.reading(data.panel).spans == data.spans


# What a checkpoint keeps


def test_the_history_is_the_panel_its_end_or_nothing_by_its_size(monkeypatch):
    data = small()
    codec = data.codec
    needed = codec.memory + codec.context * codec.block_size
    assert needed == 20
    np.testing.assert_array_equal(data.history().values, data.panel.values)
    monkeypatch.setattr("tsrnn.data.panels.base.HISTORY_VALUES", 6 * needed)
    np.testing.assert_array_equal(data.history().values, data.panel.values[:, -needed:])
    monkeypatch.setattr("tsrnn.data.panels.base.HISTORY_VALUES", 6 * needed - 1)
    assert data.history() is None


def test_the_description_is_plain_and_names_the_data():
    description = small().description()
    assert description["spans"] == [192, 196, 200]
    assert description["unique_ids"] == [f"S{place}" for place in range(6)]
    assert description["observations"] == 1_200
    assert (description["first"], description["train_end"], description["last"]) == ("0", "191", "199")
    panel = seasonal_panel()
    backwards = Panel(panel.unique_ids[::-1], panel.ds, panel.values[::-1])
    assert description["sha256"] == small(backwards).description()["sha256"]
    panel.values[3, 5] += 1e-9
    assert description["sha256"] != small(panel).description()["sha256"]
    with_ends = [seasonal_panel(ends=np.arange(200, 206) + shift) for shift in (0, 1)]
    hashes = {small(one).description()["sha256"] for one in with_ends}
    assert len(hashes | {description["sha256"]}) == 3


def test_spans_that_the_checkpoint_has_seen_are_refused():
    trained = small().description()
    small().refuse_seen("test", trained)
    with pytest.raises(ConfigError, match="which the checkpoint has seen"):
        small(test_size=9).refuse_seen("test", trained)
    panel = seasonal_panel()
    panel.values[0, 0] += 1
    with pytest.warns(DataWarning, match="not those that the checkpoint was trained on"):
        small(panel).refuse_seen("test", trained)


def test_another_panel_has_seasons_and_blocks_of_its_own():
    """What is derived from data is derived anew: a monthly panel does not keep a daily one's week."""
    daily = SeriesPanel(seasonal_frame(2, 400, season=7, freq="D"), horizon=14)
    assert daily.codec.seasons == (1, 7)
    monthly = SeriesPanel(seasonal_frame(2, 200, season=12, freq="MS"), horizon=14)
    assert monthly.codec.seasons == (1, 12)
    assert daily.reading(monthly.panel).codec.seasons == (1, 12)
    assert daily.over(monthly.panel, (150, 170, 200)).codec.seasons == (1, 12)
    assert daily.codec.seasons == (1, 7)
    given = SeriesPanel(seasonal_frame(2, 400), horizon=14, codec=Blocks(2, (3,)))
    assert given.reading(monthly.panel).codec.seasons == (3,)
