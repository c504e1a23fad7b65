"""Texts of a server that are designed to take long: each is bounded, and read in linear time."""

import json
import time

import hostile_server as hostile
import pytest
from cpu_time import cpu_seconds
from fault_server import numbered
from hostile_runs import run
from hostile_server import HostileServer

from pgen.errors import ConfigError, SampleError
from pgen.inference.parsing import parse
from pgen.records import Prompt, Reply
from pgen.safety.redaction import excerpt, register
from pgen_dialogue.prompts.reply_schema import typed_schema
from pgen_qwen_openai.client import error_of
from pgen_qwen_openai.error_response import error_in_completion, parse_error
from pgen_qwen_openai.retry import retry_after
from pgen_qwen_openai.transport import Response

KEY = "hush-4f9c1e7ab2d8"
SIZE = 1_000_000
LIMIT = 0.05
"""Seconds of CPU time for a text of a megabyte."""

UNITS = (
    "-", "a", " ", "\n", ".", ":", "=", "%", "%4", "%41", "&", "&amp;", "\\", "\\u0041", '"', "{", "[", "[[", '{"a":',
    "://", "://a:", "://a:b@", "--a ", "--token ", "token", "token:", "bearer ", "sk-", "hf_", KEY[:9],
    "aHVzaC00", "字",
)  # fmt: skip


def status_of(text):
    return parse_error(json.dumps({"error": {"message": text, "code": text, "param": text}}).encode())


READERS = {
    "a message": excerpt,
    "a body": lambda text: parse_error(text.encode()),
    "an error": status_of,
    "an error with status 200": lambda text: error_in_completion(
        {"error": {"message": text, "metadata": {"raw": text}}},
    ),
    "a detail": lambda text: error_in_completion({"detail": [{"loc": ["body", text], "msg": text}] * 3}),
    "a header": lambda text: error_of(Response(302, {"Location": text}, b"")),
    "a time to wait": retry_after,
}


def seconds(work, text):
    return cpu_seconds(lambda: work(text), LIMIT)


@pytest.mark.parametrize("reader", READERS)
def test_a_text_of_a_megabyte_takes_linear_time(reader, tally):
    register(KEY)
    times = {unit: seconds(READERS[reader], unit * (SIZE // len(unit))) for unit in UNITS}
    assert {unit: time for unit, time in times.items() if time > LIMIT} == {}
    tally.add("texts of a server that are made to hold pgen up", len(UNITS))


def test_a_reply_of_a_megabyte_takes_linear_time(tally):
    register(KEY)
    prompt = Prompt("", typed_schema())

    def read(text):
        with pytest.raises(SampleError):
            parse(Reply(text), prompt)

    for unit in UNITS:
        assert seconds(read, unit * (SIZE // len(unit))) <= LIMIT, unit
    tally.add("texts of a server that are made to hold pgen up", len(UNITS))


def redirect(body, count):
    if hostile.is_probe(body):
        return hostile.says()
    unit = UNITS[int(hostile.question(body).split()[-1]) % len(UNITS)]
    text = (unit * 60_000)[:60_000].replace("\n", " ").encode("ascii", "replace").decode()
    return hostile.status(302, "x", {"Location": f"https://h.example/{text}"})


def test_redirects_to_long_addresses_fail_only_their_samples(place, tally):
    count = 100
    with HostileServer(redirect) as server:
        start = time.process_time()
        sink = run(numbered(count), place / "out", server, max_failures=1.0, max_retries=0)
        elapsed = time.process_time() - start
    assert {annotation.failure.stage for annotation in sink.annotations} == {"transport"}
    assert all(len(annotation.failure.reason) <= 500 for annotation in sink.annotations)
    assert elapsed < 0.1 * count  # the server's own work included
    tally.add("texts of a server that are made to hold pgen up", count)


@pytest.mark.parametrize("unit", UNITS)
def test_a_model_with_a_very_long_name_is_ignored(unit, place, tally):
    name = unit * (100_000 // len(unit))
    with HostileServer(models=[name]) as server, pytest.raises(ConfigError, match="lists no model") as caught:
        run(numbered(1), place / "out", server)
    assert len(str(caught.value)) < 500
    tally.add("texts of a server that are made to hold pgen up", 1)
