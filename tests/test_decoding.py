"""Drawing and searching, against enumeration of every continuation of a tiny vocabulary."""

import itertools
import math

import pytest
import torch

from tests.language_models import TINY, language_model, log_prob
from tsrnn.backbones import LSTM
from tsrnn.codecs import LogReturns
from tsrnn.decoding import Decoding, beam_search, generate, restrict
from tsrnn.decoding import prompt as decoding_prompt
from tsrnn.embeddings import ValueEmbedding
from tsrnn.errors import ConfigError
from tsrnn.heads import Normal
from tsrnn.models import AutoregressiveModel

EOS, UNK = 0, 1
HEADS = pytest.mark.parametrize("adaptive", [False, True], ids=["categorical", "adaptive"])


def probabilities(distribution):
    return distribution.log_probs().exp()


def normalised(weights):
    return torch.tensor(weights, dtype=torch.float64) / sum(weights)


def brute_force_nucleus(p, mass):
    """Words by falling probability until their mass reaches `mass`, then renormalised."""
    kept, total = [0.0] * len(p), 0.0
    for index in sorted(range(len(p)), key=lambda index: -p[index]):
        if total >= mass:
            break
        kept[index], total = p[index], total + p[index]
    return normalised(kept)


def test_temperature_raises_probabilities_to_a_power():
    p = [0.1, 0.2, 0.3, 0.4]
    scores = torch.tensor(p, dtype=torch.float64).log()
    for temperature in (0.5, 1.0, 3.0):
        expected = normalised([value ** (1 / temperature) for value in p])
        torch.testing.assert_close(probabilities(restrict(scores, temperature)), expected)
        shifted = restrict(scores + 7, temperature)
        torch.testing.assert_close(probabilities(shifted), expected)
    assert probabilities(restrict(scores, 0.0)).tolist() == [0, 0, 0, 1]


def test_top_k_leaves_exactly_k_even_of_equals():
    scores = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64).log()
    torch.testing.assert_close(probabilities(restrict(scores, top_k=2)), normalised([0, 0, 3, 4]))
    equal = torch.zeros(2, 3, 50)
    for k in (1, 7, 50):
        kept = probabilities(restrict(equal, top_k=k))
        assert (kept > 0).sum(-1).eq(k).all()
        torch.testing.assert_close(kept.amax(-1), torch.full((2, 3), 1 / k))
    assert (probabilities(restrict(equal, top_k=99)) > 0).all()
    assert probabilities(restrict(torch.zeros(5), 0.0)).max() == 1


def test_top_p_is_the_smallest_set_that_reaches_the_mass():
    generator = torch.Generator().manual_seed(0)
    for mass in (1e-9, 0.2, 0.5, 0.9, 0.999, 1.0):
        p = torch.rand(4, 30, generator=generator, dtype=torch.float64).pow(3)
        p /= p.sum(-1, keepdim=True)
        kept = probabilities(restrict(p.log(), top_p=mass))
        for row, expected in zip(kept, p.tolist(), strict=True):
            torch.testing.assert_close(row, brute_force_nucleus(expected, mass))
    halves = torch.tensor([0.5, 0.25, 0.25], dtype=torch.float64).log()
    assert probabilities(restrict(halves, top_p=0.5)).tolist() == [1, 0, 0]


def test_top_p_comes_after_temperature_top_k_and_the_ban():
    p = [0.5, 0.2, 0.15, 0.1, 0.05]
    scores = torch.tensor(p, dtype=torch.float64).log()
    root = normalised([value**0.5 for value in p[1:4]]).tolist()
    expected = [0.0, *brute_force_nucleus(root, 0.7).tolist(), 0.0]
    kept = restrict(scores, 2.0, top_k=3, top_p=0.7, banned=0)
    torch.testing.assert_close(probabilities(kept), torch.tensor(expected, dtype=torch.float64))
    assert scores[0].exp() == pytest.approx(0.5)  # what was given is as it was


def memoryless(bias):
    """A model whose words are independent draws from softmax(bias)."""
    model = language_model()
    with torch.no_grad():
        model.head.projection.weight.zero_()
        model.head.projection.bias.copy_(torch.as_tensor(bias))
    return model


@pytest.mark.parametrize("settings", [{}, {"temperature": 2.0}, {"top_k": 2}, {"allow_unknown": True}])
def test_words_come_as_often_as_they_should(settings):
    p = torch.tensor([0.15, 0.5, 0.25, 0.1], dtype=torch.float64)
    chosen = Decoding(**settings)
    expected = p ** (1 / chosen.temperature)
    if not chosen.allow_unknown:
        expected[UNK] = 0
    if chosen.top_k == 2:
        expected[3] = 0
    expected = expected / expected.sum()
    generator = torch.Generator().manual_seed(1)
    drawn = torch.tensor(list(generate(memoryless(p.log()), [], 1000, chosen, generator=generator)))
    shares = drawn.bincount(minlength=4) / 1000
    deviation = (expected * (1 - expected) / 1000).sqrt()
    assert ((shares - expected).abs() <= 4 * deviation).all(), shares


