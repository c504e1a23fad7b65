"""Disks that fill up, break, or forget; and journals that are not what they were."""

import errno
import re
import resource
import shutil
import tempfile
from contextlib import redirect_stderr, suppress
from io import StringIO
from itertools import cycle
from pathlib import Path

import pytest
from fault_points import Points, failing
from fault_runs import SAMPLES, Job, asked, contents, work

from pgen.api import annotate
from pgen.errors import ConfigError, PgenError, StorageError
from pgen.storage.journal import Journal
from pgen.testing import FakeGenerator, FakeSource, MemorySink, make_episode
from pgen_samplers.samplers import EveryFrame

ERRORS = (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EMFILE, errno.EACCES)


@pytest.mark.long
def test_a_disk_that_fails_at_any_write_stops_the_run_which_goes_on_afterwards(
    root, place, undisturbed, tally, number, rng
):
    """Each kind of error at writes all over a run: of the journal, and of the output."""
    with Points().installed() as seen:
        work(Job(root, place / "whole", place / "whole.log"))
    kinds = sorted(set(seen.names))
    assert {"commit", "fsync", "mkdir", "rename", "write", "write_table"} <= set(kinds)
    flying = redone = 0
    count = number(60, 300)
    for index, code in zip(range(count), cycle(ERRORS), strict=False):
        of_one_kind = [at for at, name in enumerate(seen.names) if name == kinds[index % len(kinds)]]
        at = rng.choice(of_one_kind) if index % 2 else rng.randrange(len(seen.names))
        job = Job(root, place / f"out{index}", place / f"{index}.log", seed=index)
        told = stopped(job, Points(at, "before", failing(code)))
        assert not job.out.exists() or contents(job.out) == undisturbed
        if told:
            assert str(place) in told
            assert "start the same command again" in told, told
        before = asked(job.log)
        if not job.out.exists():
            work(job)
        assert contents(job.out) == undisturbed, (index, at, code)
        again = asked(job.log).total() - before.total()
        assert asked(job.log).keys() == asked(place / "whole.log").keys()
        flying, redone = flying + before.total() - (SAMPLES - again), redone + asked(job.log).total() - SAMPLES
        shutil.rmtree(job.out)
    assert redone <= 64 * count
    tally.add("ENOSPC, EIO, EROFS, EMFILE, no permission at a write", count, in_flight=flying, redone=redone)


def stopped(job, points):
    """What is said of the error; nothing where the run could do without what failed."""
    with points.installed():
        try:
            work(job)
        except StorageError as error:
            return str(error)
    return ""


def limited(job, limit, value):
    """A run under a limit that the system itself enforces."""
    soft, hard = resource.getrlimit(limit)
    resource.setrlimit(limit, (value, hard))
    try:
        work(job)
    finally:
        resource.setrlimit(limit, (soft, hard))


# An event loop that got no socket complains as it is collected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("name", "values"), [("RLIMIT_FSIZE", (2000, 20000, 60000)), ("RLIMIT_NOFILE", range(12))])
def test_limits_of_the_system_stop_a_run_which_goes_on_without_them(root, place, undisturbed, name, values):
    """Real refusals of real writes: a file that may not grow, and no more open files."""
    for value in values:
        job = Job(root, place / f"out{value}", place / f"{value}.log")
        used = len(list(Path("/proc/self/fd").iterdir())) if name == "RLIMIT_NOFILE" else 0
        with suppress(PgenError):
            limited(job, getattr(resource, name), used + value)
        assert not job.out.exists() or contents(job.out) == undisturbed
        if not job.out.exists():
            work(job)
        assert contents(job.out) == undisturbed


def test_a_full_disk_says_what_was_needed_and_where(runs, root, place):
    job = Job(root, place / "out", place / "log")
    told = stopped(job, Points(40, "before", failing(errno.ENOSPC)))
    assert f"the results so far are kept in {place}/.out.pgen/journal.sqlite" in told
    assert "The output needs about" in told
    assert "MB left" in told


def test_a_disk_that_is_full_from_the_start_is_not_said_to_keep_results(root, place):
    with pytest.raises(StorageError, match=r"MB left. Put that right and start the same command again\.$"):
        limited(Job(root, place / "out", place / "log"), resource.RLIMIT_FSIZE, 0)


