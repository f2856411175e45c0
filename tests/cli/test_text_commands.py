"""score, generate and neighbours as a user types them, against the Python functions and by hand."""

import io
import math
from pathlib import Path

import pytest
import pytorch_lightning as pl

from tests.language_models import language_model, log_prob
from tsrnn.cli.main import main
from tsrnn.codecs import LogReturns, Vocabulary, Words
from tsrnn.decoding import beam_search
from tsrnn.evaluation import neighbours
from tsrnn.training import Forecaster, LanguageModel

# A warning is a line on standard error here, which the tests read.
pytestmark = pytest.mark.filterwarnings("always::tsrnn.errors.DataWarning")

TOKENS = ["<eos>", "<unk>", "the", ",", "house", "houses", "cat", "sat", "saw", "a"]


def save(task, path):
    """The checkpoint of a task that was never trained."""
    trainer = pl.Trainer(
        accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False
    )
    task.trainer = trainer
    trainer.strategy.connect(task)
    trainer.save_checkpoint(path)


@pytest.fixture(scope="module")
def model():
    return language_model(TOKENS, tokenizer=Words(lowercase=True), seed=3).float()


@pytest.fixture(scope="module")
def home(tmp_path_factory, model):
    """A folder with a language model, a forecaster and texts."""
    folder = tmp_path_factory.mktemp("home")
    save(LanguageModel.of_model(model), folder / "words.ckpt")
    save(Forecaster(codec=LogReturns()), folder / "prices.ckpt")
    (folder / "lines.txt").write_text("the cat sat\n\nThe cat saw a zebra\na house, a cat\n")
    (folder / "blank.txt").write_text("\n  \n")
    (folder / "empty.txt").write_text("")
    return folder


@pytest.fixture(autouse=True)
def _in_home(home, monkeypatch):
    monkeypatch.chdir(home)


def ids(text):
    return [TOKENS.index(token) if token in TOKENS else 1 for token in Words(lowercase=True).split(text)]


def said(capsys, *arguments):
    """What the command prints: standard output and standard error."""
    assert main([*arguments]) == 0
    printed = capsys.readouterr()
    return printed.out, printed.err


def rows(text):
    return [line.split("\t") for line in text.splitlines()]


def test_a_sentence_word_by_word(model, capsys):
    out, err = said(capsys, "score", "words.ckpt", "The cat, a house")
    expected = log_prob(model, [*ids("the cat, a house"), 0]).tolist()
    table = rows(out)
    assert table[0] == ["step", "word", "log_prob", "probability"]
    assert [row[1] for row in table[1:7]] == ["the", "cat", ",", "a", "house", "<eos>"]
    assert [row[0] for row in table[1:7]] == ["1", "2", "3", "4", "5", "6"]
    assert [float(row[2]) for row in table[1:7]] == pytest.approx(expected, abs=6e-5)
    assert [float(row[3]) for row in table[1:7]] == pytest.approx([math.exp(x) for x in expected], rel=6e-4)
    assert dict(table[7:])["log_prob"] == f"{math.fsum(expected):.4f}"
    assert float(dict(table[7:])["perplexity"]) == pytest.approx(math.exp(-math.fsum(expected) / 6), rel=1e-3)
    assert err == ""


def test_several_sentences_and_options_between_them(capsys):
    out, _ = said(capsys, "score", "words.ckpt", "the cat", "--threads", "1", "a house")
    assert [row[1] for row in rows(out) if len(row) == 4 and row[0] != "step"] == [
        *("the", "cat", "<eos>"),
        *("a", "house", "<eos>"),
    ]


def test_a_file_is_a_table_of_its_sentences(model, capsys):
    out, err = said(capsys, "score", "words.ckpt", "--file", "lines.txt")
    table = rows(out)
    assert table[0] == ["number", "sentence", "tokens", "log_prob", "perplexity"]
    sentences = ["the cat sat", "The cat saw a zebra", "a house, a cat"]
    assert [row[:2] for row in table[1:]] == [[str(n), text] for n, text in enumerate(sentences, start=1)]
    for row, sentence in zip(table[1:], sentences, strict=True):
        factors = log_prob(model, [*ids(sentence), 0])
        assert int(row[2]) == len(factors)
        assert float(row[3]) == pytest.approx(float(factors.sum()), abs=1e-3)
        assert float(row[4]) == pytest.approx(math.exp(-float(factors.mean())), rel=1e-3, abs=6e-3)
    assert err == "tsrnn: warning: not in the vocabulary, read as <unk>: zebra\n"


