"""Runs of several rounds of batches: a judge, conversations, stops and resumes between all of them."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter

import hostile_server as hostile
import pytest
from asking import NumberedPrompt, numbered
from batch_server import BatchServer, answered, completed, failed

from pgen.api import annotate
from pgen.components import Check
from pgen.errors import InterruptedRunError
from pgen.records import Finding
from pgen.testing import FakeGenerator, MemorySink
from pgen_qwen_openai.batch_generator import OpenAIBatchGenerator

COUNT = 12


def answer(line, batch=0):
    """A dialogue, a choice of the judge, or its scores: what the schema asks for."""
    fields = line["body"]["response_format"]["json_schema"]["schema"]["properties"]
    if "choice" in fields:
        return [completed(line["custom_id"], '{"reason": "It is plain.", "choice": 1}')]
    if "grounding" in fields:
        reply = {name: 4 if field.get("type") == "integer" else "It is plain." for name, field in fields.items()}
        return [completed(line["custom_id"], json.dumps(reply))]
    return [answered(line)]


def generator(server=None, **options):
    if server:
        return OpenAIBatchGenerator(base_url=[server.url], poll=0.001, max_retries=0, **options)
    return OpenAIBatchGenerator(model="tiny", **options)


def run(out, **options):
    """Annotate `step 0`, `step 1` …; return the sink."""
    sink = MemorySink()
    options = {"prompt": NumberedPrompt(), "checks": (), "sink": sink, "seed": 3, **options}
    annotate(numbered(COUNT), out, **options)
    return sink


def sent(server):
    """Return how often each request was in a batch."""
    return Counter(line["custom_id"] for lines in server.requested for line in lines)


def answer_files(folder):
    """Answer the files of requests that have no responses, as another program does; return how many."""
    waiting = [
        path
        for path in sorted(folder.glob("requests-*.jsonl"))
        if not path.with_name(path.name.replace("requests", "responses")).exists()
    ]
    for path in waiting:
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        output = "".join(json.dumps(reply) + "\n" for line in lines for reply in answer(line))
        path.with_name(path.name.replace("requests", "responses")).write_text(output)
    return len(waiting)


def run_with_stops(out, *folders, make, **options):
    """Run until it ends, stopped at every batch; return the sink and the number of stops."""
    for stops in range(100):
        try:
            return run(out, **make(), **options), stops
        except InterruptedRunError:
            assert sum(map(answer_files, folders)) == 1
    raise AssertionError("the run does not end")


def check_judged(sink):
    assert len(sink.annotations) == COUNT
    assert all(annotation.dialogue and annotation.judgement.grounding == 4 for annotation in sink.annotations)
    assert sink.manifest["judge"]["tokens"]["in"] == 100 * sink.manifest["attempts"] * 2


def test_a_judge_takes_one_more_batch_for_its_two_requests_a_dialogue(tmp_path):
    with BatchServer(answer) as server:
        sink = run(tmp_path / "out", generator=generator(server), judge=generator(server), judge_share=1.0)
    check_judged(sink)
    assert [len(lines) for lines in server.requested] == [COUNT, 2 * COUNT]
    assert set(sent(server).values()) == {1}


def test_a_judge_alone_can_use_batches(tmp_path):
    with BatchServer(answer) as server:
        sink = run(tmp_path / "out", generator=FakeGenerator(), judge=generator(server), judge_share=1.0)
    assert all(annotation.judgement.grounding == 4 for annotation in sink.annotations)
    assert [len(lines) for lines in server.requested] == [2 * COUNT]


def test_a_run_with_a_judge_goes_on_after_each_stop_with_a_folder_for_each_of_both(tmp_path):
    def make():
        return {"generator": generator(), "judge": generator()}

    folders = (tmp_path / "out.batches", tmp_path / "out.judge.batches")
    for folder in folders:
        folder.mkdir()
    sink, stops = run_with_stops(tmp_path / "out", *folders, make=make, judge_share=1.0)
    check_judged(sink)
    assert stops == 2
    assert [len(list(folder.glob("requests-*"))) for folder in folders] == [1, 1]


def conversation_turns(sink):
    """Return the number of earlier turns of each annotation, by its place in its conversation."""
    return [len(annotation.sample.question.turns) for annotation in sink.annotations]


def test_each_turn_of_a_conversation_is_a_batch_and_knows_the_turns_before_it(tmp_path):
    with BatchServer(answer) as server:
        sink = run(tmp_path / "out", generator=generator(server), turns="episode")
    assert all(annotation.dialogue for annotation in sink.annotations)
    assert conversation_turns(sink) == [*range(COUNT)]
    assert [len(lines) for lines in server.requested] == [1] * COUNT
    last = server.requested[-1][0]["body"]["messages"][-1]["content"][0]["text"]
    assert "The conversation so far:" in last
    assert sum(text.startswith("User: ") for text in last.splitlines()) == COUNT - 1
    assert set(sent(server).values()) == {1}


def test_a_conversation_goes_on_after_each_stop(tmp_path):
    folder = tmp_path / "batches"

    def make():
        return {"generator": generator(batch_dir=folder)}

    sink, stops = run_with_stops(tmp_path / "out", folder, make=make, turns="episode")
    assert all(annotation.dialogue for annotation in sink.annotations)
    assert conversation_turns(sink) == [*range(COUNT)]
    assert stops == COUNT


@pytest.mark.parametrize("place", [0, 4, COUNT - 1])
def test_a_conversation_goes_on_after_a_turn_that_fails(tmp_path, place):
    def refuse_one(line, batch):
        if batch == place:
            return [failed(line["custom_id"], 400, "too long")]
        return answer(line)

    with BatchServer(refuse_one) as server:
        sink = run(tmp_path / "out", generator=generator(server), turns="episode", max_failures=1.0)
    assert [annotation.failure is None for annotation in sink.annotations] == [it != place for it in range(COUNT)]
    assert [len(lines) for lines in server.requested] == [1] * COUNT
    assert conversation_turns(sink) == [it - (it > place) for it in range(COUNT)]


class Rejects(Check):
    """Rejects what is said for the first time."""

    name = "rejects"

    def check(self, annotation, context):
        return None if annotation.dialogue.robot_utterance == "Again." else Finding("first", "say it again")


class RejectsInRun(Rejects):
    name = "rejects-in-run"
    whole_run = True


@pytest.mark.parametrize("check", [Rejects(), RejectsInRun()], ids=lambda check: check.name)
def test_what_a_check_rejects_is_requested_again_in_a_second_batch(tmp_path, check):
    def say_again(line, batch):
        again = {**json.loads(hostile.dialogue(line["body"])), "robot_utterance": "Again."}
        return [completed(line["custom_id"], json.dumps(again)) if batch else answered(line)]

    with BatchServer(say_again) as server:
        sink = run(tmp_path / "out", generator=generator(server), checks=(check,))
    assert [len(lines) for lines in server.requested] == [COUNT, COUNT]
    assert {annotation.dialogue.robot_utterance for annotation in sink.annotations} == {"Again."}
    assert not any(annotation.checks for annotation in sink.annotations)
    assert sink.manifest["tokens"]["in"] == 100 * 2 * COUNT


SCRIPT = """
import sys
from asking import NumberedPrompt, numbered
from pgen.api import annotate
from pgen.components import Check
from pgen.testing import MemorySink
from pgen_qwen_openai.batch_generator import OpenAIBatchGenerator
url, out, *words = sys.argv[1:]
options = {"generator": OpenAIBatchGenerator(base_url=url, poll=0.001)}
options |= {"judge": OpenAIBatchGenerator(base_url=url, poll=0.001), "judge_share": 1.0}
options |= {"turns": "episode"} if "turns" in words else {}
annotate(numbered(12), out, prompt=NumberedPrompt(), sink=MemorySink(), checks=(), seed=3, **options)
"""


@pytest.mark.parametrize("turns", [False, True])
@pytest.mark.parametrize("at", ["created", "polled"])
def test_a_run_with_a_judge_or_turns_that_is_killed_submits_nothing_twice(tmp_path, turns, at):
    """The kill comes at the last batch: that of the judge."""
    processes = []
    last = COUNT if turns else 1

    def kill(batch, when):
        if (batch, when) == (last, at) and processes[0].poll() is None:
            os.kill(processes[0].pid, signal.SIGKILL)

    def end(batch):
        kill(batch, "polled")
        return {"status": "completed"}

    with BatchServer(answer, created=lambda batch: kill(batch, "created"), end=end) as server:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        words = ["turns"] if turns else []
        command = [sys.executable, "-c", SCRIPT, server.url, str(tmp_path / "out"), *words]
        processes.append(subprocess.Popen(command, env=environment))
        assert processes[0].wait() == -signal.SIGKILL
        options = {"turns": "episode"} if turns else {}
        sink = run(tmp_path / "out", generator=generator(server), judge=generator(server), judge_share=1.0, **options)
    check_judged(sink)
    assert set(sent(server).values()) == {1}
    assert len(server.batches) == last + 1
