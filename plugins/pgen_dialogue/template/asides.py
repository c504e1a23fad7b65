"""What the two say beside the matter, composed of word lists: who comes, what else there is to do, how it is done.

An aside has no word in common with the episode's skills and task, so it speaks of no thing and no deed of theirs.
"""

from collections.abc import Sequence
from random import Random

from pgen.records import Plan, Sample
from pgen_dialogue.checks.words import content
from pgen_dialogue.prompts.reply_schema import MAX_LENGTH
from pgen_dialogue.template.phrasebook import compose, load

_TRIES = 8
_TAKEN_UP = 0.2
"""How often the robot's aside is about what the person spoke of last."""
_USER, _ROBOT = 40, 33
"""Words of the person and of the robot at most."""


def with_asides(user: str, robot: str, sample: Sample, kind: Plan, random: Random) -> tuple[str, str]:
    """Both texts with something beside the matter, as long as that leaves them short."""
    before, after, answer = asides(sample, random)
    if kind.scenario_type != "situated_correction":
        user = _joined(before, user, user, _USER)
    return _joined(user, after, user, _USER), _joined(robot, answer, robot, _ROBOT)


def asides(sample: Sample, random: Random) -> tuple[str, str, str]:
    """What the person may say before and after the request, and the robot after its answer: a sentence, or nothing."""
    named = content(" ".join((*sample.span.history, sample.span.skill, *sample.span.future)))
    named |= content(sample.span.task)
    book = load("asides")
    first, last = random.sample(sorted(book["person"]), 2)
    before, after = (_sentence(book["person"][occasion], named, random) for occasion in (first, last))
    taken_up = after and random.random() < _TAKEN_UP
    return before, after, _sentence(book["robot"][last if taken_up else "any"], named, random)


def _joined(first: str, second: str, plain: str, words: int) -> str:
    """The two sentences, or the plain one where they are too much or one of them is missing."""
    text = f"{first} {second}"
    return text if first and second and len(text) <= MAX_LENGTH and len(text.split()) <= words else plain


def _sentence(phrases: Sequence[str], named: frozenset[str], random: Random) -> str:
    for _ in range(_TRIES):
        said = compose(phrases, {}, random)
        if not content(said) & named:
            return said
    return ""
