"""Tokenizers: what they split, and that text comes back."""

import builtins
import json
import unicodedata

import pytest
import torch

from tsrnn.codecs import Characters, Subwords, Tokenizer, Vocabulary, Whitespace, Words
from tsrnn.components import build, describe
from tsrnn.errors import ConfigError

LINES = ["the cat sat on the mat", "the dog, the cat: all of them", "", "대한민국은 민주공화국이다."] * 5


def tokenizers():
    return [Whitespace(), Words(), Words(lowercase=True), Characters(), Subwords(60).fit(LINES)]


def name(tokenizer):
    return type(tokenizer).__name__


@pytest.mark.parametrize(
    ("line", "tokens"),
    [
        ("Hello, world!", ["Hello", ",", "world", "!"]),
        ("don't (well-known) dogs'", ["don't", "(", "well", "-", "known", ")", "dogs", "'"]),
        ("it costs 1,000.50 at 3.14.", ["it", "costs", "1,000.50", "at", "3.14", "."]),
        ("대한민국은 민주공화국이다.", ["대한민국은", "민주공화국이다", "."]),
        ("हिन्दी भाषा।", ["हिन्दी", "भाषा", "।"]),
        ("__init__ ≠ x_1", ["__init__", "≠", "x_1"]),
        (" \t ", []),
    ],
)
def test_words(line, tokens):
    assert Words().split(line) == tokens


def test_lower_case_is_of_the_words_alone():
    assert Words(lowercase=True).split("The CAT's ÄRGER") == ["the", "cat's", "ärger"]


def test_whitespace_keeps_what_stands_together():
    assert Whitespace().split("a <unk> N 's u.s.  b\t") == ["a", "<unk>", "N", "'s", "u.s.", "b"]


@pytest.mark.parametrize("tokenizer", [Words(), Characters()], ids=name)
def test_korean_letters_and_syllables_are_the_same_words(tokenizer):
    composed = "민주공화국이다"
    decomposed = unicodedata.normalize("NFD", composed)
    assert decomposed != composed
    assert tokenizer.split(decomposed) == tokenizer.split(composed)
    assert tokenizer.join(tokenizer.split(decomposed)) == composed


@pytest.mark.parametrize("line", ["  two  spaces ", "tab\tand – dash", "대한민국은 민주공화국이다.", ""])
def test_characters_and_subwords_give_the_line_back_exactly(line):
    for tokenizer in (Characters(), Subwords(90).fit([*LINES, line])):
        assert tokenizer.join(tokenizer.split(line)) == line


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        (["Hello", ",", "world", "!", "<eos>", "Yes", "."], "Hello, world!\nYes."),
        (["see", "(", "here", ")", "[", "1", "]", ":", "x"], "see (here) [1]: x"),
        (["<eos>", "a", "<eos>", "<eos>", ",", "b"], "\na\n\n, b"),
        (["그는", "“", "예", "”", "했다", "."], "그는 “예” 했다."),
    ],
)
def test_words_are_put_together_as_people_write(tokens, text):
    assert Words().join(tokens) == text


def test_whitespace_puts_one_space_between_tokens():
    assert Whitespace().join(["a", ",", "b", "<eos>", "c"]) == "a , b\nc"


@pytest.mark.parametrize("tokenizer", tokenizers(), ids=name)
def test_the_pieces_of_a_stream_are_the_text(tokenizer):
    tokens = [token for line in LINES for token in [*tokenizer.split(line), "<eos>"]]
    text, previous = "", None
    for token in tokens:
        text += tokenizer.piece(token, previous)
        previous = token
    assert text == tokenizer.join(tokens)
    assert text.count("\n") == len(LINES)
    assert [tokenizer.split(line) for line in text.split("\n")[:-1]] == [
        tokenizer.split(line) for line in LINES
    ]


@pytest.mark.parametrize("tokenizer", tokenizers(), ids=name)
def test_a_checkpoint_holds_a_vocabulary_with_its_tokenizer(tokenizer):
    vocabulary = Vocabulary.from_tokens(
        (token for line in LINES for token in tokenizer.split(line)), tokenizer=tokenizer
    )
    again = build(json.loads(json.dumps(describe(vocabulary))), Vocabulary)
    assert type(again.tokenizer) is type(tokenizer)
    assert describe(again) == describe(vocabulary)
    assert again.tokenizer.split("The cat, the dog") == tokenizer.split("The cat, the dog")


def test_only_tokenizers_that_learn_must_be_fitted():
    assert [tokenizer.needs_fit for tokenizer in tokenizers()] == [False] * 5
    words = Words()
    assert words.fit(LINES) is words
    assert Subwords().needs_fit
    with pytest.raises(ConfigError, match="fit"):
        Subwords().split("a")


def test_subwords_learn_frequent_words_whole_and_keep_to_their_size():
    fitted = Subwords(60).fit(LINES)
    assert "▁the" in fitted.split("all the cats")
    assert len(json.loads(fitted.model)["model"]["vocab"]) == 60
    assert describe(fitted) == describe(Subwords(60).fit(LINES))
    assert fitted.fit(["x"]) is fitted
    assert fitted.split("Ω") == ["<unk>"]


def test_a_missing_library_is_named_with_its_extra(monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **keywords):
        if name == "tokenizers":
            raise ImportError(name)
        return real(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match=r"pip install tsrnn\[subwords\]"):
        Subwords()


def test_a_size_without_room_is_refused():
    with pytest.raises(ConfigError, match="vocabulary_size"):
        Subwords(1)


def test_a_vocabulary_of_counts_has_the_special_tokens_first_and_once():
    counts = {"b": 2, "a": 2, "c": 5, "<unk>": 9, "<eos>": 3}
    vocabulary = Vocabulary.from_counts(counts)
    assert vocabulary.tokens == ("<eos>", "<unk>", "c", "a", "b")
    assert isinstance(vocabulary.tokenizer, Whitespace)
    assert vocabulary.ids(["<unk>", "zebra", "<eos>"]).tolist() == [1, 1, 0]
    assert Vocabulary.from_counts(counts, minimum_count=3).tokens == ("<eos>", "<unk>", "c")
    assert torch.equal(vocabulary.ids(["c"]), torch.tensor([2]))


def test_a_tokenizer_says_how_it_splits_and_writes():
    with pytest.raises(TypeError):
        Tokenizer()


def test_subwords_can_have_punctuation_marks_by_themselves():
    lines = ["a cat, a cat.", "the cat, the cat."] * 20
    assert "▁cat," in Subwords(40).fit(lines).split("a cat, a")
    apart = Subwords(40, marks=True).fit(lines)
    assert apart.split("a cat, a") == ["a", "▁cat", ",", "▁a"]
    assert apart.join(apart.split("the cat, a cat.")) == "the cat, a cat."
