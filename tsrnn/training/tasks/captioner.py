"""The captioner: a vector into a sentence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, final

from tsrnn.backbones import GRU, Backbone
from tsrnn.codecs import Vocabulary
from tsrnn.conditioning import Both, Conditioning, StaticInputs, StaticState
from tsrnn.decoding import caption
from tsrnn.embeddings import TokenEmbedding
from tsrnn.encoders import VectorEncoder
from tsrnn.errors import ConfigError
from tsrnn.heads import Categorical, Head
from tsrnn.models import AutoregressiveModel, EncoderDecoder
from tsrnn.training.tasks.base import OptimizerFactory, SchedulerFactory
from tsrnn.training.tasks.encoder_decoder import EncoderDecoderTask


@final
class Captioner(EncoderDecoderTask):
    """p(sentence | vector): a language model whose first state is made of a vector, or that reads it.

    As in image captioning, where the vector holds the features of a picture (Vinyals et al. 2015, "Show and
    Tell: A Neural Image Caption Generator", equations 10 to 12).

    Args:
        codec: the vocabulary; on the command line it comes from the data.
        source_location: mean of each number of the training vectors, (F,); likewise.
        source_scale: their spread; likewise.
        embedding: makes the embedding from the size of the vocabulary.
        backbone: makes the network from the embedding's size.
        vector_size: entries of what the vector is mapped to.
        enters: how it enters: initial_state, inputs (of each step), or both.
        vector_dropout: on the numbers of the vector.
        head: makes the head from the backbone's output size and the size of the vocabulary.
        tied: the head's class vectors are the embedding's.
        label_smoothing, teacher_forcing, teacher_forcing_end, beam, length_penalty, maximum_length: see
            `EncoderDecoderTask`.
        optimizer: makes the optimizer from the parameters. Default: AdamW.
        scheduler: makes the learning-rate schedule from the optimizer; it counts steps. None: constant.

    Raises:
        ConfigError: if the parts do not fit one another.
    """

    def __init__(
        self,
        codec: Vocabulary,
        source_location: Sequence[float],
        source_scale: Sequence[float],
        embedding: Callable[[int], TokenEmbedding] = TokenEmbedding,
        backbone: Callable[[int], Backbone] = GRU,
        vector_size: int = 128,
        enters: Literal["initial_state", "inputs", "both"] = "both",
        vector_dropout: float = 0.0,
        head: Callable[[int, int], Head] = Categorical,
        tied: bool = False,
        label_smoothing: float = 0.0,
        teacher_forcing: float = 1.0,
        teacher_forcing_end: float | None = None,
        beam: int = 5,
        length_penalty: float = 1.0,
        maximum_length: int = 100,
        optimizer: OptimizerFactory | None = None,
        scheduler: SchedulerFactory | None = None,
    ) -> None:
        if not isinstance(codec, Vocabulary):
            raise ConfigError("a Captioner writes text: give it --data DescribedVectors")
        if enters not in ("initial_state", "inputs", "both"):
            raise ConfigError(f"enters is initial_state, inputs or both, not {enters!r}")
        encoder = VectorEncoder(
            len(source_location), vector_size, source_location, source_scale, vector_dropout
        )
        tokens = embedding(codec.input_size)
        recurrent = backbone(tokens.output_size)
        state, inputs = StaticState.of(recurrent, vector_size), StaticInputs(tokens.output_size, vector_size)
        ways: dict[str, Conditioning] = {"initial_state": state, "inputs": inputs}
        conditioning = ways[enters] if enters in ways else Both(state, inputs)
        decoder = AutoregressiveModel(
            codec, tokens, recurrent, head(recurrent.output_size, codec.input_size), tied, conditioning
        )
        super().__init__(
            EncoderDecoder(encoder, decoder),
            label_smoothing,
            teacher_forcing,
            teacher_forcing_end,
            beam,
            length_penalty,
            maximum_length,
            optimizer,
            scheduler,
        )

    def written(self, sources: Any) -> list[str]:
        """The best text for each vector: see `tsrnn.decoding.caption`."""
        return caption(self.model, sources, **self.settings)
