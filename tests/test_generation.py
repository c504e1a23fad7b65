import threading

from pgen.api import annotate
from pgen.generation import GROUP
from pgen.journal import Journal
from pgen.testing import FakeGenerator, FakeSource, MemorySink, make_episode, plain_answer
from pgen_samplers.samplers import EveryFrame

IN_FLIGHT, SAMPLES = 8, 400


def test_answers_that_wait_for_a_slow_disk_are_bounded(tmp_path, monkeypatch):
    asked, began, groups = 0, threading.Event(), []
    beyond = threading.Event()
    add = Journal.add

    def answer(request):
        nonlocal asked
        asked += 1
        if began.is_set() and asked > sum(groups) + GROUP - 1 + IN_FLIGHT:
            beyond.set()
        return plain_answer(request)

    def slow(self, annotations):
        groups.append(len(annotations))
        if len(groups) == 1:
            began.set()
            beyond.wait(0.5)  # as long as this commit takes, others would ask for everything
            began.clear()
        add(self, annotations)

    monkeypatch.setattr(Journal, "add", slow)
    source = FakeSource(make_episode(("pick up the cup", 0.0, 40.0), length=SAMPLES))
    sink, generator = MemorySink(), FakeGenerator(answer, concurrency=IN_FLIGHT)
    annotate(source, tmp_path / "out", generator=generator, sink=sink, sampler=EveryFrame(), prompt="seed", checks=())
    assert not beyond.is_set()
    assert sum(groups) == asked == len(sink.annotations) == SAMPLES
    assert max(groups) <= GROUP - 1 + IN_FLIGHT