@pytest.fixture(scope="module")
def journals(memory):
    """A source, what a whole run of it gives, and two journals: one with its answers in the WAL, one in the file."""
    source = FakeSource(*(make_episode(index=index) for index in range(2)))
    sink = MemorySink()
    memory = Path(tempfile.mkdtemp(dir=memory))
    annotate(source, memory / "plain", generator=FakeGenerator(), sampler=EveryFrame(), prompt="seed", sink=sink)
    found = []
    for name in ("wal", "file"):
        folder = memory / name / ".out.pgen"
        folder.mkdir(parents=True)
        open_journal = filled(source, folder / "journal.sqlite", sink)
        if name == "file":
            open_journal.close()
        shutil.copytree(folder, memory / f"{name}-copy")
        open_journal.close()
        found.append(memory / f"{name}-copy")
    return source, sink.annotations, found


class Stopped(MemorySink):
    """Ends the run once everything is answered."""

    def write(self, results, out):
        raise StorageError("enough")


def filled(source, path, sink):
    """The journal of a run that has answered everything, still open."""
    with suppress(StorageError):
        options = {"generator": FakeGenerator(), "sampler": EveryFrame(), "prompt": "seed", "sink": Stopped()}
        annotate(source, path.parent.with_name("out"), **options)
    journal = Journal(path)
    # As a run writes it: group by group, so that a WAL has many commits.
    groups = [sink.annotations[start : start + 7] for start in range(0, len(sink.annotations), 7)]
    for group in groups:
        journal.add(group)
    return journal


def damage(path, rng):
    """Flip a bit, or cut the file off; where it is damaged."""
    content = bytearray(path.read_bytes())
    at = rng.randrange(len(content))
    if rng.random() < 0.5:
        content[at] ^= 1 << rng.randrange(8)
        place = range(at, at + 1)
    else:
        place = range(at, len(content))
        del content[at:]
    path.write_bytes(content)
    return place


def whole_pages(path, place):
    """The pages of a database or a WAL that are not damaged there."""
    content = path.read_bytes() if path.exists() else b""
    start, step = (32, 24 + 4096) if path.name.endswith("-wal") else (0, 4096)
    for at in range(start, len(content), step):
        if place.stop <= at or at + step <= place.start:
            yield content[at : at + step]


def whole_content(folder, name, place):
    """What is stored on undamaged pages, in both files of a journal."""
    files = ("journal.sqlite", "journal.sqlite-wal")
    return b"".join(page for file in files for page in whole_pages(folder / file, place if file == name else range(0)))


def refused_run(source, out, options):
    """Why a run is refused; nothing where it is not."""
    try:
        annotate(source, out, **options)
    except ConfigError as error:
        return str(error)
    return ""


def test_a_damaged_journal_never_gives_a_wrong_answer_and_costs_only_what_was_damaged(
    journals, place, tally, number, rng
):
    source, whole, folders = journals
    count, redone, recovered, refused = number(200, 5000), 0, 0, 0
    for index in range(count):
        out = place / f"out{index}"
        work_folder = place / f".out{index}.pgen"
        shutil.copytree(folders[index % 2], work_folder)
        files = sorted(path for path in work_folder.glob("journal.sqlite*") if path.suffix != ".sqlite-shm")
        path = rng.choice([path for path in files if path.stat().st_size])
        content = whole_content(folders[index % 2], path.name, damage(path, rng))
        generator, sink = FakeGenerator(), MemorySink()
        options = {"generator": generator, "sampler": EveryFrame(), "prompt": "seed", "sink": sink}
        with redirect_stderr(StringIO()) as messages:
            if refusal := refused_run(source, out, options):
                assert "were made with are lost" in refusal
                assert b"max_pixels" not in content, "an undamaged page has the options"
                refused += 1
                annotate(source, out, **options, fresh=True)
        named = re.findall(r"was set aside as (\S+);", messages.getvalue())
        assert all(Path(name).exists() for name in named), "a journal is gone"
        assert [(a.sample, a.outcome) for a in sink.annotations] == [(a.sample, a.outcome) for a in whole], index
        assert len({request.sample for request in generator.requests}) == len(generator.requests)
        stored = sum(a.dialogue.user_prompt.encode() in content for a in whole) if b"max_pixels" in content else 0
        assert len(whole) - len(generator.requests) >= stored, index
        redone += len(generator.requests)
        recovered += stored
        kept = {path.name.removesuffix("-wal").removesuffix("-shm") for path in work_folder.glob("*")}
        assert kept <= {"journal.sqlite.aside-1"}
    assert redone <= count * len(whole) - recovered
    tally.add("journal cut off or a bit flipped", count, redone=redone)
    print(f"{refused} of {count} journals were refused, {redone} of {count * len(whole)} answers asked for again")
