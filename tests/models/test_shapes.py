"""An encoder and a decoder, and a sequence as one value: one density, whatever its context is made of."""

from __future__ import annotations

import itertools
import math
from functools import partial

import pytest
import torch

from tsrnn.backbones import GRU, LSTM, RNN
from tsrnn.codecs import Vocabulary
from tsrnn.components import build, describe
from tsrnn.conditioning import Attention, Both, Conditioning, StaticInputs, StaticState
from tsrnn.embeddings import TokenEmbedding
from tsrnn.encoders import SequenceEncoder, VectorEncoder
from tsrnn.errors import ConfigError, DataError
from tsrnn.heads import Categorical, Normal
from tsrnn.models import AutoregressiveModel, EncoderDecoder, SequenceToVector
from tsrnn.models.sequence_to_vector import pooled_size
from tsrnn.ops import state as state_ops
from tsrnn.ops.attention import attention_weights
from tsrnn.protocols import Context

WORDS = ("<eos>", "a", "b", "c")
B, S, T, E, H = 4, 6, 5, 6, 8
LENGTHS = torch.tensor([6, 2, 4, 1])
CLOSE = {"rtol": 1e-10, "atol": 1e-12}
SCORES = ("dot", "general", "additive")


def scaled(module):
    """In float64 and evaluation mode, its weights large enough that every input matters."""
    module = module.double().eval().requires_grad_(False)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(2)
    return module


def encoder(cell=GRU, both=True) -> SequenceEncoder:
    return SequenceEncoder(TokenEmbedding(len(WORDS), E), cell(E, H), cell(E, 3) if both else None)


def translator(score="general", cell=GRU, other=LSTM, both=True, feeding=False) -> EncoderDecoder:
    torch.manual_seed(0)
    if score == "dot":
        both = False
    source = encoder(cell, both)
    backbone = other(E, H)
    conditioning: Conditioning = StaticState.of(backbone, source.static_size)
    if score is not None:
        attention = Attention(H, source.memory_size, score, 5, 7, feeding=feeding, input_size=E)
        conditioning = Both(conditioning, attention)
    head = Categorical(conditioning.features_size or H, len(WORDS))
    decoder = AutoregressiveModel(
        Vocabulary(WORDS), TokenEmbedding(len(WORDS), E), backbone, head, conditioning=conditioning
    )
    return scaled(EncoderDecoder(source, decoder, Vocabulary(WORDS)))


def sources(rows=B):
    generator = torch.Generator().manual_seed(3)
    ids = torch.randint(1, len(WORDS), (B, S), generator=generator)
    held = torch.arange(S) < LENGTHS.unsqueeze(-1)
    return torch.where(held, ids, 0)[:rows], LENGTHS[:rows]


def targets():
    return torch.randint(0, len(WORDS), (B, T), generator=torch.Generator().manual_seed(4))


DESIGNS = [
    pytest.param({"score": score, "feeding": feeding}, id=f"{score or 'vector'}{'-fed' * feeding}")
    for score, feeding in [(None, False), *itertools.product(SCORES, (False, True))]
]


@pytest.mark.parametrize("design", DESIGNS)
def test_whole_chunks_and_steps_have_the_same_density(design):
    model = translator(**design)
    context = model.context(*sources())
    whole, state = model.decoder.log_prob(targets(), context=context)
    first, carried = model.decoder.log_prob(targets()[:, :2], context=context)
    second, after = model.decoder.log_prob(targets()[:, 2:], carried, context=context)
    torch.testing.assert_close(torch.cat([first, second], -1), whole, **CLOSE)
    torch.testing.assert_close(after, state, **CLOSE)
    stepped, token = [], None
    state = model.decoder.initial_state(B, context=context)
    for step in range(T):
        distribution, state = model.decoder.step(token, state, context)
        token = targets()[:, step]
        stepped.append(distribution.log_prob(token))
    torch.testing.assert_close(torch.stack(stepped, -1), whole, **CLOSE)


@pytest.mark.parametrize("design", DESIGNS)
def test_neither_padding_nor_the_order_of_the_batch_changes_a_number(design):
    model = translator(**design)
    source, lengths = sources()
    together, _ = model.decoder.log_prob(targets(), context=model.context(source, lengths))
    longer = torch.cat([source, torch.full((B, 3), 2)], -1)  # what is beyond a row's end says nothing
    padded, _ = model.decoder.log_prob(targets(), context=model.context(longer, lengths))
    torch.testing.assert_close(padded, together, **CLOSE)
    order = torch.tensor([2, 0, 3, 1])
    shuffled, _ = model.decoder.log_prob(
        targets()[order], context=model.context(source[order], lengths[order])
    )
    torch.testing.assert_close(shuffled, together[order], **CLOSE)
    for row in range(B):
        alone = model.context(source[row : row + 1, : lengths[row]])
        nats, _ = model.decoder.log_prob(targets()[row : row + 1], context=alone)
        torch.testing.assert_close(nats[0], together[row], **CLOSE)


