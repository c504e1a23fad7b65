import asyncio
import threading
from contextlib import suppress

import pytest

from pgen.errors import StorageError
from pgen.storage.committer import UNSYNCED, Commits


class Disk:
    """A journal whose commits and syncs last until they are let go on."""

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


def served(disk, use, done=lambda result: None):
    """What `use` of running commits returns."""

    async def go():
        commits = Commits(disk, disk.write, done)
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
    """Let everything go on that can."""
    for _ in range(20):
        await asyncio.sleep(0)
    await asyncio.to_thread(lambda: None)
    for _ in range(20):
        await asyncio.sleep(0)


async def busy(commits):
    """A slot that requests without end."""
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

    served(disk, use)


def test_what_comes_during_a_commit_is_the_next_one_together(disk):
    async def use(commits):
        slots = [asyncio.create_task(commits.store(0))]
        await idle()
        slots += [asyncio.create_task(commits.store(number)) for number in range(1, 4)]
        await idle()
        disk.commits_go_on.set()
        await asyncio.gather(*slots)

    served(disk, use)
    assert disk.committed == [[0], [1, 2, 3]]


def test_a_result_is_done_only_once_it_is_on_the_disk(disk):
    done = []

    async def use(commits):
        disk.commits_go_on.set()
        await commits.store(1)
        await idle()
        assert done == []
        disk.syncs_go_on.set()
        while not done:
            await idle()
        assert done == [1]

    served(disk, use, done.append)


def test_a_disk_that_is_slower_than_the_model_slows_it(disk):
    """Slots that send the next request at once, with no sync coming to an end."""
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
        for _ in range(100):
            await idle()
        assert UNSYNCED <= stored < UNSYNCED + slots
        disk.syncs_go_on.set()
        while stored < 1000:
            await idle()
        for task in tasks:
            task.cancel()

    served(disk, use)


@pytest.mark.parametrize("part", ["write", "sync"])
def test_a_disk_that_fails_raises_in_every_slot_and_nothing_of_it_is_done(disk, part):
    done = []

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

    served(disk, use, done.append)
    assert done == []


def test_what_is_left_when_the_slots_are_gone_is_committed_and_synced(disk):
    done = []

    async def use(commits):
        slots = [asyncio.create_task(commits.store(number)) for number in range(3)]
        await idle()
        for slot in slots:
            slot.cancel()
        disk.commits_go_on.set()
        disk.syncs_go_on.set()
        commits.flush()
        assert sorted(done) == [0, 1, 2]

    served(disk, use, done.append)
    assert {number for group in disk.committed for number in group} == {0, 1, 2}


def test_nothing_is_done_after_a_sync_that_failed_and_one_that_did_not(disk):
    """The system forgets an error of writing once it has told it: a second sync says nothing of the first."""
    done = []

    async def use(commits):
        disk.error = StorageError("disk I/O error")
        disk.commits_go_on.set()
        disk.syncs_go_on.set()
        with pytest.raises(StorageError):
            await busy(commits)
        disk.error = None
        commits.flush()

    served(disk, use, done.append)
    assert (done, disk.syncs) == ([], 1)
