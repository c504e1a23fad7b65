"""What becomes of answers that are neither a plain reply nor a plain error, over real HTTP."""

import asyncio
import json

import hostile_server as hostile
import pytest
from asking import a_request
from hostile_server import HostileServer

from pgen.errors import ConfigError, SampleError
from pgen.inference.parsing import parse
from pgen.records import Image
from pgen_qwen_openai.generator import QwenOpenAIGenerator


def asked(server, *requests, pictures=1, **options):
    """The generator, and its replies to the requests."""
    generator = QwenOpenAIGenerator(
        **{"base_url": server.url, "max_retries": 3, "retry_wait": 0.001, "timeout": 20, **options}
    )
    generator.pictures = pictures

    async def go():
        await generator.open()
        try:
            return [await generator.generate(request) for request in requests]
        finally:
            await generator.close()

    return generator, asyncio.run(go())


def body(**value):
    return hostile.raw(json.dumps(value).encode())


def failing(*tries):
    """Fails in these ways, then answers; probes are answered at once."""

    def decide(request, count):
        return hostile.says() if hostile.is_probe(request) or count >= len(tries) else tries[count]

    return decide


BUSY = body(
    id=None, choices=None, error={"message": "Provider returned error", "code": 429, "metadata": {"raw": "Slow"}}
)
DAILY = body(code="rate_limit_daily", message="Error code: 429 - daily request limit reached")
BROKEN_OFF = body(
    choices=[{"finish_reason": "error", "error": {"code": 502, "message": "Upstream overloaded"}, "message": {}}]
)
WHOLE_BUT_BROKEN_OFF = hostile.says(None, "error", error={"code": 502, "message": "Provider disconnected"})


@pytest.mark.parametrize("problem", [BUSY, body(error="out of memory"), BROKEN_OFF, WHOLE_BUT_BROKEN_OFF])
def test_an_error_with_status_200_passes_like_its_code(problem):
    with HostileServer(failing(problem, problem)) as server:
        _, (reply,) = asked(server, a_request())
    assert reply.retries == 2
    assert json.loads(reply.text)["user_prompt"] == "Do step 0"


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (BUSY, "answered 429: Provider returned error: Slow; sent 4 times"),
        (body(error="out of memory"), "answered with an error: out of memory; sent 4 times"),
        (BROKEN_OFF, "broke a reply off: Upstream overloaded; sent 4 times"),
        (WHOLE_BUT_BROKEN_OFF, "broke a reply off: Provider disconnected; sent 4 times"),
    ],
)
def test_an_error_with_status_200_that_stays_is_quoted(problem, words):
    with HostileServer(failing(*[problem] * 9)) as server, pytest.raises(SampleError, match=words) as caught:
        asked(server, a_request())
    assert caught.value.stage == "transport"


@pytest.mark.parametrize("problem", [DAILY, hostile.status(429, "no money", error_code="insufficient_quota")])
def test_a_limit_that_does_not_pass_soon_is_not_asked_again(problem):
    with HostileServer(failing(*[problem] * 9)) as server, pytest.raises(SampleError, match="answered 429: "):
        asked(server, a_request())
    assert server.asked["step 0"] == 1


def test_a_limit_for_the_day_stops_a_run_before_it_begins():
    with (
        HostileServer(lambda *_: DAILY) as server,
        pytest.raises(ConfigError, match=r"daily.*when the limit is lifted"),
    ):
        asked(server)


def test_an_error_with_status_200_that_cannot_pass_is_not_asked_again():
    problem = body(error={"message": "no such thing", "code": 400})
    with HostileServer(failing(*[problem] * 9)) as server, pytest.raises(SampleError, match="answered 400: no such"):
        asked(server, a_request())
    assert server.asked["step 0"] == 1


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
@pytest.mark.parametrize("content", [None, ""])
def test_a_whole_answer_that_a_server_took_for_thinking_is_used(name, content):
    async def behave(request, asked_for):
        return hostile.completion(content, **{name: hostile.dialogue(asked_for)})

    with HostileServer(lambda *_: behave) as server:
        _, (reply,) = asked(server, a_request())
    assert parse(reply, a_request().prompt).user_prompt == "Do step 0"


@pytest.mark.parametrize(("finish", "stage"), [("stop", "parse"), ("length", "truncated")])
def test_thinking_without_an_answer_is_none(finish, stage):
    async def behave(request, _):
        return hostile.completion(None, finish, reasoning='Let me see: {"user_prompt": "no"')

    with HostileServer(failing(behave)) as server:
        _, (reply,) = asked(server, a_request())
    with pytest.raises(SampleError) as caught:
        parse(reply, a_request().prompt)
    assert caught.value.stage == stage
    assert reply.tokens_out


