"""Errors of servers and networks: which are retried, what is reported, and that no key is."""

import json
import logging
import ssl

import hostile_server as hostile
import pytest
import trustme
from asking import a_request, annotate, numbered, replies
from hostile_server import HostileServer, failing

from pgen.errors import ConfigError, SampleError
from pgen_qwen_openai.generator import QwenOpenAIGenerator


def body(status=200, **value):
    return hostile.raw(json.dumps(value).encode(), code=status)


def error_of(*behaviours, **options):
    """The error of a sample whose requests meet these behaviours, and the number of requests."""
    with HostileServer(failing(*behaviours)) as server, pytest.raises(SampleError) as caught:
        replies(server, a_request(), **options)
    assert caught.value.stage == "transport"
    return str(caught.value), server.asked["step 0"]


BUSY = body(
    id=None, choices=None, error={"message": "Provider returned error", "code": 429, "metadata": {"raw": "Slow"}}
)
STOPPED = body(
    choices=[{"finish_reason": "error", "error": {"code": 502, "message": "Upstream overloaded"}, "message": {}}]
)
STOPPED_AT_THE_END = hostile.says(None, "error", error={"code": 502, "message": "Provider disconnected"})
DAILY = body(code="rate_limit_daily", message="Error code: 429 - daily request limit reached")


@pytest.mark.parametrize(
    "behaviours",
    [
        [hostile.status(code) for code in (408, 409, 500)],
        [hostile.status(code) for code in (502, 503, 504)],
        [hostile.busy(0.001), hostile.busy(-5, as_date=True), hostile.status(429)],
        [hostile.cut, hostile.hang_up, hostile.raw(b"{")],
        [hostile.raw(b'{"error": {"message": "upstream"}}'), hostile.raw(b"[" * 100_000), hostile.raw(b"\xff")],
        [hostile.raw(json.dumps({"choices": choices}).encode()) for choices in ([], [None], [{"message": 5}])],
        [BUSY, STOPPED, STOPPED_AT_THE_END],
    ],
)
def test_an_error_that_may_pass_is_retried_and_counted(behaviours):
    with HostileServer(failing(*behaviours)) as server:
        _, (reply,) = replies(server, a_request())
    assert reply.retries == 3
    assert json.loads(reply.text)["user_prompt"] == "Do step 0"


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        *((hostile.status(code, "no"), f"answered {code}: no") for code in (400, 401, 403, 404, 413, 422)),
        (hostile.status(302, "no", {"Location": "/elsewhere"}), "answered 302: a redirect to /elsewhere: no"),
        (DAILY, "answered 429: Error code: 429 - daily"),
        (hostile.status(429, "no money", error_code="insufficient_quota"), "answered 429: no money"),
        (body(error={"message": "no such thing", "code": 400}), "answered 400: no such thing"),
        (
            body(422, detail="Bad", errors=[{"loc": "body -> messages", "msg": "not text"}]),
            "answered 422: Bad: body -> messages: not text",
        ),
        (hostile.flood, "more than 1 MB"),
    ],
)
def test_an_error_that_does_not_pass_is_not_retried(behaviour, message):
    error, requests = error_of(*[behaviour] * 3)
    assert message in error
    assert requests == 1


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        (BUSY, "answered 429: Provider returned error: Slow; sent 4 times"),
        (body(error="out of memory"), "answered with an error: out of memory; sent 4 times"),
        (STOPPED, "broke a reply off: Upstream overloaded; sent 4 times"),
        (STOPPED_AT_THE_END, "broke a reply off: Provider disconnected; sent 4 times"),
    ],
)
def test_the_last_of_several_errors_is_quoted(behaviour, message):
    assert message in error_of(*[hostile.status(500, "mishap")] * 3, *[behaviour] * 6)[0]


def test_a_response_that_never_ends_is_given_up_in_time():
    error, _ = error_of(*[hostile.trickle] * 9, timeout=1, max_retries=8)
    assert "did not answer within 1 s; sent 3 times" in error


def test_the_key_is_sent_and_shown_nowhere(monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("A_SECRET", " sk-very-secret\n")
    behaviours = failing(hostile.status(500, "sk-very-secret"), hostile.status(400, "your key is sk-very-secret"))
    with HostileServer(behaviours, key="sk-very-secret") as server:
        generator, _ = replies(server, api_key_env="A_SECRET")
        with pytest.raises(SampleError) as caught:
            replies(server, a_request(), api_key_env="A_SECRET")
    assert "your key is ***" in str(caught.value)
    shown = [repr(generator), json.dumps(generator.describe()), json.dumps(generator.provenance()), caplog.text]
    assert not any("very-secret" in text for text in [*shown, str(caught.value)])


def test_a_wrong_key_stops_the_run_and_is_not_repeated(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong")
    with HostileServer(key="sk-right") as server, pytest.raises(ConfigError, match="OPENAI_API_KEY") as caught:
        replies(server)
    assert "Bearer ***" in str(caught.value)
    assert "sk-" not in str(caught.value)


def test_a_key_in_a_reply_is_redacted(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "hush-0123456789")

    def repeat(request, count):
        return hostile.says(hostile.dialogue(request).replace("Sure.", "The key is hush-0123456789."))

    with HostileServer(repeat, key="hush-0123456789") as server:
        _, (reply,) = replies(server, a_request())
    assert json.loads(reply.text)["robot_utterance"] == "The key is ***."


def test_a_certificate_of_another_host_stops_the_run(monkeypatch, tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("elsewhere.example").configure_cert(context)
    with HostileServer(tls=context) as server, pytest.raises(ConfigError, match=r"certificate.*base_url"):
        replies(server)
    assert not server.asked


def test_when_one_server_fails_the_other_takes_over():
    with HostileServer(failing(*[hostile.status(500)] * 1000)) as bad, HostileServer() as good:
        generator = QwenOpenAIGenerator(base_url=[bad.url, good.url], max_retries=8, retry_wait=0.001, concurrency=8)
        done = annotate(generator, numbered(60))
    assert all(annotation.dialogue for annotation in done)
    assert sum(good.asked.values()) >= 60
    assert len(bad.asked) < 30
    assert good.peak <= 8


def test_a_server_that_stops_during_the_run_costs_no_sample():
    with HostileServer() as stays:
        leaves = HostileServer()
        leaves.__enter__()
        urls, stopped = [leaves.url, stays.url], []
        generator = QwenOpenAIGenerator(base_url=urls, max_retries=8, retry_wait=0.001, concurrency=8)

        def stop_once(annotation):
            if not stopped:
                stopped.append(leaves.__exit__())

        done = annotate(generator, numbered(100), each=stop_once)
    assert len(done) == 100
    assert all(annotation.dialogue for annotation in done)