def test_a_model_that_knows_nothing_but_unknown_words_still_says_something_else():
    drawn = list(generate(memoryless([0.0, 60.0, 0.0, 1e-9]), [], 30))
    assert UNK not in drawn
    assert len(set(drawn)) > 1


@HEADS
def test_greedy_words_are_the_most_probable_of_the_whole_sequence_read_again(adaptive, monkeypatch):
    monkeypatch.setattr(decoding_prompt, "_CHUNK_LENGTH", 3)  # the prompt is read in parts
    prompt = [2, 3, 1, 2, 0, 3, 3]
    for seed in range(3):
        model = language_model(adaptive=adaptive, seed=seed)
        ids = list(prompt)
        for word in generate(model, prompt, 12, Decoding(temperature=0)):
            last = [float(log_prob(model, [*ids, other])[-1]) for other in range(4)]
            last[UNK] = -math.inf
            assert word == last.index(max(last))
            ids.append(word)
        assert len(ids) == len(prompt) + 12


@HEADS
def test_drawn_words_follow_the_state(adaptive):
    """With one word alone left to draw from, every kind of drawing gives the greedy text."""
    different = set()
    for seed in range(4):
        model = language_model([*TINY, *"cdefgh"], adaptive=adaptive, seed=seed)
        greedy = list(generate(model, [2], 20, Decoding(temperature=0)))
        for settings in ({"top_k": 1}, {"top_p": 1e-6}, {"temperature": 1e-3}):
            assert list(generate(model, [2], 20, Decoding(**settings))) == greedy
        different.update(greedy)
    assert len(different) > 2


def test_the_same_seed_draws_the_same_text():
    model = language_model()

    def text(seed, **settings):
        generator = torch.Generator().manual_seed(seed)
        return list(generate(model, [2], 40, Decoding(**settings), generator=generator))

    for settings in ({}, {"temperature": 0.8}, {"top_p": 0.9}):
        assert text(0, **settings) == text(0, **settings)
        assert text(0, **settings) != text(1, **settings)


def test_an_empty_prompt_is_the_beginning_of_a_sentence():
    model = language_model()
    first = next(iter(generate(model, [], 1, Decoding(temperature=0, allow_unknown=True))))
    assert first == max(range(4), key=lambda word: float(log_prob(model, [word])[0]))
    assert list(generate(model, [], 0)) == []


def test_generation_stops_at_the_end_of_the_sentence():
    texts = [
        list(generate(language_model(seed=seed), [], 50, Decoding(temperature=2.0), stop_at_end=True))
        for seed in range(4)
    ]
    assert all(EOS not in text[:-1] and (text[-1] == EOS or len(text) == 50) for text in texts)
    assert any(text[-1] == EOS for text in texts)


def test_nothing_global_is_left_set_between_two_words():
    words = generate(language_model(), [2], 3)
    for _ in range(2):
        next(words)
        assert not torch.is_inference_mode_enabled()
        assert torch.is_grad_enabled()


def test_no_word_costs_a_look_at_those_before(monkeypatch):
    model = language_model()
    steps, whole = [], type(model).step

    def step(self, token, state, context):
        steps.append(token)
        return whole(self, token, state, context)

    monkeypatch.setattr(type(model), "step", step)
    words = list(generate(model, [2, 3], 10))
    assert steps[0] is None
    assert [token.shape for token in steps[1:]] == [(1,)] * 9
    assert [int(token) for token in steps[1:]] == words[:-1]


def every_continuation(model, prompt, words):
    """(ids, log p) of every continuation: it ends at <eos> or after `words` words."""
    found = []
    for length in range(1, words + 1):
        for ids in itertools.product(range(len(TINY)), repeat=length):
            if EOS not in ids[:-1] and (ids[-1] == EOS or length == words):
                found.append((list(ids), float(log_prob(model, [*prompt, *ids])[len(prompt) :].sum())))
    return found


def rank(entry, penalty):
    ids, total = entry
    return -total / len(ids) ** penalty


@HEADS
@pytest.mark.parametrize("penalty", [0.0, 1.0, 1.5])
def test_a_wide_beam_finds_every_continuation_in_its_order(adaptive, penalty):
    for seed in range(3):
        model = language_model(adaptive=adaptive, seed=seed)
        every = every_continuation(model, [3, 2], 3)
        assert sum(math.exp(total) for _, total in every) == pytest.approx(1, abs=1e-12)
        every.sort(key=lambda entry: rank(entry, penalty))
        found = beam_search(model, [3, 2], 3, width=64, length_penalty=penalty, allow_unknown=True)
        assert [hypothesis.ids for hypothesis in found] == [ids for ids, _ in every][:64]
        for hypothesis, (_, total) in zip(found, every, strict=False):
            assert hypothesis.log_prob == pytest.approx(total, abs=1e-9)


