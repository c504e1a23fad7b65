"""Replies that a model or an attacker may send: each becomes a dialogue or a reason within 50 ms."""

import json

from fault_replies import GOOD, HOSTILE, TEXT, check_time, outcome

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
    """Return the text after up to five small random changes."""
    for _ in range(rng.randrange(1, 6)):
        at, end = rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)
        piece = rng.choice(('"', "{", "}", ",", "\\", ":", "\n", "]", "\ud800", "\u202e", text[min(at, end) : end]))
        text = text[:at] + piece + text[at + rng.randrange(3) :]
    return text


def test_no_reply_raises_another_error_or_takes_long(tally, number, rng):
    count = number(20_000, 1_000_000)
    for index in range(count):
        if index % 4 == 0:
            check_time(HOSTILE[(index // 4) % len(HOSTILE)](rng), 0.05)
        else:
            check_time(mutated(rng, rng.choice(REPAIRABLE)(rng, TEXT)), 0.05)
    for text in ENORMOUS:
        check_time(text, 0.5)
    tally.add("replies of every kind", count + len(ENORMOUS))


def test_replies_that_can_be_repaired_are_repaired(rng):
    texts = [repair(rng, TEXT) for _ in range(100) for repair in REPAIRABLE]
    dialogues = [outcome(text)[0] for text in texts]
    assert sum(dialogue is not None for dialogue in dialogues) >= 0.99 * len(texts)
    assert {dialogue.robot_utterance for dialogue in dialogues if dialogue} == {"Sure."}


def test_a_repeated_key_takes_one_of_its_values_and_never_a_mixture(rng):
    dialogues = {outcome(TEXT[:-1] + f', "user_prompt": "Other {n}"}}')[0] for n in range(10)}
    assert None not in dialogues
    assert {dialogue.user_prompt for dialogue in dialogues} == {f"Other {n}" for n in range(10)}


def test_a_reply_of_more_than_64_kb_is_rejected_even_if_it_fits():
    padded = TEXT[:-1] + " " * 65_536 + "}"
    assert outcome(padded)[0] is None
    assert outcome(TEXT[:-1] + " " * 60_000 + "}")[0] is not None
