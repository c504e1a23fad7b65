import asyncio
import threading
from contextlib import suppress

import pytest

from pgen.errors import StorageError
from pgen.storage.committer import UNSYNCED, Commits


class Disk:
    """A journal whose commits and syncs wait until the test continues them."""

    def __init__(self) -> None:
        self.committed, self.syncs = [], 0
        self.commits_go_on, self.syncs_go_on = threading.Event(), threading.Event()
        self.error = None

    def write(self, results):
        self.commits_go_on.wait()
        self.committed.append(list(results))

    def sync(self):
        self.syncs_go_on.wait()
        if self.error:
            raise self.error
        self.syncs += 1


@pytest.fixture
def disk():
    disk = Disk()
    yield disk
    disk.commits_go_on.set()
    disk.syncs_go_on.set()


def run_commits(disk, use, reported=lambda result: None):
    """Return the result of `use`, called with running commits."""

    async def go():
        commits = Commits(disk, disk.write, reported)
        background = asyncio.create_task(commits.run())
        try:
            return await asyncio.wait_for(use(commits), 60)
        finally:
            background.cancel()
            disk.commits_go_on.set()
            disk.syncs_go_on.set()
            with suppress(asyncio.CancelledError, StorageError):
                await background

    return asyncio.run(go())


async def idle():
    """Let all tasks continue that can."""
    for _ in range(20):
        await asyncio.sleep(0)
    await asyncio.to_thread(lambda: None)
    for _ in range(20):
        await asyncio.sleep(0)


async def busy(commits):
    """A slot that sends requests without end."""
    while True:
        await commits.store(1)


def test_a_slot_waits_for_its_commit_but_not_for_the_sync(disk):
    async def use(commits):
        slot = asyncio.create_task(commits.store(1))
        await idle()
        assert not slot.done()
        disk.commits_go_on.set()
        await slot
        assert (disk.committed, disk.syncs) == ([[1]], 0)

    run_commits(disk, use)


def test_results_that_arrive_during_a_commit_are_the_next_commit(disk):
    async def use(commits):
        slots = [asyncio.create_task(commits.store(0))]
        await idle()
        slots += [asyncio.create_task(commits.store(number)) for number in range(1, 4)]
        await idle()
        disk.commits_go_on.set()
        await asyncio.gather(*slots)

    run_commits(disk, use)
    assert disk.committed == [[0], [1, 2, 3]]


def test_results_that_are_stored_together_are_one_commit(disk):
    async def use(commits):
        disk.commits_go_on.set()
        await commits.store(1, 2, 3)

    run_commits(disk, use)
    assert disk.committed == [[1, 2, 3]]


def test_a_result_is_reported_only_once_it_is_on_the_disk(disk):
    reported = []

    async def use(commits):
        disk.commits_go_on.set()
        await commits.store(1)
        await idle()
        assert reported == []
        disk.syncs_go_on.set()
        while not reported:
            await idle()
        assert reported == [1]

    run_commits(disk, use, reported.append)


def test_a_disk_that_is_slower_than_the_model_delays_requests(disk):
    """Slots that send the next request at once, while no sync ends."""
    slots, stored = 8, 0

    async def use(commits):
        nonlocal stored
        disk.commits_go_on.set()

        async def slot():
            nonlocal stored
            while True:
                await commits.store(stored)
                stored += 1

        tasks = [asyncio.create_task(slot()) for _ in range(slots)]
        while stored < UNSYNCED:
            await idle()
        for _ in range(100):
            await idle()
        assert stored < UNSYNCED + slots
        disk.syncs_go_on.set()
        while stored < 1000:
            await idle()
        for task in tasks:
            task.cancel()

    run_commits(disk, use)


@pytest.mark.parametrize("part", ["write", "sync"])
def test_a_disk_error_is_raised_in_every_slot_and_no_result_is_reported(disk, part):
    reported = []

    async def use(commits):
        def fail(*_):
            raise StorageError("disk I/O error")

        setattr(commits, "_write", fail) if part == "write" else setattr(disk, "error", StorageError("disk I/O error"))
        disk.commits_go_on.set()
        disk.syncs_go_on.set()

        results = await asyncio.gather(*(busy(commits) for _ in range(5)), return_exceptions=True)
        assert [str(result) for result in results] == ["disk I/O error"] * 5
        with pytest.raises(StorageError, match="disk I/O error"):
            await commits.store(6)

    run_commits(disk, use, reported.append)
    assert reported == []


def test_the_remaining_results_are_committed_and_synced_after_the_last_slot(disk):
    reported = []

    async def use(commits):
        slots = [asyncio.create_task(commits.store(number)) for number in range(3)]
        await idle()
        for slot in slots:
            slot.cancel()
        disk.commits_go_on.set()
        disk.syncs_go_on.set()
        commits.flush()
        assert sorted(reported) == [0, 1, 2]

    run_commits(disk, use, reported.append)
    assert {number for group in disk.committed for number in group} == {0, 1, 2}


def test_no_result_is_reported_by_a_successful_sync_after_a_failed_one(disk):
    """The system reports a write error only once: a second sync does not report the error of the first."""
    reported = []

    async def use(commits):
        disk.error = StorageError("disk I/O error")
        disk.commits_go_on.set()
        disk.syncs_go_on.set()
        with pytest.raises(StorageError):
            await busy(commits)
        disk.error = None
        commits.flush()

    run_commits(disk, use, reported.append)
    assert (reported, disk.syncs) == ([], 1)
