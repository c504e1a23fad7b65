"""A server that is gone, and comes back while it is waited for."""

import asyncio
import threading

import hostile_server as hostile
import pytest
from asking import annotate, numbered
from hostile_server import HostileServer

from pgen.errors import ConfigError
from pgen_qwen_openai.generator import QwenOpenAIGenerator
from pgen_qwen_openai.retry import TransientError, send_with_retries

QUICK = {"concurrency": 8, "max_retries": 0, "retry_wait": 0.02}


def test_the_time_to_wait_is_given_as_people_say_it():
    said = {"10m": 600, "90s": 90, "2h": 7200, "1.5m": 90, "45": 45, 0: 0}
    for text, seconds in said.items():
        generator = QwenOpenAIGenerator(base_url="http://127.0.0.1:1/v1", wait_for_server=text)
        assert generator.options.wait_for_server == seconds
    with pytest.raises(ConfigError, match="wait_for_server"):
        QwenOpenAIGenerator(base_url="http://127.0.0.1:1/v1", wait_for_server="soon")


def test_a_run_waits_through_a_server_s_restart():
    gone, servers = threading.Event(), []

    def stop_after_some(body, count):
        if sum(servers[0].asked.values()) == 30:
            gone.set()
        # What is in flight is cut off once, by the end of the server, however long that takes.
        return hostile.late(600) if gone.is_set() else hostile.says()

    def restart():
        """Once some requests are in flight."""
        gone.wait(30)
        servers[0].__exit__()
        servers.append(HostileServer(port=servers[0].port).__enter__())

    servers.append(HostileServer(stop_after_some).__enter__())
    thread = threading.Thread(target=restart)
    thread.start()
    generator = QwenOpenAIGenerator(
        base_url=servers[0].url, wait_for_server="60s", **{**QUICK, "max_retries": 1, "timeout": 10}
    )
    done = annotate(generator, numbered(100))
    thread.join()
    servers[1].__exit__()
    assert [annotation for annotation in done if annotation.failure] == []
    assert len(done) == 100


def test_tries_while_a_server_is_waited_for_are_not_those_that_may_fail_once_it_is_back():
    errors = [*(["unreachable"] * 3), "broken", "unreachable"]

    async def ask():
        if errors:
            raise TransientError(errors.pop(0), "no")
        return "answer"

    assert asyncio.run(send_with_retries(ask, 1, 0.0, wait_for_server=60)) == "answer"
    errors[:] = ["unreachable", "broken", "broken"]
    with pytest.raises(TransientError):
        asyncio.run(send_with_retries(ask, 1, 0.0, wait_for_server=60))
    assert errors == []


def test_a_server_that_is_not_there_yet_is_waited_for_before_the_run():
    with HostileServer() as server:
        port = server.port
    late = HostileServer(port=port)
    timer = threading.Timer(0.3, late.__enter__)
    timer.start()
    generator = QwenOpenAIGenerator(base_url=f"http://127.0.0.1:{port}/v1", wait_for_server="60s", **QUICK)
    done = annotate(generator, numbered(5))
    timer.join()
    late.__exit__()
    assert all(annotation.dialogue for annotation in done)


def test_what_is_not_a_server_s_absence_is_not_waited_for():
    with HostileServer(lambda body, count: hostile.says() if hostile.is_probe(body) else hostile.status(500)) as server:
        generator = QwenOpenAIGenerator(base_url=server.url, wait_for_server="10m", **QUICK)
        done = annotate(generator, numbered(3))
    assert [annotation.failure.stage for annotation in done] == ["transport"] * 3


def test_a_key_that_a_server_repeats_in_its_reply_goes_no_further(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "hush-0123456789")

    def repeat(body, count):
        text = hostile.dialogue(body).replace("Sure.", "The key is hush-0123456789.")
        return hostile.says(text)

    with HostileServer(repeat, key="hush-0123456789") as server:
        done = annotate(QwenOpenAIGenerator(base_url=server.url, **QUICK), numbered(2))
    assert {annotation.dialogue.robot_utterance for annotation in done} == {"The key is ***."}
