import asyncio
import threading
from contextlib import closing

import pytest
from altered import altered

from pgen.api import annotate
from pgen.errors import StorageError
from pgen.inference.pipeline import Pipeline
from pgen.records import Reply
from pgen.run.commit_loop import generate
from pgen.storage.committer import UNSYNCED
from pgen.storage.journal import Journal
from pgen.testing import (
    FakeGenerator,
    FakeMomentGenerator,
    FakeSource,
    MemorySink,
    make_episode,
    make_samples,
    plain_answer,
)
from pgen_dialogue.prompts.hi_robot import HiRobotPrompt
from pgen_dialogue.prompts.seed import SeedPrompt
from pgen_local.executor import Local
from pgen_samplers.samplers import EveryFrame

IN_FLIGHT, SAMPLES = 8, 400


def in_moments(samples):
    """Return the items that request three dialogues of each moment."""
    return [tuple(altered(sample, variant=variant) for variant in range(3)) for sample in samples]


def singles(samples):
    """Return the items that request each sample on its own."""
    return [(sample,) for sample in samples]


def test_the_number_of_results_that_wait_for_a_slow_disk_is_bounded(tmp_path, monkeypatch):
    requested, synced = 0, 0
    beyond = threading.Event()
    sync = Journal.sync

    def reply(request):
        nonlocal requested
        requested += 1
        if requested > synced + UNSYNCED - 1 + 2 * IN_FLIGHT:
            beyond.set()
        return plain_answer(request)

    def slow(self):
        nonlocal synced
        before = stored(self)
        if before and not synced:
            beyond.wait(0.5)  # without a bound, other slots would request everything during this sync
        sync(self)
        synced = before

    def stored(journal):
        with journal._lock:
            return journal._db.execute("SELECT count(*) FROM samples").fetchone()[0]

    monkeypatch.setattr(Journal, "sync", slow)
    source = FakeSource(make_episode(("pick up the cup", 0.0, 40.0), length=SAMPLES))
    sink, generator = MemorySink(), FakeGenerator(reply, concurrency=IN_FLIGHT)
    annotate(source, tmp_path / "out", generator=generator, sink=sink, sampler=EveryFrame(), prompt="seed", checks=())
    assert not beyond.is_set()
    assert synced == requested == len(sink.annotations) == SAMPLES


class JournalReader(FakeGenerator):
    """Reads the journal at each request, and counts the earlier requests whose results are missing."""

    def __init__(self, journal):
        super().__init__(concurrency=IN_FLIGHT)
        self.journal, self.most_missing, self.replies = journal, 0, 0

    async def generate(self, request):
        with closing(Journal(self.journal.path)) as reader:
            stored = reader._db.execute("SELECT count(*) FROM samples").fetchone()[0]
        self.most_missing = max(self.most_missing, len(self.requests) - stored)
        reply = await super().generate(request)
        await asyncio.sleep(0)
        return reply


@pytest.mark.parametrize("turns", [False, True])
def test_no_more_requests_are_uncommitted_than_are_in_flight(tmp_path, turns):
    """A process that is killed at any time repeats at most these requests."""
    journal = Journal(tmp_path / "journal.sqlite")
    generator = JournalReader(journal)
    pipeline = Pipeline(FakeSource(), SeedPrompt(), generator, 0, 2, 10**6, turns=turns)
    groups = [make_samples(make_episode(index=index), EveryFrame())[:5] for index in range(20)]
    reported = []
    generate(
        Local(),
        pipeline,
        [([group] if turns else singles(group) for group in groups)],
        journal,
        lambda _: False,
        reported.append,
    )
    assert generator.most_missing <= IN_FLIGHT - 1  # and the current request
    assert len(reported) == len(generator.requests) == 100
    journal.close()


def test_a_sync_that_fails_ends_the_run(tmp_path, monkeypatch):
    journal, reported = Journal(tmp_path / "journal.sqlite"), []
    journal.claim("model", None)

    def failing(self):
        raise StorageError("disk I/O error")

    monkeypatch.setattr(Journal, "sync", failing)
    generator = FakeGenerator(lambda request: Reply(plain_answer(request)), concurrency=IN_FLIGHT)
    pipeline = Pipeline(FakeSource(), SeedPrompt(), generator, 0, 2, 10**6)
    groups = [make_samples(make_episode(index=index), EveryFrame()) for index in range(20)]
    journal.remember = lambda name, value: None
    with pytest.raises(StorageError, match="disk I/O error"):
        generate(Local(), pipeline, [map(singles, groups)], journal, lambda _: False, reported.append)
    assert reported == []
    assert len(generator.requests) < 20 * 55
    journal.close()


def test_no_more_requests_for_moments_are_uncommitted_than_are_in_flight(tmp_path):
    """A request counts as committed once all of its dialogues are."""

    class JournalReader(FakeMomentGenerator):
        most_missing = 0

        async def generate(self, request):
            with closing(Journal(journal.path)) as reader:
                stored = [*reader.get_all(sample for request in self.requests for sample in request.samples)]
            complete = sum(all(stored[3 * position : 3 * position + 3]) for position in range(len(self.requests)))
            self.most_missing = max(self.most_missing, len(self.requests) - complete)
            reply = await super().generate(request)
            await asyncio.sleep(0)
            return reply

    journal, reported = Journal(tmp_path / "journal.sqlite"), []
    generator = JournalReader(concurrency=IN_FLIGHT)
    pipeline = Pipeline(FakeSource(), HiRobotPrompt(), generator, 0, 2, 10**6)
    groups = (in_moments(make_samples(make_episode(index=index))) for index in range(20))
    generate(Local(), pipeline, [groups], journal, lambda _: False, reported.append)
    assert generator.most_missing <= IN_FLIGHT - 1
    assert (len(generator.requests), len(reported)) == (60, 180)
    journal.close()
