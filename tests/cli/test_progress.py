"""Progress is shown as named phases: a bar on a terminal, elsewhere a line each half minute."""

import os
import pty
import re
import termios
from contextlib import suppress

from click.testing import CliRunner
from rendered_example import write_example

from pgen.cli import cli
from pgen.cli.progress import EACH, ProgressBar
from pgen.records import Annotation, Dialogue, Failure, Plan
from pgen.testing import make_samples

(SAMPLE, *_) = make_samples()
ANSWERED = Annotation(SAMPLE, Plan(), Dialogue("a", "b"))
FAILED = Annotation(SAMPLE, Plan(), Failure("parse", "no"))


class Clock:
    """Advances by a second each time it is read."""

    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        self.seconds += 1.0
        return self.seconds


def test_without_a_terminal_a_line_is_written_each_half_minute_and_at_the_end_of_a_phase(capsys):
    with ProgressBar(now=Clock()) as bar:
        step = bar.start(100, 10)
        for number in range(90):
            step(FAILED if number % 45 == 0 else ANSWERED)
        bar.phase("copying videos", 2_000_000_000)(500_000_000)
    *answering, copying = capsys.readouterr().err.splitlines()
    assert 90 / EACH <= len(answering) <= 90 / EACH + 1
    assert all(re.match(r"answering: +\d+% \d+/100 \[.*, \d failed\]", line) for line in answering), answering
    assert answering[-1].startswith("answering: 100% 100/100")
    assert answering[-1].endswith("2 failed]")
    assert copying.startswith("copying videos:  25% 500M/2.00G")


def test_a_phase_of_unknown_size_is_counted(capsys):
    with ProgressBar(now=Clock()) as bar:
        step = bar.phase("retrying", None, "dialogue")
        step(3)
        step(4)
    assert capsys.readouterr().err.startswith("retrying: 7 dialogues [")


def test_a_command_without_requests_shows_nothing(capsys):
    with ProgressBar("episode", "segmenting", visible=False) as bar:
        bar.start(1)(ANSWERED)
    assert capsys.readouterr().err == ""


def test_a_phase_in_which_nothing_was_done_writes_nothing(capsys):
    with ProgressBar() as bar:
        bar.start(100, 10)
    assert capsys.readouterr().err == ""


def test_on_a_terminal_a_bar_is_redrawn(monkeypatch):
    parent, child = pty.openpty()
    termios.tcsetwinsize(child, (24, 80))
    with os.fdopen(child, "w") as terminal:
        monkeypatch.setattr("sys.stderr", terminal)
        with ProgressBar() as bar:
            bar.start(1)(ANSWERED)
    text = b""
    with suppress(OSError):  # the other end is closed
        while data := os.read(parent, 10_000):
            text += data
    os.close(parent)
    assert b"answering: 100%|" in text
    assert b"\r" in text


def test_a_run_and_its_report_name_their_phases_and_write_no_carriage_returns(tmp_path):
    write_example(tmp_path / "in")
    arguments = ["annotate", "--root", tmp_path / "in", "--output-dir", tmp_path / "out", "--generator", "template"]
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    assert "\r" not in result.stderr
    names = [line.partition(":")[0] for line in result.stderr.splitlines()]
    assert names[0] == "answering"
    assert names[-1] == "writing lerobot"
    report = CliRunner().invoke(cli, ["report", str(tmp_path / "out")])
    assert [line.partition(":")[0] for line in report.stderr.splitlines()] == ["reading", "reading", "images"]
