"""The embedding of tokens: its dropouts, and what it is without them."""

import pytest
import torch

from tsrnn.components import build, describe
from tsrnn.embeddings import TokenEmbedding
from tsrnn.errors import ConfigError

IDS = torch.tensor([[1, 2, 1, 3, 0, 2], [3, 3, 4, 5, 1, 0]])


def test_without_dropout_it_looks_vectors_up():
    embedding = TokenEmbedding(6, 4)
    assert torch.equal(embedding(IDS), embedding.weight[IDS])
    assert embedding.weight.abs().max() <= 0.1


@pytest.mark.parametrize(
    "arguments", [{"dropout": 0.5}, {"dropout": 0.5, "locked_dropout": True}, {"word_dropout": 0.5}]
)
def test_dropout_is_for_training_alone(arguments):
    embedding = TokenEmbedding(6, 64, **arguments)
    assert not torch.equal(embedding.train()(IDS), embedding.weight[IDS])
    assert torch.equal(embedding.eval()(IDS), embedding.weight[IDS])


def test_a_dropped_word_is_dropped_wherever_it_stands_and_whole():
    embedding = TokenEmbedding(6, 8, word_dropout=0.5).train()
    kept = set()
    for _ in range(20):
        vectors = embedding(IDS)
        for word in range(6):
            places = vectors[word == IDS]
            dropped = (places == 0).all(-1)
            assert dropped.all() or not dropped.any()
            if not dropped.any():
                torch.testing.assert_close(places, 2 * embedding.weight[word].expand_as(places))
            kept.add(bool(dropped.any()))
    assert kept == {True, False}


def test_a_description_builds_it_again():
    embedding = TokenEmbedding(6, 8, dropout=0.1, locked_dropout=True, word_dropout=0.2)
    assert describe(build(describe(embedding), TokenEmbedding)) == describe(embedding)


@pytest.mark.parametrize("name", ["dropout", "word_dropout"])
def test_a_probability_of_one_is_refused(name):
    with pytest.raises(ConfigError, match="probability below 1"):
        TokenEmbedding(6, 8, **{name: 1.0})
