"""Which dialogues to request at each moment of an episode: those whose exchanges begin there."""

from collections.abc import Iterator, Sequence

from pgen.records import Question, Sample, Scope
from pgen.seeds import derive
from pgen_dialogue.prompts.grounding_facts import alternatives
from pgen_dialogue.prompts.phases import is_waiting, names_of, object_of, phases_of
from pgen_dialogue.prompts.planner import is_decision
from pgen_dialogue.prompts.same_object import may_be_same

_WITHOUT_SKILL = ("wait", "ask", "decline")
"""Counterfactuals that lead to no skill."""


def questions(samples: Sequence[Sample], seed: int, counterfactuals: float) -> list[list[Question]]:
    """Return the questions of an episode's moments, which come in order; `seed` is the run's.

    The first moment opens the episode and sets a standing constraint; the first moment within a phase of several skills
    opens the phase; each moment at which the robot acts asks for the current step.
    """
    if not samples:
        return []
    groups = [group for group in phases_of(samples[0].span) if len(group) > 1]
    speaker = derive(seed, "speaker", samples[0].span.episode_id)
    step = Question(speaker=speaker)
    asked: list[list[Question]] = []
    opened: set[int] = set()
    for number, sample in enumerate(samples):
        position, left = sample.span.skill_index, len(sample.span.future) + 1
        opening: tuple[Scope, ...] = ("episode", "standing") if not number else ()
        of_moment = [Question(scope=scope, skills=left, speaker=speaker) for scope in opening]
        group = next((it for it in groups if position in it and it.start not in opened), None)
        if group is not None:
            opened.add(group.start)
            of_moment.append(Question(scope="phase", skills=group.stop - position, speaker=speaker))
        if not is_waiting(sample.span.skill):
            of_moment += [step, *_counterfactuals(sample, seed, counterfactuals, speaker)]
        asked.append(of_moment)
    return asked


def _counterfactuals(sample: Sample, seed: int, share: float, speaker: int) -> Iterator[Question]:
    if not share or not is_decision(sample):
        return
    place = (sample.span.episode_id, sample.moment.frame_index)
    if derive(seed, "counterfactual", *place) >= share * 2**32:
        return
    if target := _other_skill(sample):
        yield Question(counterfactual="other", target=target, speaker=speaker)
    kind = derive(seed, "without skill", *place) * len(_WITHOUT_SKILL) // 2**32
    yield Question(counterfactual=_WITHOUT_SKILL[kind], speaker=speaker)


def _other_skill(sample: Sample) -> str | None:
    """Return the first skill of a later phase about an alternative: the robot could begin with that one now."""
    names, others = names_of(sample.span), alternatives(sample.span)
    starts = (group.start for group in phases_of(sample.span) if group.start > sample.span.skill_index)
    feasible = (names[start] for start in starts)
    about = ((name, object_of(name)) for name in feasible)
    return next((name for name, it in about if it and any(may_be_same(it, other) for other in others)), None)