def test_comparison_puts_the_most_probable_first(capsys):
    plain, _ = said(capsys, "score", "words.ckpt", "--file", "lines.txt")
    ranked, _ = said(capsys, "score", "words.ckpt", "--compare", "--file", "lines.txt")
    by_hand = sorted(rows(plain)[1:], key=lambda row: -float(row[3]))
    assert [row[1:] for row in rows(ranked)[1:]] == [row[1:] for row in by_hand]
    assert [row[0] for row in rows(ranked)] == ["rank", "1", "2", "3"]


@pytest.mark.parametrize("place", ["file", "standard input"])
def test_a_stream_is_one_running_text(place, model, capsys, monkeypatch):
    text = Path("lines.txt").read_text()
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    out, _ = said(capsys, "score", "words.ckpt", "--stream", "lines.txt" if place == "file" else "-")
    whole = [index for line in text.splitlines() for index in [*ids(line), 0]]
    nats = -float(log_prob(model, whole).mean())
    facts = dict(rows(out))
    assert int(facts["tokens"]) == len(whole) == 17
    assert float(facts["nats"]) == pytest.approx(nats, abs=1e-3)
    assert float(facts["perplexity"]) == pytest.approx(math.exp(nats), rel=1e-3, abs=6e-3)
    assert facts["unknown_percent"] == f"{100 / 17:.2f}"


def test_a_model_of_paragraphs_reads_files_and_prompts_as_it_was_trained(tmp_path, capsys):
    vocabulary = [*TOKENS, ".", "It", "A"]
    model = language_model(vocabulary, tokenizer=Words(), seed=3).float()
    model.codec = Vocabulary(vocabulary, Words(), "paragraph")
    save(LanguageModel.of_model(model), tmp_path / "paragraphs.ckpt")
    path, text = str(tmp_path / "paragraphs.ckpt"), tmp_path / "text.txt"
    text.write_text("It sat. A\rcat saw.\r\rA house")
    out, _ = said(capsys, "score", path, "--file", str(text))
    assert [row[1] for row in rows(out)[1:]] == ["It sat.", "A cat saw.", "A house"]
    out, _ = said(capsys, "score", path, "--stream", str(text))
    assert dict(rows(out))["tokens"] == "12"
    out, _ = said(capsys, "generate", path, "It sat. A\ncat", "--words", "1")
    assert out.startswith("It sat.\nA cat")


def test_the_same_seed_writes_the_same_text(capsys):
    command = ["generate", "words.ckpt", "The  cat", "--words", "30", "--temperature", "1.5"]
    first, err = said(capsys, *command)
    assert first.startswith("the cat")
    assert first.endswith("\n")
    assert "<unk>" not in first
    assert err == ""
    assert said(capsys, *command)[0] == first
    assert said(capsys, *command, "--seed", "1")[0] != first
    assert len(Words().split(first)) + first.count("\n") in (32, 33)  # one more where it ends within a line


def test_greedy_is_what_the_whole_sequence_says(model, capsys):
    out, _ = said(capsys, "generate", "words.ckpt", "the", "--greedy", "--words", "6")
    sequence = ids("the")
    for _ in range(6):
        last = [float(log_prob(model, [*sequence, other])[-1]) for other in range(len(TOKENS))]
        last[1] = -math.inf
        sequence.append(last.index(max(last)))
    assert out.rstrip("\n") == Words().join(TOKENS[index] for index in sequence).rstrip("\n")
    one, _ = said(capsys, "generate", "words.ckpt", "the", "--top-k", "1", "--words", "6")
    assert one == out


