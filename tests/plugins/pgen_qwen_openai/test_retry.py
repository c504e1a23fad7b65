"""When a request is sent again, and how a server that is absent is waited for."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import hostile_server as hostile
import pytest
from asking import annotate, numbered
from hanging import HANG
from hostile_server import HostileServer

from pgen_qwen_openai.generator import QwenOpenAIGenerator
from pgen_qwen_openai.retry import TransientError, retry_after, send_with_retries

OPTIONS = {"concurrency": 8, "max_retries": 0, "retry_wait": 0.02}
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_run_waits_while_a_server_restarts():
    stopping, servers = threading.Event(), []

    def stop_after_some(body, count):
        if sum(servers[0].asked.values()) == 30:
            stopping.set()
        # Requests in flight are cut off by the end of the server, however long that takes.
        return hostile.late(600) if stopping.is_set() else hostile.says()

    def restart():
        stopping.wait(HANG)
        servers[0].__exit__()
        servers.append(HostileServer(port=servers[0].port).__enter__())

    servers.append(HostileServer(stop_after_some).__enter__())
    thread = threading.Thread(target=restart)
    thread.start()
    options = {**OPTIONS, "max_retries": 1, "timeout": HANG}
    done = annotate(QwenOpenAIGenerator(base_url=servers[0].url, wait_for_server=HANG, **options), numbered(100))
    thread.join()
    servers[1].__exit__()
    assert [annotation for annotation in done if annotation.failure] == []
    assert len(done) == 100


@pytest.mark.parametrize(
    ("retries", "errors", "left"),
    [
        (1, ["unreachable", "unreachable", "unreachable", "broken", "unreachable"], None),
        (1, ["unreachable", "broken", "broken", "broken"], ["broken"]),
        (1, ["slow", "slow"], []),
        (8, ["slow"] * 5, ["slow"] * 2),
    ],
)
def test_attempts_while_a_server_is_absent_do_not_count_and_time_outs_are_limited(retries, errors, left):
    errors = list(reversed(errors))

    async def send():
        if errors:
            raise TransientError(errors.pop(), "no")
        return "response"

    sent = send_with_retries(send, retries, 0.0, wait_for_server=60)
    if left is None:
        assert asyncio.run(sent) == "response"
    else:
        with pytest.raises(TransientError):
            asyncio.run(sent)
        assert errors == left


def test_a_server_that_is_not_there_yet_is_waited_for_before_the_run():
    with HostileServer() as server:
        port = server.port
    late = HostileServer(port=port)
    timer = threading.Timer(0.3, late.__enter__)
    timer.start()
    generator = QwenOpenAIGenerator(base_url=f"http://127.0.0.1:{port}/v1", wait_for_server=HANG, **OPTIONS)
    done = annotate(generator, numbered(5))
    timer.join()
    late.__exit__()
    assert all(annotation.dialogue for annotation in done)


def test_other_errors_are_not_waited_for():
    with HostileServer(lambda body, count: hostile.says() if hostile.is_probe(body) else hostile.status(500)) as server:
        generator = QwenOpenAIGenerator(base_url=server.url, wait_for_server="10m", **OPTIONS)
        done = annotate(generator, numbered(3))
    assert [annotation.failure.stage for annotation in done] == ["transport"] * 3


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        *((value, None) for value in (None, "-1", "soon", "nan", "inf", "9" * 400)),
        ("7", 7.0),
        (" 0.5 ", 0.5),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0.0),
        ("Thu, 01 Jan 2026 00:00:30 -0000", 30.0),
    ],
)
def test_retry_after_is_a_number_or_a_date(header, seconds):
    assert retry_after(header, lambda: NOW) == seconds
