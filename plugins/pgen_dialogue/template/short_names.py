"""Shorter names by which people speak of a thing: "the milk" for "the milk carton", "the can" for "the red can"."""

from collections.abc import Mapping
from functools import lru_cache

from pgen.records import SpanContext
from pgen_dialogue.checks.attributes import ATTRIBUTES
from pgen_dialogue.checks.things import identity, kind_of
from pgen_dialogue.english import read
from pgen_dialogue.prompts.phases import names_of
from pgen_dialogue.prompts.same_object import content

_COLOURS = ATTRIBUTES[0]
_EDIBLE = ("food", "drink")


def shortened(facts: Mapping[str, str], span: SpanContext) -> dict[str, str]:
    """Return the facts with a shorter name for each thing of the episode that has one."""
    shorter = short_names((*names_of(span), *span.elsewhere))
    result = dict(facts)
    for name, short in shorter.items():
        for long, brief in ((name, short), (_capital(name), _capital(short))):
            result = {fact: text.replace(long, brief) for fact, text in result.items()}
    return result


@lru_cache(maxsize=256)
def short_names(labels: tuple[str, ...]) -> Mapping[str, str]:
    """Return the shorter names of the things in some labels, where no other thing has the word."""
    things = dict.fromkeys(name for label in labels for name in read(label).objects)
    shorter = {name: short for name in things if (short := _shorter(name))}
    return {
        name: f"the {short}"
        for name, short in shorter.items()
        if not any(content(short) & content(other) for other in things if other != name)
    }


def _shorter(name: str) -> str:
    """Return what is in a pack, or a thing without its colour; "" for a thing with one name."""
    words = name.split()
    if len(words) != 3 or words[0] != "the":
        return ""
    held = identity(tuple(words[1:]))
    if held != words[2] and held == words[1] and any(kind_of(kind, held) for kind in _EDIBLE):
        return held
    return words[2] if words[1] in _COLOURS else ""


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
