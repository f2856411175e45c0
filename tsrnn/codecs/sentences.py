"""Lines of text as sentences: each line is one, or paragraphs are split where their sentences end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from tsrnn.errors import ConfigError, DataError

SENTENCES = ("line", "paragraph")
LONGEST_SENTENCE = 1_000_000

_LINE_END = re.compile(r"\r\n|\r|\n")
_MARKS = (".", "!", "?", "…", "。", "！", "？")
_CLOSING = "\"'”’»)\\]』」》〉"
_MARK = re.compile(rf"(?:[.!?…]+[{_CLOSING}]*\s+|[。！？]+[{_CLOSING}]*\s*)(?=\S)")
"""Where a sentence may end: marks, what they close, and a space, which full-width marks can do without."""

_TITLES = {
    *("Mr", "Mrs", "Ms", "Messrs", "Mme", "Mlle", "Dr", "Prof", "Rev", "Hon", "St", "Mt", "Fr"),
    *("Gen", "Col", "Capt", "Cpt", "Lt", "Sgt", "Maj", "Gov", "Sen", "Rep", "Pres", "Supt"),
    *("vs", "cf", "viz", "eg", "ie"),
}
_BEFORE_NUMBERS = {
    *("no", "nos", "vol", "fig", "figs", "eq", "chap", "ch", "sec", "art", "p", "pp"),
    *("jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec"),
}
_INITIALS = re.compile(r"(?:\w\.)+\w|[A-Z]")
_IN_A_LIST = re.compile(r"\d+|[IVXLC]+|[A-Za-z가나다라마바사아자차카타파하]")
_DATE = re.compile(r"\d+\.")
_WORD = re.compile(r"\w")


def sentences_in(lines: Iterable[str], kind: str) -> Iterator[str]:
    """The sentences of a text, one after another; only one is in memory.

    line: every line is one, a blank line too. paragraph: lines up to a blank one are joined, and split where
    sentences end: after . ! ? … and what closes with them, where a space and no small letter follows, as in
    Unicode Standard Annex 29, section 5.1, and after 。！？. A full stop does not end a sentence after a
    title (Mr.), initials (J. S. Mill, e.g.), the number of a list (1.) or between numbers (2010. 11. 12.).

    Args:
        lines: of the text, without their ends.
        kind: line or paragraph.

    Raises:
        ConfigError: for another kind.
        DataError: if a sentence of a paragraph is longer than a million characters.
    """
    if kind not in SENTENCES:
        raise ConfigError(f"sentences must be line or paragraph, not {kind!r}")
    return iter(lines) if kind == "line" else _in_paragraphs(lines)


def open_sentences(text: str, kind: str) -> tuple[list[str], str]:
    """The sentences of a text that is to be continued: those that have ended, and the last, which is open.

    Raises:
        ConfigError: for an unknown kind.
    """
    lines = _LINE_END.split(text)
    sentences = list(sentences_in(lines, kind))
    ended = kind == "paragraph" and not "".join(lines[-2:]).strip() and len(lines) > 1
    return (sentences, "") if ended or not sentences else (sentences[:-1], sentences[-1])


def looks_wrapped(lines: Iterable[str]) -> bool:
    """Whether lines end where the next word would not have fitted, and seldom where a sentence does."""
    lines = [line.rstrip() for line in lines]
    widths = sorted(len(line) for line in lines if line)
    width = widths[int(0.98 * (len(widths) - 1))] if widths else 0  # a few, headings and tables, are longer
    pairs = [(line, following) for line, following in pairwise(lines) if line and following]
    if len(pairs) < 20 or width < 40:
        return False
    full = sum(len(line) + 1 + len(following.split(maxsplit=1)[0]) > width for line, following in pairs)
    ended = sum(line.rstrip(_CLOSING).endswith(_MARKS) for line, _ in pairs)
    return full > 0.8 * len(pairs) and ended < 0.5 * len(pairs)


def _in_paragraphs(lines: Iterable[str]) -> Iterator[str]:
    sentence = _Sentence()
    for line in lines:
        if line.strip():
            yield from sentence.goes_on(line.strip())
        else:
            yield from sentence.rest()
    yield from sentence.rest()


class _Sentence:
    """The sentence that has begun: its lines, of which the last may hold its end."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._last = ""
        self._length = 0

    def goes_on(self, line: str) -> Iterator[str]:
        """The sentences that have ended, now that it is known what follows the last line."""
        text = f"{self._last} {line}" if self._last else line
        start = 0
        for match in _MARK.finditer(text):
            here = text[start : match.end()].rstrip()
            if _ends(here, text, match.end(), alone=not self._lines):
                yield " ".join([*self._lines, here])
                self._lines, self._length, start = [], 0, match.end()
        if start == 0 and self._last:
            self._lines.append(self._last)
            self._length += len(self._last)
            self._last = line
        else:
            self._last = text[start:]
        if self._length + len(self._last) > LONGEST_SENTENCE:
            raise DataError(f"a sentence has more than {LONGEST_SENTENCE:,} characters, and does not end")

    def rest(self) -> Iterator[str]:
        """The sentence, ended by its paragraph."""
        if self._last:
            yield " ".join([*self._lines, self._last])
        self._lines, self._last, self._length = [], "", 0


def _ends(before: str, text: str, place: int, alone: bool) -> bool:
    """Whether a sentence ends before a place in a text.

    Args:
        before: what precedes, up to the marks and what they close.
        text: the text.
        place: where it goes on after the space.
        alone: whether the sentence begins with `before`.
    """
    following = _WORD.search(text, place)
    if following and following[0].islower():
        return False
    if not before.endswith(".") or before.endswith(".."):
        return True
    *others, word = ["", *before[:-1].split()]
    word = word.lstrip("([{\"'“‘«")
    if word.isdecimal() and (text[place].isdecimal() or _DATE.fullmatch(others[-1])):
        return False
    if word.lower() in _BEFORE_NUMBERS and text[place].isdecimal():
        return False
    if alone and len(others) == 1 and _IN_A_LIST.fullmatch(word):
        return False
    return word not in _TITLES and not _INITIALS.fullmatch(word)