@pytest.mark.parametrize("design", DESIGNS)
def test_probabilities_of_all_sentences_add_up_to_one_and_depend_on_the_source(design):
    model = translator(**design)
    every = torch.tensor(list(itertools.product(range(len(WORDS)), repeat=3)))
    totals = []
    for row in range(2):
        context = model.context(*(part[row : row + 1] for part in sources()))
        context = state_ops.select(context, torch.zeros(len(every), dtype=torch.int64))
        nats, _ = model.decoder.log_prob(every, context=context)
        totals.append(nats.sum(-1))
        assert float(nats.sum(-1).exp().sum()) == pytest.approx(1, abs=1e-9)
    assert float((totals[0] - totals[1]).abs().max()) > 1e-2


@pytest.mark.parametrize("design", DESIGNS)
def test_a_description_builds_the_same_model_again(design):
    model = translator(**design)
    again = build(describe(model), EncoderDecoder)
    again = again.double().eval()
    again.load_state_dict(model.state_dict())
    context = again.context(*sources())
    ours, _ = model.decoder.log_prob(targets(), context=model.context(*sources()))
    torch.testing.assert_close(again.decoder.log_prob(targets(), context=context)[0], ours, **CLOSE)


@pytest.mark.parametrize("score", SCORES)
def test_attention_sums_to_one_and_is_zero_on_padding(score):
    model = translator(score)
    context = model.context(*sources())
    y_BTH = torch.randn(B, T, H, dtype=torch.float64)
    weights = model.decoder.conditioning.second.weights(y_BTH, context.keys, context.mask)
    torch.testing.assert_close(weights.sum(-1), torch.ones(B, T, dtype=torch.float64), **CLOSE)
    beyond = torch.arange(S) >= LENGTHS.unsqueeze(-1)
    assert torch.equal(
        weights.masked_select(beyond.unsqueeze(1)), torch.zeros(T * int(beyond.sum())).double()
    )


def test_the_scores_are_those_of_the_papers():
    torch.manual_seed(1)
    h, m = torch.randn(1, 1, H).double(), torch.randn(1, 3, 7).double()
    context = Context(memory=m)
    general = Attention(H, 7, "general").double()
    weights = general.weights(h, general.prepare(context).keys, None)
    by_hand = torch.stack([h[0, 0] @ general.key.weight @ m[0, s] for s in range(3)]).softmax(0)
    torch.testing.assert_close(weights[0, 0], by_hand, **CLOSE)
    additive = Attention(H, 7, "additive").double()
    weights = additive.weights(h, additive.prepare(context).keys, None)
    energies = [
        additive.weights.energy.weight[0]
        @ torch.tanh(
            additive.weights.query.weight @ h[0, 0]
            + additive.weights.query.bias
            + additive.key.weight @ m[0, s]
        )
        for s in range(3)
    ]
    torch.testing.assert_close(weights[0, 0], torch.stack(energies).softmax(0), **CLOSE)
    dot = Attention(7, 7, "dot").double()
    q = torch.randn(1, 1, 7).double()
    torch.testing.assert_close(dot.weights(q, m, None)[0, 0], (m[0] @ q[0, 0]).softmax(0), **CLOSE)
    read = (weights @ m)[0, 0]
    expected = torch.tanh(additive.combine(torch.cat([read, h[0, 0]])))
    torch.testing.assert_close(additive.eval().outputs(h, additive.prepare(context))[0, 0], expected, **CLOSE)


def test_a_row_that_holds_nothing_has_weights_of_zero_and_no_nan():
    weights = attention_weights(torch.randn(1, 2, 3, requires_grad=True), torch.zeros(1, 3, dtype=torch.bool))
    assert torch.equal(weights, torch.zeros(1, 2, 3))


@pytest.mark.parametrize("cell", [RNN, LSTM, GRU])
def test_an_encoder_reads_each_direction_from_the_rows_true_end(cell):
    torch.manual_seed(0)
    reader = scaled(encoder(cell))
    source, lengths = sources()
    together = reader(source, lengths)
    for row in range(B):
        x = reader.embedding(source[row : row + 1, : lengths[row]])
        forward, last = reader.backbone(x)
        backward, first = reader.backward(x.flip(1))
        memory = torch.cat([forward, backward.flip(1)], -1)
        torch.testing.assert_close(together.memory[row : row + 1, : lengths[row]], memory, **CLOSE)
        flat = torch.cat([part.reshape(1, -1) for state in (last, first) for part in state], -1)
        torch.testing.assert_close(together.static[row : row + 1], flat, **CLOSE)
    assert together.static.shape[1] == reader.static_size
    assert together.memory.shape[2] == reader.memory_size


