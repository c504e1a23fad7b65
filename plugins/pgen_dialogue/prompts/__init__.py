"""Prompt builders; and the user templates and the phases of skills, which other plugins read too."""

from pgen_dialogue.prompts.phases import is_waiting, object_of, phases
from pgen_dialogue.prompts.user_template import Template, load_template

__all__ = ["Template", "is_waiting", "load_template", "object_of", "phases"]
