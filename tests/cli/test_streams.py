"""What is printed may be lost, a command's work never: full and closed streams, gone readers, odd locales."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pgen_demo.example import write_example
from pgen_lerobot.verify import verify

PGEN = [sys.executable, "-c", "from pgen.cli import main; main()"]
FULL = Path("/dev/full")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_example(tmp_path_factory.mktemp("streams") / "data")


def annotate(root, out):
    return [*PGEN, "annotate", "--root", str(root), "--output-dir", str(out), "--generator", "template"]


def closing(*descriptors):
    """For a process that is started: streams closed before it begins, as by `2>&-`."""
    return lambda: [os.close(descriptor) for descriptor in descriptors]


@pytest.mark.parametrize("descriptors", [(2,), (1,), (0, 1, 2)], ids=["stderr", "stdout", "all"])
def test_closed_streams_end_no_run_and_get_into_no_file(root, tmp_path, descriptors):
    out = tmp_path / "out"
    assert subprocess.run(annotate(root, out), preexec_fn=closing(*descriptors)).returncode == 0
    assert verify(out, with_lerobot=False).problems == []


def test_a_full_standard_error_ends_no_run(root, tmp_path):
    with FULL.open("w") as full:
        done = subprocess.run(annotate(root, tmp_path / "out"), stdout=subprocess.PIPE, stderr=full, text=True)
    assert done.returncode == 0
    assert "answered   24 by template" in done.stdout


@pytest.mark.parametrize("stream", ["full", "closed"])
def test_an_error_keeps_its_exit_code_where_it_cannot_be_shown(root, tmp_path, stream):
    (tmp_path / "out").mkdir()
    with FULL.open("w") as full:
        options = {"stderr": full} if stream == "full" else {"preexec_fn": closing(2)}
        done = subprocess.run(annotate(root, tmp_path / "out"), stdout=subprocess.DEVNULL, **options)
    assert done.returncode == 2


def test_a_report_that_cannot_be_printed_leaves_a_whole_output_and_says_that_nothing_is_to_be_done(root, tmp_path):
    with FULL.open("w") as full:
        done = subprocess.run(annotate(root, tmp_path / "out"), stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    (sentence,) = [line for line in done.stderr.splitlines() if line.startswith("pgen: ")]
    assert sentence == (
        "pgen: error: everything was done, but standard output could not be written: No space left on device."
    )
    assert "Traceback" not in done.stderr
    assert verify(tmp_path / "out", with_lerobot=False).problems == []


@pytest.mark.parametrize("command", [["--help"], ["plugins"], ["schema", "skills"], ["annotate", "--help"]])
def test_text_alone_that_cannot_be_printed_is_an_error_in_one_sentence(command):
    with FULL.open("w") as full:
        done = subprocess.run([*PGEN, *command], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "standard output could not be written" in done.stderr


def test_a_reader_that_had_enough_is_no_error():
    command = [*PGEN, "schema", "syn_annotation"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def in_c_locale(*arguments):
    return subprocess.run([*PGEN, *arguments], env={**os.environ, **C_LOCALE}, capture_output=True, text=True)


def test_a_locale_whose_file_names_are_not_utf_8_is_refused_with_the_remedy(root, tmp_path):
    done = in_c_locale(*annotate(root, tmp_path / "out")[3:])
    assert done.returncode == 2
    assert done.stderr == (
        "pgen: error: the locale's encoding is ascii, and names in datasets are UTF-8; "
        "set PYTHONUTF8=1 or LC_ALL=C.UTF-8.\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_help_and_version_are_printed_in_any_locale():
    assert in_c_locale("--help").returncode == 0
    assert in_c_locale("--version").stdout.startswith("pgen ")


@pytest.mark.parametrize(
    "place", ["file/out", "loop/out", f"{'long' * 70}", "/proc/none/out"], ids=["file", "loop", "name", "proc"]
)
@pytest.mark.parametrize(
    "command",
    [
        ["annotate", "--generator", "template", "--root", "ROOT", "--output-dir"],
        ["segment", "--overwrite", "--root", "ROOT", "--output-dir"],
        ["demo", "--output-dir"],
        ["export", "RESULT", "--output-dir"],
        ["report", "RESULT", "--output"],
        ["preview", "--generator", "template", "--root", "ROOT", "--page"],
        ["compare", "RESULT", "RESULT", "--page"],
    ],
    ids=lambda command: command[0],
)
def test_an_output_that_cannot_be_created_ends_in_one_sentence(root, result, tmp_path, command, place):
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    names = {"ROOT": str(root), "RESULT": str(result)}
    arguments = [*(names.get(part, part) for part in command), str(tmp_path / place)]
    before = sorted(tmp_path.iterdir())
    done = subprocess.run([*PGEN, *arguments], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    (sentence,) = [line for line in done.stderr.splitlines() if line.startswith("pgen: error: ")]
    assert place.rpartition("/")[0] in sentence
    assert sorted(tmp_path.iterdir()) == before


@pytest.fixture(scope="module")
def result(root, tmp_path_factory):
    out = tmp_path_factory.mktemp("streams") / "result"
    subprocess.run(annotate(root, out), check=True, capture_output=True)
    assert json.loads((out / "meta/pgen/manifest.json").read_text())["counts"]["answered"] == 24
    return out
