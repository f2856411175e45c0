"""Windows that are encoded as they are drawn: where they end, whose they are, what they score."""

import numpy as np
import pytest
import torch
from scipy import stats

from tsrnn.codecs import Blocks, TrendBlocks
from tsrnn.data import BlocksBefore, BlockWindows
from tsrnn.data.loaders.windows import encoded_windows, windows

NAN = float("nan")
CODECS = [
    Blocks(1, (1,), context=5),
    Blocks(4, (1, 4), context=3),
    Blocks(6, (4, 12), context=2),
    Blocks(4, (4,), context=1),
]
every_codec = pytest.mark.parametrize("codec", CODECS, ids=lambda codec: f"blocks_of_{codec.block_size}")


def places(series=3, sessions=90):
    """Values that name their own place: 1000 n + t."""
    return 1000.0 * torch.arange(series, dtype=torch.float64)[:, None] + torch.arange(sessions)


def ragged():
    """Series that begin and end at different times, and one with gaps."""
    values = places(5)
    values[1, :40] = NAN
    values[2, 60:] = NAN
    values[3, 10:30] = NAN
    values[4, :70] = NAN
    return values


def loader(values, codec, batch_size=64, batches_per_epoch=20, **more):
    return BlockWindows(values, codec, batch_size=batch_size, batches_per_epoch=batches_per_epoch, **more)


def drawn(data, shape=(20, 400), seed=0):
    return data.draw(shape, torch.Generator().manual_seed(seed)).flatten(0, 1)


@every_codec
def test_a_window_ends_where_a_series_has_a_memory_and_a_block_behind_it_and_not_after_its_last(codec):
    values = ragged()
    (size,) = codec.event_shape
    rows, ends = drawn(loader(values, codec)).unbind(-1)
    assert set(rows.tolist()) == set(range(5))
    for series in range(5):
        present = np.flatnonzero(~np.isnan(values[series].numpy()))
        first, last = present[0], present[-1] + 1
        earliest = min(first + codec.memory + size, last)
        found = set(ends[rows == series].tolist())
        assert found == set(range(earliest, last + 1))


@every_codec
def test_every_series_and_every_end_of_it_is_equally_likely(codec):
    values = ragged()
    rows, ends = drawn(loader(values, codec), (50, 400)).unbind(-1)
    assert stats.chisquare(rows.bincount().numpy()).pvalue > 0.001
    for series in range(5):
        counts = ends[rows == series].bincount()
        assert stats.chisquare(counts[counts > 0].numpy()).pvalue > 0.001


def test_a_series_without_more_than_a_block_of_values_is_never_drawn():
    codec = CODECS[1]
    values = places(4)
    values[0, 4:] = NAN
    values[1] = NAN
    values[2, :85] = NAN
    rows, _ = drawn(loader(values, codec)).unbind(-1)
    assert set(rows.tolist()) == {2, 3}


@every_codec
def test_a_batch_holds_the_blocks_before_each_end(codec):
    values = ragged()
    (size,) = codec.event_shape
    data = loader(values, codec)
    chosen = drawn(data, (1, 200))
    batch = data.batch(chosen)
    rows, ends = chosen.unbind(-1)
    assert batch.begins
    assert batch.encoding.observed.shape == (200, codec.context, size)
    assert batch.encoding.inputs.shape == (200, codec.context, codec.input_size)
    assert {part.dtype for part in batch.encoding if part.is_floating_point()} == {torch.float32}
    assert batch.encoding.observed.any()
    for place in range(0, 200, 7):
        series, end = int(rows[place]), int(ends[place])
        # The series up to the window's end, cut into blocks that end there.
        pad = torch.full((-end % size,), NAN, dtype=torch.float64)
        whole, _ = codec.encode(torch.cat([pad, values[series, :end]]))
        steps = min(codec.context, len(whole.observed))
        window = batch.encoding.take(place)
        assert torch.equal(window.observed[-steps:], whole.observed[-steps:])
        assert not window.observed[:-steps].any()
        for ours, theirs in zip(window, whole, strict=True):
            torch.testing.assert_close(ours[-steps:], theirs[-steps:].to(ours.dtype))


@every_codec
def test_blocks_are_met_at_every_phase(codec):
    (size,) = codec.event_shape
    _, ends = drawn(loader(places(), codec)).unbind(-1)
    assert set((ends % size).tolist()) == set(range(size))


def test_with_a_history_windows_begin_early_and_their_last_block_reaches_beyond_the_series():
    codec = TrendBlocks(4, (3, 9), context=2, history=3)
    values = ragged()
    values[4, :86] = NAN  # four values: one more than the history
    values[3, 3:] = NAN  # three
    data = loader(values, codec)
    rows, ends = drawn(data).unbind(-1)
    assert set(rows.tolist()) == {0, 1, 2, 4}
    for series, (first, last) in {0: (0, 90), 1: (40, 90), 2: (0, 60), 4: (86, 90)}.items():
        assert set(ends[rows == series].tolist()) == set(range(first + 4, last + 4))
    observed = data.batch(torch.tensor([[1, 90], [1, 91], [1, 93], [4, 90]])).encoding.observed
    assert observed[:, -1].sum(-1).tolist() == [4, 3, 1, 0]
    assert data.batch(torch.tensor([[4, 93]])).encoding.observed.sum() == 1


