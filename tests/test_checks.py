import numpy as np
import pytest

from tsrnn.checks import one_of, real, whole
from tsrnn.data import PriceSeries, SeriesPanel
from tsrnn.errors import ConfigError


@pytest.mark.parametrize("value", ["48", 0, -3, 2.0, True, None, [1], float("nan")])
def test_a_whole_number_is_one(value):
    with pytest.raises(ConfigError, match=r"size must be a whole number of at least 1, not .+"):
        whole("size", value, 1)


@pytest.mark.parametrize("value", ["0.1", -0.1, 1, 1.5, True, None, float("nan"), float("inf")])
def test_a_number_lies_where_it_may(value):
    with pytest.raises(ConfigError, match=r"dropout must be a number of at least 0 and below 1, not .+"):
        real("dropout", value, 0, below=1)


def test_numbers_of_numpy_are_numbers():
    assert whole("size", np.int64(3), 1) == 3
    assert type(whole("size", np.int64(3), 1)) is int
    assert real("rate", np.float32(0.5), 0, open_=True) == 0.5
    with pytest.raises(ConfigError, match="rate must be a number above 0, not 0"):
        real("rate", 0, 0, open_=True)
    with pytest.raises(ConfigError, match="seed must be a whole number from 0 to 9, not 10"):
        whole("seed", 10, 0, most=9)


def test_a_word_is_one_of_those_known():
    assert one_of("progress", True, ("auto", True, False)) is True
    with pytest.raises(
        ConfigError, match=r"kind is one of 'auto', 'prices', not 'price', did you mean prices?"
    ):
        one_of("kind", "price", ("auto", "prices"))
    with pytest.raises(ConfigError, match=r"not 1$"):
        one_of("progress", 1, ("auto", True, False))


@pytest.mark.parametrize("kind", [PriceSeries, SeriesPanel])
def test_data_modules_check_their_sizes(kind):
    with pytest.raises(ConfigError, match="batch_size must be a whole number of at least 1, not '32'"):
        kind(batch_size="32")