@pytest.mark.parametrize("finish", ["stop", "length"])
def test_a_model_that_only_thinks_is_found_out_before_the_run(finish):
    async def behave(request, _):
        return hostile.completion(None, finish, reasoning="The picture shows a gradient. Let me")

    remedies = r"enable_thinking=false.*generator\.max_tokens=8192.*reasoning parser"
    with HostileServer(lambda *_: behave) as server, pytest.raises(ConfigError, match=remedies):
        asked(server)


def shown(request):
    turn = next(turn for turn in request["messages"] if turn["role"] == "user")
    return sum(part["type"] != "text" for part in turn["content"])


def at_most(limit, code=400):
    """A server that takes so many pictures."""

    def decide(request, count):
        if shown(request) > limit:
            return hostile.status(code, f"At most {limit} image(s) may be provided in one prompt.")
        return hostile.says()

    return decide


@pytest.mark.parametrize("pictures", [0, 1, 2, 3])
def test_preflight_shows_as_many_pictures_as_a_sample_has(pictures):
    with HostileServer() as server:
        asked(server, pictures=pictures)
    (probe,) = server.bodies.values()
    assert shown(probe) == pictures


@pytest.mark.parametrize(("limit", "few"), [(1, "1 image a"), (2, "2 images a")])
def test_a_server_that_takes_fewer_pictures_is_found_out_with_both_remedies(limit, few):
    words = (
        rf"no more than {few} request, and a sample has 3: .*At most {limit} image\(s\).*"
        rf"""--limit-mm-per-prompt '{{"image": 3}}'.*--num-image-views-per-sample {limit} or --camera KEY"""
    )
    with HostileServer(at_most(limit)) as server, pytest.raises(ConfigError, match=words):
        asked(server, pictures=3)


def test_a_server_that_takes_no_picture_is_found_out():
    with HostileServer(at_most(0, 422)) as server, pytest.raises(ConfigError, match="--num-image-views-per-sample 0"):
        asked(server, pictures=2)


def test_a_server_that_takes_no_picture_will_do_where_none_is_shown():
    with HostileServer(at_most(0)) as server:
        _, replies = asked(server, a_request(), pictures=0)
    assert len(replies) == 1


def test_pictures_of_a_request_are_as_many_as_it_has():
    images = tuple(Image(name, b"x", 1, 1) for name in ("left", "right"))
    with HostileServer(at_most(2)) as server:
        asked(server, a_request(images=images), pictures=2)
    assert shown(server.bodies["step 0"]) == 2


def knowing(*fields, **refusal):
    """A server that refuses all other fields in one way."""

    def decide(request, count):
        for name in ("max_tokens", "max_completion_tokens", "temperature", "seed"):
            if name in request and name not in fields:
                return refusal["way"](name)
        return hostile.says()

    return decide


def openai(name):
    message = f"Unsupported parameter: '{name}' is not supported with this model."
    problem = {"message": message, "type": "invalid_request_error", "param": name, "code": "unsupported_parameter"}
    return answered(400, {"error": problem})


def pydantic(name):
    detail = [{"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted", "input": 1}]
    return answered(422, {"detail": detail})


def answered(status, value):
    async def behave(request, _):
        from aiohttp import web

        return web.json_response(value, status=status)

    return behave


@pytest.mark.parametrize("way", [openai, pydantic])
@pytest.mark.parametrize(
    ("known", "left_out"),
    [
        (("max_completion_tokens", "seed"), ["max_tokens", "temperature"]),
        (("max_tokens", "temperature"), ["seed"]),
        ((), ["max_completion_tokens", "max_tokens", "seed", "temperature"]),
    ],
)
def test_a_field_that_a_server_does_not_know_is_left_out_and_named(way, known, left_out, caplog):
    with HostileServer(knowing(*known, way=way)) as server:
        generator, _ = asked(server, a_request(), max_tokens=77)
    sent = server.bodies["step 0"]
    assert sent.keys() & {"max_tokens", "max_completion_tokens", "temperature", "seed"} == set(known)
    assert generator.provenance()["unknown_fields"] == left_out
    assert all(f"does not know {name}" in caplog.text for name in left_out)
    assert sent.get("max_completion_tokens", 77) == 77


def test_a_field_that_the_user_set_is_not_left_out():
    server = HostileServer(knowing("max_tokens", "temperature", way=openai))
    with server, pytest.raises(ConfigError, match="'seed' is not supported"):
        asked(server, extra={"seed": 5})


def test_a_field_that_is_too_large_is_not_left_out():
    problem = {"message": "max_tokens is too large: 5000. The model supports at most 4096.", "param": "max_tokens"}
    server = HostileServer(lambda *_: answered(400, {"error": problem}))
    with server, pytest.raises(ConfigError, match="max_tokens is too large"):
        asked(server)


def test_the_detail_of_a_422_is_shown():
    value = {"detail": "Validation Error", "errors": [{"loc": "body -> messages", "msg": "Input should be 'text'"}]}
    words = "answered 422: Validation Error: body -> messages: Input should be 'text'"
    with HostileServer(failing(answered(422, value))) as server, pytest.raises(SampleError, match=words):
        asked(server, a_request())
