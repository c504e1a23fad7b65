"""Every benchmark runs, at sizes whose figures mean nothing; and its rows go to their place in the docs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
RUN = TOP / "benchmarks/run.py"
ASKING = ["in_flight", "uneven_latency", "busy_server"]
WORKING = ["main_job", "decoding", "write_out", "memory"]
PAGE = """Before.

<!-- figures -->
| measure | pgen | limit | others | command |
|---|---|---|---|---|
| another | 1 | 1 |  | `python benchmarks/another.py` |
| old | 9 | 1 |  | `python benchmarks/help_time.py` |
<!-- end of figures -->

After.
"""


def run(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "PGEN_BENCHMARKS": str(folder)}
    command = [sys.executable, str(RUN), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.parametrize("name", ASKING + WORKING)
def test_a_benchmark_runs_and_tells_pgens_figure(tmp_path, name):
    title, *lines = run(tmp_path, "--tiny", name).splitlines()
    assert title == f"{name} (python benchmarks/{name}.py)"
    assert lines
    assert all(": pgen " in line for line in lines)


def test_no_answer_is_lost_to_a_server_that_answers_429(tmp_path):
    assert "answers lost: pgen 0.0%" in run(tmp_path, "--tiny", "busy_server")


def test_every_benchmark_is_run_by_a_test():
    listed = {path.stem for path in RUN.parent.glob("*.py")} - {"run"}
    assert listed == {*ASKING, *WORKING, "help_time", "labels"}


def test_rows_take_the_place_of_the_benchmarks_former_rows_and_leave_the_others(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    run(tmp_path, "--tiny", "--write", str(page), "help_time", "labels")
    before, figures, after = page.read_text().replace("<!-- end of", "<!--").split("<!-- figures -->\n")
    assert (before, after) == ("Before.\n\n", "\nAfter.\n")
    rows = figures.splitlines()[2:]
    assert [row.rpartition("`python ")[2] for row in rows] == ["benchmarks/another.py` |", "benchmarks/help_time.py` |"]
    assert "| old |" not in figures


def test_the_page_names_the_command_of_every_row():
    page = (TOP / "docs/performance.md").read_text(encoding="utf-8")
    commands = {line.split("`python benchmarks/")[-1] for line in page.splitlines() if "`python benchmarks/" in line}
    assert commands >= {f"{name}.py` |" for name in [*ASKING, *WORKING, "help_time"]}
