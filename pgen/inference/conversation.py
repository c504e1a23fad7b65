"""An episode as one conversation: each sample is requested with the turns before it.

An exchange is an `opening` (there are no earlier turns), an `interjection` (the robot is in the middle of the skill of
the latest turn) or a `followup` (a new skill begins). A failed sample adds no turn.
"""

from collections.abc import Sequence
from dataclasses import replace

from pgen.records import Annotation, Prompt, Sample, Turn

MAX_TURNS = 30
"""Turns that a request repeats at most, the latest ones: an episode may have any length, a model's context has not."""

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


def repeated_turns(length: int) -> int:
    """Return how many earlier turns all requests of a conversation of `length` turns repeat."""
    return sum(min(position, MAX_TURNS) for position in range(length))


def turns_after(annotation: Annotation) -> tuple[Turn, ...]:
    """Return the turns that the sample after this one repeats."""
    turns, dialogue = annotation.sample.question.turns, annotation.dialogue
    if dialogue is None:
        return turns
    turn = Turn(annotation.sample.span.skill_index, dialogue.user_prompt, dialogue.robot_utterance)
    return (*turns, turn)[-MAX_TURNS:]


def with_turns(prompt: Prompt, sample: Sample) -> Prompt:
    """Return the prompt of a sample, with the earlier turns where it is one of a conversation."""
    question = sample.question
    if question.turn_type is None:
        return prompt
    lines = [_KINDS[question.turn_type]]
    if question.turns:
        turns = [f"User: {turn.user_prompt}\nRobot: {turn.robot_utterance}" for turn in question.turns]
        lines = ["The conversation so far:", *turns, *lines, "Agree with it, and repeat none of its wordings."]
    return replace(prompt, text="\n".join(lines) + f"\n\n{prompt.text}")
