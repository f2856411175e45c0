"""The picture of an attention."""

import numpy as np

from tsrnn.evaluation.report.attention import attention_chart, missing_glyphs


def test_a_word_a_row_and_a_column(tmp_path):
    weights = np.array([[0.9, 0.1, 0.0], [0.0, 0.2, 0.8]])
    target, source = ["Straße", "<eos>"], ["street", "costs $1", "<eos>"]
    figure = attention_chart(weights, target, source)
    axis = figure.axes[0]
    assert np.array_equal(axis.images[0].get_array(), weights)
    assert [label.get_text() for label in axis.get_yticklabels()] == target
    assert [label.get_text() for label in axis.get_xticklabels()] == ["street", r"costs␣\$1", "<eos>"]
    figure.savefig(tmp_path / "map.png")


def test_german_is_drawn_and_what_no_font_has_is_named_and_drawn_as_a_box(tmp_path):
    nothing = "\U000f0000"  # of the private use area
    assert missing_glyphs(["Straße", "Äpfel", "größer", f"a{nothing}"]) == [nothing]
    figure = attention_chart(np.eye(1), [f"a{nothing}"], ["b"])
    figure.savefig(tmp_path / "map.png")  # a warning would be an error here
    assert figure.axes[0].get_yticklabels()[0].get_text() == "a□"


def test_an_installed_font_is_found_for_letters_that_the_first_lacks(tmp_path):
    """Matplotlib's own font of symbols stands for one of Hangul, which not every machine has."""
    letter = "\u1d84"  # in STIXGeneral, not in DejaVu Sans
    assert missing_glyphs([letter]) == []
    figure = attention_chart(np.eye(1), [letter], ["b"])
    assert len(figure.axes[0].get_yticklabels()[0].get_fontfamily()) == 2
    figure.savefig(tmp_path / "map.png")
