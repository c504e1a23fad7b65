"""What a dialogue's scope is about: the objects, places and kinds of action of its skills, and of the other skills."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import pairwise

from pgen.records import Sample, SpanContext
from pgen_dialogue.checks.attributes import ATTRIBUTES
from pgen_dialogue.checks.lexicon import Act, acts, fitting, kinds_of_verb, opposed
from pgen_dialogue.checks.things import is_kind, is_object, related, singular
from pgen_dialogue.checks.words import EMPTY
from pgen_dialogue.english import Phrase, read
from pgen_dialogue.english.clauses import plain_words
from pgen_dialogue.english.noun_phrases import NounPhrase, noun_phrase
from pgen_dialogue.english.words import DETERMINERS, PREPOSITIONS
from pgen_dialogue.prompts.phases import is_waiting, object_of

_LIDS = frozenset(("lid", "cap", "cover", "stopper", "cork"))
_BEFORE_NOUN = DETERMINERS | frozenset().union(*ATTRIBUTES) | {"tin", "soda", "watering", "soup", "tomato", "beer"}
_ATTRIBUTES = frozenset().union(*ATTRIBUTES) | {"middle", "other", "new", "old", "first", "last"}
MOVING = frozenset(("approach", "clench", "grasp", "lift", "carry", "place", "lower", "letgo", "retreat", "pull"))
"""Kinds of action that bring a thing to or from a place; any other one acts on where the thing is."""
_AT = frozenset(("in", "into", "on", "onto", "under", "beside", "next", "inside", "behind"))
_PARTICLES = frozenset(("out", "up", "off", "down", "away"))
_WIDE = frozenset(("pull", "push", "place", "turn"))
"""Kinds of action by which people name many others: who puts the top on closes the box."""
_NOT_OBJECTS = (EMPTY - {"can"}) | frozenset(("gripper", "position", "place", "half", "arm", "finger", "fingers"))


@dataclass(frozen=True, slots=True)
class SkillFacts:
    """What is known of a skill: its phrase, object ("" if there is none), places, words, and kinds of action."""

    phrase: Phrase
    object: str
    places: tuple[str, ...]
    words: frozenset[str]
    kinds: frozenset[str]


@dataclass(frozen=True)
class ScopeFacts:
    """The skills that a dialogue leads to; those before and after; the words of what it is about.

    `handled` are the nouns of the objects that its skills handle, or that the robot holds where a skill names none;
    `own` are these with their places; `scene` those of the task and of all skills.
    """

    skills: tuple[SkillFacts, ...]
    past: tuple[SkillFacts, ...]
    future: tuple[SkillFacts, ...]
    handled: frozenset[str]
    own: frozenset[str]
    scene: frozenset[str]
    task: str

    @cached_property
    def readable(self) -> bool:
        """Return whether every skill's action can be read."""
        return bool(self.skills) and all(skill.phrase.verb for skill in self.skills)

    @cached_property
    def kinds(self) -> frozenset[str]:
        return frozenset().union(*(skill.kinds for skill in self.skills))

    @cached_property
    def others(self) -> tuple[SkillFacts, ...]:
        """Return the skills before and after."""
        return (*self.past, *self.future)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Return the objects of all skills."""
        return tuple(dict.fromkeys(skill.object for skill in (*self.skills, *self.past, *self.future)))

    @cached_property
    def label(self) -> str:
        """The scope's first skill as text."""
        return self.skills[0].phrase.do or self.skills[0].phrase.text if self.skills else ""


def scope_of(sample: Sample) -> ScopeFacts:
    """Return what a sample's dialogue is about."""
    return _scope_of(sample.span, sample.question.skills)


