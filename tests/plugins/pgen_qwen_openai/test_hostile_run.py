"""The whole of it against a server that does everything wrong that servers do."""

from collections import Counter
from hashlib import blake2b
from itertools import chain

import hostile_server as hostile
import pytest
from asking import annotate, numbered, samples

from pgen_qwen_openai.generator import QwenOpenAIGenerator

pytestmark = pytest.mark.long

COUNT = 2000
CUT_OFF = '{"user_prompt": "Could you'
FITTING = hostile.says()

# What a sample meets, try after try (the last one for ever), how many tries it may take, and how it ends.
FATES = {
    "fine": ([FITTING], 1, "ok"),
    "late": ([hostile.late(0.05)], 1, "ok"),
    "busy once": ([hostile.busy(0.01), FITTING], 2, "ok"),
    "busy until a date": ([hostile.busy(-1, as_date=True), FITTING], 2, "ok"),
    "busy, no date": ([hostile.status(503), hostile.status(429), FITTING], 3, "ok"),
    "broken twice": ([hostile.status(500), hostile.status(502), FITTING], 3, "ok"),
    "cut in the middle": ([hostile.cut, hostile.hang_up, FITTING], 3, "ok"),
    "a page": ([hostile.raw(b"<html>", "text/html"), FITTING], 2, "ok"),
    "always broken": ([hostile.status(500)], 4, "transport"),
    "always cut": ([hostile.cut], 4, "transport"),
    "no completion": ([hostile.raw(b'{"choices": {"0": []}}')], 4, "transport"),
    "bad request": ([hostile.status(400, "too many images")], 1, "transport"),
    "forbidden": ([hostile.status(403, "not this one")], 1, "transport"),
    "come back tomorrow": ([hostile.busy(86400)], 1, "transport"),
    "flood": ([hostile.flood], 1, "transport"),
    "cut short": ([hostile.says(CUT_OFF, "length")], 2, "truncated"),
    "refusal": ([hostile.says(None, refusal="I will not.")], 1, "refused"),
    "filtered": ([hostile.says("", "content_filter")], 1, "refused"),
    "filtered request": ([hostile.status(400, "filtered", error_code="content_filter")], 1, "refused"),
    "prose": ([hostile.says("What a nice brick.")], 2, "parse"),
    "prose at first": ([hostile.says("What a nice brick."), FITTING], 2, "ok"),
    "thinking aloud": ([hostile.says('<think>{"user_prompt": "no"}')], 2, "parse"),
    "nothing": ([hostile.says(""), FITTING], 2, "ok"),
    "wrong types": ([hostile.says('{"user_prompt": 5, "robot_utterance": []}')], 2, "schema"),
    "too deep": ([hostile.says("[" * 100_000)], 2, "parse"),
}
RARE = {"trickle": ([hostile.trickle], 3, "transport")}
"""Every fortieth of the samples that it falls to: each costs three time-outs."""


def fate_of(step: str):
    """By content alone: the same for each try."""
    number = int.from_bytes(blake2b(step.encode(), digest_size=4).digest())
    if number % 400 == 0:
        return "trickle", *RARE["trickle"]
    name = list(FATES)[number % len(FATES)] if number % 3 else "fine"
    return name, *FATES[name]


def decide(body, count):
    if hostile.is_probe(body):
        return hostile.status(500) if count == 0 else FITTING
    tries = fate_of(hostile.question(body))[1]
    return tries[min(count, len(tries) - 1)]


def test_of_two_thousand_samples_each_ends_once_as_it_must():
    source = numbered(COUNT)
    everyone = list(chain.from_iterable(samples(source)))
    fates = {sample: fate_of(sample.span.skill) for sample in everyone}
    with hostile.HostileServer(decide) as server:
        generator = QwenOpenAIGenerator(
            base_url=server.url, concurrency=64, timeout=4, max_retries=3, retry_wait=0.005, max_tokens=100
        )
        done = annotate(generator, source)
    assert len(everyone) == COUNT
    assert Counter(annotation.sample for annotation in done) == Counter(everyone)
    assert {name for name, *_ in fates.values()} == {*FATES, *RARE}
    for annotation in done:
        name, _, tries, end = fates[annotation.sample]
        assert (annotation.failure.stage if annotation.failure else "ok") == end, (name, annotation.outcome)
        assert server.asked[annotation.sample.span.skill] == tries, (name, annotation.outcome)
        if annotation.dialogue:
            assert annotation.dialogue.user_prompt == f"Do {annotation.sample.span.skill}"
            assert annotation.usage.attempts + annotation.usage.retries == tries, name
    assert server.peak <= 64
    assert generator.provenance() == {"model": "tiny", "response_format": "json_schema"}
