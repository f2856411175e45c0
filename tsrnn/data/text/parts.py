"""The training, validation and test part of a text."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from tsrnn.data.text.cache import LINE_END, TokenisedText
from tsrnn.data.text.files import Text
from tsrnn.errors import argument

SPLITS = ("train", "valid", "test")
_BLOCK = 1 << 17


def spans_of(
    text: TokenisedText, names: Sequence[str], split: tuple[float, float, float]
) -> tuple[int, int, int]:
    """One past the last token of the training, the validation and the test part.

    Args:
        text: the tokens of all texts.
        names: of the texts, each one part; or of one text, `all`, which is cut at the end of a sentence.
        split: the parts' shares of the tokens of that one.
    """
    if "all" not in names:
        ends = dict(zip(names, np.cumsum(text.lengths).tolist(), strict=True))
        valid = ends.get("valid", ends["train"])
        return ends["train"], valid, ends.get("test", valid)
    total = len(text.tokens)
    train = text.fitted or line_end(text.tokens, round(total * split[0]))
    valid = line_end(text.tokens, round(total * (split[0] + split[1])))
    return train, max(train, valid), total


def advice_without_validation(
    names: Sequence[str], folder: str | None, share: float, sentences: int, kind: str
) -> str:
    """What to do where the validation part is empty.

    Args:
        names: of the texts.
        folder: that holds them, if one does.
        share: of the validation part.
        sentences: how many there are.
        kind: how they were found.
    """
    if "all" not in names and folder is not None:
        return f"add a file named valid to {folder}"
    if "all" not in names:
        return f"give {argument('data.valid_path')}, or the whole text as {argument('data.path')}"
    if share == 0:
        return f"give {argument('data.split')} a second share"
    found = f"the text has {sentences} sentence{'s' if sentences > 1 else ''}, and is cut only between two"
    if kind == "line":
        return f"{found}: {argument('data.sentences', 'paragraph')} finds more in a line"
    return f"{found}: give more text"


def hashes_of_parts(texts: Iterable[Text], lines: Mapping[str, int]) -> dict[str, str | None]:
    """sha256 of the lines of each part and of `all`: of the text itself, however its files are packed.

    Args:
        texts: all texts, in the order of their parts.
        lines: how many each part has; one that has none has no hash.
    """
    digests = {name: hashlib.sha256() for name in ("all", *SPLITS)}
    parts = (split for split in SPLITS for _ in range(lines[split]))
    for text in texts:
        for line, split in zip(text.lines(), parts, strict=False):
            content = f"{line}\n".encode()
            digests["all"].update(content)
            digests[split].update(content)
    return {
        name: digest.hexdigest() if name == "all" or lines[name] else None for name, digest in digests.items()
    }


def line_end(tokens: npt.NDArray[np.int32], place: int) -> int:
    """The first place from `place` on where no line is cut: one past the end of a line, or the beginning."""
    for begin in range(place - 1, len(tokens), _BLOCK):
        if begin < 0:
            return 0
        ends = np.flatnonzero(tokens[begin : begin + _BLOCK] == LINE_END)
        if len(ends):
            return begin + int(ends[0]) + 1
    return len(tokens)