@lru_cache(maxsize=1024)
def _scope_of(span: SpanContext, count: int) -> ScopeFacts:
    names = (*span.history, span.skill, *span.future)
    listed = tuple(_with_objects(skill_facts(name) for name in names))
    start, stop = len(span.history), len(span.history) + count
    skills = _acting(listed[start:stop], names[start:stop])
    past, future = _acting(listed[:start], names[:start]), _acting(listed[stop:], names[stop:])
    handled = nouns(*(skill.object for skill in skills))
    own = handled.union(*(skill.words for skill in skills))
    if skills and not skill_facts(span.skill).object:
        own |= _held(past)
    if not any(skill.kinds & MOVING for skill in skills):
        own |= nouns(*(place for skill in past if nouns(skill.object) & handled for place in skill.places))
    scene = own.union(*(skill.words for skill in (*past, *future))) | nouns(span.task)
    return ScopeFacts(skills, past, future, handled, own, scene, span.task)


def _acting(skills: tuple[SkillFacts, ...], names: tuple[str, ...]) -> tuple[SkillFacts, ...]:
    return tuple(skill for skill, name in zip(skills, names, strict=True) if not is_waiting(name))


def _with_objects(skills: Iterable[SkillFacts]) -> Iterator[SkillFacts]:
    """Yield the skills, with the latest object where a label names none: what the robot holds or has put down."""
    latest = ""
    for skill in skills:
        latest = skill.object or latest
        yield replace(skill, object=latest)


@lru_cache(maxsize=8192)
def skill_facts(name: str) -> SkillFacts:
    """Return what is known of a skill."""
    phrase = read(name)
    handled = object_of(name)
    if not phrase.verb and (phrase := _with_unknown_verb(phrase)).verb:
        handled = phrase.objects[0] if phrase.objects else ""
    handled = handled if nouns(handled) else _part(phrase)
    places = tuple(place for place in phrase.objects if place != handled)
    text = phrase.do or phrase.text
    words = plain_words(text)
    verbs = [act for act in acts(words, "base") if act.index == 0 or words[act.index - 1] == "and"]
    kinds = frozenset().union(*(act.kinds for act in verbs)) or _kind_of(phrase)
    kinds |= kinds_of_verb(phrase.verb) if phrase.verb in ("pull", "push", "slide", "press", "twist") else frozenset()
    if "place" in kinds and phrase.where.partition(" ")[0] in _AT:
        kinds -= {"turn"}  # to set a cup on the table, and no timer
    return SkillFacts(phrase, handled, places, nouns(text), kinds | _particular(phrase))


def _with_unknown_verb(phrase: Phrase) -> Phrase:
    """Return the phrase of a label that begins with a verb that is not known: "mist the fern", "prying the lid off"."""
    verb, _, rest = phrase.text.partition(" ")
    particle = next((f" {word}" for word in _PARTICLES if rest.startswith(f"{word} ")), "")
    rest = rest.removeprefix(f"{particle.strip()} ")
    first = rest.partition(" ")[0]
    brings = first not in PREPOSITIONS and any(f" {word} the " in rest for word in ("into", "onto", "over", "in", "on"))
    if not verb.isalpha() or verb in _ATTRIBUTES or is_object(singular(verb)):
        return phrase
    if first not in DETERMINERS and not brings:
        return phrase
    known = read(f"use {rest}")
    return replace(
        known, text=phrase.text, verb=verb.removesuffix("ing"), do=f"{verb}{particle}{known.do.removeprefix('use')}"
    )


@lru_cache(maxsize=8192)
def nouns(*texts: str) -> frozenset[str]:
    """Return the nouns and other content words of texts, in the singular; colours, sizes and sides are left out."""
    words = (singular(word) for text in texts for word in plain_words(text) if word not in _NOT_OBJECTS)
    return frozenset(word for word in words if word not in _ATTRIBUTES)


def matches(phrase: NounPhrase, words: frozenset[str]) -> bool:
    """Return whether a noun phrase may name one of the things that `words` name, by any of its words."""
    named = [singular(word) for word in phrase.words if word not in _ATTRIBUTES]
    return any(related(noun, word) for noun in named for word in words) or any(
        is_kind(noun, word) for noun in named[-1:] for word in words
    )


