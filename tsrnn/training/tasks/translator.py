"""The translator: one sentence into another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, final

from tsrnn.backbones import GRU, Backbone
from tsrnn.codecs import Vocabulary
from tsrnn.conditioning import Attention, Both, Conditioning, StaticState
from tsrnn.decoding import translate
from tsrnn.embeddings import TokenEmbedding
from tsrnn.encoders import SequenceEncoder
from tsrnn.errors import ConfigError
from tsrnn.heads import Categorical, Head
from tsrnn.models import AutoregressiveModel, EncoderDecoder
from tsrnn.training.tasks.base import OptimizerFactory, SchedulerFactory
from tsrnn.training.tasks.encoder_decoder import EncoderDecoderTask


@final
class Translator(EncoderDecoderTask):
    """p(target sentence | source sentence): an encoder, and a language model of the target as its decoder.

    The encoder's last state is the first state of the decoder: the context vector (Cho et al. 2014). With
    `attention` each step of the decoder also reads the outputs of the encoder that it needs.

    Args:
        codec: the vocabulary of the target; on the command line it comes from the data.
        source_codec: that of the source; likewise.
        embedding: makes each embedding from the size of its vocabulary.
        encoder: makes the source's network, for each direction, from the embedding's size.
        backbone: makes the target's network; the two may be of different cells.
        bidirectional: whether a second network reads the source backwards.
        attention: dot, general or additive (see `Attention`); None: the context vector alone.
        feeding: whether what a step has read is an input of the next (input feeding).
        output_size: size of what the head reads, where there is attention. None: as the backbone's output.
        dropout: on what the head reads, where there is attention.
        head: makes the head from the size of what it reads and the size of the vocabulary.
        tied: the head's class vectors are the target's embedding.
        shared: source and target have one embedding, of one vocabulary (`joint`).
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
        source_codec: Vocabulary,
        embedding: Callable[[int], TokenEmbedding] = TokenEmbedding,
        encoder: Callable[[int], Backbone] = GRU,
        backbone: Callable[[int], Backbone] = GRU,
        bidirectional: bool = True,
        attention: Literal["dot", "general", "additive"] | None = "general",
        feeding: bool = False,
        output_size: int | None = None,
        dropout: float = 0.0,
        head: Callable[[int, int], Head] = Categorical,
        tied: bool = False,
        shared: bool = False,
        label_smoothing: float = 0.0,
        teacher_forcing: float = 1.0,
        teacher_forcing_end: float | None = None,
        beam: int = 5,
        length_penalty: float = 1.0,
        maximum_length: int = 100,
        optimizer: OptimizerFactory | None = None,
        scheduler: SchedulerFactory | None = None,
    ) -> None:
        if not (isinstance(codec, Vocabulary) and isinstance(source_codec, Vocabulary)):
            raise ConfigError("a Translator reads text and writes text: give it --data ParallelText")
        source = embedding(source_codec.input_size)
        reader = SequenceEncoder.of(source, source.output_size, encoder, bidirectional)
        tokens = embedding(codec.input_size)
        recurrent = backbone(tokens.output_size)
        conditioning: Conditioning = StaticState.of(recurrent, reader.static_size)
        if attention is not None:
            attending = Attention(
                recurrent.output_size,
                reader.memory_size,
                attention,
                output_size=output_size,
                dropout=dropout,
                feeding=feeding,
                input_size=tokens.output_size,
            )
            conditioning = Both(conditioning, attending)
        elif feeding or output_size is not None:
            raise ConfigError("feeding and output_size are of the attention, and there is none")
        features = conditioning.features_size or recurrent.output_size
        decoder = AutoregressiveModel(
            codec, tokens, recurrent, head(features, codec.input_size), tied, conditioning
        )
        super().__init__(
            EncoderDecoder(reader, decoder, source_codec, shared),
            label_smoothing,
            teacher_forcing,
            teacher_forcing_end,
            beam,
            length_penalty,
            maximum_length,
            optimizer,
            scheduler,
        )

    def written(self, sources: Sequence[str]) -> list[str]:
        """The best translation of each sentence: see `tsrnn.decoding.translate`."""
        return translate(self.model, sources, **self.settings)
