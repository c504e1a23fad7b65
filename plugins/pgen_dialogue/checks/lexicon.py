"""Compares verbs by meaning: the kinds of action that they name, and which of these contradict each other."""

import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise

from pgen_dialogue.english.verbs import gerund, participle, third_person
from pgen_dialogue.english.words import DETERMINERS

_LEXICON = tomllib.loads((files("pgen_dialogue.checks") / "lexicon.toml").read_text(encoding="utf-8"))
_REACH = 5
"""Words after a verb among which its particle is looked for."""


DISTINCT = frozenset(_LEXICON["distinct"].split())


@dataclass(frozen=True, slots=True)
class Act:
    """A verb in a text: its position, its base form, and the kinds of action that it may name."""

    index: int
    verb: str
    kinds: frozenset[str]


def kinds_of_verb(verb: str) -> frozenset[str]:
    """Return the kinds of action that a verb may name without a particle."""
    return _VERBS.get(verb, frozenset())


def fitting(kinds: frozenset[str]) -> frozenset[str]:
    """Return these kinds of action with all that do not contradict them."""
    return kinds.union(*(_LEXICON["fits"].get(kind, "").split() for kind in kinds))


def contradict(kinds: frozenset[str], own: frozenset[str]) -> bool:
    """Return whether no kind of action fits the others, or one is the opposite of them: to take the lid off."""
    return opposed(kinds, own) or not kinds & fitting(own)


def reverses(act: Act, verb: str, own: frozenset[str]) -> bool:
    """Return whether a verb is the reversal of another by its prefix: to unfold and to fold, to unroll and to coil."""
    for prefix in ("un", "dis") if not act.kinds & own else ():
        base = act.verb.removeprefix(prefix)
        if act.verb != base and (base == verb or (kinds_of_verb(base) & own & DISTINCT - {"turn"})):
            return act.verb != verb
        if verb == f"{prefix}{act.verb}":
            return True
    return False


def opposed(kinds: frozenset[str], own: frozenset[str]) -> bool:
    """Return whether one of these kinds of action is the opposite of another: to open and to close."""
    return not kinds & own and any(kinds & pair and own & pair for pair in _OPPOSITES)


def clearly_contradict(kinds: frozenset[str], own: frozenset[str]) -> bool:
    """Return whether kinds of action contradict others and are not just other words for a motion."""
    if not contradict(kinds, own):
        return False
    if kinds <= DISTINCT or opposed(kinds, own):
        return True
    return any(own & frozenset(_LEXICON["contradicts"].get(kind, "").split()) for kind in kinds)


_OPPOSITES = tuple(
    frozenset(pair.split())
    for pair in ("open close", "on off", "fill empty", "start halt", "tighten loosen", "attach loosen")
)


def act_at(words: tuple[str, ...], index: int, forms: str = "base gerund") -> Act | None:
    """Return the verb at a position, if it has one of these forms."""
    for form in forms.split():
        if verb := _FORMS[form].get(words[index]):
            reach = 2 * _REACH if verb == "give" else _REACH  # "give the jam jar a good rinse"
            return Act(index, verb, _kinds(verb, words[index + 1 : index + 1 + reach]))
    return None


def acts(words: tuple[str, ...], forms: str = "base gerund third participle") -> Iterator[Act]:
    """Yield every word of a text that may be a verb."""
    for index in range(len(words)):
        if act := act_at(words, index, forms):
            yield act


@lru_cache(maxsize=8192)
def _kinds(verb: str, following: tuple[str, ...]) -> frozenset[str]:
    """Return the kinds of a verb with its particle ("turn it on"), with its noun ("give it a tug"), or without."""
    if verb == "take" and following[:1] == ("care",):
        return frozenset()
    if verb == "give" and _gives_nothing_away(following) and not _kinds_of_noun(following):
        return frozenset()
    if verb in _BEGINNING and following[:1] in _NOT_AN_OBJECT:
        return frozenset()
    for kinds, particles, adjacent in _PHRASES.get(verb, ()):
        if following[: len(particles)] == particles or (not adjacent and _has_particles(following, particles)):
            return kinds
    if not _CLOSED.isdisjoint(following) and _ends_closed((verb, *following)):
        return _VERBS["close"] | _VERBS.get(verb, frozenset())  # "roll the bag shut"
    if verb in _LIGHT and (kinds := _kinds_of_noun(following)):
        return kinds
    return _VERBS.get(verb, frozenset())


def _gives_nothing_away(following: tuple[str, ...]) -> bool:
    """Return whether a thing is given something: "give it some juice", "give the bread a bit of colour"."""
    return following[:1] not in _PERSONS and bool(_AMOUNTS & set(following[1:]))


def _ends_closed(words: tuple[str, ...]) -> bool:
    return any(word in _CLOSED and before not in DETERMINERS for before, word in pairwise(words))


def _has_particles(following: tuple[str, ...], particles: tuple[str, ...]) -> bool:
    """Return whether the particles follow in their order: "turn it on", not "turn the knob on the stove"."""
    if particles[0] not in following:
        return False
    pairs = zip(following, (*following[1:], ""), strict=False)
    rest = iter([word for word, after in pairs if not _is_preposition(word, after)])
    return all(particle in rest for particle in particles)


def _is_preposition(word: str, after: str) -> bool:
    return word in ("on", "in") and after in DETERMINERS


def _kinds_of_noun(following: tuple[str, ...]) -> frozenset[str]:
    for index, word in enumerate(following):
        if index and word in _VERBS and {"a", "another", "one"} & set(following[:index]):
            return _VERBS[word]
    return frozenset()


type _Phrases = dict[str, list[tuple[frozenset[str], tuple[str, ...], bool]]]


def _lexicon_of_acts() -> tuple[dict[str, frozenset[str]], _Phrases]:
    found: dict[str, set[str]] = defaultdict(set)
    for kind, entries in _LEXICON["acts"].items():
        for entry in entries.split(","):
            found[entry.strip()].add(kind)
    phrases: _Phrases = defaultdict(list)
    for entry in sorted(found, key=lambda entry: ("_" not in entry, -len(entry.split()))):
        verb, *particles = entry.replace("_", " ").split()
        if particles:
            phrases[verb].append((frozenset(found[entry]), tuple(particles), "_" in entry))
    single = {verb: frozenset(kinds) for verb, kinds in found.items() if " " not in verb and "_" not in verb}
    return single, dict(phrases)


_AMOUNTS = frozenset(("a", "some", "another", "more", "plenty"))
_PERSONS = (("me",), ("us",), ("her",), ("him",), ("them",))
_CLOSED = frozenset(("shut", "closed"))
_LIGHT = frozenset(("give", "take", "have", "do"))
_BEGINNING = frozenset(("start", "begin"))
_NOT_AN_OBJECT = ((), *((word,) for word in ("with", "by", "from", "on", "over", "again", "here", "at", "off", "now")))


_VERBS, _PHRASES = _lexicon_of_acts()
_NEUTRAL = "get go come do make let have keep want need move try help see finish continue carry-on use"
"""Verbs without a kind of their own, which may have one with a particle."""
_BASES = _VERBS.keys() | _PHRASES.keys() | set(_NEUTRAL.split())
_FORMS: dict[str, dict[str, str]] = {
    "base": {verb: verb for verb in _BASES},
    "gerund": {gerund(verb): verb for verb in _BASES},
    "third": {third_person(verb): verb for verb in _BASES},
    "participle": {participle(verb): verb for verb in _BASES} | _LEXICON["pasts"],
}
