"""What `LogReturns` has that not every codec has."""

import math

import pytest
import torch

from tsrnn.codecs import LogReturns


def test_a_subclass_is_fitted_as_what_it_is():
    class Doubled(LogReturns):
        def __init__(self, factor=2.0):
            super().__init__()
            self.factor = factor

    fitted = Doubled(3.0).fit(torch.tensor([[1.0, 2.0, 1.0]], dtype=torch.float64))
    assert isinstance(fitted, Doubled)
    assert fitted.factor == 3.0
    assert fitted.initial_volatility == pytest.approx(math.log(2))
    state = fitted.initial_state(1)
    assert float(fitted.known(state).scale) == pytest.approx(math.log(2))
