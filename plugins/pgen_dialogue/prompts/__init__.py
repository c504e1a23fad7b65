"""Prompt builders; and what other plugins read too: user templates, phases of skills, and the rules of a dialogue."""

from pgen_dialogue.prompts.phases import is_waiting, object_of, phases
from pgen_dialogue.prompts.planner import RESPONSE_TYPES, SCENARIO_TYPES
from pgen_dialogue.prompts.reply_schema import MAX_LENGTH, SAYABLE
from pgen_dialogue.prompts.seed import construct_prompt
from pgen_dialogue.prompts.user_template import Template, load_template

__all__ = [
    "MAX_LENGTH",
    "RESPONSE_TYPES",
    "SAYABLE",
    "SCENARIO_TYPES",
    "Template",
    "construct_prompt",
    "is_waiting",
    "load_template",
    "object_of",
    "phases",
]
