"""Disks that are full or fail, and damaged journals."""

import errno
import resource
import shutil
from contextlib import suppress
from itertools import cycle
from pathlib import Path

import pytest
from fault_journals import damage_journals, make_journals
from fault_points import Points, failing
from fault_runs import SAMPLES, Job, request_counts, work
from output_files import contents

from pgen.errors import ConfigError, PgenError, StorageError
from pgen.registry import registry

ERRORS = (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EMFILE, errno.EACCES)


@pytest.mark.long
def test_a_disk_error_at_any_write_stops_the_run_and_the_next_start_resumes_it(
    root, place, undisturbed, tally, number, rng
):
    """Each kind of error occurs at writes of the journal and of the output."""
    with Points().installed() as recorded:
        work(Job(root, place / "whole", place / "whole.log"))
    kinds = sorted(set(recorded.names))
    assert {"commit", "fsync", "mkdir", "rename", "write", "write_table"} <= set(kinds)
    pending = redone = 0
    count = number(60, 300)
    for index, code in zip(range(count), cycle(ERRORS), strict=False):
        of_one_kind = [at for at, name in enumerate(recorded.names) if name == kinds[index % len(kinds)]]
        at = rng.choice(of_one_kind) if index % 2 else rng.randrange(len(recorded.names))
        job = Job(root, place / f"out{index}", place / f"{index}.log", seed=index)
        message = error_of(job, Points(at, "before", failing(code)))
        assert not job.out.exists() or contents(job.out) == undisturbed
        if message:
            assert str(place) in message
            # A folder that cannot be created is refused before the first request.
            unusable = "cannot be made" in message and not request_counts(job.log)
            remedy = "choose another" if unusable else "start the same command again"
            assert remedy in message, message
        before = request_counts(job.log)
        if not job.out.exists():
            work(job)
        assert contents(job.out) == undisturbed, (index, at, code)
        repeated = request_counts(job.log).total() - before.total()
        assert request_counts(job.log).keys() == request_counts(place / "whole.log").keys()
        pending += before.total() - (SAMPLES - repeated)
        redone += request_counts(job.log).total() - SAMPLES
        shutil.rmtree(job.out)
    assert redone <= 64 * count
    tally.add("ENOSPC, EIO, EROFS, EMFILE, no permission at a write", count, in_flight=pending, redone=redone)


def error_of(job, points):
    """Return the message of the run's error, or "" if the run did not need the operation that failed."""
    with points.installed():
        try:
            work(job)
        except (ConfigError, StorageError) as error:
            return str(error)
    return ""


def work_limited(job, limit, value):
    """Execute a run under a limit that the system enforces."""
    soft, hard = resource.getrlimit(limit)
    resource.setrlimit(limit, (value, hard))
    try:
        work(job)
    finally:
        resource.setrlimit(limit, (soft, hard))


# An event loop without a socket raises an error when it is deleted.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("name", "values"), [("RLIMIT_FSIZE", (2000, 20000, 60000)), ("RLIMIT_NOFILE", range(12))])
def test_limits_of_the_system_stop_a_run_and_the_next_start_resumes_it(root, place, undisturbed, name, values):
    """The system refuses writes: beyond a file size, and beyond a number of open files."""
    registry()  # plugins are discovered once per process, before any limit
    for value in values:
        job = Job(root, place / f"out{value}", place / f"{value}.log")
        used = len(list(Path("/proc/self/fd").iterdir())) if name == "RLIMIT_NOFILE" else 0
        with suppress(PgenError):
            work_limited(job, getattr(resource, name), used + value)
        assert not job.out.exists() or contents(job.out) == undisturbed
        if not job.out.exists():
            work(job)
        assert contents(job.out) == undisturbed


def test_the_error_of_a_full_disk_states_the_space_that_is_needed_and_where(runs, root, place):
    job = Job(root, place / "out", place / "log")
    message = error_of(job, Points(40, "before", failing(errno.ENOSPC)))
    assert f"the results so far are kept in {place}/.out.pgen/journal.sqlite" in message
    assert "The output needs about" in message
    assert "MB left" in message


def test_the_error_of_a_disk_that_was_always_full_mentions_no_results(root, place):
    with pytest.raises(StorageError, match=r"MB left. Put that right and start the same command again\.$"):
        work_limited(Job(root, place / "out", place / "log"), resource.RLIMIT_FSIZE, 0)


@pytest.fixture(scope="module")
def journals(memory):
    return make_journals(memory)


def test_a_damaged_journal_never_gives_a_wrong_result_and_costs_only_what_was_damaged(
    journals, place, tally, number, rng
):
    count = number(200, 5000)
    tally.add("journal cut off or a bit flipped", count, redone=damage_journals(journals, place, count, rng))
