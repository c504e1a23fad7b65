"""Prompt builders, and the user templates that other plugins read too."""

from pgen_dialogue.prompts.user_template import Template, load_template

__all__ = ["Template", "load_template"]
