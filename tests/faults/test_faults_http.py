"""Servers that do everything wrong that servers do, and servers that die: over the wire, through whole runs."""

import threading
from collections import Counter
from contextlib import ExitStack
from itertools import cycle, islice

import hostile_server as hostile
import pytest
from fault_server import numbered
from hostile_runs import run
from hostile_server import HostileServer

from pgen.errors import TooManyFailuresError
from pgen_qwen_openai import load_balancer as endpoints

FITTING = hostile.says()
PASSING = {
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
"""What passes: the same run asks again."""

LASTING = {str(code): hostile.status(code, "no, never") for code in (400, 401, 404, 413, 422)}
"""What stays: the sample fails, and the next run asks about it."""

FAULTS = {**PASSING, **LASTING}

AMONG = 4
"""Slow trickles that come in the midst of the other faults."""


class Answers:
    """Each question meets the next fault first, as long as there are any, and is answered from then on."""

    def __init__(self, *faults):
        self._faults, self._lock = iter(faults), threading.Lock()
        self.given, self.faults, self.lasting = Counter(), Counter(), set()

    def __call__(self, body, count):
        with self._lock:
            if hostile.is_probe(body):
                return FITTING
            if count == 0 and (name := next(self._faults, None)):
                self.faults[name] += 1
                self.lasting |= {hostile.question(body)} if name in LASTING else set()
                return FAULTS[name]
            self.given[hostile.question(body)] += 1
            return FITTING

    def calm_down(self):
        self._faults = iter(())


def dealt(count, rng):
    """Each kind of fault as often as any other, in any order but that most trickles come first: each costs a whole
    time-out, and as many as there are requests in flight cost no more than one."""
    others = [*islice(cycle(name for name in FAULTS if name != "slow trickle"), count - count // 20 + AMONG)]
    others[:AMONG] = ["slow trickle"] * AMONG
    rng.shuffle(others)
    return ["slow trickle"] * (count // 20 - AMONG) + others


@pytest.mark.long
def test_of_a_server_s_faults_none_costs_an_answer(place, tally, number, rng, monkeypatch):
    """Every twentieth request meets one and the same of twenty kinds of faults."""
    monkeypatch.setattr(endpoints, "FIRST_PAUSE", 0.01)
    count = number(2000, 50_000)
    answers, source = Answers(*dealt(count, rng)), numbered(count)
    with HostileServer(answers) as server:
        first = run(source, place / "out", server, max_failures=0.5, timeout=6)
        failed = {a.sample.span.skill for a in first.annotations if a.failure}
        assert {a.failure.stage for a in first.annotations if a.failure} == {"transport"}
    # On a machine that is very busy the time-out may strike before an answer is read: then it is sent again.
    late = answers.lasting - failed
    assert failed <= answers.lasting
    assert all(server.asked[question] > 1 for question in late)
    redone = len(late) + sum(times - 1 for times in answers.given.values())
    assert redone <= count // 1000
    done = {a.dialogue.user_prompt for a in first.annotations if a.dialogue}
    assert done == {f"Do step {number}" for number in range(count)} - {f"Do {name}" for name in failed}
    assert answers.faults.keys() == FAULTS.keys()
    assert set(answers.faults.values()) == {count // 20}
    tally.add("HTTP: 20 kinds of faults", answers.faults.total(), in_flight=redone, redone=redone)


def test_after_faults_the_next_run_asks_about_the_failed_ones_alone(place, rng):
    count, source = 400, numbered(400)
    answers = Answers(*(name for name in dealt(count, rng) if name != "slow trickle"))
    with HostileServer(answers) as server:
        with pytest.raises(TooManyFailuresError):
            run(source, place / "out", server, max_failures=0.2, concurrency=4)
        before = Counter(answers.given)
        answers.calm_down()
        sink = run(source, place / "out", server, max_failures=0)
    assert len(sink.annotations) == count
    assert all(annotation.dialogue for annotation in sink.annotations)
    assert before
    assert set(answers.given.values()) == {1}


@pytest.mark.parametrize("kind", ["returns", "of three dies"])
def test_a_server_that_dies_costs_no_answer(place, tally, number, rng, kind):
    count = number(3 if kind == "returns" else 2, 25)
    for index in range(count):
        after, gone = rng.randint(5, 150), threading.Event()
        with ExitStack() as stack:
            answers = Answers()

            def dying(body, asked, answers=answers, after=after, gone=gone):
                if answers.given.total() >= after:
                    gone.set()
                return hostile.hang_up if gone.is_set() else answers(body, asked)

            first = HostileServer(dying).__enter__()
            others = [stack.enter_context(HostileServer(answers)) for _ in range(2 if kind != "returns" else 0)]
            back = []

            def die(first=first, gone=gone, back=back, answers=answers):
                gone.wait(60)
                first.__exit__()
                if kind == "returns":
                    back.append(HostileServer(answers, port=first.port).__enter__())

            thread = threading.Thread(target=die)
            thread.start()
            options = {"concurrency": 16, "timeout": 20, "wait_for_server": "60s", "retry_wait": 0.02}
            sink = run(numbered(200), place / f"{kind}{index}", first, *others, **options)
            gone.set()
            thread.join()
            for server in back:
                server.__exit__()
        assert all(annotation.dialogue for annotation in sink.annotations)
        assert set(answers.given.values()) == {1}
    tally.add("server dies and returns; one of three dies", count)
