"""Models that reason before they reply: what the checks before the run find out, and what the requests then hold."""

import json

import hostile_server as hostile
import pytest
from asking import a_request, replies
from hostile_server import HostileServer
from hypothesis import given
from hypothesis import strategies as st

from pgen.errors import ConfigError
from pgen.inference.parsing import parse
from pgen_qwen_openai.reasoning import RESERVED, after_reasoning, is_reasoned

THOUGHT = "The picture shows a gradient. Let me"
FIELDS = ("reasoning", "reasoning_content")


def switched_off(body):
    return body.get("chat_template_kwargs", {}).get("enable_thinking") is False


def always(behaviour):
    return lambda *_: behaviour


def spent(field=None):
    """All tokens went into reasoning: the content is null, or empty without any sign of it."""
    return hostile.says("", "length") if field is None else hostile.says("", "length", **{field: THOUGHT})


def inline(body):
    """A reply behind its reasoning, by a server without a reasoning parser. The chat template opened the block."""
    return hostile.says(f"{THOUGHT}\n</think>\n\n{hostile.dialogue(body)}")


def run_body(server):
    (body,) = [body for body in server.bodies.values() if not hostile.is_probe(body)]
    return body


@pytest.mark.parametrize("shows", [spent(), *map(spent, FIELDS)])
def test_reasoning_is_turned_off_and_reported(shows, caplog):
    with HostileServer(lambda body, count: hostile.says() if switched_off(body) else shows) as server:
        generator, (reply,) = replies(server, a_request(), extra={"chat_template_kwargs": {"x": 1}})
    body = run_body(server)
    assert body["chat_template_kwargs"] == {"enable_thinking": False, "x": 1}
    assert body["max_tokens"] == 2048
    assert generator.provenance()["response_format"] == "json_schema"
    assert generator.provenance()["reasoning"] == "off, by chat_template_kwargs.enable_thinking=false"
    assert "the model reasons before it replies: off" in caplog.text
    assert parse(reply, a_request().prompt)


def test_a_short_reasoning_with_an_answer_is_turned_off_too():
    def decide(body, count):
        return hostile.says() if switched_off(body) else hostile.says(reasoning=THOUGHT)

    with HostileServer(decide) as server:
        replies(server, a_request())
    assert switched_off(run_body(server))


def test_reasoning_that_a_format_hides_is_turned_off():
    """Without a reasoning parser, a grammar makes the model write JSON inside the block that its template opened."""

    def decide(body, count):
        if "response_format" in body:
            return hostile.says()
        return hostile.says("A grey gradient.") if switched_off(body) else inline(body)

    with HostileServer(decide) as server:
        generator, _ = replies(server, a_request())
    assert switched_off(run_body(server))
    assert generator.provenance()["response_format"] == "json_schema"


def test_a_format_that_fails_while_the_model_reasons_is_tried_again_without():
    def decide(body, count):
        if switched_off(body):
            return hostile.says()
        strict = body.get("response_format", {}).get("type") == "json_schema"
        return hostile.status(500, "Parser Error") if strict else spent("reasoning")

    with HostileServer(decide) as server:
        generator, _ = replies(server, a_request())
    assert switched_off(run_body(server))
    assert generator.provenance()["response_format"] == "json_schema"


@pytest.mark.parametrize("refusal", [hostile.status(400, "unknown field"), hostile.status(500), None])
@pytest.mark.parametrize("shows", [spent(), spent("reasoning")])
def test_tokens_are_reserved_where_reasoning_cannot_be_turned_off(refusal, shows, caplog):
    def decide(body, count):
        if "chat_template_kwargs" in body and refusal:
            return refusal
        return hostile.says(reasoning=THOUGHT) if body["max_tokens"] > 4000 else shows

    with HostileServer(decide) as server:
        generator, (reply,) = replies(server, a_request())
    body = run_body(server)
    assert (body["max_tokens"], "chat_template_kwargs" in body) == (2048 + RESERVED[0], False)
    assert generator.provenance()["reasoning"] == f"up to {RESERVED[0]} more tokens a reply"
    assert "more tokens a reply" in caplog.text
    assert parse(reply, a_request().prompt)


def test_the_reply_behind_reasoning_in_the_text_is_read():
    with HostileServer(lambda body, count: inline(body)) as server:
        generator, (reply,) = replies(server, a_request())
    assert generator.provenance()["response_format"] == "json_schema"
    assert parse(reply, a_request().prompt).user_prompt == "Do step 0"


def test_fewer_tokens_are_reserved_where_the_context_has_no_room_for_more():
    def decide(body, count):
        if body["max_tokens"] > 5000:
            return hostile.status(400, "max_tokens is too large: the context has 5000 tokens")
        return hostile.says(reasoning=THOUGHT) if body["max_tokens"] > 2048 else spent("reasoning")

    with HostileServer(decide) as server:
        replies(server, a_request())
    assert run_body(server)["max_tokens"] == 2048 + RESERVED[-1]


def test_a_reply_that_is_complete_without_more_tokens_is_used_where_there_are_none():
    def decide(body, count):
        if body["max_tokens"] > 2048:
            return hostile.status(400, "max_tokens is too large")
        return hostile.says(reasoning=THOUGHT)

    with HostileServer(decide) as server:
        generator, _ = replies(server, a_request())
    assert run_body(server)["max_tokens"] == 2048
    assert "reasoning" not in generator.provenance()


@pytest.mark.parametrize("chosen", [True, False])
def test_the_users_own_switch_is_left_as_it_is(chosen):
    with HostileServer(always(hostile.says(reasoning=THOUGHT))) as server:
        replies(server, a_request(), extra={"chat_template_kwargs": {"enable_thinking": chosen}})
    body = run_body(server)
    assert body["chat_template_kwargs"] == {"enable_thinking": chosen}
    assert body["max_tokens"] == 2048 + RESERVED[0]


@pytest.mark.parametrize("finish", ["stop", "length"])
def test_a_model_that_only_reasons_stops_the_run(finish):
    remedies = r"enable_thinking=false.*8192 more tokens.*generator\.max_tokens=16384.*reasoning parser"
    behaviour = hostile.says("", finish, reasoning=THOUGHT)
    with HostileServer(always(behaviour)) as server, pytest.raises(ConfigError, match=remedies):
        replies(server)


def test_an_empty_reply_at_the_token_limit_never_shows_a_format():
    with HostileServer(always(spent())) as server, pytest.raises(ConfigError, match="leaves the reply empty"):
        replies(server)


def test_of_several_servers_the_one_that_reasons_on_decides():
    obeys = HostileServer(lambda body, count: hostile.says() if switched_off(body) else spent("reasoning"))
    reasons = HostileServer(always(hostile.says(reasoning=THOUGHT)))
    with obeys, reasons:
        generator, _ = replies([obeys, reasons])
    assert generator.provenance()["reasoning"] == f"up to {RESERVED[0]} more tokens a reply"


@pytest.mark.parametrize(
    "text", [json.dumps({"a": 1}), "<think>\n\n</think>\n\n{}", "\n</think>{}", "A gradient.", '{"a": "</think>"}']
)
def test_an_empty_block_is_no_reasoning(text):
    assert not is_reasoned(text, "\n", truncated=False)


@given(st.text(), st.text())
def test_what_follows_the_reasoning_is_the_reply(thought, answer):
    answer = answer.replace("</think>", "")
    assert after_reasoning(f"<think>{thought}</think>{answer}") == answer
    assert after_reasoning(f"<think>{answer}") == ""