def test_each_piece_is_flushed_when_it_is_drawn(monkeypatch):
    class Terminal(io.StringIO):
        waiting, pieces = "", 0

        def write(self, text):
            assert self.waiting == "", "the piece before was not flushed"
            self.waiting = text
            return super().write(text)

        def flush(self):
            self.pieces += bool(self.waiting)
            self.waiting = ""

    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    assert main(["generate", "words.ckpt", "the", "--words", "8"]) == 0
    assert terminal.pieces >= 9


def test_a_sentence_ends_once(capsys):
    for seed in range(4):
        out, _ = said(capsys, "generate", "words.ckpt", "--sentence", "--seed", str(seed), "--words", "60")
        assert out.count("\n") == 1


def test_beam_search_prints_its_hypotheses(model, capsys):
    out, _ = said(capsys, "generate", "words.ckpt", "the cat", "--beam", "3", "--words", "4")
    found = beam_search(model, ids("the cat"), 4, width=3)
    table = rows(out)
    assert table[0] == ["rank", "score", "log_prob", "text"]
    assert len(table) == 4
    for row, hypothesis in zip(table[1:], found, strict=True):
        factors = log_prob(model, [*ids("the cat"), *hypothesis.ids])
        assert float(row[1]) == pytest.approx(float(factors[2:].mean()), abs=1e-3)
        assert float(row[2]) == pytest.approx(float(factors[2:].sum()), abs=1e-3)
        words = ["the", "cat", *(TOKENS[index] for index in hypothesis.ids)]
        assert row[3] == Words().join(words).rstrip("\n")


def test_a_beam_of_one_is_the_greedy_sentence(capsys):
    for prompt in ("", "the", "the cat", "a house,", "houses", "cat sat", "saw a", "a", "the house"):
        words = ["generate", "words.ckpt", prompt, "--words", "8"]
        greedy, _ = said(capsys, *words, "--greedy", "--sentence")
        beam, _ = said(capsys, *words, "--beam", "1")
        assert rows(beam)[1][3] == greedy.rstrip("\n")


def test_a_length_penalty_of_none_favours_short_sentences(model, capsys):
    command = ["generate", "words.ckpt", "the cat", "--beam", "8", "--words", "9", "--length-penalty"]
    for penalty in ("0", "1.5"):
        out, _ = said(capsys, *command, penalty)
        found = beam_search(model, ids("the cat"), 9, width=8, length_penalty=float(penalty))
        assert [row[1] for row in rows(out)[1:]] == [f"{hypothesis.score:.4f}" for hypothesis in found]


def test_several_texts_are_drawn_one_after_another(capsys):
    command = ["generate", "words.ckpt", "the", "--words", "20"]
    one, _ = said(capsys, *command)
    three, _ = said(capsys, *command, "--samples", "3")
    texts = three.split("---\n")
    assert len(set(texts)) == 3
    assert texts[0] == one
    assert all(text.startswith("the") for text in texts)
    lines, _ = said(capsys, *command, "--samples", "4", "--sentence")
    assert len(lines.splitlines()) == 4
    assert "---" not in lines


def test_a_table_quotes_nothing(capsys):
    odd = 'a\t"house" says: "the\tcat"'
    out, _ = said(capsys, "score", "words.ckpt", "--compare", odd, "the cat")
    assert sorted(row[1] for row in rows(out)[1:]) == ['a "house" says: "the cat"', "the cat"]


def test_an_unknown_word_of_the_prompt_is_named_and_read_as_unknown(capsys):
    out, err = said(capsys, "generate", "words.ckpt", "the zebra", "--words", "12")
    assert err == "tsrnn: warning: not in the vocabulary, read as <unk>: zebra\n"
    assert out.startswith("the zebra")
    told, err = said(capsys, "generate", "words.ckpt", "the owl", "--words", "12")
    assert told.removeprefix("the owl") == out.removeprefix("the zebra")


def test_neighbours_are_a_table(model, capsys):
    out, _ = said(capsys, "neighbours", "words.ckpt", "house", "--count", "4")
    assert rows(out) == [
        ["word", "cosine"],
        *([word, f"{cosine:.4f}"] for word, cosine in neighbours(model, "house", 4)),
    ]


