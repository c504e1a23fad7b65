import logging
import subprocess
import sys

import pytest

from pgen.cli.shown import printable

ESCAPES = "\x1b[31mred\x1b[0m\r\x07\x9b31m\u202e"


def test_control_characters_are_shown_as_such():
    assert printable(f"a\n{ESCAPES}") == "a\n�[31mred�[0m���31m�"


@pytest.mark.parametrize(
    "what", ["raise RuntimeError({text!r})", "import logging; logging.getLogger('pgen.x').warning({text!r})"]
)
def test_unexpected_errors_and_logs_show_neither_escapes_nor_keys(what):
    code = "from pgen.cli.shown import guard_output; guard_output(); " + what.format(
        text=f"{ESCAPES} sk-0123456789abcdef"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "red" in done.stderr
    assert "\x1b" not in done.stderr
    assert "sk-0" not in done.stderr
    assert "***" in done.stderr


def test_the_library_leaves_logging_to_its_user():
    assert logging.getLogger("pgen").handlers == []
