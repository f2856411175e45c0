"""What the command says besides its results: notices and warnings, in one line each."""

import warnings

import pytest

from tsrnn.cli import main
from tsrnn.cli.explain import one_line
from tsrnn.errors import DataWarning, Notice, argument


@pytest.mark.filterwarnings("always")
def test_a_notice_is_told_from_a_warning_and_both_are_one_line(capsys, monkeypatch):
    def warn(arguments):
        warnings.warn("read: Close", Notice, stacklevel=1)
        warnings.warn("a gap of 10 days\nand more", DataWarning, stacklevel=1)
        warnings.warn(Notice(f"try {argument('data.decimal', ',')}"), stacklevel=1)
        warnings.warn(DataWarning(f"lower {argument('data.window_length')}"), stacklevel=1)
        return 0

    monkeypatch.setattr(main, "_dispatch", warn)
    assert main.main(["forecast"]) == 0
    common = ["tsrnn: note: read: Close", "tsrnn: warning: a gap of 10 days"]
    own = ["tsrnn: note: try --decimal ,", "tsrnn: warning: lower window_length"]
    assert capsys.readouterr().err.splitlines() == [*common, *own]
    assert main.main(["fit"]) == 0
    own = ["tsrnn: note: try --data.decimal ,", "tsrnn: warning: lower --data.window_length"]
    assert capsys.readouterr().err.splitlines() == [*common, *own]


def test_a_long_message_ends_with_a_sentence():
    first, second, third = "Expected\n a key." + " It" * 30 + ".", "A" * 99 + ".", "B" * 150 + "."
    folded = " ".join(first.split())
    assert one_line(f"{first} {second} {third}") == f"{folded} {second}"
    assert one_line(f"{third * 3} {second}") == third * 3
