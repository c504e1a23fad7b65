"""Objects of one kind that an attribute tells apart: the red brick and the pink one, the left side and the right."""

from collections.abc import Iterator

from pgen_dialogue.checks.words import stem, words_of

ATTRIBUTES = tuple(
    frozenset(words.split())
    for words in (
        "red green blue yellow pink purple orange black white brown grey gray silver gold",
        "big small large little tiny huge",
        "long short tall",
        "thick thin",
        "clean dirty",
        "old new",
        "full empty",
        "wet dry",
        "left right",
        "top bottom upper lower",
        "first second third fourth",
    )
)
STATES = frozenset(("", "clean", "dirty", "full", "empty", "wet", "dry"))
"""Attributes that an action may change: who wants a dry coat may speak of the wet one."""
SYNONYMS = {
    "big": "large",
    "little": "small",
    "tiny": "small",
    "huge": "large",
    "upper": "top",
    "lower": "bottom",
    "gray": "grey",
}
_REACH = 3
"""Words after an attribute among which its noun is looked for."""


def other_attribute(label: str, text: str) -> str:
    """Return what a text names of the same kind as an object of the label but with another attribute, or ""."""
    own, named = list(_attributed(_plain(label))), list(_attributed(_plain(text)))
    for noun, attribute, group in named:
        expected = {mine for name, mine, other in own if other is group and noun in (name, "one")}
        if expected and not expected & {value for name, value, _ in named if name == noun}:
            return f"{attribute} {noun}"
    return ""


_OPPOSITES = (("left", "right"), ("right", "left"), ("clockwise", "counterclockwise"), ("clockwise", "anticlockwise"))


def other_direction(label: str, text: str) -> str:
    """Return a direction of a text that is the opposite of the label's, "to the left" for "to the right", or ""."""
    named, spoken = f" {' '.join(words_of(label))} ", f" {' '.join(words_of(text))} "
    for one, other in _OPPOSITES:
        before = "" if one == "clockwise" else "to the "
        if f" {before}{one} " in named and f" {before}{other} " in spoken and f" {one} " not in spoken:
            return f"{before}{other}"
    return ""


def _plain(text: str) -> tuple[str, ...]:
    return tuple(SYNONYMS.get(word, word) for word in words_of(text))


def _attributed(words: tuple[str, ...]) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Yield each noun that may follow an attribute, with the attribute and its group."""
    for position, word in enumerate(words):
        for group in ATTRIBUTES:
            if word in group:
                for noun in words[position + 1 : position + 1 + _REACH]:
                    if not any(noun in other for other in ATTRIBUTES):
                        yield stem(noun), word, group
