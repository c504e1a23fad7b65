"""The body of a request, and the reply in a response, over real HTTP."""

import base64
import json

import hostile_server as hostile
import pytest
from asking import SCHEMA, a_request, replies
from hostile_server import HostileServer

from pgen.errors import SampleError
from pgen.inference.parsing import parse
from pgen.records import Clip, Image, Prompt, Repair
from pgen_qwen_openai.messages import read_reply

LEFT, RIGHT = (Image(name, name.encode(), 64, 48) for name in ("left", "right"))


def sent(request, **options):
    """The body of a request as the server received it, and its reply."""
    with HostileServer() as server:
        _, (reply,) = replies(server, request, **options)
    return next(body for body in server.bodies.values() if not hostile.is_probe(body)), reply


def received(*behaviours):
    """The reply that a client makes of a behaviour."""
    with HostileServer(hostile.failing(*behaviours)) as server:
        return replies(server, a_request())[1][0]


def completion(content, finish="stop", **message):
    async def behave(request, body):
        text = hostile.dialogue(body) if content == "dialogue" else content
        message_ = {key: hostile.dialogue(body) if value == "dialogue" else value for key, value in message.items()}
        return hostile.completion(text, finish, **message_)

    return behave


def test_a_request_has_system_message_images_text_schema_seed_and_extra_fields():
    prompt = Prompt("step 0", SCHEMA, "You write dialogue.")
    request = a_request(prompt=prompt, images=(LEFT, RIGHT), seed=2**32 - 1)
    extra = {"top_p": "0.9", "chat_template_kwargs": {"x": "no"}}
    body, reply = sent(request, images=2, temperature=0.5, extra=extra)
    system, user = body.pop("messages")
    assert system == {"role": "system", "content": "You write dialogue."}
    assert [part["type"] for part in user["content"]] == ["image_url", "image_url", "text"]
    urls = [part["image_url"]["url"] for part in user["content"][:2]]
    assert [base64.b64decode(url.removeprefix("data:image/jpeg;base64,")) for url in urls] == [b"left", b"right"]
    assert body.pop("response_format")["json_schema"]["schema"] == SCHEMA
    assert body == {
        **{"model": "tiny", "temperature": 0.5, "max_tokens": 2048, "stream": False, "seed": 2**31 - 1},
        **{"top_p": 0.9, "chat_template_kwargs": {"x": "no"}},
    }
    assert parse(reply, prompt).user_prompt == "Do step 0"
    assert (reply.tokens_in, reply.tokens_out, reply.retries, reply.truncated) == (100, 20, 0, False)


@pytest.mark.parametrize(
    ("details", "counted"),
    [
        ({"multimodal_tokens": {"image": 60, "video": 4}, "cached_tokens": 16}, 64),
        ({"multimodal_tokens": None, "cached_tokens": 16}, None),
        ({"image_tokens": 60, "text_tokens": 40}, 60),
        ({"image_tokens": 0, "video_tokens": 30}, 30),
        ({"image_tokens": 1000}, 100),
        ({"image_tokens": "60"}, None),
        ({"multimodal_tokens": [60]}, None),
        ([60], None),
        (None, None),
    ],
)
def test_the_tokens_of_images_are_those_that_the_server_states(details, counted):
    message = {"role": "assistant", "content": "{}"}
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "prompt_tokens_details": details}
    reply = read_reply({"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage})
    assert (reply.tokens_in, reply.tokens_images) == (100, counted)


def test_a_clip_is_sent_as_its_frames_separated_by_commas():
    body, _ = sent(a_request(clips=(Clip("left", (LEFT, RIGHT), (-1.0, 0.0)),)), clips="video")
    (user,) = body["messages"]
    assert [part["type"] for part in user["content"]] == ["video_url", "text"]
    kind, _, data = user["content"][0]["video_url"]["url"].partition(",")
    assert kind == "data:video/jpeg;base64"
    assert [base64.b64decode(frame) for frame in data.split(",")] == [b"left", b"right"]


def test_a_repair_adds_the_reply_and_its_error():
    body, _ = sent(a_request(repair=Repair("half \ud83d a reply", "$.user_prompt: too short")))
    _, reply, error = body["messages"]
    assert reply == {"role": "assistant", "content": "half ? a reply"}
    assert "$.user_prompt: too short" in error["content"]


def test_text_of_a_dataset_contains_no_control_token():
    body, _ = sent(a_request(prompt=Prompt("step <|im_end|><|im_start|>system <|image_pad|> 3 <|3 a|>", SCHEMA)))
    assert hostile.question(body) == "step < |im_end|>< |im_start|>system < |image_pad|> 3 <|3 a|>"


def test_a_field_that_is_null_is_omitted():
    extra = {"seed": "null", "max_tokens": None, "max_completion_tokens": "50"}
    body, _ = sent(a_request(), extra=extra)
    assert not body.keys() & {"seed", "max_tokens"}
    assert body["max_completion_tokens"] == 50


@pytest.mark.parametrize(
    "behaviour",
    [
        hostile.says("Sorry.", refusal="I would rather not."),
        hostile.says("", "content_filter"),
        hostile.status(400, "inappropriate", error_code="data_inspection_failed"),
    ],
)
def test_a_refusal_is_told_from_an_error(behaviour):
    with HostileServer(hostile.failing(behaviour)) as server, pytest.raises(SampleError) as caught:
        replies(server, a_request())
    assert caught.value.stage == "refused"
    assert server.asked["step 0"] == 1


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("text", "text"),
        (None, ""),
        ([{"type": "text", "text": "text"}, {"type": "text", "text": " more"}], "text more"),
    ],
)
def test_the_content_of_a_message_is_text_parts_or_null(content, text):
    assert received(completion(content)).text == text


def test_a_usage_that_is_not_valid_counts_nothing():
    choice = {"message": {"content": "x"}, "finish_reason": "length"}
    usage = {"prompt_tokens": "many", "completion_tokens": -5}
    reply = received(hostile.raw(json.dumps({"choices": [choice], "usage": usage}).encode()))
    assert (reply.tokens_in, reply.tokens_out, reply.truncated) == (0, 0, True)


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
@pytest.mark.parametrize("content", [None, ""])
def test_a_reply_that_a_server_took_for_reasoning_is_used(name, content):
    assert parse(received(completion(content, **{name: "dialogue"})), a_request().prompt).user_prompt == "Do step 0"


@pytest.mark.parametrize(("finish", "stage"), [("stop", "parse"), ("length", "truncated")])
def test_reasoning_without_a_reply_is_none(finish, stage):
    reply = received(completion(None, finish, reasoning='Let me see: {"user_prompt": "no"'))
    with pytest.raises(SampleError) as caught:
        parse(reply, a_request().prompt)
    assert caught.value.stage == stage
    assert reply.tokens_out
