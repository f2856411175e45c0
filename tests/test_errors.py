"""What errors and warnings say: an argument by the name that its reader can use."""

import pickle

import pytest

from tsrnn.errors import ConfigError, DataError, DataWarning, Notice, argument


@pytest.mark.parametrize("kind", [ConfigError, DataError, DataWarning, Notice])
def test_a_message_names_an_argument_in_python_and_an_option_on_the_command_line(kind):
    message = kind(f"{argument('data.warm_up')} is too long: {argument('data.window_length', 99)} would do")
    assert str(message) == "warm_up is too long: window_length=99 would do"
    options = {"data.warm_up": "--data.warm_up", "data.window_length": "--window"}
    assert message.said(options.get) == "--data.warm_up is too long: --window 99 would do"
    assert message.said(lambda key: None) == str(message)  # a command without such options
    assert pickle.loads(pickle.dumps(message)).said(options.get) == message.said(options.get)


@pytest.mark.parametrize(
    ("value", "in_python", "in_a_shell"),
    [
        *((",", "','", ","), (" ", "' '", "' '"), ("#", "'#'", "'#'")),
        *((None, "None", "null"), (True, "True", "true"), (3, "3", "3")),
    ],
)
def test_a_value_is_written_as_it_can_be_typed(value, in_python, in_a_shell):
    error = DataError(f"try {argument('data.mark', value)}", path="a.csv", line=3)
    assert str(error) == f"a.csv, line 3: try mark={in_python}"
    assert error.said(lambda key: f"--{key}") == f"a.csv, line 3: try --data.mark {in_a_shell}"
