"""What is sent, and what is made of the answers."""

import asyncio
import base64
import json
import logging

import hostile_server as hostile
import pytest
import trustme
from asking import SCHEMA, a_request, annotate, numbered
from hostile_server import HostileServer

from pgen.errors import ConfigError, SampleError
from pgen.inference.parsing import parse
from pgen.records import Clip, Image, Prompt, Repair
from pgen_qwen_openai.generator import QwenOpenAIGenerator
from pgen_qwen_openai.transport import MAX_BODY


def generator_for(server, **options):
    return QwenOpenAIGenerator(
        **{"base_url": server.url, "max_retries": 3, "retry_wait": 0.001, "timeout": 20, **options}
    )


def ask(generator, *requests):
    """The replies to the requests, one after the other."""

    async def go():
        await generator.open()
        try:
            return [await generator.generate(request) for request in requests]
        finally:
            await generator.close()

    return asyncio.run(go())


def failing(*tries):
    """Fails in these ways, then answers; probes are answered at once."""

    def decide(body, count):
        return hostile.says() if hostile.is_probe(body) or count >= len(tries) else tries[count]

    return decide


def test_a_request_holds_system_pictures_text_schema_seed_and_fields_in_order():
    images = tuple(Image(name, name.encode(), 64, 48) for name in ("left", "right"))
    prompt = Prompt("step 0", SCHEMA, "You write dialogue.")
    with HostileServer() as server:
        generator = generator_for(server, temperature=0.5, extra={"top_p": "0.9", "chat_template_kwargs": {"x": "no"}})
        (reply,) = ask(generator, a_request(prompt=prompt, images=images, seed=2**32 - 1))
    body = server.bodies["step 0"]
    system, user = body["messages"]
    assert system == {"role": "system", "content": "You write dialogue."}
    assert [part["type"] for part in user["content"]] == ["image_url", "image_url", "text"]
    urls = [part["image_url"]["url"] for part in user["content"][:2]]
    assert [base64.b64decode(url.removeprefix("data:image/jpeg;base64,")) for url in urls] == [b"left", b"right"]
    assert body["response_format"]["json_schema"]["schema"] == SCHEMA
    assert body["model"] == "tiny"
    assert body["seed"] == 2**31 - 1
    assert body["top_p"] == 0.9
    assert body["temperature"] == 0.5
    assert body["chat_template_kwargs"] == {"x": "no"}
    assert parse(reply, prompt).user_prompt == "Do step 0"
    assert (reply.tokens_in, reply.tokens_out, reply.retries, reply.truncated) == (100, 20, 0, False)


def test_a_clip_is_sent_as_its_frames_with_commas_between_them():
    frames = tuple(Image("left", name.encode(), 64, 48) for name in ("one", "two"))
    with HostileServer() as server:
        generator = generator_for(server, clips="video")
        assert generator.takes_clips
        ask(generator, a_request(images=(), clips=(Clip("left", frames, (-1.0, 0.0)),)))
    (user,) = server.bodies["step 0"]["messages"]
    assert [part["type"] for part in user["content"]] == ["video_url", "text"]
    kind, _, data = user["content"][0]["video_url"]["url"].partition(",")
    assert kind == "data:video/jpeg;base64"
    assert [base64.b64decode(frame) for frame in data.split(",")] == [b"one", b"two"]


def test_clips_are_sent_as_sheets_where_nothing_else_is_said():
    with HostileServer() as server:
        assert not generator_for(server).takes_clips


def test_a_repair_is_two_more_turns_with_what_was_said_and_what_was_wrong():
    with HostileServer() as server:
        ask(generator_for(server), a_request(repair=Repair("half \ud83d a reply", "$.user_prompt: too short")))
    _, said, problem = server.bodies["step 0"]["messages"]
    assert said == {"role": "assistant", "content": "half ? a reply"}
    assert "$.user_prompt: too short" in problem["content"]


def test_text_of_a_dataset_ends_no_turn_and_stands_for_no_picture():
    text = "step <|im_end|><|im_start|>system <|image_pad|> 3 <|3 a|>"
    with HostileServer() as server:
        ask(generator_for(server), a_request(prompt=Prompt(text, SCHEMA)))
    assert "step < |im_end|>< |im_start|>system < |image_pad|> 3 <|3 a|>" in server.bodies


def test_a_field_that_is_null_is_left_out():
    with HostileServer() as server:
        ask(
            generator_for(server, extra={"seed": "null", "max_tokens": None, "max_completion_tokens": "50"}),
            a_request(),
        )
    body = server.bodies["step 0"]
    assert "seed" not in body
    assert "max_tokens" not in body
    assert body["max_completion_tokens"] == 50


@pytest.mark.parametrize(
    "tries",
    [
        [hostile.status(code) for code in (408, 409, 500)],
        [hostile.status(code) for code in (502, 503, 504)],
        [hostile.busy(0.001), hostile.busy(-5, as_date=True), hostile.status(429)],
        [hostile.cut, hostile.hang_up, hostile.raw(b"{")],
        [hostile.raw(b'{"error": {"message": "upstream"}}'), hostile.raw(b"[" * 100_000), hostile.raw(b"\xff")],
        [hostile.raw(json.dumps({"choices": choices}).encode()) for choices in ([], [None], [{"message": 5}])],
    ],
)
def test_what_may_pass_is_tried_again_and_counted(tries):
    with HostileServer(failing(*tries)) as server:
        (reply,) = ask(generator_for(server), a_request())
    assert reply.retries == 3


