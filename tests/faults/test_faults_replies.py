"""Replies that a model, or an attacker behind it, may send: each becomes a dialogue or a reason at once."""

import json

from fault_replies import GOOD, HOSTILE, TEXT, outcome, slowest

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
HUGE = 10_000_000
ENORMOUS = [
    "x" * HUGE, "{" * HUGE, '"' * HUGE, "[]," * (HUGE // 3), '{"user_prompt": "' + "a" * HUGE + '"}',
    "<think>" + "a" * HUGE + "</think>" + TEXT, "{,}" * (HUGE // 3), "\\" * HUGE,
]  # fmt: skip


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
