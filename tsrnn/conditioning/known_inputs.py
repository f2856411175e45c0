"""What is known of each step in advance, as an input of that step."""

from __future__ import annotations

from typing import ClassVar, final

from torch import Tensor, nn

from tsrnn.conditioning.base import Conditioning
from tsrnn.errors import DataError
from tsrnn.protocols import Context


@final
class KnownInputs(Conditioning):
    """Features of a step that are known in advance (its day of the week, a plan) join the step's input.

        x'_t = x_t + A k_t

    which is the linear map of both side by side, as x_t is an embedding already.

    Args:
        input_size: D, of the embedding's output.
        known_size: K, features of a step.
    """

    needs: ClassVar[tuple[str, ...]] = ("known",)

    def __init__(self, input_size: int, known_size: int) -> None:
        super().__init__()
        self.input_size, self.known_size = input_size, known_size
        self.weight = nn.Linear(known_size, input_size, bias=False)

    def inputs(self, x_BTD: Tensor, context: Context) -> Tensor:
        """The inputs with those of `known` added.

        Raises:
            DataError: if `known` is not of these steps, (B, T, K).
        """
        assert context.known is not None
        if context.known.shape != (*x_BTD.shape[:2], self.known_size):
            wanted = (*x_BTD.shape[:2], self.known_size)
            raise DataError(f"`known` is {tuple(context.known.shape)}, where the steps need {wanted}")
        mapped: Tensor = self.weight(context.known)
        return x_BTD + mapped
