"""Files of word vectors: what is read of them, and what is said of a bad one."""

import gzip

import pytest
import torch

from tsrnn.data.text.word_vectors import read_word_vectors
from tsrnn.errors import DataError

TOKENS = ("<eos>", "<unk>", "the", "Cat", "dog", "naïve")
GLOVE = "the 0.5 -1 2e-1\nhouse 9 9 9\ncat 1 2 3\nnaïve 4 5 6\n"


@pytest.fixture
def file(tmp_path):
    def write(content, name="vectors.txt"):
        content = content if isinstance(content, bytes) else content.encode()
        path = tmp_path / name
        path.write_bytes(gzip.compress(content, mtime=0) if name.endswith(".gz") else content)
        return path

    return write


def as_dict(vectors):
    return {TOKENS[i]: row for i, row in zip(vectors.ids.tolist(), vectors.values.tolist(), strict=True)}


EXPECTED = {"the": [0.5, -1.0, pytest.approx(0.2)], "Cat": [1.0, 2.0, 3.0], "naïve": [4.0, 5.0, 6.0]}


@pytest.mark.parametrize("name", ["glove.txt", "glove.txt.gz", "glove.vec"])
@pytest.mark.parametrize("header", ["", "4 3\n"], ids=["glove", "word2vec"])
def test_the_vocabularys_words_have_the_files_vectors(file, name, header):
    vectors = read_word_vectors(file(header + GLOVE, name), TOKENS, 3)
    assert as_dict(vectors) == EXPECTED
    assert vectors.ids.dtype == torch.int64
    assert vectors.values.dtype == torch.float32
    assert as_dict(read_word_vectors(str(file(header + GLOVE.replace("\n", "\r\n"))), TOKENS, 3)) == EXPECTED


def test_a_word_as_it_is_written_comes_before_its_lower_case_and_the_first_of_two_counts(file):
    vectors = read_word_vectors(file("cat 1 1\nCat 2 2\nCat 3 3\ndog 4 4\nDog 5 5\n"), TOKENS, 2)
    assert as_dict(vectors) == {"Cat": [2, 2], "dog": [4, 4]}


def test_two_spellings_share_the_vector_of_their_lower_case(file):
    vectors = read_word_vectors(file("cat 1 1\n"), ("<eos>", "cat", "Cat", "CAT"), 2)
    assert vectors.ids.tolist() == [1, 2, 3]
    assert vectors.values.tolist() == [[1, 1]] * 3


def test_a_word_of_numbers_on_the_first_line_is_no_header(file):
    vectors = read_word_vectors(file("3 1 2\n4 5 6\n"), ("<eos>", "3", "4"), 2)
    assert vectors.values.tolist() == [[1, 2], [5, 6]]
    assert read_word_vectors(file("the 7\n"), TOKENS, 1).values.tolist() == [[7]]


def test_glove_words_with_spaces_in_them_do_no_harm(file):
    vectors = read_word_vectors(file("the 1 2\n. . . 3 4\nat name@domain.com 5 6\n"), TOKENS, 2)
    assert as_dict(vectors) == {"the": [1, 2]}


BAD = {
    "another size": ("the 1 2 3 4\n", r"line 1.*the vector has 4 entries, the embedding 3"),
    "a smaller size": ("the 1 2\n", r"line 1.*the vector has 2 entries, the embedding 3"),
    "another size in the header": ("400000 50\nthe 1 2\n", "the vectors have 50 entries, the embedding 3"),
    "a short line": ("house 1 2 3\nthe 1 2\n", r"line 2.*the vector has 2 entries, the embedding 3"),
    "an empty line": ("house 1 2 3\n\nthe 1 2 3\n", "line 2"),
    "no number": ("the 1 x 3\n", r"line 1.*'the' holds something that is no number"),
    "nan": ("dog 1 2 3\nthe 1 nan 3\n", r"line 2.*'the' is not finite"),
    "beyond float32": ("the 1 1e39 3\n", r"line 1.*'the' is not finite"),
    "no UTF-8": (b"dog 1 2 3\nna\xefve 1 2 3\n", r"line 2.*not UTF-8"),
    "none found": ("house 1 2 3\n", "none of the vocabulary's words"),
    "nothing": ("", "none of the vocabulary's words"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_one_line_that_names_it(file, name):
    content, words = BAD[name]
    with pytest.raises(DataError, match=words) as caught:
        read_word_vectors(file(content, "bad.txt"), TOKENS, 3)
    assert "bad.txt" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_word_that_is_not_wanted_may_be_damaged(file):
    assert as_dict(read_word_vectors(file("house 1 x 3\nthe 1 2 3\n"), TOKENS, 3)) == {"the": [1, 2, 3]}


def test_a_missing_file_names_the_nearest(file):
    path = file(GLOVE, "glove.6B.300d.txt")
    with pytest.raises(DataError, match=r"no such file, did you mean glove\.6B\.300d\.txt\?"):
        read_word_vectors(path.with_name("glove.6B.30d.txt"), TOKENS, 3)


@pytest.mark.parametrize("damage", ["cut", "not gzip", "corrupt"])
def test_a_gz_file_that_is_none_is_one_line(file, damage):
    path = file("".join(f"word{k} {k} {k * k} 3\n" for k in range(5_000)), "vectors.gz")
    whole = path.read_bytes()
    middle = len(whole) // 2
    path.write_bytes(
        {
            "cut": whole[:middle],
            "not gzip": b"the 1 2 3\n",
            "corrupt": whole[:10] + b"\xff" + whole[11:],
        }[damage]
    )
    with pytest.raises(DataError, match=r"vectors\.gz.*ends early|damaged") as caught:
        read_word_vectors(path, (*TOKENS, "word1"), 3)
    assert "\n" not in str(caught.value)
