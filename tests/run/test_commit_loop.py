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


def test_answers_that_wait_for_a_slow_disk_are_bounded(tmp_path, monkeypatch):
    asked, synced = 0, 0
    beyond = threading.Event()
    sync = Journal.sync

    def answer(request):
        nonlocal asked
        asked += 1
        if asked > synced + UNSYNCED - 1 + 2 * IN_FLIGHT:
            beyond.set()
        return plain_answer(request)

    def slow(self):
        nonlocal synced
        before = stored(self)
        if before and not synced:
            beyond.wait(0.5)  # as long as this sync takes, others would ask for everything
        sync(self)
        synced = before

    def stored(journal):
        with journal._lock:
            return journal._db.execute("SELECT count(*) FROM samples").fetchone()[0]

    monkeypatch.setattr(Journal, "sync", slow)
    source = FakeSource(make_episode(("pick up the cup", 0.0, 40.0), length=SAMPLES))
    sink, generator = MemorySink(), FakeGenerator(answer, concurrency=IN_FLIGHT)
    annotate(source, tmp_path / "out", generator=generator, sink=sink, sampler=EveryFrame(), prompt="seed", checks=())
    assert not beyond.is_set()
    assert synced == asked == len(sink.annotations) == SAMPLES


class OneAfterTheOther(FakeGenerator):
    """Looks into the journal as it is asked: what its slots had before has to be there."""

    def __init__(self, journal):
        super().__init__(concurrency=IN_FLIGHT)
        self.journal, self.most_missing, self.replies = journal, 0, 0

    async def generate(self, request):
        with closing(Journal(self.journal.path)) as other:
            stored = other._db.execute("SELECT count(*) FROM samples").fetchone()[0]
        self.most_missing = max(self.most_missing, len(self.requests) - stored)
        reply = await super().generate(request)
        await asyncio.sleep(0)
        return reply


@pytest.mark.parametrize("turns", [False, True])
def test_of_what_was_asked_no_more_than_is_in_flight_is_not_committed(tmp_path, turns):
    """Whenever a process is killed, so much has to be asked once more."""
    journal = Journal(tmp_path / "journal.sqlite")
    generator = OneAfterTheOther(journal)
    pipeline = Pipeline(FakeSource(), SeedPrompt(), generator, 0, 2, 10**6, turns=turns)
    groups = [make_samples(make_episode(index=index), EveryFrame())[:5] for index in range(20)]
    done = []
    generate(
        Local(),
        pipeline,
        [([group] if turns else singles(group) for group in groups)],
        journal,
        lambda _: False,
        done.append,
    )
    assert generator.most_missing <= IN_FLIGHT - 1  # and the one that is being asked
    assert len(done) == len(generator.requests) == 100
    journal.close()


def test_a_sync_that_fails_ends_the_run(tmp_path, monkeypatch):
    journal, done = Journal(tmp_path / "journal.sqlite"), []
    journal.claim("model", None)

    def failing(self):
        raise StorageError("disk I/O error")

    monkeypatch.setattr(Journal, "sync", failing)
    generator = FakeGenerator(lambda request: Reply(plain_answer(request)), concurrency=IN_FLIGHT)
    pipeline = Pipeline(FakeSource(), SeedPrompt(), generator, 0, 2, 10**6)
    groups = [make_samples(make_episode(index=index), EveryFrame()) for index in range(20)]
    journal.remember = lambda name, value: None
    with pytest.raises(StorageError, match="disk I/O error"):
        generate(Local(), pipeline, [map(singles, groups)], journal, lambda _: False, done.append)
    assert done == []
    assert len(generator.requests) < 20 * 55
    journal.close()


def test_of_the_requests_about_moments_no_more_than_are_in_flight_are_not_committed(tmp_path):
    """A request counts as committed once all of its dialogues are."""

    class Watching(FakeMomentGenerator):
        most_missing = 0

        async def generate(self, request):
            with closing(Journal(journal.path)) as other:
                stored = [*other.get_all(sample for request in self.requests for sample in request.samples)]
            whole = sum(all(stored[3 * place : 3 * place + 3]) for place in range(len(self.requests)))
            self.most_missing = max(self.most_missing, len(self.requests) - whole)
            reply = await super().generate(request)
            await asyncio.sleep(0)
            return reply

    journal, done = Journal(tmp_path / "journal.sqlite"), []
    generator = Watching(concurrency=IN_FLIGHT)
    pipeline = Pipeline(FakeSource(), HiRobotPrompt(), generator, 0, 2, 10**6)
    groups = (in_moments(make_samples(make_episode(index=index))) for index in range(20))
    generate(Local(), pipeline, [groups], journal, lambda _: False, done.append)
    assert generator.most_missing <= IN_FLIGHT - 1
    assert (len(generator.requests), len(done)) == (60, 180)
    journal.close()
