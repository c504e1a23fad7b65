"""Replies that a model, or whoever stands behind it, may send: each ends as a dialogue or with a reason, at once."""

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

REPAIRABLE = [
    lambda rng, text: f"```json\n{text}\n```",
    lambda rng, text: f"```\n{text}```",
    lambda rng, text: f"Here it is:\n\n{text}\n\nAnything else?",
    lambda rng, text: f"<think>The person wants {{it}} away, {text[:20]}</think>\n{text}",
    lambda rng, text: f"It must be so.</think>{text}",
    lambda rng, text: text[:-1] + ",}",
    lambda rng, text: text.replace('", "', '",\n\n  "'),
    lambda rng, text: text.replace("put the", "put\nthe"),
    lambda rng, text: text.replace("put the", "put\tthe"),
    lambda rng, text: f"[{text}]",
    lambda rng, text: f"\ufeff{text}",
    lambda rng, text: f"{text}\n{text}",
    lambda rng, text: text[:-1] + ', "note": null}' if rng.random() < 0 else text + "}" * rng.randrange(3),
    lambda rng, text: json.dumps(GOOD, indent=rng.randrange(8)),
    lambda rng, text: text.replace("brick", "brick \\u00e9\\ud83e\\uddf1"),
]
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
HUGE = 10_000_000
ENORMOUS = [
    "x" * HUGE, "{" * HUGE, '"' * HUGE, "[]," * (HUGE // 3), '{"user_prompt": "' + "a" * HUGE + '"}',
    "<think>" + "a" * HUGE + "</think>" + TEXT, "{,}" * (HUGE // 3), "\\" * HUGE,
]  # fmt: skip


def outcome(text):
    """What becomes of a reply, and the seconds of this thread's own work that it took."""
    began, failed = time.thread_time(), None
    try:
        found = parse(Reply(text), PROMPT)
    except SampleError as error:
        found, failed = None, error
    seconds = time.thread_time() - began
    assert failed is None or (failed.stage in STAGES and failed.reason)
    if found is not None:
        assert isinstance(found, Dialogue)
        assert found.user_prompt.strip()
        assert found.robot_utterance.strip()
        found.robot_utterance.encode()
    return found, seconds


def slowest(text, limit):
    """Twice where it was slow: the collector of the whole suite's garbage may have run in between."""
    assert outcome(text)[1] < limit or outcome(text)[1] < limit, text[:200]


def mutated(rng, text):
    """The text after up to five small accidents."""
    for _ in range(rng.randrange(1, 6)):
        at, other = rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)
        piece = rng.choice(('"', "{", "}", ",", "\\", ":", "\n", "]", "\ud800", "\u202e", text[min(at, other) : other]))
        text = text[:at] + piece + text[at + rng.randrange(3) :]
    return text


def test_no_reply_is_an_error_of_pgen_s_own_or_takes_long(tally, number, rng):
    count = number(20_000, 1_000_000)
    for index in range(count):
        if index % 4 == 0:
            slowest(HOSTILE[(index // 4) % len(HOSTILE)](rng), 0.05)
        else:
            slowest(mutated(rng, rng.choice(REPAIRABLE)(rng, TEXT)), 0.05)
    for text in ENORMOUS:
        slowest(text, 0.5)
    tally.add("replies of every kind", count + len(ENORMOUS))


def test_replies_that_can_be_repaired_are_repaired(rng):
    texts = [repair(rng, TEXT) for _ in range(100) for repair in REPAIRABLE]
    found = [outcome(text)[0] for text in texts]
    assert sum(one is not None for one in found) >= 0.99 * len(texts)
    assert {one.robot_utterance for one in found if one} == {"Sure."}


def test_of_two_answers_under_one_name_it_is_never_a_mixture(rng):
    said = {outcome(TEXT[:-1] + f', "user_prompt": "Other {n}"}}')[0] for n in range(10)}
    assert None not in said
    assert {one.user_prompt for one in said} == {f"Other {n}" for n in range(10)}


def test_a_reply_of_more_than_64_kb_is_none_however_well_it_fits():
    padded = TEXT[:-1] + " " * 65_536 + "}"
    assert outcome(padded)[0] is None
    assert outcome(TEXT[:-1] + " " * 60_000 + "}")[0] is not None
