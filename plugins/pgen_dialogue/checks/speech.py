"""The check `speech`: who speaks, and whether the user asks for something and the robot takes it on. For English."""

from pgen.components import Check, Context
from pgen.records import Annotation, Finding
from pgen_dialogue.checks.language import is_read
from pgen_dialogue.checks.robot_speech import robot_finding
from pgen_dialogue.checks.scope import scope_of
from pgen_dialogue.checks.user_speech import user_finding


class Speech(Check):
    """The wrong speaker, an echo, a refusal, a question or talk that leads to nothing, an apology for no failure."""

    name = "speech"

    def check(self, annotation: Annotation, context: Context) -> Finding | None:
        dialogue, question = annotation.dialogue, annotation.sample.question
        assert dialogue is not None
        if not is_read(annotation, context):
            return None
        scope = scope_of(annotation.sample)
        return user_finding(dialogue, scope, question.scope) or robot_finding(annotation, dialogue, scope)
