"""Checks of dialogues."""

from pgen_dialogue.checks.words import content

__all__ = ["content"]
