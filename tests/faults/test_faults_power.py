"""The power is cut: whatever was not synced is lost or kept, in any order; the same command then goes on."""

import json
import multiprocessing
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fault_power import Entry, survivors
from fault_power_jobs import JOBS, Cut, work
from fault_runs import make_dataset
from fault_trace import traced
from output_files import contents, hashes

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["fault_power_jobs", "pgen_lerobot.write.sink"])


@pytest.fixture(scope="module")
def strace():
    """Skips where processes cannot be traced."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    if subprocess.run(["strace", "-f", "true"], capture_output=True, check=False).returncode:
        pytest.skip("strace may not trace processes here")


def started(cut):
    process = CONTEXT.Process(target=work, args=(cut,))
    process.start()
    process.join()
    return process.exitcode


def said(cut):
    path = cut.log.with_suffix(".errors")
    return path.read_text() if path.exists() else ""


def lines(cut, word):
    text = cut.log.read_text() if cut.log.exists() else ""
    return [line.removeprefix(f"{word} ") for line in text.splitlines() if line.startswith(word)]


def prepared(name, memory):
    """The command with what it needs before it is started."""
    folder = memory / f"power-{name.replace(' ', '')}"
    cut = Cut(name, folder / "base", make_dataset(folder / "in"), folder / "log")
    cut.base.mkdir()
    if name.startswith("annotate") and in_place(cut):
        shutil.copytree(cut.source, cut.out)
    if name == "repair":
        assert started(Cut("annotate", cut.base, cut.source, folder / "before")) == 0
        (cut.out / "meta/tasks_high_level.parquet").unlink()
    return cut


def result(cut):
    """The output, but for the records that say how often and when a command ran."""
    found = contents(cut.out) if cut.out.exists() else {}
    if "moments" in cut.name and (manifest := found.get("meta/pgen/manifest.json")):
        # What is left of a moment takes a request of its own.
        found["meta/pgen/manifest.json"] = json.dumps({**json.loads(manifest), "attempts": None})
    for name in {"repair": ["manifest.json"], "segment": ["segmentation.json"]}.get(cut.name, ()):
        found.pop(f"meta/pgen/{name}", None)
    return found


def moments(disk, rng, count):
    """Before which operations the power is cut: after each change of what a user sees, and at random ones."""
    every = range(1, len(disk.operations) + 1)
    if count >= len(every):
        return list(every)
    visible = [at for at in every if isinstance(disk.operations[at - 1], Entry) and disk.operations[at - 1].folder == 0]
    last = list(every)[-25:]
    return sorted({*visible[-4:], *rng.sample(last, min(count, len(last))), *rng.sample(list(every), count)})


@pytest.mark.usefixtures("strace")
@pytest.mark.parametrize("name", JOBS)
def test_after_a_power_cut_nothing_that_was_done_is_lost_and_the_command_goes_on(name, memory, tally, number, rng):
    cut = prepared(name, memory)
    source, old = hashes(cut.source), result(cut)
    command = [sys.executable, str(Path(__file__).parents[1] / "support" / "fault_power_jobs.py"), name]
    command += [str(cut.base), str(cut.source), str(cut.log)]
    disk = traced(command, cut.base, cut.log, cut.base.parent)
    new, asked = result(cut), set(lines(cut, "asked"))
    count = redone = 0
    for at in moments(disk, rng, number(4, 60)):
        before = [line for line in disk.operations[:at] if isinstance(line, str)]
        done = {line.removeprefix("done ") for line in before if line.startswith("done ")}
        for kind, kept in survivors(rng, number(2, 4)):
            told = (name, at, kind)
            disk.cut(at, kept).build(cut.base)
            keep_inode(cut)
            cut.log.unlink(missing_ok=True)
            cut.log.with_suffix(".errors").unlink(missing_ok=True)
            judge_cut(cut, told, old, new)
            code = started(cut)
            # A whole output is not made again: "exists already", or in place "has the feature … already".
            assert code == 0 or (code == 2 and " already" in said(cut)), (told, code, said(cut))
            assert result(cut) == new, told
            again = set(lines(cut, "asked"))
            assert not again & done, (told, again & done)
            assert done <= asked
            assert [path.name for path in cut.base.iterdir()] == ["out"], told
            count, redone = count + 1, redone + len(again)
    assert hashes(cut.source) == source
    tally.add("power cut, what was not synced lost or reordered", count)


def keep_inode(cut):
    """The folder that was built again is the one that the marker of a finished run names by its inode."""
    marker = cut.base / ".out.pgen/published"
    if marker.exists() and marker.stat().st_size and cut.out.exists():
        marker.write_text(json.dumps(json.loads(marker.read_text()) | {"inode": cut.out.stat().st_ino}))


def judge_cut(cut, told, old, new):
    """Right after the cut the output is absent, or whole: a folder that is written in place may be half new."""
    found = result(cut)
    if in_place(cut) and (cut.base / ".out.pgen/switch.json").exists():
        return
    assert found in (old, new), told


def in_place(cut):
    return cut.name == "repair" or "--in-place" in cut.name
