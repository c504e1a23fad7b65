"""The check `grounding`: both sides of a dialogue agree with what the robot does in its scope. For English.

The images are not looked at, so an object counts as a wrong one only where the episode or the task names it, or where
it is a known thing of another kind or with another colour, size or side. Other languages pass.
"""

from pgen.components import Check, Context
from pgen.records import Annotation, Finding
from pgen_dialogue.checks.claims import claim_finding
from pgen_dialogue.checks.constraints import constraint_finding
from pgen_dialogue.checks.language import is_read
from pgen_dialogue.checks.promises import promise_finding
from pgen_dialogue.checks.requests import request_finding
from pgen_dialogue.checks.scope import scope_of


class Grounding(Check):
    """A request or an answer about another object or action, what is done or forbidden, or not done yet."""

    name = "grounding"

    def check(self, annotation: Annotation, context: Context) -> Finding | None:
        dialogue, question = annotation.dialogue, annotation.sample.question
        assert dialogue is not None
        if not is_read(annotation, context):
            return None
        scope = scope_of(annotation.sample)
        if finding := constraint_finding(dialogue, scope, question.scope):
            return finding
        if question.scope == "standing":
            return None
        absent = annotation.plan.absent
        return (
            (None if absent else request_finding(dialogue.user_prompt, scope))
            or (None if absent else promise_finding(dialogue.robot_utterance, scope))
            or claim_finding(dialogue.robot_utterance, scope)
        )
