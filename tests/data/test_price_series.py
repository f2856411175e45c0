"""The data module: spans, windows, chunks, and nothing from the future."""

import numpy as np
import pandas as pd
import pytest
import torch

from tests.prices import random_walks, write_long
from tsrnn.data import PriceSeries, RandomWindows, SeriesChunks
from tsrnn.errors import ConfigError, DataError, DataWarning
from tsrnn.protocols import Encoding

SMALL = {"window_length": 40, "warm_up": 10, "batch_size": 8, "batches_per_epoch": 5, "calendar": "24/5"}


def small(frame=None, **arguments):
    return PriceSeries(random_walks() if frame is None else frame, **{**SMALL, **arguments})


def test_the_bundled_sample_is_the_default():
    data = PriceSeries()
    assert set(data.panel.unique_ids) == {"AAPL", "IBM", "GOOG", "MSFT"}
    assert data.panel.calendar == "XNYS"
    assert (data.panel.num_steps, data.panel.ds[-1]) == (3270, np.datetime64("2013-03-01"))
    goog = data.panel.values[data.panel.unique_ids.index("GOOG")]
    assert np.isnan(goog[:1122]).all()
    assert not np.isnan(goog[1122:]).any()


def test_a_file_and_a_frame_give_the_same_panel(tmp_path):
    frame = random_walks()
    path = write_long(tmp_path / "prices.csv", frame)
    ours, theirs = small(frame).panel, PriceSeries(path=str(path), **SMALL).panel
    assert ours.unique_ids == theirs.unique_ids
    np.testing.assert_array_equal(ours.ds, theirs.ds)
    np.testing.assert_allclose(ours.values, theirs.values, rtol=1e-12)


def test_how_a_file_is_written_is_said_by_options(tmp_path):
    frame = random_walks(1)
    prices = [f"1'{100 + y:06.2f} €".replace(".", ",") for y in frame.y]
    rows = [f"{day};{price}" for day, price in zip(frame.ds.dt.strftime("%d/%m/%Y"), prices, strict=True)]
    lines = ["# a note", "Date;Close", *rows, "Total;1"]
    (tmp_path / "walk.csv").write_text("\n".join(lines), encoding="utf-8")
    written = {"decimal": ",", "thousands": "'", "dates": "dmy", "on_units": "drop", "comment": "#"}
    panel = PriceSeries(path=str(tmp_path / "walk.csv"), **written, **SMALL).panel
    np.testing.assert_array_equal(panel.ds, frame.ds)
    np.testing.assert_allclose(panel.values[0], 1100 + frame.y, atol=0.005)
    for option in written.keys() - {"dates"}:  # a day after the 12th leaves no doubt
        fewer = {name: value for name, value in written.items() if name != option}
        with pytest.raises(DataError):
            _ = PriceSeries(path=str(tmp_path / "walk.csv"), **fewer, **SMALL).panel


def test_spans_by_share_and_by_date():
    data = small()
    assert data.spans == (280, 340, 400)
    ds = data.panel.ds
    dated = small(train_end=str(ds[199])[:10], valid_end=str(ds[299])[:10])
    assert dated.spans == (200, 300, 400)
    ended = small(train_end=str(ds[199])[:10], valid_end=str(ds[299])[:10], test_end=str(ds[349])[:10])
    assert ended.spans == (200, 300, 350)


def test_series_may_begin_and_end_at_different_times():
    frame = random_walks(3)
    late = (frame.unique_id == "S1") & (frame.ds < frame.ds.iloc[150])
    early = (frame.unique_id == "S2") & (frame.ds > frame.ds.iloc[350])
    data = small(frame[~late & ~early])
    observed = data.encoding.observed
    assert observed.sum(1).tolist() == [399, 249, 350]
    for batch in data.train_dataloader():
        assert batch.encoding.observed.any(1).all()


