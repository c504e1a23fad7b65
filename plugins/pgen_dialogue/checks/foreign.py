"""Whether a thing that somebody names is none of the scope's."""

from pgen_dialogue.checks.attributes import ATTRIBUTES, STATES, other_attribute
from pgen_dialogue.checks.phrases import WORDS
from pgen_dialogue.checks.scope import ScopeFacts, SkillFacts, head_of, matches, mentioned, nouns
from pgen_dialogue.checks.things import (
    CONTROLS,
    PARTS,
    differ_in_kind,
    distinct,
    identity,
    is_kind,
    is_machine,
    kind_of,
    same,
    singular,
)
from pgen_dialogue.english.clauses import plain_words
from pgen_dialogue.english.noun_phrases import NounPhrase
from pgen_dialogue.english.words import NUMBERS

_AMOUNTS = NUMBERS | {"half", "halves", "pieces", "quarters"}
"""What a thing is cut into, or how many there are: "cut it in two"."""
_OPENINGS = frozenset(("lid", "door", "flap", "cover", "top", "cap"))
"""Parts by which one opens and closes a thing."""
_ENDING = 3
"""Letters of the end of a compound, at least one more."""


def is_other(thing: NounPhrase, spoken: tuple[str, ...], scope: ScopeFacts) -> bool:
    """Return whether a thing, named among the words of a text, is another than those of the scope."""
    if set(thing.words) <= _AMOUNTS or (
        _is_operated(scope) and head_of(thing) not in CONTROLS and is_machine(identity(thing.words))
    ):
        return False
    text = " ".join(thing.words)
    if set(thing.words) <= ATTRIBUTES[0]:
        text += " one"  # "the blue", where it is not the blue tray
    if text.endswith(" one") and _is_coloured_elsewhere(thing, scope):
        return True
    if text.endswith(" one") and not all(_differs(text, skill) for skill in scope.skills):
        return False
    labels = " ".join(f"{skill.phrase.do} {skill.object}" for skill in scope.skills)
    if _tells_apart(other_attribute(labels, text), scope) and (
        other_attribute(labels, " ".join(spoken)) or len(text) > len(" ".join(thing.words))
    ):
        return True
    return _is_foreign(thing, scope) and not _names_own(thing, spoken, scope)


def is_distinct(thing: NounPhrase, spoken: tuple[str, ...], scope: ScopeFacts) -> bool:
    """Return whether a thing can be none of those that the scope's skills handle, as an apple is no pear."""
    name = "" if _is_operated(scope) else identity(thing.words)
    if set(thing.words) <= ATTRIBUTES[0] or _is_kind_of_own(thing, scope):
        return False
    if scope.skills and all(differ_in_kind(thing.words, plain_words(skill.object)) for skill in scope.skills):
        return True
    if not name or matches(NounPhrase((name,), 0), scope.own) or mentioned(spoken, scope.handled):
        return False
    return all(is_other_name(thing.words, skill.object) for skill in scope.skills)


def _is_coloured_elsewhere(thing: NounPhrase, scope: ScopeFacts) -> bool:
    """Return whether a colour is that of another skill's object, where the scope and the task name none for its own."""
    colours = ATTRIBUTES[0] & set(thing.words)
    own = {word for skill in scope.skills for word in plain_words(f"{skill.phrase.do} {skill.object}")}
    others = {word for skill in scope.others for word in plain_words(skill.object)}
    return bool(colours) and colours <= others and not ATTRIBUTES[0] & (own | set(plain_words(scope.task)))


def _tells_apart(found: str, scope: ScopeFacts) -> bool:
    """Return whether an attribute tells things of the scene apart, and is no state that the scope may change."""
    attribute = found.partition(" ")[0]
    listed = (word for skill in (*scope.skills, *scope.others) for word in plain_words(skill.phrase.do))
    return attribute not in STATES or attribute in listed


def _may_name(thing: NounPhrase, words: frozenset[str]) -> bool:
    """Return whether a noun phrase names one of the things of `words`, or its kind: an apple, the fruit."""
    named = [singular(word) for word in thing.words if not any(word in group for group in ATTRIBUTES)]
    return any(same(noun, word) for noun in named for word in words) or any(
        kind_of(noun, word) for noun in named[-1:] for word in words
    )


def _is_operated(scope: ScopeFacts) -> bool:
    """Return whether the scope operates controls, of a machine that its labels need not name."""
    return bool(scope.skills) and all(
        singular(skill.object.split()[-1]) in CONTROLS for skill in scope.skills if skill.object
    )


def _is_kind_of_own(thing: NounPhrase, scope: ScopeFacts) -> bool:
    """Return whether any word names a kind of the scope's things: "the book of maps" is the atlas."""
    return any(is_kind(singular(word), own) for word in thing.words for own in scope.own)


def is_other_name(words: tuple[str, ...], name: str) -> bool:
    """Return whether the words of a noun phrase and a name can not name one thing."""
    first, second = identity(words), identity(plain_words(name))
    return bool(first and second) and distinct(first, second)


def _differs(text: str, skill: SkillFacts) -> bool:
    """Return whether "the blue one" is no thing of a skill."""
    return any(other_attribute(name, text) for name in (skill.object, *skill.places))


def _is_foreign(thing: NounPhrase, scope: ScopeFacts) -> bool:
    """Return whether a thing is another one of the scene; what no label names may be another word for the scope's."""
    head = head_of(thing)
    if head in _OPENINGS and scope.kinds & {"open", "close"}:
        return False
    if is_kind("drink", head) and scope.handled & WORDS["drinkware"]:
        return False
    if _is_named_elsewhere(thing, scope):
        return True
    if (
        _is_kind_of_own(thing, scope)
        or matches(thing, scope.own)
        or "robot" in thing.words
        or head in ("one", "thing", "stuff", "lot", "way", "bit")
    ):
        return False
    if WORDS["substances"] & set(thing.words) and scope.kinds & WORDS["watery"]:
        return False
    others = frozenset(word for skill in scope.others for word in nouns(skill.object, *skill.places))
    return _may_name(thing, others) and (head not in PARTS or head in others)


def _is_named_elsewhere(thing: NounPhrase, scope: ScopeFacts) -> bool:
    """Return whether another skill's object has all of a thing's words, and the scope has not: the network cable."""
    words = nouns(" ".join(thing.words))
    if words <= scope.own or words <= PARTS:
        return False
    names = [nouns(skill.object) if skill.phrase.verb else skill.words for skill in scope.others]
    bare = all(len(skill.object.split()) < 3 for skill in scope.skills)  # the seedling is the basil seedling
    others = (name for name in names if not (bare and scope.handled and scope.handled <= name))
    return any(all(_has(name, word) for word in words) for name in others)


def _has(name: frozenset[str], word: str) -> bool:
    """Return whether a word is one of a name or the end of one: the brush is the hairbrush."""
    return word in name or any(other.endswith(word) for other in name if len(word) > _ENDING)


def _names_own(thing: NounPhrase, spoken: tuple[str, ...], scope: ScopeFacts) -> bool:
    """Return whether the words beside a foreign thing name the scope's own."""
    if not _is_named_elsewhere(thing, scope):
        return mentioned(spoken, scope.handled)
    own = scope.handled - nouns(" ".join(thing.words))
    sources = {"of", "from", "off"}  # "get the eggs out of the bag" is not about the bag
    named = (word for index, word in enumerate(spoken) if not sources & set(spoken[max(0, index - 2) : index]))
    return any(same(singular(word), one) for word in named for one in own)
