"""Colours and wrapped lists on a terminal, plain text elsewhere."""

import os
import pty
import re
import subprocess
import sys
import termios
from contextlib import suppress

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from rendered_example import write_example

from pgen.cli import cli
from pgen.cli.style import definitions, fields
from pgen.formats import schemas

ESCAPE = "\x1b["
WORDS = st.lists(st.text("abc-/", min_size=1, max_size=12), max_size=30).map(" ".join)


@given(rows=st.lists(st.tuples(st.text("xyz", min_size=1, max_size=10), WORDS), max_size=5))
def test_without_a_terminal_each_item_is_one_line(rows):
    lines = definitions(rows).splitlines()
    assert [line.split(maxsplit=1)[0] for line in lines] == [name for name, _ in rows]


def on_a_terminal(columns, *arguments):
    """Return the lines that a command prints on a terminal with so many columns."""
    parent, child = pty.openpty()
    termios.tcsetwinsize(child, (24, columns))
    command = [sys.executable, "-c", "from pgen.cli import main; main()", *arguments]
    process = subprocess.Popen(command, stdout=child, env={**os.environ, "COLUMNS": str(columns)})
    os.close(child)
    text = b""
    with suppress(OSError):  # the other end was closed
        while data := os.read(parent, 10_000):
            text += data
    os.close(parent)
    assert process.wait() == 0
    return text.decode().replace("\r\n", "\n").splitlines()


def test_on_a_terminal_texts_hang_behind_their_names_and_no_word_is_split():
    lines = on_a_terminal(60, "schema")
    assert all(len(line) <= 60 for line in lines)
    names = [line.split()[0] for line in lines if not line.startswith(" ")]
    assert names == list(schemas.names())
    words = {word for line in lines for word in line.split()}
    assert words == {word for name in names for word in [name, *schemas.load(name)["description"].split()]}


def test_only_names_of_fields_are_colored():
    report = fields("flagged    2 of 3\nsamples    4\nno field at all\n  indented   text\nprompt")
    assert click.unstyle(report) == "flagged    2 of 3\nsamples    4\nno field at all\n  indented   text\nprompt"
    assert [ESCAPE in line for line in report.splitlines()] == [True, True, False, False, False]


@pytest.mark.parametrize(
    ("option", "environment", "colored"),
    [(["--color", "always"], {}, True), (["--color", "always"], {"NO_COLOR": "1"}, True), ([], {}, False)],
)
def test_colors_follow_the_option_before_the_environment(tmp_path, option, environment, colored):
    root = write_example(tmp_path / "in")
    arguments = ["annotate", "--root", str(root), "--output-dir", str(tmp_path / "out"), "--generator", "template"]
    result = CliRunner().invoke(cli, [*option, *arguments], env=environment)
    assert result.exit_code == 0, result.output
    assert (ESCAPE in result.stdout) == colored


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["segmnt"], "there is no command 'segmnt'; did you mean segment? See `pgen --help`."),
        (["annotate", "--rot", "x"], r"No such option.*--rot.*--root.* See `pgen annotate --help`."),
        (["annotate", "--root"], r"Option '--root' requires an argument. See `pgen annotate --help`."),
        (["--foo"], r"No such option.*--foo.* See `pgen --help`."),
        (["qqqq"], "there is no command 'qqqq'. See `pgen --help`."),
    ],
)
def test_errors_in_the_arguments_have_the_form_of_all_errors(arguments, message):
    result = CliRunner().invoke(cli, arguments, prog_name="pgen")
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert re.fullmatch(f"pgen: error: {message.replace('?', '[?]')}", line), line


def test_without_arguments_the_help_is_printed():
    assert "Commands:" in CliRunner().invoke(cli, []).output
