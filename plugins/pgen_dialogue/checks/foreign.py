"""Whether a thing that somebody names is none of the scope's."""

from pgen_dialogue.checks.attributes import ATTRIBUTES, other_attribute
from pgen_dialogue.checks.lexicon import PARTS, is_kind, same, singular
from pgen_dialogue.checks.phrases import WORDS
from pgen_dialogue.checks.scope import ScopeFacts, SkillFacts, head_of, matches, mentioned, nouns
from pgen_dialogue.english.noun_phrases import NounPhrase


def is_other(thing: NounPhrase, spoken: tuple[str, ...], scope: ScopeFacts) -> bool:
    """Return whether a thing, named among the words of a text, is another than those of the scope."""
    if not thing.words:
        return False
    text = " ".join(thing.words)
    if set(thing.words) <= ATTRIBUTES[0]:
        text += " one"  # "the blue", where it is not the blue tray
    if text.endswith(" one") and not all(_differs(text, skill) for skill in scope.skills):
        return False
    labels = " ".join(f"{skill.phrase.do} {skill.object}" for skill in scope.skills)
    if other_attribute(labels, text) and (
        other_attribute(labels, " ".join(spoken)) or len(text) > len(" ".join(thing.words))
    ):
        return True
    return _is_foreign(thing, scope) and not _names_own(thing, spoken, scope)


def _differs(text: str, skill: SkillFacts) -> bool:
    """Return whether "the blue one" is no thing of a skill."""
    return any(other_attribute(name, text) for name in (skill.object, *skill.places))


def _is_foreign(thing: NounPhrase, scope: ScopeFacts) -> bool:
    """Return whether a thing is another one of the scene; what no label names may be another word for the scope's."""
    head = head_of(thing)
    if is_kind("drink", head) and scope.handled & WORDS["drinkware"]:
        return False
    if _is_named_elsewhere(thing, scope):
        return True
    if matches(thing, scope.own) or "robot" in thing.words or head in ("one", "thing", "stuff", "lot", "way", "bit"):
        return False
    if WORDS["substances"] & set(thing.words) and scope.kinds & WORDS["watery"]:
        return False
    others = frozenset(word for skill in scope.others for word in nouns(skill.object, *skill.places))
    return matches(thing, others) and (head not in PARTS or head in others)


def _is_named_elsewhere(thing: NounPhrase, scope: ScopeFacts) -> bool:
    """Return whether another skill's object has all of a thing's words, and the scope has not: the network cable."""
    words = nouns(" ".join(thing.words))
    if words <= scope.own or words <= PARTS:
        return False
    return any(words <= (nouns(skill.object) if skill.phrase.verb else skill.words) for skill in scope.others)


def _names_own(thing: NounPhrase, spoken: tuple[str, ...], scope: ScopeFacts) -> bool:
    """Return whether the words beside a foreign thing name the scope's own."""
    if not _is_named_elsewhere(thing, scope):
        return mentioned(spoken, scope.handled)
    own = scope.handled - nouns(" ".join(thing.words))
    sources = {"of", "from", "off"}  # "get the eggs out of the bag" is not about the bag
    named = (word for index, word in enumerate(spoken) if not sources & set(spoken[max(0, index - 2) : index]))
    return any(same(singular(word), one) for word in named for one in own)
