"""One writer: whole or not at all; and one folder of caches."""

from pathlib import Path

import pytest

from tsrnn.files import atomic_file, cache_folder


def test_a_file_takes_its_place_when_it_is_whole(tmp_path):
    place = tmp_path / "file"
    place.write_text("old")
    with atomic_file(place) as partial:
        partial.write_text("new")
        assert place.read_text() == "old"
    assert place.read_text() == "new"
    assert list(tmp_path.iterdir()) == [place]


def test_an_error_leaves_what_was_there_and_nothing_else(tmp_path):
    place = tmp_path / "file"
    place.write_text("old")

    def write_half():
        with atomic_file(place) as partial:
            partial.write_text("half")
            raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        write_half()
    assert place.read_text() == "old"
    assert list(tmp_path.iterdir()) == [place]


def test_every_cache_has_one_root(monkeypatch, tmp_path):
    monkeypatch.setenv("TSRNN_CACHE", str(tmp_path))
    assert cache_folder("text") == tmp_path / "text"
    monkeypatch.delenv("TSRNN_CACHE")
    assert cache_folder("prices").parts[-2:] == ("tsrnn", "prices")
    assert cache_folder("prices").is_relative_to(Path.home())
