"""The phrases of `phrases.toml`, by what they show."""

from pgen_dialogue.english.word_lists import word_lists

PHRASES = word_lists("pgen_dialogue.checks", "phrases.toml")
WORDS = {name: frozenset(phrases) for name, phrases in PHRASES.items()}
"""The same as sets, for lists of single words."""
