"""An episode as one conversation: each sample knows what was said before it.

An exchange is an `opening` (nothing was said before), an `interjection` (the robot is in the midst of a skill
that was spoken of) or a `followup` (a new skill begins). A failed sample leaves nothing to remember.
"""

from collections.abc import Sequence
from dataclasses import replace

from pgen.records import Annotation, Prompt, Sample, Turn

REMEMBERED = 30
"""Turns that a request repeats at most, the latest ones: an episode may be any length, a model's memory is not."""

_KINDS = {
    "opening": "Nothing was said before: the user opens the conversation.",
    "interjection": "The robot is in the midst of a skill that they have spoken of: the user interjects.",
    "followup": "The robot has finished what they last spoke of: the user goes on.",
}


def in_turn(sample: Sample, said: Sequence[Turn]) -> Sample:
    """The sample as the next turn of its conversation."""
    kind = "opening"
    if said:
        kind = "interjection" if said[-1].skill_index == sample.span.skill_index else "followup"
    return replace(sample, question=replace(sample.question, turn_type=kind, turns=tuple(said)))


def retold(length: int) -> int:
    """How often an earlier turn is told again in a conversation of `length` turns."""
    return sum(min(position, REMEMBERED) for position in range(length))


def after(annotation: Annotation) -> tuple[Turn, ...]:
    """What is remembered once a sample is done: the latest turns."""
    turns, dialogue = annotation.sample.question.turns, annotation.dialogue
    if dialogue is None:
        return turns
    turn = Turn(annotation.sample.span.skill_index, dialogue.user_prompt, dialogue.robot_utterance)
    return (*turns, turn)[-REMEMBERED:]


def with_turns(prompt: Prompt, sample: Sample) -> Prompt:
    """The prompt for a sample; where it is a turn of a conversation, the model is told what was said."""
    if sample.question.turn_type is None:
        return prompt
    told = [_KINDS[sample.question.turn_type]]
    if sample.question.turns:
        lines = [f"User: {turn.user_prompt}\nRobot: {turn.robot_utterance}" for turn in sample.question.turns]
        told = ["The conversation so far:", *lines, *told, "Agree with it, and repeat none of its wordings."]
    return replace(prompt, text="\n".join(told) + f"\n\n{prompt.text}")
