"""Sentences and texts, against the chain rule over every continuation of a tiny vocabulary."""

import itertools
import math

import pytest
import torch

from tests.language_models import TINY, language_model, log_prob
from tsrnn.errors import ConfigError, DataError
from tsrnn.evaluation import SentenceScore, rank_sentences, score_sentences, score_stream

WORDS = TINY[1:]


def test_the_probabilities_of_all_sentences_and_unfinished_ones_sum_to_one():
    model = language_model()
    sentences = [" ".join(words) for length in (1, 2, 3) for words in itertools.product(WORDS, repeat=length)]
    finished = sum(math.exp(score.log_prob) for score in score_sentences(model, sentences))
    empty = float(log_prob(model, [0])[0].exp())
    longer = sum(
        float(log_prob(model, list(ids)).sum().exp()) for ids in itertools.product((1, 2, 3), repeat=4)
    )
    assert finished + empty + longer == pytest.approx(1, abs=1e-12)
    assert longer > 0.01


SENTENCES = ["a", "b a b zebra a b b a a", "a b", "b", "zebra owl", "a b a a b", "a"]


@pytest.mark.parametrize("batch_tokens", [1, 7, 12, 2048])
def test_padding_and_batches_change_nothing(batch_tokens):
    model = language_model()
    scores = score_sentences(model, SENTENCES, batch_tokens)
    for sentence, score in zip(SENTENCES, scores, strict=True):
        ids = [TINY.index(word) if word in TINY else 1 for word in sentence.split()] + [0]
        expected = log_prob(model, ids)
        assert score.sentence == sentence
        assert score.tokens == (*sentence.split(), "<eos>")
        assert score.unknown == tuple(index == 1 for index in ids)
        assert score.log_probs == pytest.approx(expected.tolist(), abs=1e-10)
        assert score.log_prob == pytest.approx(float(expected.sum()), abs=1e-10)
        assert score.perplexity == pytest.approx(math.exp(-float(expected.mean())), rel=1e-10)


def test_the_network_never_reads_more_than_batch_tokens(monkeypatch):
    model = language_model()
    read = []
    whole = type(model).log_prob
    monkeypatch.setattr(
        type(model), "log_prob", lambda self, x, state=None: read.append(x.numel()) or whole(self, x, state)
    )
    score_sentences(model, SENTENCES, 7)
    assert max(read) <= 7
    read.clear()
    score_stream(model, SENTENCES, 7)
    assert set(read[:-1]) == {7}
    assert read[-1] <= 7


TEXT = ["a b zebra", "", "b b a a b", "a"]
TEXT_IDS = [2, 3, 1, 0, 0, 3, 3, 2, 2, 3, 0, 2, 0]


@pytest.mark.parametrize("chunk_length", [1, 3, 13, 2048])
def test_a_stream_is_one_sequence_with_its_blank_lines(chunk_length):
    model = language_model()
    score = score_stream(model, iter(TEXT), chunk_length)
    expected = -float(log_prob(model, TEXT_IDS).mean())
    assert score.tokens == 13
    assert score.nats == pytest.approx(expected, abs=1e-10)
    assert score.perplexity == pytest.approx(math.exp(expected), rel=1e-10)
    assert score.unknown_percent == pytest.approx(100 / 13)


def test_a_stream_is_read_as_it_comes():
    lines_read, most_ahead = 0, 0
    model = language_model()
    scored = 0

    def lines():
        nonlocal lines_read
        for _ in range(50):
            lines_read += 1
            yield "a b a"

    whole = type(model).log_prob

    class Watched(torch.nn.Module):
        codec = model.codec

        def log_prob(self, x, state=None):
            nonlocal scored, most_ahead
            scored += x.numel()
            most_ahead = max(most_ahead, 4 * lines_read - scored)
            return whole(model, x, state)

    assert score_stream(Watched(), lines(), 10).tokens == 200
    assert most_ahead < 10


def test_a_line_alone_is_a_sentence_alone():
    model = language_model()
    (sentence,) = score_sentences(model, ["b a b"])
    stream = score_stream(model, ["b a b"])
    assert stream.nats * stream.tokens == pytest.approx(-sentence.log_prob, abs=1e-10)
    assert stream.perplexity == pytest.approx(sentence.perplexity, rel=1e-10)


def test_comparison_ranks_by_the_whole_probability():
    scores = [
        SentenceScore("long", ("a", "b", "<eos>"), (-1.0, -1.0, -1.0), (False,) * 3),
        SentenceScore("short", ("a", "<eos>"), (-1.4, -1.4), (False,) * 2),
        SentenceScore("equal", ("b", "<eos>"), (-1.4, -1.4), (False,) * 2),
        SentenceScore("best", ("b", "<eos>"), (-0.1, -0.1), (False,) * 2),
    ]
    assert [score.sentence for score in rank_sentences(scores)] == ["best", "short", "equal", "long"]
    assert scores[0].perplexity < scores[1].perplexity


def test_a_perplexity_beyond_all_numbers_is_infinite():
    assert SentenceScore("x", ("x", "<eos>"), (-5000.0, 0.0), (False, False)).perplexity == math.inf


def test_mistakes_are_one_line():
    model = language_model()
    assert score_sentences(model, []) == []
    with pytest.raises(DataError, match="sentence 2 of 3 has no words"):
        score_sentences(model, ["a", "  ", "b"])
    with pytest.raises(DataError, match="the text is empty"):
        score_stream(model, [])
    with pytest.raises(ConfigError, match="batch_tokens must be at least 1, not 0"):
        score_sentences(model, ["a"], 0)
    with pytest.raises(ConfigError, match="chunk_length must be at least 1, not 0"):
        score_stream(model, ["a"], 0)
    without_unknown = language_model(["<eos>", "a"])
    assert score_sentences(without_unknown, ["a a"])[0].unknown == (False,) * 3
    with pytest.raises(ConfigError, match="'zebra' is not in the vocabulary"):
        score_sentences(without_unknown, ["zebra"])
