"""What the two say beside the matter, composed of word lists: who comes, what else there is to do, how it is done.

An aside has no word in common with the episode's skills and task, so it speaks of no thing and no deed of theirs.
"""

from collections.abc import Sequence
from random import Random

from pgen.records import Sample
from pgen_checks.words import content
from pgen_template.phrasebook import compose, load

_TRIES = 8
_TAKEN_UP = 0.25
"""How often the robot's aside is about what the person spoke of."""


def asides(sample: Sample, random: Random) -> tuple[str, str]:
    """What the person may say beside the request, and the robot beside its answer; each a sentence, or nothing."""
    named = content(" ".join((*sample.skill_history, sample.skill_current, *sample.skill_future)))
    named |= content(sample.task_description)
    book = load("asides")
    occasion = random.choice(sorted(book["person"]))
    user = _sentence(book["person"][occasion], named, random)
    taken_up = user and random.random() < _TAKEN_UP
    return user, _sentence(book["robot"][occasion if taken_up else "any"], named, random)


def _sentence(phrases: Sequence[str], named: frozenset[str], random: Random) -> str:
    for _ in range(_TRIES):
        said = compose(phrases, {}, random)
        if not content(said) & named:
            return said
    return ""
