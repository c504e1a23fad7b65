"""Replies that a model or an attacker may send, and what pgen parses from them."""

import json
import time

from pgen.errors import SampleError
from pgen.inference.parsing import parse
from pgen.records import Dialogue, Prompt, Reply
from pgen_dialogue.prompts.reply_schema import typed_schema

PROMPT = Prompt("?", typed_schema())
GOOD = {
    "user_prompt": "Could you put the brick away?",
    "robot_utterance": "Sure.",
    "scenario_type": "specific_object",
    "response_type": "confirmation",
}
TEXT = json.dumps(GOOD)
STAGES = {"parse", "schema", "truncated"}

HOSTILE = [
    lambda rng: "[" * rng.choice((10, 1000, 100_000)),
    lambda rng: '{"a":' * rng.choice((10, 1000, 100_000)),
    lambda rng: '{"user_prompt": NaN, "robot_utterance": Infinity}',
    lambda rng: '{"user_prompt": 1e999, "robot_utterance": -1e999}',
    lambda rng: TEXT.replace("Sure.", "\\ud800"),
    lambda rng: TEXT.replace("Sure.", "\udc80"),
    lambda rng: TEXT[:-1] + ', "user_prompt": "Another one"}',
    lambda rng: TEXT.replace("Sure.", "{{7*7}} ${jndi:ldap://x} {0.__class__} '; DROP TABLE samples; -- <script>"),
    lambda rng: TEXT.replace("Sure.", "\x00\x1b[2J\x07\x9b"),
    lambda rng: TEXT.replace("Sure.", "\u202eevil\u2066"),
    lambda rng: "9" * rng.choice((100, 10_000)),
    lambda rng: '{"user_prompt": ' + "9" * 5000 + "}",
    lambda rng: '"' * rng.randrange(2000),
    lambda rng: "\\" * rng.randrange(2000),
    lambda rng: "{" + ",".join(f'"{n}":{n}' for n in range(rng.randrange(500))) + "}",
    lambda rng: "".join(rng.choice('{}[]",:\\ \n\x00ab0') for _ in range(rng.randrange(3000))),
    lambda rng: "".join(chr(rng.choice((rng.randrange(0x110000), rng.randrange(128)))) for _ in range(500)),
    lambda rng: TEXT[: rng.randrange(len(TEXT))],
    lambda rng: "{,}" * rng.randrange(5000),
    lambda rng: '{"a",}' * rng.randrange(3000),
    lambda rng: "<think>" * rng.randrange(2000) + TEXT,
]


def outcome(text):
    """Return the dialogue of a reply, or None, and the CPU time of this thread in seconds."""
    start, failed = time.thread_time(), None
    try:
        dialogue = parse(Reply(text), PROMPT)
    except SampleError as error:
        dialogue, failed = None, error
    seconds = time.thread_time() - start
    assert failed is None or (failed.stage in STAGES and failed.reason)
    if dialogue is not None:
        assert isinstance(dialogue, Dialogue)
        assert dialogue.user_prompt.strip()
        assert dialogue.robot_utterance.strip()
        dialogue.robot_utterance.encode()
    return dialogue, seconds


def check_time(text, limit):
    """Check the time of a reply, twice where it is slow: the garbage collector may have run."""
    assert outcome(text)[1] < limit or outcome(text)[1] < limit, text[:200]