def mentioned(text: str | tuple[str, ...], words: frozenset[str]) -> bool:
    """Return whether a text contains a word for one of the things that `words` name."""
    spoken = plain_words(text) if isinstance(text, str) else text
    named = {one for one in spoken if one not in _NOT_OBJECTS and one != "can"}
    if any(first in _BEFORE_NOUN and one == "can" for first, one in pairwise(spoken)):
        named.add("can")  # the red can, not "you can"
    return any(related(singular(one), word) for one in named for word in words)


def same_verb(act: Act, scope: ScopeFacts) -> bool:
    """Return whether an action has the verb of the scope's first skill, and is not its opposite: on and off."""
    return act.verb == scope.skills[0].phrase.verb and not opposed(act.kinds, scope.kinds)


def is_of_other_skill(act: Act, words: tuple[str, ...], scope: ScopeFacts) -> bool:
    """Return whether an action, among the words of a clause, is what another skill does with the scope's object."""
    if act.kinds & scope.kinds or act.verb in {skill.phrase.verb for skill in scope.skills}:
        return False
    others = [skill for skill in scope.others if nouns(skill.object) & scope.handled and act.verb == skill.phrase.verb]
    if act.kinds & _WIDE & fitting(scope.kinds):  # only where it is named what the other skill does it with
        others = [skill for skill in others if (skill.words - scope.own) & nouns(" ".join(words))]
    return any(act.kinds <= skill.kinds for skill in others)


def head_of(phrase: NounPhrase) -> str:
    """Return the noun of a noun phrase, in the singular."""
    return singular(phrase.words[-1]) if phrase.words else ""


def _held(past: tuple[SkillFacts, ...]) -> frozenset[str]:
    """Return the words of the skills up to the latest that names an object."""
    words: frozenset[str] = frozenset()
    for skill in reversed(past):
        words |= skill.words | nouns(skill.object)
        if skill.phrase.objects and object_of(skill.phrase.text):
            break
    return words


def _part(phrase: Phrase) -> str:
    """Return a part that a skill is about and that is no object by itself: "the right side"."""
    words = plain_words(phrase.do)
    part = noun_phrase(words, 1) if len(words) > 1 else None
    return (
        " ".join(part.words)
        if part and part.words and part.words[-1] in ("side", "corner", "end", "edge", "sleeve")
        else ""
    )


def _kind_of(phrase: Phrase) -> frozenset[str]:
    return {"grasp": frozenset(["grasp"]), "release": frozenset(["place"])}.get(
        phrase.act, frozenset([phrase.act]) - {"", "other", "switch"}
    )


def _particular(phrase: Phrase) -> frozenset[str]:
    """Return kinds that only a label's objects show: to move the gripper down is no carrying."""
    kinds = {"approach": "approach", "retreat": "retreat", "carry": "carry"}
    moved = phrase.verb in ("move", "raise", "bring", "go", "extend", "position")
    kind = kinds.get(phrase.act) if moved else None
    if "switch" in phrase.do.split()[1:] or "button" in phrase.do.split()[1:]:
        return frozenset(("on", "off", "push", "turn"))
    if phrase.verb in ("lower", "drop", "raise") and "gripper" in phrase.do:
        kind = "approach"
    if phrase.do.split()[-1:] and phrase.do.split()[-1] in ("shut", "closed"):
        kind = "close"
    if phrase.verb == "return" and not phrase.objects:
        kind = "retreat"
    if _LIDS & set(phrase.do.split()) and phrase.act == "release":
        kind = "close"
    if phrase.act == "release" and "gripper" in phrase.do:
        kind = "letgo"
    if phrase.act == "grasp" and "gripper" in phrase.do:
        kind = "clench"
    return frozenset([kind]) if kind else frozenset()
