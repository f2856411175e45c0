"""Sentences: one a line, or found in paragraphs, in English and in Korean."""

import random
import textwrap

import pytest

from tsrnn.codecs import Characters, Vocabulary, Words
from tsrnn.codecs import sentences as sentences_module
from tsrnn.codecs.sentences import looks_wrapped, open_sentences, sentences_in
from tsrnn.errors import ConfigError, DataError

ENGLISH = [
    "Call me Ishmael.",
    "Some years ago, never mind how long precisely, I met Mr. Smith of the U.S. Navy.",
    '"What?" said he.',
    '"Stop!',
    'It is late."',
    "It was 3.14 p.m. and J. S. Mill, e.g. the author, saw No. 5 on Jan. 3.",
    "He left... and then he wrote vol. 2 (see Fig. 3).",
    "1. Dr. Who?",
    "Yes!",
]
KOREAN = [
    "1. 국회는 법률이 정하는 바에 의한다.",
    "이 법은 2010. 11. 12. 시행한다.",
    "“안녕!”",
    "그는 말했다…",
    "할 수 있는 것.",
    "나. 다음 각 호의 어느 하나에 해당하는 자는 누구인가?",
    "제1조의 규정은 3.5 이상에 적용한다.",
]


def paragraphs(*texts):
    return list(sentences_in("\n\n".join(texts).split("\n"), "paragraph"))


@pytest.mark.parametrize("expected", [ENGLISH, KOREAN], ids=["english", "korean"])
@pytest.mark.parametrize("width", [12, 40, 70, 10_000])
def test_sentences_are_the_same_however_their_paragraph_is_wrapped(expected, width):
    wrapped = textwrap.fill(" ".join(expected), width, break_long_words=False, break_on_hyphens=False)
    assert paragraphs(wrapped) == expected


def test_a_paragraph_ends_its_sentence_and_full_width_marks_need_no_space():
    assert paragraphs("CHAPTER I", "It was\r\nlate", "  and cold. ") == [
        "CHAPTER I",
        "It was late",
        "and cold.",
    ]
    assert paragraphs("今日は。明日は！「そう」") == ["今日は。", "明日は！", "「そう」"]
    assert paragraphs("", " ", "") == []


def test_by_the_line_every_line_is_one():
    lines = ["One. Two.", "", "three"]
    assert list(sentences_in(lines, "line")) == lines
    with pytest.raises(ConfigError, match="not 'word'"):
        sentences_in(lines, "word")


def test_a_text_without_ends_of_sentences_is_refused_before_it_fills_the_memory(monkeypatch):
    monkeypatch.setattr(sentences_module, "LONGEST_SENTENCE", 1_000)
    with pytest.raises(DataError, match="does not end"):
        list(sentences_in(("no end" for _ in iter(int, 1)), "paragraph"))


@pytest.mark.parametrize(
    ("text", "by_line", "by_paragraph"),
    [
        ("", ([], ""), ([], "")),
        ("It was late. The", ([], "It was late. The"), (["It was late."], "The")),
        ("It was late.\n", (["It was late."], ""), ([], "It was late.")),
        ("It was\r\nlate.\r\n\r\n", (["It was", "late.", ""], ""), (["It was late."], "")),
    ],
)
def test_the_last_sentence_of_a_prompt_is_open(text, by_line, by_paragraph):
    assert open_sentences(text, "line") == by_line
    assert open_sentences(text, "paragraph") == by_paragraph


def test_a_prompt_is_read_as_the_text_was():
    tokens = ["<eos>", "<unk>", "a", "b", "."]
    assert Vocabulary(tokens, Words()).prompt("a.\nb") == ["a", ".", "<eos>", "b"]
    assert Vocabulary(tokens, Words(), "paragraph").prompt("ab. B\nb") == ["ab", ".", "<eos>", "B", "b"]
    assert Vocabulary(tokens, Characters()).prompt("a\n") == ["a", "<eos>"]


def test_wrapped_lines_are_recognised_and_others_are_not():
    draw = random.Random(0)
    words = ["the", "of", "sailor", "a", "whale", "ship", "harpooner", "was", "upon", "sea"]
    prose = " ".join(draw.choice(words) + ("." if draw.random() < 0.07 else "") for _ in range(2000))
    assert looks_wrapped(textwrap.wrap(prose, 70))
    assert looks_wrapped([*textwrap.wrap(prose, 70), "A heading that is longer than the others " * 3])
    verse = [" ".join(draw.choice(words) for _ in range(draw.randint(5, 12))) for _ in range(200)]
    assert not looks_wrapped(verse)
    assert not looks_wrapped(prose.split(". "))
    assert not looks_wrapped(["The same sentence of a long line, again and again."] * 100)
    assert not looks_wrapped(textwrap.wrap(prose, 70)[:5])
    assert not looks_wrapped([])