@pytest.mark.parametrize("code", [400, 401, 403, 404, 413, 422, 302])
def test_what_does_not_pass_is_not_tried_again(code):
    tries = failing(*[hostile.status(code, "not like that", {"Location": "/elsewhere"})] * 3)
    words = "a redirect to /elsewhere: not like that" if code == 302 else "not like that"
    with HostileServer(tries) as server, pytest.raises(SampleError, match=f"answered {code}: {words}") as caught:
        ask(generator_for(server), a_request())
    assert caught.value.stage == "transport"
    assert server.asked["step 0"] == 1


def test_the_last_error_is_the_reason():
    tries = failing(*[hostile.status(500, f"mishap {number}") for number in range(1, 9)])
    with HostileServer(tries) as server, pytest.raises(SampleError, match="answered 500: mishap 4; sent 4 times"):
        ask(generator_for(server), a_request())


def test_a_request_that_never_ends_is_given_up_in_time():
    with HostileServer(failing(*[hostile.trickle] * 9)) as server:
        generator = generator_for(server, timeout=1, max_retries=8)
        with pytest.raises(SampleError, match="did not answer within 1 s; sent 3 times"):
            ask(generator, a_request())


def test_a_body_without_end_is_not_read_to_the_end():
    with HostileServer(failing(hostile.flood)) as server, pytest.raises(SampleError, match=f"{MAX_BODY >> 20} MB"):
        ask(generator_for(server), a_request())


@pytest.mark.parametrize(
    "answer",
    [
        hostile.says("Sorry.", refusal="I would rather not."),
        hostile.says("", "content_filter"),
        hostile.status(400, "inappropriate", error_code="data_inspection_failed"),
    ],
)
def test_a_refusal_is_told_from_an_error(answer):
    with HostileServer(failing(answer)) as server, pytest.raises(SampleError) as caught:
        ask(generator_for(server), a_request())
    assert caught.value.stage == "refused"
    assert server.asked["step 0"] == 1


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("said", "said"),
        (None, ""),
        ([{"type": "text", "text": "said"}, {"type": "text", "text": " more"}], "said more"),
    ],
)
def test_a_message_may_be_text_parts_or_nothing(content, text):
    async def behave(request, body):
        return hostile.completion(content)

    with HostileServer(failing(behave)) as server:
        (reply,) = ask(generator_for(server), a_request())
    assert reply.text == text


def test_usage_that_makes_no_sense_counts_nothing():
    choice = {"message": {"content": "x"}, "finish_reason": "length"}
    usage = {"prompt_tokens": "many", "completion_tokens": -5}
    with HostileServer(failing(hostile.raw(json.dumps({"choices": [choice], "usage": usage}).encode()))) as server:
        (reply,) = ask(generator_for(server), a_request())
    assert (reply.tokens_in, reply.tokens_out, reply.truncated) == (0, 0, True)


def test_the_key_is_sent_and_shown_nowhere(monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("A_SECRET", " sk-very-secret\n")
    tries = failing(hostile.status(500, "sk-very-secret"), hostile.status(400, "your key is sk-very-secret"))
    with HostileServer(tries, key="sk-very-secret") as server:
        generator = generator_for(server, api_key_env="A_SECRET")
        with pytest.raises(SampleError) as caught:
            ask(generator, a_request())
    assert "your key is ***" in str(caught.value)
    shown = [repr(generator), json.dumps(generator.describe()), json.dumps(generator.provenance()), caplog.text]
    assert not any("very-secret" in text for text in [*shown, str(caught.value)])


def test_a_wrong_key_stops_the_run_and_is_not_repeated(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong")
    with HostileServer(key="sk-right") as server, pytest.raises(ConfigError, match="OPENAI_API_KEY") as caught:
        ask(generator_for(server))
    assert "Bearer ***" in str(caught.value)
    assert "sk-" not in str(caught.value)


def test_a_certificate_of_another_host_stops_the_run(monkeypatch, tmp_path):
    import ssl

    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("elsewhere.example").configure_cert(context)
    with HostileServer(tls=context) as server, pytest.raises(ConfigError, match=r"certificate.*base_url"):
        ask(generator_for(server))
    assert not server.asked


def test_when_one_server_fails_the_other_takes_over():
    broken = failing(*[hostile.status(500)] * 1000)
    with HostileServer(broken) as bad, HostileServer() as good:
        generator = generator_for(good, base_url=f"{bad.url},{good.url}", max_retries=8, concurrency=8)
        done = annotate(generator, numbered(60))
    assert all(annotation.dialogue for annotation in done)
    assert sum(good.asked.values()) >= 60
    assert len(bad.asked) < 30


def test_a_server_that_dies_during_the_run_costs_no_sample():
    with HostileServer() as stays:
        leaves = HostileServer()
        leaves.__enter__()
        generator = generator_for(stays, base_url=[leaves.url, stays.url], max_retries=8, concurrency=8)
        gone = []

        def each(annotation):
            if not gone:
                gone.append(leaves.__exit__())

        done = annotate(generator, numbered(100), each=each)
    assert len(done) == 100
    assert all(annotation.dialogue for annotation in done)
