"""Runs through a Batch API on the loopback: what is requested, what becomes of it, and that nothing is sent twice."""

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
from pgen.errors import ConfigError, InterruptedRunError
from pgen.testing import MemorySink
from pgen_qwen_openai.batch_generator import OpenAIBatchGenerator

COUNT = 30


def run(out, server=None, count=COUNT, options=None, **run_options):
    """Annotate `step 0`, `step 1` …; return the sink."""
    url = {"base_url": [server.url]} if server else {}
    generator = OpenAIBatchGenerator(**{"poll": 0.001, "max_retries": 0, **url, **(options or {})})
    sink = MemorySink()
    annotate(numbered(count), out, generator=generator, prompt=NumberedPrompt(), sink=sink, checks=(), **run_options)
    return sink


def prompts(server):
    """How often each sample was in a batch."""
    return Counter(hostile.question(line["body"]) for lines in server.requested for line in lines)


def dialogues(sink):
    return {annotation.sample.span.skill: annotation.dialogue for annotation in sink.annotations}


def expected(sink, count=COUNT):
    texts = {name: dialogue.user_prompt for name, dialogue in dialogues(sink).items() if dialogue}
    return texts == {f"step {number}": f"Do step {number}" for number in range(count)}


def test_a_run_is_one_late_batch_in_any_order(tmp_path, caplog):
    with BatchServer(polls=4) as server:
        sink = run(tmp_path / "out", server)
    assert expected(sink)
    assert set(prompts(server).values()) == {1}
    assert len(server.batches) == 1
    assert "next poll at" in caplog.text
    assert sink.manifest["tokens"]["in"] == 100 * COUNT
    assert not list((tmp_path / "out.batches").glob("*.jsonl"))


@pytest.mark.parametrize("limits", [{"batch_requests": 7}, {"batch_bytes": 9000}])
def test_a_run_is_divided_by_the_limits_of_the_service(tmp_path, limits):
    with BatchServer() as server:
        assert expected(run(tmp_path / "out", server, options=limits))
    assert len(server.batches) > 3
    assert set(prompts(server).values()) == {1}
    assert max(map(len, server.requested)) <= limits.get("batch_requests", COUNT)
    assert max(len(content) for content in server.files[::2]) <= limits.get("batch_bytes", 10**6)


def wrong(line, batch):
    """Of the first batch: nothing, half a line, another's id, two answers, errors that may pass, or an answer."""
    good, number = answered(line), int(hostile.question(line["body"]).removeprefix("step "))
    if batch:
        return [good]
    faults = [
        [],
        [b'{"custom_id": "\n', b"[1]\n"],  # lines are shuffled: each ends where it is cut off
        [{**good, "custom_id": "0" * 32}],
        [good, completed(line["custom_id"], "no JSON"), good],
        [failed(line["custom_id"], 500)],
        [{"custom_id": line["custom_id"], "response": None, "error": {"code": "batch_expired", "message": "late"}}],
        [{**good, "response": {"status_code": 200, "body": {"choices": 3}}}],
        [good],
    ]
    return faults[number % len(faults)]


@pytest.mark.parametrize("status", ["completed", "expired", "cancelled"])
def test_what_a_batch_did_not_answer_is_in_a_second_one(tmp_path, status):
    with BatchServer(wrong, end=lambda batch: {"status": status if batch == 0 else "completed"}) as server:
        sink = run(tmp_path / "out", server, attempts=1, max_failures=1.0)
    usable = {name for name, dialogue in dialogues(sink).items() if dialogue}
    doubled = {f"step {number}" for number in range(COUNT) if number % 8 == 3}
    assert usable | doubled == {f"step {number}" for number in range(COUNT)}
    assert [len(lines) for lines in server.requested] == [
        COUNT,
        sum(number % 8 not in (3, 7) for number in range(COUNT)),
    ]


def test_a_bad_reply_is_repaired_in_a_second_batch(tmp_path):
    with BatchServer(lambda line, batch: [answered(line) if batch else completed(line["custom_id"], "Hm.")]) as server:
        sink = run(tmp_path / "out", server)
    assert expected(sink)
    assert [len(lines) for lines in server.requested] == [COUNT, COUNT]
    assert all(len(line["body"]["messages"]) == 4 for line in server.requested[1])
    assert {annotation.usage.attempts for annotation in sink.annotations} == {2}


def test_a_request_that_no_batch_answers_fails_after_three(tmp_path):
    def answer(line, batch):
        return [
            failed(line["custom_id"], 500, "overloaded") if "step 3" in json.dumps(line["body"]) else answered(line)
        ]

    with BatchServer(answer) as server:
        sink = run(tmp_path / "out", server, 10, max_failures=1.0)
    (failure,) = [annotation.failure for annotation in sink.annotations if annotation.failure]
    assert (failure.stage, "overloaded" in failure.reason) == ("transport", True)
    assert prompts(server)["step 3"] == 3


