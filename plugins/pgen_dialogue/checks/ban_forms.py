"""The forms in which people forbid something, each read by a function of `FORMS`; the first that fits counts."""

from collections.abc import Iterator
from dataclasses import dataclass

from pgen_dialogue.checks.lexicon import act_at, acts
from pgen_dialogue.checks.words import stem
from pgen_dialogue.english.clauses import Clause
from pgen_dialogue.english.noun_phrases import NounPhrase, noun_phrase, object_after, phrase_before
from pgen_dialogue.english.word_lists import word_lists

_LISTS = word_lists("pgen_dialogue.checks", "bans.toml")
_WORDS = {name: frozenset(words) for name, words in _LISTS.items()}
_NEGATIONS = {
    first: [phrase for phrase in map(tuple, map(str.split, _LISTS["negations"])) if phrase[0] == first]
    for first in {phrase.split()[0] for phrase in _LISTS["negations"]}
}
_STATES = {name.removeprefix("states."): kinds for name, kinds in _WORDS.items() if name.startswith("states.")}
_IT = NounPhrase((), 0, "it")
_FORBIDDING = frozenset(("never", "nobody", "avoid", "stop", "refrain"))
_FULLY = ("open", "shut", "closed")
"""States that are one wherever they follow a noun: "leave the lid open for me"."""


@dataclass(frozen=True, slots=True)
class Ban:
    """What a clause forbids: an action with a thing, a place or both; any action if it has neither kinds nor a verb.

    If `stays`, the thing stays at the place.
    """

    text: str
    thing: NounPhrase | None
    kinds: frozenset[str] = frozenset()
    verb: str = ""
    place: NounPhrase | None = None
    stays: bool = False


def _action(clause: Clause) -> Ban | None:
    """Read "do not carry it", "never touch the bread", "the mug is not to be moved", "nobody opens the lid"."""
    start = next(_after_negations(clause.words), None)
    if start is None or {"else", "with"} & set(clause.words) or clause.words[start] in _WORDS["soft_verbs"]:
        return None
    end = next((i for i in range(start, len(clause.words)) if clause.words[i] in _WORDS["before"]), len(clause.words))
    words = clause.words[:end]
    act = next((act for act in acts(words) if act.index >= start), None)
    index = act.index if act else next((i for i in range(start, end) if stem(words[i]) in _WORDS["any_act"]), None)
    verb = act.verb if act else stem(words[index]) if index is not None else ""
    if index is None or verb in _WORDS["soft_verbs"] or _WORDS["manner"] & set(words[start:]):
        return None
    thing = _subject_of(words, start) or object_after(words, index)
    place = _place_after(words, thing.stop if thing else index + 1)
    kinds = act.kinds if act else frozenset()
    return Ban(clause.text, thing or _IT, kinds, "" if verb in _WORDS["any_act"] and not kinds else verb, place)


def _after_negations(words: tuple[str, ...]) -> Iterator[int]:
    """Yield the positions after the negations of verbs."""
    for index, word in enumerate(words[:-1]):
        for phrase in _NEGATIONS.get(word, ()):
            if words[index : index + len(phrase)] == phrase and index + len(phrase) < len(words):
                yield index + len(phrase)
    for index, word in enumerate(words[:-1]):
        following = words[index + 1]
        if (word == "not" and _is_ordered(words, index)) or (word in _FORBIDDING and following != "mind"):
            yield index + 1
        elif word == "no" and following == "one":
            yield index + 2
        elif word == "no" and act_at(words, index + 1, "gerund"):
            yield index + 1


def _is_ordered(words: tuple[str, ...], negation: int) -> bool:
    """Return whether "not" stands in an order: "do not", "it is not to", not in "why do not you" or "they do not"."""
    before, by_whom = words[max(0, negation - 1) : negation], words[max(0, negation - 2) : max(0, negation - 1)]
    if not before or by_whom in (("why",), *((other,) for other in _LISTS["others"])):
        return False
    if before[0] in ("is", "are", "'s", "be", "am"):
        return words[negation + 1] in ("to", "be", "allowed", "supposed")
    return before[0] in _WORDS["ordering"]


def _subject_of(words: tuple[str, ...], start: int) -> NounPhrase | None:
    """Return what "is not to be moved", "must not go in there"."""
    if start < 3 or words[start - 1] != "not" or words[start - 2] == "do":
        return None
    subject = phrase_before(words, start - 2)
    return subject if subject and (subject.words or subject.pronoun) else None


def _left_alone(clause: Clause) -> Ban | None:
    """Read "leave the bread where it is", "leave the lid up", "let the door stay open", "I want the jam left out"."""
    words = clause.words
    for index, word in enumerate(words):
        if word == "left" and index > 1 and clause.has("want", "like", "rather", "prefer", "need"):
            thing = object_after(words, index) if words[index - 1] == "you" else phrase_before(words, index)
            return _stays(clause, thing, words[max(thing.stop, index + 1) :]) if thing else None
        if word in ("leave", "keep", "let") and words[max(0, index - 1) : index] != ("not",):
            return _left(clause, index)
    return None


def _left(clause: Clause, verb: int) -> Ban | None:
    words = clause.words
    thing = object_after(words, verb)
    rest = words[thing.stop :] if thing else ()
    if thing is None or "else" in rest[:2]:
        return None
    needed = {"let": {"stay", "be", "alone"}, "keep": _WORDS["kept"]}.get(words[verb])
    if (needed and not needed & set(rest)) or _WORDS["quantities"] & set(thing.words[:1]):
        return None
    return None if {"hands", "fingers", "eyes"} & set(words[verb + 1 : verb + 3]) else _stays(clause, thing, rest)


