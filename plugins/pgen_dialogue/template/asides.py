"""Small talk beside the matter, composed of word lists: who comes, what else there is to do, how it is done.

An aside shares no content word with the episode's skills and task, so it names none of their objects and actions.
"""

from collections.abc import Sequence
from random import Random

from pgen.records import Plan, SpanContext
from pgen_dialogue.checks.words import content
from pgen_dialogue.prompts.reply_schema import MAX_LENGTH
from pgen_dialogue.template.phrasebook import compose, load

_ATTEMPTS = 8
_ANSWERED = 0.2
"""How often the robot's aside answers the last one of the person."""
_USER_WORDS, _ROBOT_WORDS = 40, 33
"""Words of either text at most; beyond that an aside is left out."""


def with_asides(user: str, robot: str, span: SpanContext, kind: Plan, random: Random) -> tuple[str, str]:
    """Return both texts with asides, as far as that leaves them short."""
    before, after, answer = asides(span, random)
    if kind.scenario_type != "situated_correction":
        user = _joined(before, user, user, _USER_WORDS)
    return _joined(user, after, user, _USER_WORDS), _joined(robot, answer, robot, _ROBOT_WORDS)


def asides(span: SpanContext, random: Random) -> tuple[str, str, str]:
    """Return asides of the person before and after the request, and of the robot: a sentence each, or ""."""
    used = content(" ".join((*span.history, span.skill, *span.future))) | content(span.task)
    phrases = load("asides")
    first, last = random.sample(sorted(phrases["person"]), 2)
    before, after = (_sentence(phrases["person"][occasion], used, random) for occasion in (first, last))
    answered = after and random.random() < _ANSWERED
    return before, after, _sentence(phrases["robot"][last if answered else "any"], used, random)


def _joined(first: str, second: str, plain: str, limit: int) -> str:
    """Return both sentences as one text, or the plain text if one is missing or that is more than `limit` words."""
    text = f"{first} {second}"
    return text if first and second and len(text) <= MAX_LENGTH and len(text.split()) <= limit else plain


def _sentence(phrases: Sequence[str], used: frozenset[str], random: Random) -> str:
    for _ in range(_ATTEMPTS):
        text = compose(phrases, {}, random)
        if not content(text) & used:
            return text
    return ""
