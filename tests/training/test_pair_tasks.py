"""Tasks of pairs: they learn what can be learned, and a checkpoint of one is whole."""

from __future__ import annotations

import itertools
import sys
from functools import partial

import numpy as np
import pytest
import torch

from tsrnn.backbones import GRU, LSTM
from tsrnn.components import build, describe
from tsrnn.data import DescribedVectors, LabelledText, ParallelText
from tsrnn.decoding import attention_map, beam_search_rows, caption, classify, translate
from tsrnn.embeddings import TokenEmbedding
from tsrnn.errors import ConfigError, DataError, Notice
from tsrnn.evaluation import classification_scores, corpus_scores
from tsrnn.models import EncoderDecoder
from tsrnn.training import Captioner, SequenceClassifier, Translator

EPOCHS = 12


def trained(task, data, epochs=EPOCHS, rate=5e-3):
    """The task after some epochs, in evaluation mode; no trainer is needed to see whether it learns."""
    torch.manual_seed(0)
    optimizer = torch.optim.AdamW(task.parameters(), lr=rate)
    loader = data.train_dataloader()
    for _ in range(epochs):
        for batch in loader:
            losses, observed = task.losses(batch, "train")
            optimizer.zero_grad()
            (losses.sum() / observed.sum()).backward()
            torch.nn.utils.clip_grad_norm_(task.parameters(), 1.0)
            optimizer.step()
    return task.eval()


@pytest.fixture(scope="module")
def reversed_words(tmp_path_factory):
    """Sentences, and their words in the other order: what no decoder can write without its source."""
    path = tmp_path_factory.mktemp("pairs") / "reversed.tsv"
    words = ["a", "b", "c", "d", "e", "f"]
    pairs = [p for length in (1, 2, 3) for p in itertools.product(words, repeat=length)]
    path.write_text("en\tde\n" + "".join(f"{' '.join(p)}\t{' '.join(p[::-1])}\n" for p in pairs))
    return ParallelText(str(path), "en", "de", batch_size=16, split=(0.8, 0.1, 0.1))


def small(data, **settings):
    torch.manual_seed(0)
    return Translator(
        data.codec,
        data.source_codec,
        embedding=partial(TokenEmbedding, output_size=16),
        encoder=partial(GRU, hidden_size=16),
        backbone=partial(LSTM, hidden_size=32),
        maximum_length=10,
        **settings,
    )


@pytest.fixture(scope="module")
def translator(reversed_words):
    return trained(small(reversed_words), reversed_words)


def test_a_translator_learns_what_only_the_source_tells(translator, reversed_words):
    sources, references = reversed_words.references("test")
    written = translate(translator.model, sources)
    assert corpus_scores(written, references)["exact_percent"] >= 90


def test_one_by_one_and_together_the_translations_are_the_same(translator, reversed_words):
    sources = [text for texts in reversed_words.splits.values() for text in texts.source][:60]
    for beam in (1, 3):
        together = translate(translator.model, sources, beam=beam, maximum_length=10)
        alone = [translate(translator.model, [source], beam=beam, maximum_length=10)[0] for source in sources]
        assert together == alone
        assert together[::-1] == translate(translator.model, sources[::-1], beam=beam, maximum_length=10)


def test_a_beam_of_one_is_greedy_and_a_wider_one_finds_no_worse(translator, reversed_words):
    pairs = reversed_words.pairs("test")
    batch = pairs.batch(torch.arange(len(pairs)))
    with torch.no_grad():
        context = translator.model.context(batch.source, batch.lengths)
        narrow = beam_search_rows(translator.model.decoder, context, 10, width=1)
        wide = beam_search_rows(translator.model.decoder, context, 10, width=5)
        state, token, ids = translator.model.decoder.initial_state(len(batch.rows), context=context), None, []
        for _ in range(10):
            distribution, state = translator.model.decoder.step(token, state, context)
            scores = distribution.log_probs()
            scores[:, translator.model.codec.unknown] = -torch.inf
            token = scores.argmax(-1)
            ids.append(token)
    greedy = torch.stack(ids, -1).tolist()
    for found, expected in zip(narrow, greedy, strict=True):
        assert found[0].ids == expected[: len(found[0].ids)]
    assert np.mean([row[0].score for row in wide]) >= np.mean([row[0].score for row in narrow]) - 1e-9


