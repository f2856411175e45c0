"""The picture of an attention: which words of the source each word of the target read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

_FAMILY = "DejaVu Sans"  # comes with Matplotlib
_NO_LETTERS = "Last Resort"  # has a sign for every letter, and draws none
_WORD = 0.42
"""Inches of a word."""
_SHORT = 2
"""Letters of a word that needs no turning."""


def attention_chart(
    weights: npt.ArrayLike, target: Sequence[str], source: Sequence[str], *, title: str | None = None
) -> Figure:
    """A cell for each word of the target (rows) and of the source (columns), the darker the more was read.

    A letter that no font here has is drawn as a box: see `missing_glyphs`.

    Args:
        weights: (T, S), rows that add up to 1.
        target: T words.
        source: S words.
        title: above the picture.
    """
    values = np.asarray(weights, dtype=np.float64)
    figure = Figure(figsize=(2 + _WORD * len(source), 1.6 + _WORD * len(target)), layout="constrained")
    FigureCanvasAgg(figure)
    axis = figure.add_subplot()
    picture = axis.imshow(values, cmap="Blues", vmin=0, vmax=1, aspect="equal")
    family, missing = _fonts([*target, *source])
    font: Any = {"family": family}
    words = [_shown(word, missing) for word in source]
    short = max(map(len, words[:-1]), default=0) <= _SHORT  # the last word is the end of the sentence
    turned: Any = {} if short else {"rotation": 60, "ha": "left", "rotation_mode": "anchor"}
    axis.set_xticks(range(len(source)), words, **turned, **font)
    axis.set_yticks(range(len(target)), [_shown(word, missing) for word in target], **font)
    axis.xaxis.tick_top()
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    figure.colorbar(picture, ax=axis, shrink=0.7, aspect=15, label="share of what is read")
    if title is not None:
        figure.suptitle(title, **font)
    return figure


def missing_glyphs(words: Sequence[str]) -> list[str]:
    """The letters that no font here can draw."""
    return sorted(_fonts(words)[1])


def _fonts(words: Iterable[str]) -> tuple[list[str], set[str]]:
    """The fonts that draw the words, and the letters that none of those installed has."""
    families = [_FAMILY]
    missing = _lacking(
        font_manager.findfont(_FAMILY), {letter for word in words for letter in word if not letter.isspace()}
    )
    for font in font_manager.fontManager.ttflist if missing else []:
        if font.name.startswith(_NO_LETTERS):
            continue
        if len(rest := _lacking(font.fname, missing)) < len(missing):
            families.append(font.name)
            missing = rest
    return families, missing


def _lacking(path: str, letters: set[str]) -> set[str]:
    known = font_manager.get_font(path).get_charmap()
    return {letter for letter in letters if ord(letter) not in known}


def _shown(word: str, missing: set[str]) -> str:
    letters = ("□" if letter in missing else letter for letter in word)
    return "".join(letters).replace(" ", "␣").replace("$", r"\$")
