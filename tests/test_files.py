"""One writer: whole or not at all; and one folder of caches."""

import ast
from pathlib import Path

import pytest

import tsrnn
from tsrnn.files import atomic_file, atomic_folder, cache_folder


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


def test_a_folder_takes_its_place_when_it_is_whole(tmp_path):
    place = tmp_path / "folder"
    with atomic_folder(place) as partial:
        (partial / "file").write_text("new")
        assert not place.exists()
    assert (place / "file").read_text() == "new"
    with atomic_folder(place) as partial:  # another process was first
        (partial / "file").write_text("late")
    assert (place / "file").read_text() == "new"
    assert list(tmp_path.iterdir()) == [place]


def test_a_folder_that_cannot_be_finished_is_not_there(tmp_path):
    def write_half():
        with atomic_folder(tmp_path / "folder") as partial:
            (partial / "file").write_text("half")
            raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        write_half()
    (tmp_path / "taken").write_text("a file in its place")
    with pytest.raises(NotADirectoryError), atomic_folder(tmp_path / "taken"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


WRITES = {"write_text", "write_bytes", "to_csv", "to_parquet", "savefig", "save", "tofile"}


def test_whatever_the_package_writes_is_written_beside_its_place():
    """Each call of a writer names `partial`, what `atomic_file` gave, or a `file` that was opened of it."""
    found = {}
    for path in Path(tsrnn.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in WRITES
            ):
                names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
                found[path, node.lineno] = names & {"partial", "file", "sys"}  # standard output
    assert len(found) > 10
    assert [place for place, names in found.items() if not names] == []


def test_every_cache_has_one_root(monkeypatch, tmp_path):
    monkeypatch.setenv("TSRNN_CACHE", str(tmp_path))
    assert cache_folder("text") == tmp_path / "text"
    monkeypatch.delenv("TSRNN_CACHE")
    assert cache_folder("prices").parts[-2:] == ("tsrnn", "prices")
    assert cache_folder("prices").is_relative_to(Path.home())
