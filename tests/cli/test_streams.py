"""Output may be lost, a command's work never: full and closed streams, closed pipes, odd locales. No key is printed."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rendered_example import write_example

from pgen.cli.streams import RedactedBytes
from pgen.safety.redaction import register
from pgen_lerobot.verify import verify

PGEN = [sys.executable, "-c", "from pgen.cli import main; main()"]
FULL = Path("/dev/full")
KEY = "hush+4f9c/1e7ab&2d8=Qx"
ESCAPES = "\x1b[31mred\x1b[0m\r\x07\x9b31m\u202e"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_example(tmp_path_factory.mktemp("streams") / "data")


def annotate(root, out):
    return [*PGEN, "annotate", "--root", str(root), "--output-dir", str(out), "--generator", "template"]


def closing(*descriptors):
    """Return a function that closes streams before a process begins, as `2>&-` does."""
    return lambda: [os.close(descriptor) for descriptor in descriptors]


@pytest.mark.parametrize("descriptors", [(2,), (1,), (0, 1, 2)], ids=["stderr", "stdout", "all"])
def test_closed_streams_end_no_run_and_nothing_is_written_into_other_files(root, tmp_path, descriptors):
    out = tmp_path / "out"
    assert subprocess.run(annotate(root, out), preexec_fn=closing(*descriptors)).returncode == 0
    assert verify(out, with_lerobot=False).problems == []


def test_a_full_standard_error_ends_no_run(root, tmp_path):
    with FULL.open("w") as full:
        done = subprocess.run(annotate(root, tmp_path / "out"), stdout=subprocess.PIPE, stderr=full, text=True)
    assert done.returncode == 0
    assert "answered   48 by template" in done.stdout


@pytest.mark.parametrize("stream", ["full", "closed"])
def test_an_error_that_cannot_be_printed_keeps_its_exit_code(root, tmp_path, stream):
    (tmp_path / "out").mkdir()
    with FULL.open("w") as full:
        options = {"stderr": full} if stream == "full" else {"preexec_fn": closing(2)}
        done = subprocess.run(annotate(root, tmp_path / "out"), stdout=subprocess.DEVNULL, **options)
    assert done.returncode == 2


def test_an_unprintable_report_leaves_a_complete_output_and_says_so(root, tmp_path):
    with FULL.open("w") as full:
        done = subprocess.run(annotate(root, tmp_path / "out"), stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    (sentence,) = [line for line in done.stderr.splitlines() if line.startswith("pgen: ")]
    assert sentence == (
        "pgen: error: everything was done, but standard output could not be written: No space left on device."
    )
    assert "Traceback" not in done.stderr
    assert verify(tmp_path / "out", with_lerobot=False).problems == []


@pytest.mark.parametrize("command", [["--help"], ["plugins"], ["annotate", "--help"]])
def test_a_command_that_only_prints_fails_in_one_sentence_on_a_full_disk(command):
    with FULL.open("w") as full:
        done = subprocess.run([*PGEN, *command], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "standard output could not be written" in done.stderr


def test_a_closed_pipe_is_no_error():
    command = [*PGEN, "schema", "syn_annotation"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def test_a_locale_whose_file_names_are_not_utf_8_is_refused_but_for_help(root, tmp_path):
    def run(*arguments):
        return subprocess.run([*PGEN, *arguments], env={**os.environ, **C_LOCALE}, capture_output=True, text=True)

    done = run(*annotate(root, tmp_path / "out")[3:])
    assert done.returncode == 2
    assert done.stderr == (
        "pgen: error: the locale's encoding is ascii, and names in datasets are UTF-8; "
        "set PYTHONUTF8=1 or LC_ALL=C.UTF-8.\n"
    )
    assert list(tmp_path.iterdir()) == []
    assert run("--help").returncode == 0
    assert run("--version").stdout.startswith("pgen ")


class Written:
    """Records the bytes written to it."""

    def __init__(self):
        self.data = b""

    def write(self, data):
        self.data += bytes(data)

    def flush(self):
        pass


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("form", [KEY, "hush%2B4f9c%2F1e7ab%262d8%3DQx", "dTpodXNoKzRmOWMvMWU3YWImMmQ4PVF4"])
def test_a_key_written_in_pieces_is_redacted(size, form):
    register(KEY)
    text = f"see {form} there\n".encode()
    written = Written()
    redacted = RedactedBytes(written)
    for start in range(0, len(text), size):
        redacted.write(text[start : start + size])
        redacted.flush()
        assert b"hush" not in written.data
    redacted.release()
    assert written.data.startswith(b"see ")
    assert b"***" in written.data
    assert form.encode()[4:-4] not in written.data  # of base64, the characters that the key alone decides
    assert written.data.endswith(b" there\n")


def test_the_beginning_of_a_key_is_written_in_the_end():
    register(KEY)
    written = Written()
    redacted = RedactedBytes(written)
    redacted.write(b"ends in hush+4f")
    assert written.data == b"ends in "
    redacted.release()
    assert written.data == b"ends in hush+4f"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize("code", ["print('{key}', file=sys.{stream})", "sys.{stream}.buffer.write(b'{key}')"])
def test_both_streams_are_redacted_for_text_and_bytes(stream, code):
    work = code.format(key=KEY, stream=stream)
    program = f"import sys\nfrom pgen.cli.streams import redacted_output\nwith redacted_output():\n    {work}\n"
    done = subprocess.run([sys.executable, "-c", program], env={"MY_API_KEY": KEY}, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert getattr(done, stream).strip() == b"***"


def test_a_traceback_of_a_command_shows_no_key():
    program = "import click, sys\nfrom pgen import cli\n"
    program += f"cli.cli.invoke = lambda ctx: 1 / int('{KEY}')\ncli.main(['plugins'])\n"
    done = subprocess.run([sys.executable, "-c", program], env={"MY_API_KEY": KEY}, capture_output=True)
    assert done.returncode == 1
    assert b"ValueError" in done.stderr
    assert b"***" in done.stderr
    assert b"hush" not in done.stderr


@pytest.mark.parametrize(
    "code", ["raise RuntimeError({text!r})", "import logging; logging.getLogger('pgen.x').warning({text!r})"]
)
def test_unexpected_errors_and_log_messages_contain_neither_escapes_nor_keys(code):
    code = "from pgen.cli.streams import install_handlers; install_handlers(); " + code.format(
        text=f"{ESCAPES} sk-0123456789abcdef"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "red" in done.stderr
    assert "\x1b" not in done.stderr
    assert "sk-0" not in done.stderr
    assert "***" in done.stderr


def test_the_library_configures_no_logging():
    assert logging.getLogger("pgen").handlers == []