def test_windows_lie_in_the_training_span_and_skip_the_warm_up():
    data = small()
    encoding = data.encoding
    steps = torch.arange(400).expand(2, 400)
    marked = encoding._replace(targets=steps.clone())
    windows = RandomWindows(
        marked, span=280, window_length=40, warm_up=10, batch_size=64, batches_per_epoch=40
    )
    seen = torch.zeros(400, dtype=torch.bool)
    for batch in windows:
        assert batch.begins
        assert batch.encoding.targets.shape == (64, 40)
        assert (batch.encoding.targets.diff(dim=1) == 1).all()
        assert not batch.encoding.observed[:, :10].any()
        seen[batch.encoding.targets.flatten()] = True
    assert seen[:280].all()
    assert not seen[280:].any()


def test_a_window_is_a_copy_of_its_series():
    encoding = small().encoding
    windows = RandomWindows(
        encoding, span=280, window_length=40, warm_up=0, batch_size=16, batches_per_epoch=1, seed=3
    )
    (batch,) = windows
    for row in range(16):
        target = batch.encoding.targets[row]
        places = [
            (series, start)
            for series in range(2)
            for start in range(241)
            if torch.equal(encoding.targets[series, start : start + 40], target)
        ]
        (place,) = places
        np.testing.assert_array_equal(
            batch.encoding.inputs[row], encoding.inputs[place[0], place[1] : place[1] + 40]
        )


def test_the_future_changes_no_training_batch_and_no_fitted_constant():
    frame = random_walks()
    changed = frame.copy()
    changed.loc[changed.ds > changed.ds.iloc[279], "y"] *= np.tile(np.linspace(1.1, 1.5, 120), 2)
    # So many windows that every start is drawn, the last one included.
    loaders = [small(prices, batch_size=1000).train_dataloader() for prices in (frame, changed)]
    for ours, theirs in zip(*loaders, strict=True):
        for left, right in zip(ours.encoding, theirs.encoding, strict=True):
            assert torch.equal(left, right)


def test_windows_resume_in_the_middle_of_an_epoch():
    def first(loader):
        return [batch.encoding.targets for batch in loader]

    whole = small().train_dataloader()
    two_epochs = first(whole) + first(whole)
    interrupted = small().train_dataloader()
    iterator = iter(interrupted)
    for _ in range(3):
        next(iterator)
    resumed = small().train_dataloader()
    resumed.load_state_dict(interrupted.state_dict())
    rest = first(resumed) + first(resumed)
    assert len(rest) == 7
    for left, right in zip(two_epochs[3:], rest, strict=True):
        assert torch.equal(left, right)


@pytest.mark.parametrize("sizes", [(1, 7), (3, 400), (1 << 18, 4096)])
def test_every_observation_of_a_span_is_scored_once(monkeypatch, sizes):
    monkeypatch.setattr("tsrnn.data.loaders.streams._STEPS_PER_BATCH", sizes[0])
    monkeypatch.setattr("tsrnn.data.loaders.streams._CHUNK_LENGTH", sizes[1])
    encoding = small(random_walks(5)).encoding
    place = torch.arange(5 * 400).view(5, 400)
    chunks = SeriesChunks(encoding._replace(targets=place), 280, 340)
    batches = list(chunks)
    assert len(batches) == len(chunks)
    scored = torch.cat([batch.encoding.targets[batch.encoding.observed] for batch in batches])
    assert torch.equal(scored.sort().values, place[:, 280:340].flatten())
    assert batches[0].begins


def test_a_short_series_is_named_and_the_rest_goes_on():
    frame = random_walks(3)
    frame = frame[(frame.unique_id != "S1") | (frame.ds < frame.ds.iloc[20])]
    data = small(frame)
    with pytest.warns(DataWarning, match=r"left out, with fewer than 40 prices: S1 \(20\)"):
        assert data.panel.unique_ids == ("S0", "S2")