def test_a_request_that_is_refused_fails_at_once(tmp_path):
    def answer(line, batch):
        return [failed(line["custom_id"], 400, "too long") if "step 3" in json.dumps(line["body"]) else answered(line)]

    with BatchServer(answer) as server:
        sink = run(tmp_path / "out", server, 10, max_failures=1.0)
    assert [annotation.failure.reason for annotation in sink.annotations if annotation.failure] == [
        "the batch answered 400: too long"
    ]
    assert len(server.batches) == 1


def test_a_batch_that_the_service_refuses_ends_the_run_and_is_written_again_at_the_next(tmp_path):
    errors = {"data": [{"code": "invalid_json", "message": "the key may not use batches"}]}
    refused = [True]

    def end(batch):
        return {"status": "failed", "errors": errors} if refused[0] else {"status": "completed"}

    with BatchServer(end=end) as server:
        with pytest.raises(ConfigError, match="refused a batch of 30 requests: the key may not use batches"):
            run(tmp_path / "out", server)
        refused[0] = False
        assert expected(run(tmp_path / "out", server))


def test_a_batch_waits_where_the_service_has_no_room(tmp_path):
    full = {"data": [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}]}

    def end(batch):
        return {"status": "failed", "errors": full} if batch == 1 else {"status": "completed"}

    with BatchServer(end=end) as server:
        assert expected(run(tmp_path / "out", server, options={"batch_requests": 15}))
    assert [len(lines) for lines in server.requested] == [15, 15, 15]


def test_a_batch_whose_id_was_lost_is_found_by_its_metadata(tmp_path):
    with BatchServer(lost=lambda batch: True) as server:
        assert expected(run(tmp_path / "out", server, options={"batch_requests": 11}))
    assert set(prompts(server).values()) == {1}


SCRIPT = """
import sys
from asking import NumberedPrompt, numbered
from pgen.api import annotate
from pgen.testing import MemorySink
from pgen_qwen_openai.batch_generator import OpenAIBatchGenerator
generator = OpenAIBatchGenerator(base_url=sys.argv[1], poll=0.001, batch_requests=11)
annotate(numbered(30), sys.argv[2], generator=generator, prompt=NumberedPrompt(), sink=MemorySink(), checks=())
"""


@pytest.mark.parametrize("place", ["before the id is sent", "while it is polled"])
def test_a_run_that_is_killed_submits_nothing_twice(tmp_path, place):
    processes = []

    def kill(batch):
        if batch == 1 and place == "before the id is sent":
            os.kill(processes[0].pid, signal.SIGKILL)

    def end(batch):
        if batch == 1 and place == "while it is polled" and processes[0].poll() is None:
            os.kill(processes[0].pid, signal.SIGKILL)
        return {"status": "completed"}

    with BatchServer(created=kill, end=end) as server:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-c", SCRIPT, server.url, str(tmp_path / "out")]
        processes.append(subprocess.Popen(command, env=environment))
        assert processes[0].wait() == -signal.SIGKILL
        sink = run(tmp_path / "out", server, options={"batch_requests": 11})
    assert expected(sink)
    assert set(prompts(server).values()) == {1}


def test_files_are_answered_by_another_program(tmp_path):
    options = {"model": "tiny", "batch_requests": 20, "batch_dir": tmp_path / "batches"}
    questions = []
    for first in (0, 20):
        with pytest.raises(
            InterruptedRunError, match=r"requests-000\d\.jsonl.*vllm run-batch.*start the same"
        ) as caught:
            run(tmp_path / "out", options=options)
        assert caught.value.exit_code == 130
        (name,) = {f"requests-{1 + first // 20:04}.jsonl"}
        lines = [json.loads(line) for line in (tmp_path / "batches" / name).read_text().splitlines()]
        assert len(lines) == min(COUNT - first, 20)
        questions += [hostile.question(line["body"]) for line in lines]
        output = tmp_path / "batches" / name.replace("requests", "responses")
        output.write_text("".join(json.dumps(answered(line)) + "\n" for line in lines[::-1]))
    assert sorted(questions) == sorted(f"step {number}" for number in range(COUNT))
    assert expected(run(tmp_path / "out", options=options))
    assert len(list((tmp_path / "batches").glob("requests-*"))) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "name the model with --model"),
        ({"serve": "vllm serve --port {port}"}, "starts no server"),
        ({"base_url": "http://a/v1,http://b/v1"}, "takes one --base-url"),
    ],
)
def test_options_that_cannot_be_used_are_named(options, message):
    with pytest.raises(ConfigError, match=message):
        OpenAIBatchGenerator(**options)


def test_a_folder_belongs_to_one_run_at_a_time(tmp_path):
    from pgen_qwen_openai.batch_store import BatchStore

    store = BatchStore(tmp_path / "batches", 10, 10**6)
    with pytest.raises(ConfigError, match="used by another run"):
        BatchStore(tmp_path / "batches", 10, 10**6)
    store.close()
