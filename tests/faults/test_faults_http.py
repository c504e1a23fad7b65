"""Servers with every kind of fault, and servers that die, in whole runs over HTTP."""

import threading
from collections import Counter
from contextlib import ExitStack
from itertools import cycle, islice

import hostile_server as hostile
import pytest
from fault_server import numbered
from hanging import HANG
from hostile_runs import run
from hostile_server import HostileServer

from pgen.errors import TooManyFailuresError
from pgen_qwen_openai import load_balancer as endpoints

FITTING = hostile.says()
TRANSIENT = {
    "408": hostile.status(408),
    "429 for seconds": hostile.busy(0.01),
    "429 until a date": hostile.busy(-1, as_date=True),
    "429": hostile.status(429),
    "500": hostile.status(500),
    "502": hostile.status(502),
    "503": hostile.status(503),
    "504": hostile.status(504),
    "reset": hostile.hang_up,
    "half a body": hostile.cut,
    "slow trickle": hostile.trickle,
    "wrong content type": hostile.raw(b"<html>Bad gateway</html>", "text/html"),
    "200 with an error": hostile.raw(b'{"error": {"message": "out of memory"}}'),
    "no choices": hostile.raw(b'{"choices": []}'),
    "cut by length": hostile.says('{"user_prompt": "Could you', "length"),
}
"""Transient faults: the same run retries."""

PERMANENT = {str(code): hostile.status(code, "no, never") for code in (400, 401, 404, 413, 422)}
"""Permanent faults: the sample fails, and the next run requests it."""

FAULTS = {**TRANSIENT, **PERMANENT}

MIXED_TRICKLES = 4
"""The number of slow trickles among the other faults."""


class FaultyReplies:
    """Returns the next fault to the first request of each prompt, while there are faults, and then valid replies."""

    def __init__(self, *faults):
        self._faults, self._lock = iter(faults), threading.Lock()
        self.completed, self.faults, self.permanent = Counter(), Counter(), set()

    def __call__(self, body, count):
        with self._lock:
            if hostile.is_probe(body):
                return FITTING
            if count == 0 and (name := next(self._faults, None)):
                self.faults[name] += 1
                self.permanent |= {hostile.question(body)} if name in PERMANENT else set()
                return FAULTS[name]
            self.completed[hostile.question(body)] += 1
            return FITTING

    def stop_faults(self):
        self._faults = iter(())


def mixed_faults(count, rng):
    """Return equal numbers of each kind of fault in random order, with most trickles first.

    Each trickle takes a whole time-out; those that are in flight together take only one.
    """
    others = [*islice(cycle(name for name in FAULTS if name != "slow trickle"), count - count // 20 + MIXED_TRICKLES)]
    others[:MIXED_TRICKLES] = ["slow trickle"] * MIXED_TRICKLES
    rng.shuffle(others)
    return ["slow trickle"] * (count // 20 - MIXED_TRICKLES) + others


@pytest.mark.long
def test_no_fault_of_a_server_loses_a_result(place, tally, number, rng, monkeypatch):
    """The first request of each sample meets one of twenty kinds of faults."""
    monkeypatch.setattr(endpoints, "FIRST_PAUSE", 0.01)
    count = number(2000, 50_000)
    replies, source = FaultyReplies(*mixed_faults(count, rng)), numbered(count)
    with HostileServer(replies) as server:
        first = run(source, place / "out", server, max_failures=0.5, timeout=6)
        failed = {a.sample.span.skill for a in first.annotations if a.failure}
        assert {a.failure.stage for a in first.annotations if a.failure} == {"transport"}
    # On a very busy machine a request may time out before its refusal is read; it is then sent again.
    resent = replies.permanent - failed
    assert failed <= replies.permanent
    assert all(server.asked[question] > 1 for question in resent)
    redone = len(resent) + sum(times - 1 for times in replies.completed.values())
    assert redone <= count // 1000
    completed = {a.dialogue.user_prompt for a in first.annotations if a.dialogue}
    assert completed == {f"Do step {number}" for number in range(count)} - {f"Do {name}" for name in failed}
    assert replies.faults.keys() == FAULTS.keys()
    assert set(replies.faults.values()) == {count // 20}
    tally.add("HTTP: 20 kinds of faults", replies.faults.total(), in_flight=redone, redone=redone)


def test_after_faults_the_next_run_requests_only_the_failed_samples(place, rng):
    count, source = 400, numbered(400)
    replies = FaultyReplies(*(name for name in mixed_faults(count, rng) if name != "slow trickle"))
    with HostileServer(replies) as server:
        with pytest.raises(TooManyFailuresError):
            run(source, place / "out", server, max_failures=0.2, concurrency=4)
        before = Counter(replies.completed)
        replies.stop_faults()
        sink = run(source, place / "out", server, max_failures=0)
    assert len(sink.annotations) == count
    assert all(annotation.dialogue for annotation in sink.annotations)
    assert before
    assert set(replies.completed.values()) == {1}


@pytest.mark.parametrize("kind", ["returns", "of three dies"])
def test_a_server_that_dies_loses_no_result(place, tally, number, rng, kind):
    count = number(3 if kind == "returns" else 2, 25)
    for index in range(count):
        after, dead = rng.randint(5, 150), threading.Event()
        with ExitStack() as stack:
            replies = FaultyReplies()

            def dying(body, count_of_prompt, replies=replies, after=after, dead=dead):
                if replies.completed.total() >= after:
                    dead.set()
                return hostile.hang_up if dead.is_set() else replies(body, count_of_prompt)

            first = HostileServer(dying).__enter__()
            others = [stack.enter_context(HostileServer(replies)) for _ in range(2 if kind != "returns" else 0)]
            restarted = []

            def die(first=first, dead=dead, restarted=restarted, replies=replies):
                dead.wait(HANG)
                first.__exit__()
                if kind == "returns":
                    restarted.append(HostileServer(replies, port=first.port).__enter__())

            thread = threading.Thread(target=die)
            thread.start()
            options = {"concurrency": 16, "wait_for_server": HANG, "retry_wait": 0.02}
            sink = run(numbered(200), place / f"{kind}{index}", first, *others, **options)
            dead.set()
            thread.join()
            for server in restarted:
                server.__exit__()
        assert all(annotation.dialogue for annotation in sink.annotations)
        assert set(replies.completed.values()) == {1}
    tally.add("server dies and returns; one of three dies", count)
