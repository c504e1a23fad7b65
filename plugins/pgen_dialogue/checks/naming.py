"""Whether a noun phrase names a thing of a skill: they share a noun and differ in no colour, size, side or kind."""

from pgen_dialogue.checks.attributes import ATTRIBUTES, SYNONYMS
from pgen_dialogue.checks.scope import ScopeFacts, SkillFacts, nouns
from pgen_dialogue.checks.things import kind_of, same, singular
from pgen_dialogue.english.clauses import plain_words
from pgen_dialogue.english.noun_phrases import NounPhrase
from pgen_dialogue.english.word_lists import word_lists
from pgen_dialogue.english.words import DETERMINERS, NUMBERS

_GROUPS = (*ATTRIBUTES[:-3], frozenset(("left", "right")), frozenset(("top", "bottom", "upper", "lower", "middle")))
_ANOTHER = frozenset(("second", "third", "fourth", "other", "spare", "next"))
_ORDINALS = {"second": "two", "third": "three", "fourth": "four", "fifth": "five", "sixth": "six"}
_MADE_OF = frozenset(("paper", "plastic", "glass", "metal", "wood", "cardboard", "rubber", "steel"))
_VAGUE = DETERMINERS | frozenset(word_lists("pgen_dialogue.checks", "bans.toml")["vague"])


def names_object(thing: NounPhrase, skill: SkillFacts, scope: ScopeFacts) -> bool:
    """Return whether a noun phrase names what a skill handles."""
    if not skill.phrase.verb:  # of a label that can not be read, any noun may be the object
        return singular(thing.words[-1]) in skill.words
    return bool(skill.object) and _names(thing, skill.object, scope)


def names_place(thing: NounPhrase, skill: SkillFacts, scope: ScopeFacts) -> bool:
    """Return whether a noun phrase names where a skill puts, or what it is done to beside its object."""
    return any(_names(thing, place, scope) for place in skill.places)


def _names(thing: NounPhrase, name: str, scope: ScopeFacts) -> bool:
    mine, theirs = _number(thing.words), _number(plain_words(name))
    if mine and mine != (theirs or mine):
        return False  # terminal four is not terminal three
    words = [word for word in thing.words if _ORDINALS.get(word, word) != mine] or [mine]
    head, own = singular(words[-1]), name.split()
    if mine and not theirs and not any(f"{head} {mine}" in skill.phrase.text.lower() for skill in scope.skills):
        return False  # pallet C, where the labels name pallet A
    if thing.feature and not nouns(" ".join(thing.feature)) & scope.scene:
        return False
    head = "one" if all(any(word in group for group in _GROUPS) for word in thing.words) else head  # "the yellow"
    if head in ("one", "thing"):
        if not any(_attributes(own)) or not any(_attributes(thing.words)):
            return False
    elif not _same_noun(head, name, scope) or _other_modifier(thing, name, scope.scene):
        return False
    if _ANOTHER & set(thing.words) and not _ANOTHER & set(own) and not (mine and theirs):
        return False
    pairs = zip(_attributes(thing.words), _attributes(_with_attributes(name, scope)), strict=True)
    return not any(mine != theirs for mine, theirs in pairs if mine)


def _same_noun(head: str, name: str, scope: ScopeFacts) -> bool:
    """Return whether a noun is one of a name's; synonyms count only where the scene has not the noun itself."""
    known = nouns(name)
    if any(head in skill.words or head in nouns(skill.object) for skill in (*scope.skills, *scope.others)):
        return head in known - _materials(name)
    return any(same(head, word) for word in known) or kind_of(head, singular(name.split()[-1]))


def _materials(name: str) -> frozenset[str]:
    """Return the words of a name that tell what the thing is made of: a paper cup is no paper."""
    return _MADE_OF & frozenset(name.lower().split()[:-1])


def _other_modifier(thing: NounPhrase, name: str, scene: frozenset[str]) -> bool:
    """Return whether both tell apart things of one noun: the beer glass and the wine glass."""
    mine = [singular(word) for word in thing.words[:-1] if word not in _VAGUE]
    theirs = [singular(word) for word in name.lower().split()[:-1] if word not in _VAGUE]
    if singular(thing.words[-1]) in theirs:  # "the milk" is the milk carton, but "the soy milk" may be another
        return bool(set(mine) - set(theirs) - frozenset().union(*ATTRIBUTES))
    if mine and not theirs and singular(thing.words[-1]) == singular(name.split()[-1]):
        return not set(mine) & scene  # the window chairs, where the labels say "the chairs"
    return bool(mine and theirs) and not any(same(SYNONYMS.get(a, a), SYNONYMS.get(b, b)) for a in mine for b in theirs)


def _with_attributes(name: str, scope: ScopeFacts) -> list[str]:
    """Return a name's words with its colour, size or side, which another label or the task may tell."""
    if any(_attributes(name.split())):
        return name.split()
    known = nouns(name)
    others = (other.split() for other in scope.names if known <= nouns(other))
    return next((words for words in others if any(_attributes(words))), None) or _in_task(scope.task, known)


def _in_task(task: str, known: frozenset[str]) -> list[str]:
    """Return the task's words up to the only one of these nouns in it: "the top drawer"."""
    words = task.lower().split()
    places = [index for index, word in enumerate(words) if singular(word.strip(",.")) in known]
    return words[max(0, places[0] - 2) : places[0] + 1] if len(places) == 1 else []


def _number(words: tuple[str, ...]) -> str:
    named = (_ORDINALS.get(word, word) for word in words)
    letter = words[-1] if len(words) > 1 and len(words[-1]) == 1 else ""  # pallet C
    return next((word for word in named if word in NUMBERS or word.isdigit()), letter)


def _attributes(words: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """Return the word of each group of attributes, or ""."""
    return tuple(next((word for word in words if word in group), "") for group in _GROUPS)
