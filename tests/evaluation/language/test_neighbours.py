"""Neighbours by cosine, against numpy."""

import numpy as np
import pytest

from tests.language_models import language_model
from tsrnn.backbones import LSTM
from tsrnn.codecs import LogReturns
from tsrnn.embeddings import ValueEmbedding
from tsrnn.errors import ConfigError
from tsrnn.evaluation import neighbours
from tsrnn.heads import Normal
from tsrnn.models import AutoregressiveModel

TOKENS = ["<eos>", "<unk>", "house", "houses", "cat", "dog", "of", "the"]


def test_neighbours_are_the_rows_with_the_largest_cosines():
    model = language_model(TOKENS)
    rows = model.embedding.weight.detach().numpy()
    found = neighbours(model, "cat", 3)
    cosines = {
        token: row @ rows[4] / (np.linalg.norm(row) * np.linalg.norm(rows[4]))
        for token, row in zip(TOKENS, rows, strict=True)
        if token not in ("cat", "<eos>", "<unk>")
    }
    expected = sorted(cosines, key=lambda token: -cosines[token])
    assert [word for word, _ in found] == expected[:3]
    assert [cosine for _, cosine in found] == pytest.approx([cosines[word] for word in expected[:3]])
    assert [word for word, _ in neighbours(model, "cat", 99)] == expected


def test_length_does_not_matter_and_special_tokens_are_left_out():
    model = language_model(TOKENS)
    weight = model.embedding.weight.data
    weight[5] = 100 * weight[4]
    weight[0] = weight[1] = weight[4]
    assert neighbours(model, "cat", 1) == [("dog", pytest.approx(1.0))]
    weight[5] = 0.0  # a vector of no direction is like nothing
    assert dict(neighbours(model, "cat", 99))["dog"] == 0


def test_mistakes_are_one_line():
    model = language_model(TOKENS)
    with pytest.raises(ConfigError, match=r"'housse' is not in the vocabulary, did you mean houses?\?"):
        neighbours(model, "housse")
    with pytest.raises(ConfigError, match="at least 1, not 0"):
        neighbours(model, "cat", 0)
    codec = LogReturns()
    prices = AutoregressiveModel(codec, ValueEmbedding(codec.input_size, 3), LSTM(3, 3), Normal(3))
    with pytest.raises(ConfigError, match="reads LogReturns, not words"):
        neighbours(prices, "cat")
