import warnings

import pytest

from tsrnn.cli.output import one_line_warnings
from tsrnn.errors import DataWarning, Notice


@pytest.mark.filterwarnings("always")
def test_a_notice_is_told_from_a_warning_and_both_are_one_line(capsys):
    with one_line_warnings():
        warnings.warn("read: Close", Notice, stacklevel=1)
        warnings.warn("a gap of 10 days\nand more", DataWarning, stacklevel=1)
    assert capsys.readouterr().err == "tsrnn: note: read: Close\ntsrnn: warning: a gap of 10 days\n"
