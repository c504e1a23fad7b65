"""What is printed, in any pieces, passes without keys."""

import subprocess
import sys

import pytest

from pgen.cli.guard import GuardedBytes
from pgen.safety.redaction import register

KEY = "hush+4f9c/1e7ab&2d8=Qx"


class Written:
    """Keeps what it is given."""

    def __init__(self):
        self.data = b""

    def write(self, data):
        self.data += bytes(data)

    def flush(self):
        pass


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("form", [KEY, "hush%2B4f9c%2F1e7ab%262d8%3DQx", "dTpodXNoKzRmOWMvMWU3YWImMmQ4PVF4"])
def test_a_key_that_is_printed_bit_by_bit_is_not_shown(size, form):
    register(KEY)
    text = f"see {form} there\n".encode()
    written = Written()
    guard = GuardedBytes(written)
    for start in range(0, len(text), size):
        guard.write(text[start : start + size])
        guard.flush()
        assert b"hush" not in written.data
    guard.release()
    assert written.data.startswith(b"see ")
    assert b"***" in written.data
    assert form.encode()[4:-4] not in written.data  # of base64, the characters that the key alone decides
    assert written.data.endswith(b" there\n")


def test_what_may_be_the_beginning_of_a_key_is_shown_in_the_end():
    register(KEY)
    written = Written()
    guard = GuardedBytes(written)
    guard.write(b"ends in hush+4f")
    assert written.data == b"ends in "
    guard.release()
    assert written.data == b"ends in hush+4f"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize("code", ["print('{key}', file=sys.{stream})", "sys.{stream}.buffer.write(b'{key}')"])
def test_both_streams_are_guarded_whoever_writes(stream, code):
    work = code.format(key=KEY, stream=stream)
    program = f"import sys\nfrom pgen.cli.guard import guarded\nwith guarded():\n    {work}\n"
    done = subprocess.run([sys.executable, "-c", program], env={"MY_API_KEY": KEY}, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert getattr(done, stream).strip() == b"***"


def test_a_traceback_of_the_command_line_shows_no_key(monkeypatch):
    program = "import click, sys\nfrom pgen import cli\n"
    program += f"cli.cli.invoke = lambda ctx: 1 / int('{KEY}')\ncli.main(['plugins'])\n"
    done = subprocess.run([sys.executable, "-c", program], env={"MY_API_KEY": KEY}, capture_output=True)
    assert done.returncode == 1
    assert b"ValueError" in done.stderr
    assert b"***" in done.stderr
    assert b"hush" not in done.stderr
