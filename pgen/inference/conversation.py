"""An episode as one conversation: the samples of each moment are requested with the turns before it.

A turn is an `opening` (there are no earlier turns), an `interjection` (the robot is in the middle of the skill of
the latest turn) or a `followup` (a new skill begins). Each scope of a moment adds the first of its wordings that has a
dialogue. Where a request asks for a single dialogue, each wording has a conversation of its own.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from pgen.records import Annotation, Prompt, Sample, Turn

MAX_TURNS, BLOCK = 30, 10
"""Turns that a request repeats at most, the latest ones: an episode may have any length, a model's context has not.
Beyond that the oldest are dropped in blocks, so that most requests begin like the one before, which a server caches.
What is in force to the end of the episode stays, and is not counted."""
_LASTING = ("episode", "standing")

_KINDS = {
    "opening": "Nothing was said before: the user opens the conversation.",
    "interjection": "The robot is in the midst of a skill that they have spoken of: the user interjects.",
    "followup": "The robot has finished what they last spoke of: the user goes on.",
}


def as_turn(sample: Sample, turns: Sequence[Turn]) -> Sample:
    """Return the sample as the next turn after `turns`."""
    kind = "opening"
    if turns:
        kind = "interjection" if turns[-1].skill_index == sample.span.skill_index else "followup"
    return replace(sample, question=replace(sample.question, turn_type=kind, turns=tuple(turns)))


def conversations(samples: Sequence[Sample], *, several: bool) -> list[list[Sample]]:
    """Return the conversations of an episode's samples; with `several`, a request asks for all wordings of a moment."""
    if several:
        return [[*samples]]
    ordered = sorted(samples, key=_variant)
    return [[*group] for _, group in groupby(ordered, key=_variant)]


def _variant(sample: Sample) -> int:
    return sample.question.variant


def repeated_turns(requests: Sequence[Sequence[Sample]]) -> int:
    """Return how many earlier turns the requests of a conversation repeat, where every sample has a dialogue.

    Each request is given by its samples; the requests of one moment repeat the same turns.
    """
    repeated = turns = lasting = 0
    for _, group in groupby(requests, key=lambda request: _place(request[0])):
        of_moment = list(group)
        repeated += len(of_moment) * (lasting + _window(turns))
        scopes = {sample.question.scope for request in of_moment for sample in request if _is_turn(sample)}
        lasting += len(scopes.intersection(_LASTING))
        turns += len(scopes.difference(_LASTING))
    return repeated


def _is_turn(sample: Sample) -> bool:
    """Return whether the sample's dialogue may become a turn: it is spoken in the demonstrated episode."""
    return not sample.question.counterfactual


def _place(sample: Sample) -> tuple[int, int]:
    return sample.span.skill_index, sample.moment.frame_index


def _window(count: int) -> int:
    """Return how many of `count` turns are repeated."""
    return count if count <= MAX_TURNS else MAX_TURNS - BLOCK + 1 + (count - MAX_TURNS - 1) % BLOCK


def turns_after(annotations: Sequence[Annotation]) -> tuple[Turn, ...]:
    """Return the turns after a moment, whose annotations these are: what was said about its skill comes last."""
    turns = annotations[0].sample.question.turns
    spoken: dict[str, Turn] = {}
    for annotation in annotations:
        sample, dialogue = annotation.sample, annotation.dialogue
        if dialogue and _is_turn(sample):
            lasting = sample.question.scope in _LASTING
            turn = Turn(sample.span.skill_index, dialogue.user_prompt, dialogue.robot_utterance, lasting)
            spoken.setdefault(sample.question.scope, turn)
    for turn in spoken.values():
        turns = (*_shortened(turns), turn)
    return turns


def _shortened(turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    """Return the turns with room for another one."""
    passing = [turn for turn in turns if not turn.lasting]
    if len(passing) < MAX_TURNS:
        return turns
    return (*(turn for turn in turns if turn.lasting), *passing[BLOCK:])


def moments(samples: Sequence[Sample]) -> list[tuple[Sample, ...]]:
    """Return an episode's samples, which are in order, by their moments."""
    return [tuple(group) for _, group in groupby(samples, key=_place)]


def with_turns(prompt: Prompt, sample: Sample) -> Prompt:
    """Return the prompt of a sample, with the earlier turns where it is one of a conversation."""
    question = sample.question
    if question.turn_type is None:
        return prompt
    lines = [_KINDS[question.turn_type]]
    context = prompt.context
    if question.turns:
        turns = [f"User: {turn.user_prompt}\nRobot: {turn.robot_utterance}" for turn in question.turns]
        context = "\n".join([*([context, ""] if context else []), "The conversation so far:", *turns])
        lines.append("Agree with the conversation so far, and repeat none of its wordings.")
    return replace(prompt, context=context, text="\n".join(lines) + f"\n\n{prompt.text}")