def test_brackets_in_a_text_are_not_markup_at_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    out, _ = said(capsys, "score", "words.ckpt", "--compare", "the [/b] cat", "the [red] cat")
    assert "the [/b] cat" in out
    assert "the [red] cat" in out


MISTAKES = [
    (["score", "prices.ckpt", "the cat"], "prices.ckpt holds a Forecaster of prices: use tsrnn forecast"),
    (["generate", "prices.ckpt"], "prices.ckpt holds a Forecaster of prices: use tsrnn forecast"),
    (["neighbours", "prices.ckpt", "cat"], "prices.ckpt holds a Forecaster of prices: use tsrnn forecast"),
    (["forecast", "words.ckpt"], "words.ckpt holds a LanguageModel of words: use tsrnn generate"),
    (["score", "word.ckpt", "the cat"], "did you mean words.ckpt?"),
    (["score", "words.ckpt"], "give sentences, --file FILE or --stream FILE"),
    (["score", "words.ckpt", "a", "--file", "lines.txt"], "one of them"),
    (["score", "words.ckpt", "--stream", "lines.txt", "--compare"], "--compare is about sentences"),
    (["score", "words.ckpt", "the cat", " "], "sentence 2 of 2 has no words"),
    (["score", "words.ckpt", ""], "sentence 1 of 1 has no words"),
    (
        ["score", "words.ckpt", "--file", "line.txt"],
        "line.txt: there is no such file, did you mean lines.txt?",
    ),
    (["score", "words.ckpt", "--stream", "line.txt"], "did you mean lines.txt?"),
    (["score", "words.ckpt", "--file", "blank.txt"], "blank.txt: there is no sentence"),
    (["score", "words.ckpt", "--stream", "empty.txt"], "the text is empty"),
    (["score", "words.ckpt", "the cat", "--compar"], "no option --compar, did you mean --compare?"),
    (["generate", "words.ckpt", "zebra owl"], "no word of the prompt is in the vocabulary: zebra, owl"),
    (["generate", "words.ckpt", "the", "cat"], "one argument too many: 'cat'"),
    (["generate", "words.ckpt", "--tempeature", "1"], "did you mean --temperature?"),
    (["generate", "words.ckpt", "--temperature", "-1"], "temperature must be 0 or more"),
    (["generate", "words.ckpt", "--temperature", "hot"], "--temperature must be 0 or more, not hot"),
    (["generate", "words.ckpt", "--top-p", "2"], "--top-p must be above 0 and at most 1"),
    (["generate", "words.ckpt", "--top-k", "0"], "'0' is not a whole number of at least 1"),
    (["generate", "words.ckpt", "--words", "x"], "'x' is not a whole number of at least 1"),
    (["generate", "words.ckpt", "--greedy", "--temperature", "2"], "--greedy is temperature 0"),
    (["generate", "words.ckpt", "--beam", "2", "--top-k", "3"], "--beam draws nothing"),
    (["generate", "words.ckpt", "--beam", "2", "--samples", "3"], "--beam draws nothing"),
    (["generate", "words.ckpt", "--length-penalty", "2"], "give --beam W too"),
    (
        ["generate", "words.ckpt", "--beam", "2", "--length-penalty", "-1"],
        "--length-penalty must be 0 or more",
    ),
    (["generate", "words.ckpt", "--greedy", "--samples", "2"], "the greedy text is always the same"),
    (
        ["generate", "words.ckpt", "--import", "no_such_module"],
        "--import no_such_module: there is no such module",
    ),
    (["neighbours", "words.ckpt"], "WORD"),
    (["neighbours", "words.ckpt", "housse"], "'housse' is not in the vocabulary, did you mean house"),
    (["neighbour", "words.ckpt"], "did you mean neighbours?"),
]


@pytest.mark.parametrize(("arguments", "words"), MISTAKES, ids=lambda value: str(value)[-40:])
def test_a_mistake_is_one_line(arguments, words, capsys):
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert words in printed.err
    assert printed.err.startswith("tsrnn: error: ")
    assert printed.err.count("\n") == 1
    assert printed.out == ""