def _stays(clause: Clause, thing: NounPhrase, rest: tuple[str, ...]) -> Ban:
    """Return what it forbids that a thing stays as or where the words after it say."""
    for state, kinds in _STATES.items():
        last = state in rest[:2] and rest[-1] == state
        if last or (rest[:1] == (state,) and (state in _FULLY or rest[1] in _WORDS["for_a_time"])):
            return Ban(clause.text, thing, kinds)
    if rest[:1] and rest[0] in ("empty", "free", "clear"):
        return Ban(clause.text, thing)
    place = _place_after(rest, 0)
    if {"away", "out", "off"} & set(rest[:2]):
        return Ban(clause.text, thing, place=place if {"of", "from"} & set(rest[:3]) else None)
    return Ban(clause.text, thing, place=place, stays=bool(place and place.words))


def _kept_away(clause: Clause) -> Ban | None:
    """Read "stay away from the shelf", "hands off the cup"."""
    words = clause.words
    for index, word in enumerate(words):
        kept = {"stay", "keep", "steer"} & set(words[:index]) or words[:index] in (
            ("hands",),
            ("so", "hands"),
            ("fingers",),
        )
        if word in ("off", "away", "clear", "out") and kept:
            thing = noun_phrase(words, index + 1 + (words[index + 1 : index + 2] in (("from",), ("of",))))
            if thing or words[index - 1] in ("hands", "fingers"):
                return Ban(clause.text, thing or _IT)
    return None


def _staying(clause: Clause) -> Ban | None:
    """Read "the butter has to stay out", "the drill stays on the bench", "the cactus gets nothing"."""
    words = clause.words
    start = next((i for i, word in enumerate(words) if word not in ("so", "and", "but", "now", "then", "please")), 0)
    subject = noun_phrase(words, start)
    if subject is None:
        return None
    rest = words[subject.stop :]
    if clause.has(*_LISTS["in_place"]) or rest[:2] == ("gets", "nothing") or clause.has("off limits"):
        return Ban(clause.text, subject)
    stays = next((i for i, word in enumerate(rest[:4]) if word in _WORDS["stays"]), None)
    if stays is None or "not" in rest[:4] or rest[0] in ("wait", "stop"):
        return None
    return _stays(clause, subject, rest[stays + 1 :])


def _exception(clause: Clause) -> Ban | None:
    """Read "anywhere but the rack", "nothing on the shelf", "I am allergic to nuts", "hold the mustard"."""
    words = clause.words
    for index, word in enumerate(words[:-1]):
        if word == "allergic" and words[index + 1] == "to":
            return Ban(clause.text, noun_phrase(words, index + 2))
        if word in ("anywhere", "anything") and words[index + 1] == "but":
            thing = noun_phrase(words, index + 2)
            return Ban(clause.text, thing) if thing else None
        if word == "nothing" and words[index + 1] in _WORDS["after_nothing"]:
            place = _place_after(words, index + 1) or _place_after(words, 0)
            return Ban(clause.text, None, place=place) if place else None
    return Ban(clause.text, noun_phrase(words, 1)) if words[:2] == ("hold", "the") and len(words) == 3 else None


def _without(clause: Clause) -> Ban | None:
    """Read "no sugar", "not the red one", "skip the basil", "never mind the mug", "not a drop for the cactus"."""
    words = clause.words
    index = next((i for i, word in enumerate(words[:-1]) if _excludes(words, i, word)), None)
    if index is None or clause.question or not _is_exclusion(words, index):
        return None
    if words[index] == "not" and words[index + 1] in ("on", "in", "into", "onto", "to"):
        return Ban(clause.text, None, place=noun_phrase(words, index + 2))
    thing = noun_phrase(words, index + 1 + (words[index + 1] == "about"))
    if thing and thing.pronoun:
        return Ban(clause.text, thing) if words[index] in ("skip", "ignore", "forget", "none") else None
    if words[index] == "none":
        thing = noun_phrase(words, index + 2) if words[index + 1] == "of" else None
    if thing and thing.words and thing.words[-1] in ("drop", "crumb", "bit"):
        thing = _place_after(words, thing.stop)
    place = _place_after(words, thing.stop) if thing and thing.words else None
    return Ban(clause.text, thing, place=place) if thing else None


def _excludes(words: tuple[str, ...], index: int, word: str) -> bool:
    forgotten = word == "mind" and words[max(0, index - 1) : index] == ("never",)
    return word in ("no", "not", "skip", "ignore", "forget", "without", "none") or forgotten


def _is_exclusion(words: tuple[str, ...], index: int) -> bool:
    before = words[index - 1] if index else ""
    if before in _WORDS["remark"] or words[max(0, index - 2) : index] == ("do", "not"):
        return False
    if words[index] == "not" and before not in ("", "but", "and", "please", "just"):
        return False
    return not (_WORDS["harmless"] & {words[index + 1]} or {"again", "more", "than"} & set(words))


def _place_after(words: tuple[str, ...], start: int) -> NounPhrase | None:
    """Return the noun phrase after the next preposition of place."""
    for index in range(start, min(len(words), start + 6)):
        if words[index] in _WORDS["places"]:
            there = NounPhrase((), index + 2, "there") if words[index + 1 : index + 2] == ("there",) else None
            return noun_phrase(words, index + 1) or there
        if words[index] in ("there", "anywhere"):
            return NounPhrase((), index + 1, "there")
    return None


FORMS = (_action, _left_alone, _kept_away, _staying, _exception, _without)