def test_windows_before_a_series_first_session_are_missing():
    values = places(2, 10)
    found = windows(values, 6, torch.tensor([0, 1, 1]), torch.tensor([10, 3, 0]))
    expected = [[4, 5, 6, 7, 8, 9], [NAN, NAN, NAN, 1000, 1001, 1002], [NAN] * 6]
    np.testing.assert_array_equal(found, expected)


def batches(data):
    return [batch.encoding for batch in data]


def assert_same(ours, theirs):
    assert len(ours) == len(theirs)
    for left, right in zip(ours, theirs, strict=True):
        for part, other in zip(left, right, strict=True):
            assert torch.equal(part, other)


def differ(ours, theirs):
    return all(not torch.equal(left.inputs, right.inputs) for left, right in zip(ours, theirs, strict=True))


def small(**more):
    return loader(ragged(), CODECS[1], batch_size=4, batches_per_epoch=5, **more)


def test_one_seed_draws_the_same_and_another_seed_and_another_epoch_do_not():
    first = small()
    ours = batches(first)
    assert len(first) == len(ours) == 5
    assert_same(ours, batches(small()))
    assert differ(ours, batches(first))  # the next epoch
    assert differ(ours, batches(small(seed=1)))


@pytest.mark.parametrize("seed", [0, 7])
def test_each_of_the_processes_draws_windows_of_its_own(seed):
    ranks = [batches(small(seed=seed, rank=rank)) for rank in range(3)]
    assert differ(ranks[0], ranks[1])
    assert differ(ranks[0], ranks[2])
    assert differ(ranks[1], ranks[2])
    assert differ(batches(small(seed=seed + 1)), ranks[1])


def test_draws_resume_in_the_middle_of_an_epoch():
    whole = small()
    two_epochs = batches(whole) + batches(whole)
    interrupted = small()
    iterator = iter(interrupted)
    for _ in range(3):
        next(iterator)
    resumed = small()
    resumed.load_state_dict(interrupted.state_dict())
    assert_same(batches(resumed) + batches(resumed), two_epochs[3:])


def test_an_epoch_is_drawn_from_its_number():
    data = small()
    epochs = [batches(data) for _ in range(3)]
    again = small()
    again.sampler.set_epoch(2)
    assert_same(batches(again), epochs[2])
    under_way = small()
    iterator = iter(under_way)
    next(iterator)
    under_way.set_epoch(0)  # told again of the epoch that is under way, it keeps its place
    assert len(batches(under_way)) == 4


@every_codec
@pytest.mark.parametrize("end", [77, 80, 90])
@pytest.mark.parametrize("block", [False, True], ids=["value", "block"])
def test_the_last_values_before_a_session_are_scored_in_the_window_that_ends_there(codec, end, block):
    values, scored = ragged(), codec.block_size if block else 1
    data = BlocksBefore(values, codec, end, scored)
    assert len(data) == 1
    (batch,) = data
    assert batch.begins
    expected = encoded_windows(values, codec, torch.arange(5), torch.full((5,), end))
    _, steps, size = batch.encoding.observed.shape
    number = min(scored, steps * size)
    flat = batch.encoding.observed.flatten(1)
    assert not flat[:, : steps * size - number].any()
    kept = expected.observed.flatten(1)[:, steps * size - number :]
    assert torch.equal(flat[:, steps * size - number :], kept)
    for ours, theirs in zip(batch.encoding[:4], expected[:4], strict=True):
        assert torch.equal(ours, theirs)


@every_codec
@pytest.mark.parametrize("scored", [1, 5, 45])
def test_every_observed_value_of_a_span_is_scored_however_long_it_is(codec, scored):
    values = places()
    values[1, 80:83] = NAN
    count, first = 0, 85 - scored
    for batch in BlocksBefore(values, codec, 85, scored):
        count += int(batch.encoding.observed.sum())
    assert count == int((~values[:, first:85].isnan()).sum())


def test_nothing_after_the_session_is_read():
    codec = CODECS[1]
    values, changed = ragged(), ragged()
    changed[:, 80:] = 1e9
    for ours, theirs in zip(
        BlocksBefore(values, codec, 80, 8), BlocksBefore(changed, codec, 80, 8), strict=True
    ):
        for part, other in zip(ours.encoding, theirs.encoding, strict=True):
            assert torch.equal(part, other)


def test_many_series_come_in_several_batches(monkeypatch):
    monkeypatch.setattr(BlocksBefore, "_ROWS", 2)
    codec, values = CODECS[1], ragged()
    data = BlocksBefore(values, codec, 90, 4)
    found = list(data)
    assert len(data) == len(found) == 3
    whole = encoded_windows(values, codec, torch.arange(5), torch.full((5,), 90))
    joined = torch.cat([batch.encoding.inputs for batch in found])
    assert torch.equal(joined, whole.inputs)
