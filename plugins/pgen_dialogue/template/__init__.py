"""The generator `template`, and the purpose of a phase, which other plugins read too."""

from pgen_dialogue.template.purposes import purpose

__all__ = ["purpose"]