def test_a_beam_of_all_prefixes_is_brute_force(reversed_words):
    task = small(reversed_words, attention=None).double().eval()
    with torch.no_grad():
        context = task.model.context(*reversed_words.pairs("test").source.padded(torch.arange(2)))
        vocabulary = task.model.codec
        words = [place for place in range(vocabulary.input_size) if place != vocabulary.unknown]
        end = vocabulary.end_of_sentence
        sentences = [s for n in (1, 2) for s in itertools.product(words, repeat=n) if end not in s[:-1]]
        sentences = [s for s in sentences if len(s) == 2 or s[-1] == end]
        found = beam_search_rows(task.model.decoder, context, 2, width=len(sentences), length_penalty=0.0)
        for row in range(2):
            one = type(context)(*(None if part is None else part[row : row + 1] for part in context))
            totals = {
                s: float(task.model.decoder.log_prob(torch.tensor([s]), context=one)[0].sum())
                for s in sentences
            }
            assert {tuple(h.ids) for h in found[row]} == set(sentences)
            for hypothesis in found[row]:
                assert hypothesis.log_prob == pytest.approx(totals[tuple(hypothesis.ids)], abs=1e-9)
            assert [h.log_prob for h in found[row]] == pytest.approx(sorted(totals.values(), reverse=True))


def test_attention_reads_the_word_that_is_written(translator):
    weights, target, source = attention_map(translator.model, "a b c", "c b a")
    assert target == ["c", "b", "a", "<eos>"]
    assert source == ["a", "b", "c", "<eos>"]
    torch.testing.assert_close(weights.sum(-1), torch.ones(4))


def test_a_context_vector_alone_has_no_map(reversed_words):
    task = small(reversed_words, attention=None)
    with pytest.raises(ConfigError, match="no attention"):
        attention_map(task.model, "a", "a")


def test_smoothed_labels_and_own_words_are_of_training_alone(reversed_words):
    batch = next(iter(reversed_words.train_dataloader()))
    plain = small(reversed_words).eval()
    expected, _ = plain.losses(batch, "valid")
    other = small(reversed_words, label_smoothing=0.2, teacher_forcing=0.0).eval()
    torch.testing.assert_close(other.losses(batch, "valid")[0], expected)
    assert not torch.allclose(other.losses(batch, "train")[0], expected)


def test_without_teacher_forcing_the_inputs_are_the_words_that_were_drawn(reversed_words):
    batch = next(iter(reversed_words.train_dataloader()))
    task = small(reversed_words, teacher_forcing=0.0).eval()
    context = task.model.context(batch.source, batch.lengths)
    forced = task._own_inputs(batch.target, context, 1.0)
    assert torch.equal(forced, batch.target.inputs)
    torch.manual_seed(1)
    own = task._own_inputs(batch.target, context, 0.0)
    assert torch.equal(own[:, 0], batch.target.inputs[:, 0])
    assert not torch.equal(own, forced)
    # Each word was drawn given the words drawn before it: the same draws come from the model's own sampler.
    torch.manual_seed(1)
    state, token, drawn = task.model.decoder.initial_state(len(own), context=context), None, []
    for _ in range(own.shape[1] - 1):
        distribution, state = task.model.decoder.step(token, state, context)
        torch.rand(len(own))
        token = distribution.sample()
        drawn.append(token)
    assert torch.equal(own[:, 1:], torch.stack(drawn, 1))


def test_a_classifier_learns_a_word(tmp_path):
    generator = np.random.default_rng(0)
    rows = []
    for _ in range(300):
        words = generator.choice(
            ["the", "film", "was", "long", "and", "short"], generator.integers(2, 9)
        ).tolist()
        label = int(generator.integers(2))
        words[generator.integers(len(words))] = ("dull", "fine")[label]
        rows.append(f"{' '.join(words)}\t{('negative', 'positive')[label]}\n")
    path = tmp_path / "films.tsv"
    path.write_text("text\tlabel\n" + "".join(rows))
    data = LabelledText(str(path), batch_size=16)
    torch.manual_seed(0)
    task = SequenceClassifier(
        data.codec,
        data.labels,
        data.label_counts,
        embedding=partial(TokenEmbedding, output_size=8),
        backbone=partial(LSTM, hidden_size=8),
        dropout=0.0,
        class_weights="balanced",
    )
    trained(task, data, 4, 2e-2)
    found = classify(task.model, ["the film was fine", "the film was dull"])
    assert found.argmax(-1).tolist() == [1, 0]
    torch.testing.assert_close(found.sum(-1), torch.ones(2))
    again = build(describe(task.model), type(task.model)).eval()
    again.load_state_dict(task.model.state_dict())
    torch.testing.assert_close(classify(again, ["the film was fine", "the film was dull"]), found)


