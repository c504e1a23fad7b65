"""Errors of any command end in one sentence with its exit code, and leave no files behind."""

import re
import resource
import signal
import subprocess
import sys

import pytest
from forked import run_pgen
from rendered_example import write_example

from pgen import annotate

PGEN = [sys.executable, "-c", "from pgen.cli import main; main()"]


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    annotate(write_example(folder / "data"), folder / "result", generator="template")
    return {"ROOT": str(folder / "data"), "RESULT": str(folder / "result")}


@pytest.mark.parametrize("command", ["segment --overwrite --output-dir out --root ROOT", "report RESULT --output page"])
def test_a_full_disk_ends_a_command(places, tmp_path, command):
    def limit_file_size():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    arguments = [places.get(part, part) for part in command.split()]
    done = subprocess.run([*PGEN, *arguments], capture_output=True, text=True, cwd=tmp_path, preexec_fn=limit_file_size)
    assert done.returncode == 2, done.stderr
    *progress, error = done.stderr.splitlines()
    assert re.fullmatch(
        r"pgen: error: .*File too large.*[;.] [Pp]ut that right and (run|start) the same command again\.", error
    )
    assert all(line.startswith(("reading: ", "images: ")) for line in progress)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "output", ["file/out", "loop/out", f"{'long' * 70}", "/proc/none/out"], ids=["file", "loop", "name", "proc"]
)
@pytest.mark.parametrize(
    "command",
    [
        "annotate --generator template --root ROOT --output-dir",
        "segment --overwrite --root ROOT --output-dir",
        "demo --output-dir",
        "export RESULT --output-dir",
        "report RESULT --output",
        "preview --generator template --root ROOT --page",
        "compare RESULT RESULT --page",
    ],
    ids=lambda command: command.split()[0],
)
def test_an_output_that_cannot_be_created_ends_a_command(places, tmp_path, monkeypatch, command, output):
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    before = sorted(tmp_path.iterdir())
    arguments = [places.get(part, part) for part in command.split()]
    monkeypatch.chdir(tmp_path)
    done = run_pgen([*PGEN, *arguments, str(tmp_path / output)])
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    (sentence,) = [line for line in done.stderr.splitlines() if line.startswith("pgen: error: ")]
    assert output.rpartition("/")[0] in sentence
    assert sorted(tmp_path.iterdir()) == before