@pytest.mark.parametrize("cell", [RNN, LSTM, GRU])
def test_a_vector_becomes_a_state_of_any_cell(cell):
    backbone = cell(E, H, num_layers=2).requires_grad_(False)
    conditioning = StaticState.of(backbone, 3).requires_grad_(False)
    state = conditioning.initial_state(backbone.initial_state(B), Context(static=torch.randn(B, 3)))
    assert type(state) is type(backbone.initial_state(B))
    assert all(part.shape == (B, 2, H) for part in state)
    assert all(float(part.std()) > 0.01 and float(part.abs().max()) <= 1 for part in state)


def test_one_embedding_for_both_sides_is_one_tensor():
    tokens, own = TokenEmbedding(len(WORDS), H), TokenEmbedding(len(WORDS), H)
    source = SequenceEncoder(tokens, GRU(H, H))
    backbone = GRU(H, H)
    decoder = AutoregressiveModel(
        Vocabulary(WORDS), own, backbone, Categorical(H, len(WORDS)), True, StaticState.of(backbone, H)
    )
    model = EncoderDecoder(source, decoder, Vocabulary(WORDS), shared=True)
    assert model.decoder.embedding.weight is model.encoder.embedding.weight
    assert model.decoder.head.projection.weight is model.encoder.embedding.weight


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (lambda: Attention(H, 7, "dot"), "dot score needs vectors of one size"),
        (lambda: Attention(H, 7, "other"), "score is dot, general or additive"),
        (lambda: Attention(H, 7, feeding=True), "feeding needs input_size"),
        (lambda: Both(Attention(H, 7), Attention(H, 7)), "one memory has the keys of one attention"),
        (
            lambda: EncoderDecoder(
                encoder(),
                AutoregressiveModel(
                    Vocabulary(WORDS), TokenEmbedding(4, E), GRU(E, H), Categorical(H, len(WORDS))
                ),
            ),
            "without a conditioning",
        ),
        (lambda: VectorEncoder(3, 2, location=[0.0]), "location has 1 numbers for rows of 3"),
        (lambda: SequenceToVector(encoder(), Categorical(5, 2)), "the head reads 5 features"),
        (lambda: SequenceEncoder(TokenEmbedding(4, E), GRU(E, H), GRU(5, H)), "one input_size"),
    ],
)
def test_what_does_not_fit_is_one_line(mistake, words):
    with pytest.raises(ConfigError, match=words):
        mistake()


def test_a_memory_of_another_size_is_one_line():
    attention = Attention(H, 7)
    with pytest.raises(DataError, match="vectors of 5"):
        attention.prepare(Context(memory=torch.zeros(1, 2, 5)))


@pytest.mark.parametrize("pooling", ["last", "mean", "max", "attention"])
@pytest.mark.parametrize("both", [False, True], ids=["forwards", "both"])
def test_a_sequence_as_a_class_does_not_depend_on_padding_or_order(pooling, both):
    torch.manual_seed(0)
    reader = encoder(LSTM, both)
    model = scaled(
        SequenceToVector(reader, Categorical(pooled_size(reader, pooling), 3), pooling, labels=list("xyz"))
    )
    source, lengths = sources()
    together = model(source, lengths).log_probs()
    longer = torch.cat([source, torch.full((B, 3), 2)], -1)
    torch.testing.assert_close(model(longer, lengths).log_probs(), together, **CLOSE)
    for row in range(B):
        alone = model(source[row : row + 1, : lengths[row]]).log_probs()
        torch.testing.assert_close(alone[0], together[row], **CLOSE)
    again = build(describe(model), SequenceToVector).double().eval()
    again.load_state_dict(model.state_dict())
    torch.testing.assert_close(again(source, lengths).log_probs(), together, **CLOSE)


def test_a_number_has_its_location_and_unit():
    torch.manual_seed(0)
    reader = encoder(both=False)
    make = partial(SequenceToVector, reader, Normal(reader.static_size))
    plain, moved = scaled(make()), make(location=3.0, scale=2.0).double().eval().requires_grad_(False)
    moved.load_state_dict(plain.state_dict())
    source, lengths = sources()
    value = torch.randn(B, dtype=torch.float64)
    ours = moved(source, lengths).log_prob(3 + 2 * value)
    torch.testing.assert_close(ours, plain(source, lengths).log_prob(value) - math.log(2), **CLOSE)


def test_a_vector_at_every_step_changes_every_step():
    torch.manual_seed(0)
    conditioning = StaticInputs(E, 3)
    x = torch.zeros(B, T, E)
    static = torch.randn(B, 3)
    moved = conditioning.inputs(x, Context(static=static))
    torch.testing.assert_close(moved, (static @ conditioning.weight.weight.t()).unsqueeze(1).expand(B, T, E))
