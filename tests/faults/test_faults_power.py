"""Power cuts: operations without fsync are lost or kept in any order, and the same command is then resumed."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fault_power import EntryChange, survivors
from fault_power_jobs import JOBS, PowerJob, work
from fault_processes import exit_code_of
from fault_runs import make_dataset
from fault_trace import traced
from output_files import contents, hashes


@pytest.fixture(scope="module")
def strace():
    """Skip the test where processes cannot be traced."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    if subprocess.run(["strace", "-f", "true"], capture_output=True, check=False).returncode:
        pytest.skip("strace may not trace processes here")


def errors(job):
    path = job.log.with_suffix(".errors")
    return path.read_text() if path.exists() else ""


def lines(job, word):
    text = job.log.read_text() if job.log.exists() else ""
    return [line.removeprefix(f"{word} ") for line in text.splitlines() if line.startswith(word)]


def prepared(name, memory):
    """Create the folders and the input of a command."""
    folder = memory / f"power-{name.replace(' ', '')}"
    job = PowerJob(name, folder / "base", make_dataset(folder / "in"), folder / "log")
    job.base.mkdir()
    if name.startswith("annotate") and in_place(job):
        shutil.copytree(job.source, job.out)
    if name == "repair":
        assert exit_code_of(work, PowerJob("annotate", job.base, job.source, folder / "before")) == 0
        (job.out / "meta/tasks_high_level.parquet").unlink()
    return job


def result(job):
    """Return the output without the records of attempts and times of the command."""
    files = contents(job.out) if job.out.exists() else {}
    if "moments" in job.name and (manifest := files.get("meta/pgen/manifest.json")):
        # The remaining dialogues of a moment take one more request.
        files["meta/pgen/manifest.json"] = json.dumps({**json.loads(manifest), "attempts": None})
    for name in {"repair": ["manifest.json"], "segment": ["segmentation.json"]}.get(job.name, ()):
        files.pop(f"meta/pgen/{name}", None)
    return files


def cut_points(disk, rng, count):
    """Return the operations before which power is cut: after each change of visible entries, and at random."""
    every = range(1, len(disk.operations) + 1)
    if count >= len(every):
        return list(every)
    visible = [
        at for at in every if isinstance(disk.operations[at - 1], EntryChange) and disk.operations[at - 1].folder == 0
    ]
    last = list(every)[-25:]
    return sorted({*visible[-4:], *rng.sample(last, min(count, len(last))), *rng.sample(list(every), count)})


@pytest.mark.usefixtures("strace")
@pytest.mark.parametrize("name", JOBS)
def test_after_a_power_cut_no_durable_result_is_lost_and_the_command_is_resumed(name, memory, tally, number, rng):
    job = prepared(name, memory)
    source, old = hashes(job.source), result(job)
    command = [sys.executable, str(Path(__file__).parents[1] / "support" / "fault_power_jobs.py"), name]
    command += [str(job.base), str(job.source), str(job.log)]
    disk = traced(command, job.base, job.log, job.base.parent)
    new, requested = result(job), set(lines(job, "requested"))
    count = redone = 0
    for at in cut_points(disk, rng, number(4, 60)):
        before = [line for line in disk.operations[:at] if isinstance(line, str)]
        done = {line.removeprefix("done ") for line in before if line.startswith("done ")}
        for kind, survives in survivors(rng, number(2, 4)):
            case = (name, at, kind)
            disk.cut(at, survives).build(job.base)
            keep_inode(job)
            job.log.unlink(missing_ok=True)
            job.log.with_suffix(".errors").unlink(missing_ok=True)
            check_output_after_cut(job, case, old, new)
            code = exit_code_of(work, job)
            # A complete output is refused: "exists already", or in place "has the feature … already".
            assert code == 0 or (code == 2 and " already" in errors(job)), (case, code, errors(job))
            assert result(job) == new, case
            repeated = set(lines(job, "requested"))
            assert not repeated & done, (case, repeated & done)
            assert done <= requested
            assert [path.name for path in job.base.iterdir()] == ["out"], case
            count, redone = count + 1, redone + len(repeated)
    assert hashes(job.source) == source
    tally.add("power cut, what was not synced lost or reordered", count)


def keep_inode(job):
    """Write the inode of the rebuilt folder into the marker of a finished run."""
    marker = job.base / ".out.pgen/published"
    if marker.exists() and marker.stat().st_size and job.out.exists():
        marker.write_text(json.dumps(json.loads(marker.read_text()) | {"inode": job.out.stat().st_ino}))


def check_output_after_cut(job, case, old, new):
    """Check that the output is absent or complete right after the cut; an output written in place may be mixed."""
    files = result(job)
    if in_place(job) and (job.base / ".out.pgen/switch.json").exists():
        return
    assert files in (old, new), case


def in_place(job):
    return job.name == "repair" or "--in-place" in job.name
