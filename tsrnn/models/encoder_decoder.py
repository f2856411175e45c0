"""A density given a source: an encoder, and the one autoregressive model as its decoder."""

from __future__ import annotations

from typing import ClassVar, final

from torch import Tensor, nn

from tsrnn.codecs.base import Codec
from tsrnn.encoders.base import Encoder
from tsrnn.errors import ConfigError
from tsrnn.heads.categorical import ClassHead
from tsrnn.models.autoregressive import AutoregressiveModel
from tsrnn.protocols import Context


@final
class EncoderDecoder(nn.Module):
    """p(y_1, ..., y_T | source) = Π_t p(y_t | y_{<t}, c), with the context c = encoder(source).

    The decoder is an `AutoregressiveModel` whose conditioning says how c enters: its score, its samples and
    its beams are those of any density, given `context(source)`.

    Args:
        encoder: a source to a context.
        decoder: the density of the target.
        source_codec: how a source becomes numbers, a vocabulary for text; None where it is numbers.
        shared: the decoder's embedding is the encoder's, of one vocabulary for both sides.

    Raises:
        ConfigError: if the decoder has no conditioning, and would not see the source; or if embeddings are
            to be shared that differ.
    """

    is_component: ClassVar[bool] = True

    def __init__(
        self,
        encoder: Encoder,
        decoder: AutoregressiveModel,
        source_codec: Codec | None = None,
        shared: bool = False,
    ) -> None:
        super().__init__()
        if decoder.conditioning is None:
            raise ConfigError("a decoder without a conditioning does not see its source: give it one")
        self.encoder = encoder
        self.decoder = decoder
        self.source_codec = source_codec
        self.shared = shared
        if shared:
            self._share()

    def _share(self) -> None:
        own, other = self.decoder.embedding, getattr(self.encoder, "embedding", None)
        if not (isinstance(own, nn.Embedding) and isinstance(other, nn.Embedding)):
            raise ConfigError("shared embeddings need a source and a target of tokens")
        if own.weight.shape != other.weight.shape:
            sizes = f"{tuple(other.weight.shape)} and {tuple(own.weight.shape)}"
            raise ConfigError(f"shared embeddings need one vocabulary for both sides, not {sizes}: set joint")
        own.weight = other.weight
        if self.decoder.tied and isinstance(self.decoder.head, ClassHead):
            self.decoder.head.tie(own.weight)

    @property
    def codec(self) -> Codec:
        """The target's."""
        return self.decoder.codec

    def context(self, source: Tensor, lengths: Tensor | None = None) -> Context:
        """What the decoder is conditional on, prepared: a row for each source.

        Args:
            source: (B, S) token ids or (B, ...) numbers.
            lengths: (B,) the rows' true lengths; None: all are full.
        """
        return self.decoder.prepare(self.encoder(source, lengths))
