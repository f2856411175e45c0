"""Parallel texts, labelled texts and described vectors: from files to batches."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest
import torch

from tsrnn.codecs import LogReturns, Vocabulary, Words
from tsrnn.data import DescribedVectors, LabelledText, ParallelText
from tsrnn.data.loaders.pairs import EveryPair, Pairs, RandomPairs, Rows
from tsrnn.data.pairs.generated import dates, english_number, korean_number, numerals
from tsrnn.errors import ConfigError, DataError

WORDS = ("<eos>", "<unk>", *"abcdefg")


def rows_of(lengths, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(2, len(WORDS), (length,), generator=generator) for length in lengths]


@pytest.fixture
def pairs():
    lengths = torch.randint(1, 9, (101,), generator=torch.Generator().manual_seed(1)).tolist()
    return Pairs(Rows.of(rows_of(lengths)), Rows.of(rows_of(lengths[::-1], 1)), Vocabulary(WORDS))


def test_padded_rows_are_the_rows():
    rows = rows_of([3, 1, 4, 1, 5])
    padded, lengths = Rows.of(rows).padded(torch.tensor([4, 1, 0]))
    assert lengths.tolist() == [5, 1, 3]
    assert padded.shape == (3, 5)
    for found, row in zip(padded, [rows[4], rows[1], rows[0]], strict=True):
        assert torch.equal(found[: len(row)], row)
        assert not found[len(row) :].any()


def test_a_batch_scores_each_token_of_a_target_once(pairs):
    batch = pairs.batch(torch.tensor([5, 7, 9]))
    lengths = pairs.target.lengths[torch.tensor([5, 7, 9])]
    assert batch.target.observed.sum(1).tolist() == lengths.tolist()
    assert (batch.target.inputs[:, 0] == 0).all()  # a sentence begins after <eos>
    assert torch.equal(batch.target.inputs[:, 1:], batch.target.targets[:, :-1])


@pytest.mark.parametrize("world_size", [1, 2, 3])
def test_an_epoch_reads_every_pair_and_each_process_as_many_batches(pairs, world_size):
    loaders = [
        RandomPairs(pairs, batch_size=8, seed=3, rank=rank, world_size=world_size)
        for rank in range(world_size)
    ]
    read = [[batch.rows for batch in loader] for loader in loaders]
    assert len({len(batches) for batches in read}) == 1
    every = torch.cat([rows for batches in read for rows in batches])
    assert set(every.tolist()) == set(range(len(pairs)))
    if world_size == 1:
        assert len(every) == len(pairs)


def test_epochs_differ_seeds_differ_and_a_resumed_epoch_goes_on(pairs):
    def epoch(loader):
        return [batch.rows.tolist() for batch in loader]

    loader = RandomPairs(pairs, batch_size=8, seed=3)
    first, second = epoch(loader), epoch(loader)
    assert first != second
    assert first == epoch(RandomPairs(pairs, batch_size=8, seed=3))
    assert first != epoch(RandomPairs(pairs, batch_size=8, seed=4))
    resumed = RandomPairs(pairs, batch_size=8, seed=3)
    resumed.load_state_dict({"epoch": 1, "position": 5})
    assert epoch(resumed) == second[5:]


def test_batches_are_of_like_lengths_and_the_scored_ones_are_each_once(pairs):
    def padding(batches):
        return sum(int(b.source.numel() - pairs.source.lengths[b.rows].sum()) for b in batches)

    for loader in (EveryPair(pairs, 8), RandomPairs(pairs, batch_size=8)):
        batches = list(loader)
        assert sum(len(batch.rows) for batch in batches) == len(pairs)
        shuffled = [pairs.batch(rows) for rows in torch.randperm(len(pairs)).split(8)]
        assert padding(batches) < 0.3 * padding(shuffled)


@pytest.mark.parametrize(
    ("number", "english", "korean"),
    [
        (0, "zero", "영"),
        (7, "seven", "칠"),
        (10, "ten", "십"),
        (13, "thirteen", "십삼"),
        (21, "twenty-one", "이십일"),
        (110, "one hundred ten", "백십"),
        (1001, "one thousand one", "천일"),
        (10_000, "ten thousand", "만"),
        (21_005, "twenty-one thousand five", "이만 천오"),
        (999_999, "nine hundred ninety-nine thousand nine hundred ninety-nine", "구십구만 구천구백구십구"),
    ],
)
def test_numbers_in_words(number, english, korean):
    assert english_number(number) == english
    assert korean_number(number) == korean


def test_what_is_made_is_different_and_the_same_each_time():
    for made in (dates(300, 1), numerals(300, 1), numerals(300, 1, "ko")):
        assert len(set(made.source)) == 300
    assert dates(50, 1) == dates(50, 1) != dates(50, 2)
    for text, iso in zip(*dates(300, 1), strict=True):
        assert iso[:4] in text
        assert pd.Timestamp(iso).isoformat()[:10] == iso


@pytest.fixture
def folder(tmp_path):
    for split, count in (("train", 20), ("val", 4), ("test_2016", 3), ("test_2017", 5)):
        for language in ("en", "de"):
            text = "".join(f"{language} {split} {row}\n" for row in range(count))
            (tmp_path / f"{split}.{language}.gz").write_bytes(gzip.compress(text.encode()))
    return tmp_path


def test_a_folder_of_splits_in_two_languages(folder):
    data = ParallelText(str(folder), "en", "de", test_name="2017")
    assert {split: len(texts.source) for split, texts in data.splits.items()} == {
        "train": 20,
        "valid": 4,
        "test": 5,
    }
    assert data.references("test") == (
        [f"en test_2017 {row}" for row in range(5)],
        [[f"de test_2017 {row}"] for row in range(5)],
    )
    assert data.description()["pairs"] == {"train": 20, "valid": 4, "test": 5}
    batch = next(iter(data.train_dataloader()))
    assert batch.lengths is None  # all of one length
    assert (batch.source[:, -1] == data.source_codec.end_of_sentence).all()


@pytest.mark.parametrize("form", ["tsv", "csv", "parquet", "files"])
def test_every_form_of_two_columns_reads_the_same(tmp_path, form):
    source = [f'say "{row}", twice' for row in range(40)]
    target = [f"wort {row}" for row in range(40)]
    frame = pd.DataFrame({"id": range(40), "de": target, "en": source})
    path = tmp_path / f"pairs.{form}"
    if form == "tsv":
        path.write_text(
            "id\tde\ten\n"
            + "".join(f"{r}\t{t}\t{s}\n" for r, (t, s) in enumerate(zip(target, source, strict=True)))
        )
    elif form == "files":
        (tmp_path / "pairs.files.en").write_text("\n".join(source) + "\n")
        (tmp_path / "pairs.files.de.txt").write_text("\n".join(target) + "\n")
    else:
        getattr(frame, f"to_{form}")(path, index=False)
    data = ParallelText(str(path), "en", "de")
    found = {pair for split in data.splits.values() for pair in zip(*split, strict=True)}
    assert found == set(zip(source, target, strict=True))
    assert data.splits["train"].source == ParallelText(str(path), "en", "de").splits["train"].source


def test_rows_of_one_source_are_in_one_split(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("en\tde\n" + "".join(f"s{row % 30}\tt{row}\n" for row in range(300)))
    splits = ParallelText(str(path), "en", "de").splits
    sources = [set(texts.source) for texts in splits.values()]
    assert len(sources) == 3
    assert sum(map(len, sources)) == 30


@pytest.mark.parametrize(
    ("write", "words"),
    [
        ({"a.en": "x\ny\n", "a.de": "x\n"}, r"a\.de, line 2: it ends here"),
        ({"a.en": "x\n\n", "a.de": "x\ny\n"}, r"a\.en, line 2: the source is empty"),
        ({"a.en": "x\ny\n", "a.de": "x\n  \n"}, r"a\.de, line 2: the target is empty"),
        ({"a.en": "x\n"}, "nor a.de"),
    ],
)
def test_sides_that_do_not_fit_are_one_line(tmp_path, write, words):
    for name, text in write.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=words):
        ParallelText(str(tmp_path / "a"), "en", "de").splits  # noqa: B018


def test_a_column_that_is_not_there_is_named(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text("english,german\na,b\n")
    with pytest.raises(DataError, match=r"there is no column en.*english, german"):
        ParallelText(str(path), "en", "german").splits  # noqa: B018


def test_one_vocabulary_for_both_sides(folder):
    data = ParallelText(str(folder), "en", "de", joint=True)
    assert data.codec is data.source_codec
    assert {"en", "de"} <= set(data.codec.tokens)


def test_a_model_of_prices_does_not_write_text():
    with pytest.raises(ConfigError, match="LogReturns, not text"):
        ParallelText().adopt(LogReturns())


def labelled(tmp_path, rows, name="texts.tsv"):
    path = tmp_path / name
    path.write_text("text\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in rows))
    return str(path)


def test_labelled_texts(tmp_path):
    path = labelled(tmp_path, [(f"word{row} {'good' if row % 2 else 'bad'}", row % 2) for row in range(60)])
    data = LabelledText(path, tokenizer=Words())
    assert data.labels == ["0", "1"]
    texts, labels = data.splits["train"]
    pairs = data.pairs("train")
    assert len(texts) == len(labels) == len(pairs)
    assert pairs.target.tolist() == [int(label) for label in labels]
    assert sum(data.label_counts) == len(texts)


@pytest.mark.parametrize(
    ("rows", "test", "words"),
    [
        ([("a", "x"), ("b", "x")], None, "two classes are needed"),
        ([("a", "x"), ("b", "y")], [("c", "z")], "the label z, which no training text has"),
        ([("a", "x"), ("", "y")], None, "line 3: the text is empty"),
        ([("a", "x"), ("b", "")], None, "line 3: the label is empty"),
    ],
)
def test_labels_that_cannot_be_learned_are_one_line(tmp_path, rows, test, words):
    train = labelled(tmp_path, rows)
    other = None if test is None else labelled(tmp_path, test, "test.tsv")
    with pytest.raises(DataError, match=words):
        LabelledText(train_path=train, test_path=other).splits  # noqa: B018


def test_the_digits_have_names():
    data = DescribedVectors()
    assert sum(len(split.texts) for split in data.splits.values()) == 1797
    assert set(data.splits["test"].texts) == {english_number(digit) for digit in range(10)}
    assert set(DescribedVectors(corpus="digits_ko").splits["test"].texts) == {*"영일이삼사오육칠팔구"}
    vectors = data.splits["train"].vectors
    np.testing.assert_allclose(data.source_location, vectors.mean(0), rtol=1e-5)
    assert min(data.source_scale) > 0


@pytest.mark.parametrize("form", ["csv", "npy"])
def test_rows_with_several_texts_have_them_as_references(tmp_path, form):
    vectors = np.repeat(np.arange(40, dtype=np.float32).reshape(20, 2), 3, axis=0)
    texts = [f"row {row // 3} way {row % 3}" for row in range(60)]
    if form == "npy":
        np.save(tmp_path / "v.npy", vectors)
        (tmp_path / "texts.txt").write_text("\n".join(texts) + "\n")
        data = DescribedVectors(str(tmp_path / "v.npy"), str(tmp_path / "texts.txt"))
    else:
        pd.DataFrame({"a": vectors[:, 0], "text": texts, "b": vectors[:, 1]}).to_csv(
            tmp_path / "v.csv", index=False
        )
        data = DescribedVectors(str(tmp_path / "v.csv"))
    for split in data.splits:
        rows, references = data.references(split)
        assert len(rows) == len(references)
        assert all(len(own) == 3 for own in references)
        for vector, own in zip(rows, references, strict=True):
            assert own[0].startswith(f"row {int(vector[0]) // 2} ")


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ("1,x,a\n", "line 2, column b: 'x' is no number"),
        ("1,nan,a\n", "line 2: a number is missing"),
        ("1,2,\n", "the text is empty"),
    ],
)
def test_a_vector_that_cannot_be_read_is_one_line(tmp_path, cells, words):
    path = tmp_path / "v.csv"
    path.write_text("a,b,text\n" + cells)
    with pytest.raises(DataError, match=words):
        DescribedVectors(str(path)).splits  # noqa: B018


def test_pickles_in_a_matrix_are_refused(tmp_path):
    np.save(tmp_path / "v.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    (tmp_path / "t.txt").write_text("x\n")
    with pytest.raises(DataError, match="not a matrix of numbers"):
        DescribedVectors(str(tmp_path / "v.npy"), str(tmp_path / "t.txt")).splits  # noqa: B018
