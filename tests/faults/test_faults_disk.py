"""Disks that fill up, break, or forget; and journals that are not what they were."""

import errno
import resource
import shutil
from contextlib import suppress
from itertools import cycle
from pathlib import Path

import pytest
from fault_journals import damage_journals, make_journals
from fault_points import Points, failing
from fault_runs import SAMPLES, Job, asked, work
from output_files import contents

from pgen.errors import ConfigError, PgenError, StorageError
from pgen.registry import registry

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
            # Before anything is requested, a folder that cannot be made is refused.
            remedy = (
                "start the same command again" if asked(job.log) or "cannot be made" not in told else "choose another"
            )
            assert remedy in told, told
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
        except (ConfigError, StorageError) as error:
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
    registry()  # plugins are discovered once per process, before any limit
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
    return make_journals(memory)


def test_a_damaged_journal_never_gives_a_wrong_result_and_costs_only_what_was_damaged(
    journals, place, tally, number, rng
):
    count = number(200, 5000)
    tally.add("journal cut off or a bit flipped", count, redone=damage_journals(journals, place, count, rng))