@pytest.mark.parametrize("enters", ["initial_state", "inputs", "both"])
def test_a_captioner_learns_from_a_vector(tmp_path, enters):
    generator = np.random.default_rng(0)
    vectors = generator.standard_normal((200, 3)).astype(np.float32)
    texts = [f"{'up' if v[0] > 0 else 'down'} {'left' if v[1] > 0 else 'right'}" for v in vectors]
    np.save(tmp_path / "v.npy", vectors)
    (tmp_path / "t.txt").write_text("\n".join(texts) + "\n")
    data = DescribedVectors(str(tmp_path / "v.npy"), str(tmp_path / "t.txt"), batch_size=16)
    torch.manual_seed(0)
    task = Captioner(
        data.codec,
        data.source_location,
        data.source_scale,
        embedding=partial(TokenEmbedding, output_size=8),
        backbone=partial(GRU, hidden_size=16),
        vector_size=16,
        enters=enters,
    )
    trained(task, data, 8, 1e-2)
    rows, references = data.references("test")
    assert corpus_scores(caption(task.model, rows), references)["exact_percent"] >= 85
    again = build(describe(task.model), EncoderDecoder).eval()
    again.load_state_dict(task.model.state_dict())
    assert caption(again, rows) == caption(task.model, rows)


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (lambda task: translate(task.model, ["a", " "]), "text 2 is empty"),
        (lambda task: caption(task.model, [[0.0]]), "does not read vectors"),
    ],
)
def test_a_source_that_cannot_be_read_is_one_line(translator, mistake, words):
    with pytest.raises((ConfigError, DataError), match=words):
        mistake(translator)


def test_words_that_are_all_unknown_are_translated_all_the_same(translator):
    assert isinstance(translate(translator.model, ["xyzzy plugh"], maximum_length=10)[0], str)


def test_scores_of_classes():
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.7, 0.3]])
    scores = classification_scores(probabilities, np.array([0, 1, 0, 0]))
    assert scores["accuracy"] == 0.75
    assert scores["accuracy_low"] < 0.75 < scores["accuracy_high"]
    assert scores["macro_f1"] == pytest.approx((2 * 1 * (2 / 3) / (1 + 2 / 3) + 2 * 0.5 * 1 / 1.5) / 2)
    assert scores["auroc"] == pytest.approx(2 / 3)
    assert scores["nats"] == pytest.approx(-np.log([0.9, 0.6, 0.2, 0.7]).mean())
    assert scores["ece"] == pytest.approx((0.1 + 0.4 + 0.8 + 0.3) / 4)


def test_bleu_is_that_of_sacrebleu_with_several_references():
    import sacrebleu

    written = ["the cat sat on the mat", "a dog runs in the big park"]
    references = [["the cat sat on a mat", "a cat sat on the mat"], ["a dog runs in the large park"]]
    scores = corpus_scores(written, references)
    streams = [["the cat sat on a mat", "a dog runs in the large park"], ["a cat sat on the mat", None]]
    assert scores["bleu"] == pytest.approx(sacrebleu.corpus_bleu(written, streams).score)
    assert "nrefs:var" in scores["bleu_signature"] or "nrefs:2" in scores["bleu_signature"]
    assert scores["exact_percent"] == 0


def test_bleu_is_undefined_where_no_text_has_four_tokens():
    scores = corpus_scores(["one", "two"], [["one"], ["three"]])
    assert np.isnan(scores["bleu"])
    assert scores["exact_percent"] == 50


def test_without_sacrebleu_exact_matches_are_all_and_a_notice_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "sacrebleu.metrics.bleu", None)
    with pytest.warns(Notice, match=r"pip install tsrnn\[translation\]"):
        assert corpus_scores(["a"], [["a"]]) == {"exact_percent": 100}
