"""A vector that is an input of every step."""

from __future__ import annotations

from typing import ClassVar, final

from torch import Tensor, nn

from tsrnn.conditioning.base import Conditioning
from tsrnn.protocols import Context


@final
class StaticInputs(Conditioning):
    """A vector s for the whole sequence joins the input of every step.

        x'_t = x_t + A s

    What the state would have to carry to the end is there at each step (Cho et al. 2014, equation 7).

    Args:
        input_size: D, of the embedding's output.
        static_size: C.
    """

    needs: ClassVar[tuple[str, ...]] = ("static",)

    def __init__(self, input_size: int, static_size: int) -> None:
        super().__init__()
        self.input_size, self.static_size = input_size, static_size
        self.weight = nn.Linear(static_size, input_size, bias=False)

    def inputs(self, x_BTD: Tensor, context: Context) -> Tensor:
        """The inputs with the vector's map added."""
        assert context.static is not None
        mapped: Tensor = self.weight(context.static)
        return x_BTD + mapped.unsqueeze(1)