def reference_beam(model, prompt, words, width, penalty):
    """The search in its plainest form: every candidate read again from the beginning."""
    live, done = [[]], []
    for length in range(1, words + 1):
        candidates = []
        for ids in live:
            for word in (0, 2, 3):
                total = float(log_prob(model, [*prompt, *ids, word])[len(prompt) :].sum())
                candidates.append(([*ids, word], total))
        candidates.sort(key=lambda entry: -entry[1])
        done += [entry for entry in candidates[:width] if entry[0][-1] == EOS or length == words]
        done = sorted(done, key=lambda entry: rank(entry, penalty))[:width]
        going_on = [entry for entry in candidates if entry[0][-1] != EOS][:width]
        if len(done) == width and rank(done[-1], penalty) <= rank(going_on[0], penalty):
            break
        live = [ids for ids, _ in going_on]
    return done


@pytest.mark.parametrize("penalty", [0.0, 1.0, 2.0])
def test_a_narrow_beam_is_the_search_in_its_plainest_form(penalty):
    for seed, width in itertools.product(range(3), (1, 2, 3)):
        model = language_model(seed=seed)
        expected = reference_beam(model, [2], 7, width, penalty)
        found = beam_search(model, [2], 7, width=width, length_penalty=penalty)
        assert [hypothesis.ids for hypothesis in found] == [ids for ids, _ in expected]
        for hypothesis, (_, total) in zip(found, expected, strict=True):
            assert hypothesis.log_prob == pytest.approx(total, abs=1e-9)
            assert hypothesis.score == pytest.approx(total / len(hypothesis.ids) ** penalty, abs=1e-9)
        assert all(UNK not in hypothesis.ids for hypothesis in found)


@HEADS
@pytest.mark.parametrize("penalty", [0.0, 1.0])
def test_a_beam_of_one_is_the_greedy_sentence(adaptive, penalty):
    models = [language_model([*TINY, *"cdefgh"], adaptive=adaptive, seed=seed).float() for seed in range(8)]
    ends_second = memoryless(torch.tensor([0.3, 0.1, 0.4, 0.2]).log())
    for model in [*models, ends_second]:
        greedy = list(generate(model, [2], 8, Decoding(temperature=0), stop_at_end=True))
        (found,) = beam_search(model, [2], 8, width=1, length_penalty=penalty)
        assert found.ids == greedy
    assert greedy == [2] * 8


def test_a_beam_does_not_stop_at_once_because_that_is_shortest():
    model = memoryless(torch.tensor([0.1, 0.0, 0.6, 0.3]).clamp_min(1e-9).log())
    by_mean = beam_search(model, [2], 6, width=32)
    assert len(by_mean) == 32
    assert by_mean[0].ids == [2] * 6
    assert by_mean[0].score == pytest.approx(math.log(0.6), abs=1e-6)
    by_sum = beam_search(model, [2], 6, width=32, length_penalty=0.0)
    assert by_sum[0].ids == [EOS]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"temperature": -1}, "temperature must be 0 or more, not -1"),
        ({"temperature": math.nan}, "temperature"),
        ({"temperature": math.inf}, "temperature"),
        ({"top_k": 0}, "top_k must be at least 1, not 0"),
        ({"top_p": 0.0}, "top_p must be above 0 and at most 1, not 0.0"),
        ({"top_p": 1.1}, "top_p"),
    ],
)
def test_settings_out_of_range_are_refused(settings, words):
    with pytest.raises(ConfigError, match=words):
        Decoding(**settings)


def test_mistakes_are_named_before_the_first_word():
    model = language_model()
    with pytest.raises(ConfigError, match="must not be negative, as -1 is"):
        generate(model, [], -1)
    for arguments in ({"words": 0, "width": 1}, {"words": 1, "width": 0}):
        with pytest.raises(ConfigError, match="at least 1"):
            beam_search(model, [], **arguments)
    with pytest.raises(ConfigError, match="length_penalty"):
        beam_search(model, [], 1, width=1, length_penalty=-1.0)
    codec = LogReturns()
    prices = AutoregressiveModel(codec, ValueEmbedding(codec.input_size, 3), LSTM(3, 3), Normal(3))
    with pytest.raises(ConfigError, match="the model reads LogReturns, not words"):
        generate(prices, [], 1)


def test_a_prompt_is_read_and_not_scored(monkeypatch):
    """Scoring writes V numbers for each of its words; to continue it, the state is enough."""
    model, prompt = language_model(), [2, 3, 1, 2]
    words = list(generate(model, prompt, 6, generator=torch.Generator().manual_seed(0)))
    monkeypatch.setattr(type(model), "log_prob", None)
    assert list(generate(model, prompt, 6, generator=torch.Generator().manual_seed(0))) == words
