"""What is found out before a run, and what stops it there."""

import asyncio
import json

import hostile_server as hostile
import pytest
from asking import a_request
from hostile_server import HostileServer

from pgen.errors import ConfigError
from pgen_qwen_openai.generator import QwenOpenAIGenerator
from pgen_qwen_openai.structured_output import PROBE

DIALOGUE = json.dumps(
    {"user_prompt": "a", "robot_utterance": "b", "scenario_type": "negative_task", "response_type": "confirmation"}
)


def opened(*servers, requests=(), **options):
    """The generator, after it was opened and has asked."""
    urls = [server.url for server in servers]
    generator = QwenOpenAIGenerator(**{"base_url": urls, "max_retries": 2, "retry_wait": 0.001, **options})

    async def go():
        await generator.open()
        for request in requests:
            await generator.generate(request)
        await generator.close()

    asyncio.run(go())
    return generator


def obeying(*kinds):
    """A server that holds its model to these formats, and ignores others."""

    def decide(body, count):
        asked = body.get("response_format", {})
        kind = asked.get("type", "plain")
        kind += "_schema" if kind == "json_object" and "schema" in asked else ""
        return hostile.says(DIALOGUE if kind in kinds else "A grey gradient.")

    return decide


def test_auto_takes_the_only_model():
    with HostileServer(models=["Qwen/Qwen2-VL-7B-Instruct"]) as server:
        generator = opened(server, requests=[a_request()])
    assert generator.model == "Qwen/Qwen2-VL-7B-Instruct"
    assert server.bodies["step 0"]["model"] == "Qwen/Qwen2-VL-7B-Instruct"


@pytest.mark.parametrize(
    ("server", "options", "told"),
    [
        ({"models": ["a", "b"]}, {}, "has several models: a, b. Choose one with --model"),
        ({"models": []}, {}, "lists no model; name it with --model"),
        ({"models": ["a"]}, {"model": "b"}, "has no model 'b'; it has: a"),
        ({"model_status": 401}, {}, "Put the right key into the environment variable OPENAI_API_KEY"),
        ({"model_status": 403}, {}, "may not use this"),
        ({"model_status": 404}, {}, "lists no model"),
        ({"model_status": 503}, {}, "no server answers"),
        ({"model_status": 500}, {}, "no server answers"),
        ({"decide": lambda *_: hostile.status(401)}, {}, "Put the right key"),
        ({"decide": lambda *_: hostile.status(403)}, {}, "may not use this"),
        ({"decide": lambda *_: hostile.status(404, "no such model")}, {"model": "tiny"}, "no such model"),
        ({"decide": lambda *_: hostile.status(400, "no pictures")}, {}, "1 image: .*no pictures"),
        ({"decide": lambda *_: hostile.status(500, "mishap")}, {}, "1 image: .*mishap"),
        ({"decide": lambda *_: hostile.status(429)}, {}, "Start again when the server is ready"),
        ({"decide": lambda *_: hostile.busy(86400)}, {}, r"to wait 86400 s\)\. Start again when the limit is lifted"),
    ],
)
def test_a_server_that_cannot_be_used_stops_the_run_with_what_to_do(server, options, told):
    with HostileServer(**server) as running, pytest.raises(ConfigError, match=told):
        opened(running, **options)


def test_a_server_that_is_not_there_stops_the_run():
    with HostileServer() as gone:
        pass
    with pytest.raises(ConfigError, match="no server answers: http://127"):
        opened(gone)


@pytest.mark.parametrize("code", [404, 405, 500, 501])
def test_a_list_of_models_is_not_needed_where_the_model_is_named(code):
    with HostileServer(model_status=code) as server:
        assert opened(server, model="mine", requests=[a_request()]).model == "mine"


def test_a_folder_need_not_be_listed():
    with HostileServer() as server:
        assert opened(server, model="/models/mine").model == "/models/mine"


def test_one_server_of_two_is_enough_to_begin(caplog):
    with HostileServer() as gone:
        pass
    with HostileServer() as server:
        generator = opened(gone, server, requests=[a_request()])
    assert generator.provenance() == {"model": "tiny", "response_format": "json_schema"}
    assert "tried again later" in caplog.text


def test_servers_with_different_models_are_refused():
    with (
        HostileServer(models=["a"]) as one,
        HostileServer(models=["b"]) as other,
        pytest.raises(ConfigError, match="a, b"),
    ):
        opened(one, other)


@pytest.mark.parametrize(
    ("kinds", "found"),
    [
        (["json_schema", "json_object_schema"], "json_schema"),
        (["json_object_schema", "json_object"], "json_object_schema"),
        (["json_object"], "json_object"),
        ([], "plain"),
    ],
)
def test_the_strictest_format_that_is_obeyed_is_used(kinds, found):
    with HostileServer(obeying(*kinds)) as server:
        generator = opened(server, requests=[a_request()])
    (asked,) = [text for text in server.asked if not text.startswith(PROBE.text)]
    sent = server.bodies[asked].get("response_format", {})
    assert generator.provenance()["response_format"] == found
    assert sent.get("type") == {"json_object_schema": "json_object", "plain": None}.get(found, found)
    assert ("JSON Schema" in asked) == (found in ("json_object", "plain"))


def test_a_format_that_is_refused_or_breaks_the_server_is_not_used():
    answers = {"json_schema": hostile.status(400), "json_object": hostile.status(500)}

    def decide(body, count):
        return answers.get(body.get("response_format", {}).get("type"), hostile.says("A grey gradient."))

    with HostileServer(decide) as server:
        assert opened(server).provenance()["response_format"] == "plain"


def test_of_several_servers_the_least_obedient_sets_the_format():
    with HostileServer(obeying("json_schema")) as one, HostileServer(obeying("json_object")) as other:
        assert opened(one, other).provenance()["response_format"] == "json_object"


def test_a_format_that_was_chosen_is_used_without_being_judged():
    with HostileServer(obeying()) as server:
        generator = opened(server, response_format="json_object_schema")
    assert generator.provenance()["response_format"] == "json_object_schema"
    assert sum(server.asked.values()) == 1


@pytest.mark.parametrize("text", ["", '{"user_prompt": "and then it th'])
def test_a_probe_that_runs_out_of_tokens_decides_nothing(text):
    with HostileServer(lambda *_: hostile.says(text, "length")) as server:
        assert opened(server).provenance()["response_format"] == "json_schema"


def test_a_server_that_takes_no_clips_is_found_out_before_anything_is_paid_for():
    def decide(body, count):
        kinds = {part["type"] for turn in body["messages"] for part in turn["content"] if isinstance(part, dict)}
        return hostile.status(400, "video_url is not supported") if "video_url" in kinds else hostile.says()

    with HostileServer(decide) as server:
        assert opened(server).provenance()["response_format"] == "json_schema"
        with pytest.raises(ConfigError, match=r"one clip of type video/jpeg: .*video_url is not supported"):
            opened(server, clips="video")


def test_preflight_outlasts_a_server_that_is_busy_for_a_moment():
    with HostileServer(lambda body, count: hostile.busy(0.01) if count == 0 else hostile.says()) as server:
        assert opened(server).provenance()["response_format"] == "json_schema"