def test_a_constant_series_among_others_trains_on():
    frame = random_walks(3)
    frame.loc[frame.unique_id == "S1", "y"] = 100.0
    with pytest.warns(DataWarning, match="constant"):
        encoding = small(frame).encoding
    assert all(torch.isfinite(part).all() for part in encoding)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"window_length": 500}, "needs at least 500 prices"),
        ({"window_length": 300}, "the training span has 280 sessions, but a window needs 300"),
        ({"split": (0.5, 0.5, 0.5)}, "add up to 1"),
        ({"warm_up": 40}, "warm_up"),
        ({"batch_size": 0}, "batch_size"),
        ({"train_end": "2020-06-01"}, "together"),
        ({"train_end": "2021-06-01", "valid_end": "2020-06-01"}, "in that order"),
        ({"train_end": "soon", "valid_end": "2020-06-01"}, "'soon' is not a date"),
        ({"symbols": ["S9"]}, "S9"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(arguments, words):
    with pytest.raises((ConfigError, DataError), match=words) as caught:
        _ = small(**arguments).spans
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [np.nan, 0.0, -1.0, np.inf])
def test_a_price_that_is_none_is_never_trained_on(value):
    frame = random_walks()
    frame.loc[57, "y"] = value
    with pytest.raises(DataError, match=r"S0.*row 57|rows? 57"):
        _ = small(frame).panel


def test_the_description_is_plain_and_names_the_data():
    description = small().description()
    assert description["spans"] == [280, 340, 400]
    assert description["unique_ids"] == ["S0", "S1"]
    assert description["observations"] == 800
    assert description["sha256"] == small(random_walks().iloc[::-1]).description()["sha256"]
    frame = random_walks()
    frame.loc[0, "y"] += 1e-9
    assert description["sha256"] != small(frame).description()["sha256"]


def test_an_empty_test_span_is_said(tmp_path):
    with pytest.raises(DataError, match="the test span is empty"):
        small(split=(0.8, 0.2, 0.0)).test_dataloader()
    assert small(split=(1.0, 0.0, 0.0)).val_dataloader() == []


def test_integer_sessions_are_legal():
    frame = random_walks()
    frame["ds"] = pd.factorize(frame.ds)[0]
    data = small(frame, calendar="auto")
    assert data.panel.calendar == "none"
    assert data.description()["last"] == "399"
    assert isinstance(data.encoding, Encoding)


@pytest.mark.parametrize("end", ["train_end", "valid_end", "test_end"])
def test_a_day_that_ends_a_span_is_meant_with_all_of_its_hours(end):
    hours = pd.date_range("2020-01-01", periods=24 * 30, freq="h")
    frame = pd.DataFrame({"ds": hours, "y": 100 + np.arange(len(hours)) % 7})
    ends = {"train_end": "2020-01-15", "valid_end": "2020-01-20", "test_end": "2020-01-25"}
    data = PriceSeries(frame, window_length=16, warm_up=2, calendar="none", **ends)
    place = list(ends).index(end)
    assert data.panel.ds[data.spans[place] - 1] == np.datetime64(f"{ends[end]}T23:00")
    ends[end] += " 05:00"
    data = PriceSeries(frame, window_length=16, warm_up=2, calendar="none", **ends)
    assert data.panel.ds[data.spans[place] - 1] == np.datetime64(ends[end])


def test_short_series_have_the_windows_that_they_have_room_for():
    data = PriceSeries(random_walks(2, 300), calendar="24/5")
    assert data.spans == (210, 255, 300)
    assert (data.window_length, data.warm_up) == (105, 26)
    said = "210 sessions to train on: windows of 105 in place of 256, the first 26 not scored"
    assert data.summary == said
    (batch, *_) = data.train_dataloader()
    assert batch.encoding.targets.shape == (32, 105)
    given = PriceSeries(random_walks(2, 300), calendar="24/5", window_length=120, warm_up=70)
    assert (given.window_length, given.warm_up, given.summary) == (120, 70, None)
    with pytest.raises(DataError, match="the training span has 28 sessions, but 32 are needed: give more"):
        _ = PriceSeries(random_walks(1, 40), calendar="24/5").spans


def test_long_series_have_the_usual_windows():
    data = PriceSeries()
    assert (data.window_length, data.warm_up, data.summary) == (256, 64, None)


@pytest.mark.filterwarnings("error::tsrnn.errors.Notice")
def test_the_sample_s_columns_are_not_spoken_of():
    assert PriceSeries().panel.unique_ids == ("AAPL", "IBM", "GOOG", "MSFT")
