"""Text as numbers on the disk: tokenised once, memory-mapped ever after."""

from __future__ import annotations

import hashlib
import json
import shutil
from array import array
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tsrnn.codecs import Tokenizer
from tsrnn.codecs.tokenizers import END_OF_SENTENCE
from tsrnn.components import build, describe
from tsrnn.data.text.files import Text
from tsrnn.errors import DataError
from tsrnn.files import atomic_folder

_FORMAT = 1
_BUFFERED_TOKENS = 1 << 16
_TOKENIZER: Any = Tokenizer
LINE_END = 0
"""The type that ends every line."""


class TokenisedText(NamedTuple):
    """Texts, one after another, as the numbers of their types.

    Attributes:
        tokens: (T,) int32 memory-mapped, the place in `types` of each token; every line ends in LINE_END.
        types: the distinct tokens, `<eos>` and then by first appearance.
        lengths: tokens of each text.
        fitted: tokens of the lines that the tokenizer learned from; 0 where it learned nothing.
        tokenizer: what made the tokens.
    """

    tokens: npt.NDArray[np.int32]
    types: list[str]
    lengths: list[int]
    fitted: int
    tokenizer: Tokenizer


def tokenised(texts: Sequence[Text], tokenizer: Tokenizer, share: float, folder: Path) -> TokenisedText:
    """The texts as numbers, from the cache in `folder`, or read line by line and written there.

    The cache has one folder for each content of the files and tokenizer. It is written beside its place
    and renamed: a folder that is there is whole, and of two processes the first one wins.

    Args:
        texts: the texts.
        tokenizer: what makes tokens of lines.
        share: a tokenizer that learns does so from this share of the first text, in characters.
        folder: where the cache is.

    Raises:
        DataError: a text cannot be used, or the cache cannot be written.
    """
    place = folder / _key(texts, tokenizer, share)
    if (found := _read(place, tokenizer)) is not None:
        return found
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_folder(place) as partial:
            _write(texts, tokenizer, share, partial)
            if _read(place, tokenizer) is None:
                shutil.rmtree(place, ignore_errors=True)  # damaged
    except OSError as error:  # the texts' own faults are DataErrors already
        problem = f"the cache cannot be written ({error.strerror}): give a folder with room as cache_dir"
        raise DataError(problem, path=folder) from None
    if (found := _read(place, tokenizer)) is None:
        raise DataError("the cache was damaged while it was written: try again", path=place)
    return found


def _key(texts: Sequence[Text], tokenizer: Tokenizer, share: float) -> str:
    learned_from = share if tokenizer.needs_fit else None
    digest = hashlib.sha256(json.dumps([_FORMAT, describe(tokenizer), learned_from]).encode())
    for text in texts:
        digest.update(text.fingerprint())
    return digest.hexdigest()


def _read(place: Path, tokenizer: Tokenizer) -> TokenisedText | None:
    """What a folder of the cache holds, or None if it does not hold all of it."""
    try:
        facts = json.loads((place / "facts.json").read_text(encoding="utf-8"))
        types = json.loads((place / "types.json").read_text(encoding="utf-8"))
        # A plain array over the map: slicing np.memmap itself costs several times as much.
        tokens = np.asarray(np.memmap(place / "tokens.int32", dtype=np.int32, mode="r"))
    except (OSError, ValueError):
        return None
    if len(tokens) != sum(facts["lengths"]) or len(types) != facts["types"]:
        return None
    if tokenizer.needs_fit:
        tokenizer = build(facts["tokenizer"], _TOKENIZER)
    return TokenisedText(tokens, types, facts["lengths"], facts["fitted"], tokenizer)


class _Numbers(dict[str, int]):
    """Numbers of tokens, from 1 on by first appearance."""

    def __missing__(self, token: str) -> int:
        number = self[token] = len(self) + 1
        return number


def _write(texts: Sequence[Text], tokenizer: Tokenizer, share: float, partial: Path) -> None:
    learned_lines = 0
    if tokenizer.needs_fit:
        learned_lines = _lines_of_share(texts[0], share)
        tokenizer = tokenizer.fit(islice(texts[0].lines(), learned_lines))
    numbers = _Numbers()
    buffer = array("i")
    lengths: list[int] = []
    fitted = line_number = 0
    split, number_of = tokenizer.split, numbers.__getitem__
    with (partial / "tokens.int32").open("wb") as file:
        for text in texts:
            length = types = 0
            for line in text.lines():
                buffer.extend(map(number_of, split(line)))
                buffer.append(LINE_END)
                line_number += 1
                if line_number == learned_lines:
                    fitted = length + len(buffer)
                if len(buffer) >= _BUFFERED_TOKENS:
                    types = max(types, max(buffer))
                    length += _flush(buffer, file)
            types = max(types, max(buffer, default=0))
            length += _flush(buffer, file)
            if not types:
                raise DataError("the text is empty: it has no tokens", path=text.name)
            lengths.append(length)
    facts = {
        "lengths": lengths,
        "types": len(numbers) + 1,
        "fitted": fitted,
        "tokenizer": describe(tokenizer),
    }
    for name, value in {"types": [END_OF_SENTENCE, *numbers], "facts": facts}.items():
        (partial / f"{name}.json").write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


def _flush(buffer: array[int], file: Any) -> int:
    length = len(buffer)
    buffer.tofile(file)
    del buffer[:]
    return length


def _lines_of_share(text: Text, share: float) -> int:
    """How many lines hold the text's first `share` of characters, at least one."""
    if share >= 1:
        return sum(1 for _ in text.lines())
    wanted = share * sum(len(line) + 1 for line in text.lines())
    count = seen = 0
    for line in text.lines():
        count += 1
        seen += len(line) + 1
        if seen >= wanted:
            break
    return count
