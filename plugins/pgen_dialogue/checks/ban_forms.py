"""The forms in which people forbid something, each read by a function of `FORMS`; the first that fits counts."""

from collections.abc import Iterator

from pgen_dialogue.checks.ban import IT, KEEPING, LISTS, WORDS, Ban, place_after
from pgen_dialogue.checks.exclusions import PLACING, exception, unwanted, without
from pgen_dialogue.checks.lexicon import act_at, acts
from pgen_dialogue.checks.words import stem
from pgen_dialogue.english.clauses import Clause
from pgen_dialogue.english.noun_phrases import NounPhrase, noun_phrase, object_after, phrase_before
from pgen_dialogue.english.words import DETERMINERS, PREPOSITIONS

_NEGATIONS = {
    first: [phrase for phrase in map(tuple, map(str.split, LISTS["negations"])) if phrase[0] == first]
    for first in {phrase.split()[0] for phrase in LISTS["negations"]}
}
_STATES = {name.removeprefix("states."): kinds for name, kinds in WORDS.items() if name.startswith("states.")}
_FORBIDDING = frozenset(("never", "nobody", "avoid", "stop", "refrain"))
_CONDITIONS = frozenset(("where", "if", "when", "unless", "because"))
"""Words after which "leave" is no order: "they crease if you leave them in there"."""
_HELD_BY = frozenset(("of", "to", "onto", "holding"))
"""Words before what is held: "hang on to the jar"."""
_FULLY = ("open", "shut", "closed")
"""States that are one wherever they follow a noun: "leave the lid open for me"."""


def _action(clause: Clause) -> Ban | None:
    """Read "do not carry it", "never touch the bread", "the mug is not to be moved", "nobody opens the lid"."""
    start = next(_after_negations(clause.words), None)
    if start is None or clause.words[start] in DETERMINERS or "else" in clause.words or _is_soft(clause.words, start):
        return None
    if "with" in clause.words and stem(clause.words[start]) not in WORDS["any_act"]:
        return None
    end = next((i for i in range(start, len(clause.words)) if clause.words[i] in WORDS["before"]), len(clause.words))
    words = clause.words[:end]
    act = next((act for act in acts(words) if act.index >= start), None)
    index = act.index if act else next((i for i in range(start, end) if stem(words[i]) in WORDS["any_act"]), None)
    verb = act.verb if act else stem(words[index]) if index is not None else ""
    if index is None or _is_soft(words, index) or WORDS["manner"] & set(words[start:]):
        return None
    thing = _subject_of(words, start) or object_after(words, index)
    place = place_after(words, thing.stop if thing else index + 1)
    gives = verb == "give" and {"anything", "any", "more"} & set(words[index:])  # "do not give the fern any more"
    kinds = act.kinds if act and not gives else frozenset()
    return Ban(clause.text, thing or IT, kinds, "" if verb in WORDS["any_act"] and not kinds else verb, place)


def _is_soft(words: tuple[str, ...], verb: int) -> bool:
    """Return whether a verb forbids no skill after "do not": "do not let it fall", but "do not let go"."""
    return stem(words[verb]) in WORDS["soft_verbs"] and words[verb : verb + 2] != ("let", "go")


def _after_negations(words: tuple[str, ...]) -> Iterator[int]:
    """Yield the positions after the negations of verbs."""
    yield from _after_phrases(words)
    for index, word in enumerate(words[:-1]):
        following = words[index + 1]
        if (word == "not" and _is_ordered(words, index)) or (
            word in _FORBIDDING and following != "mind" and not _is_perfect(words, index)
        ):
            yield index + 1 + (following == "you")
        elif word == "no" and following == "one":
            yield index + 2
        elif word == "no" and act_at(words, index + 1, "gerund"):
            yield index + 1


def _is_perfect(words: tuple[str, ...], index: int) -> bool:
    """Return whether "nobody" has or is something, "nobody's finished", and is told nothing: "nobody's to open it"."""
    return words[index + 1] in ("'s", "has") and words[index + 2 : index + 3] != ("to",)


def _after_phrases(words: tuple[str, ...]) -> Iterator[int]:
    """Yield the positions after phrases like "no need to", not of others: "we are not allowed to carry them"."""
    for index, word in enumerate(words[:-1]):
        if {"we", "they", "he", "she"} & set(words[max(0, index - 2) : index]):
            continue
        for phrase in _NEGATIONS.get(word, ()):
            if words[index : index + len(phrase)] == phrase and index + len(phrase) < len(words):
                yield index + len(phrase)


def _is_ordered(words: tuple[str, ...], negation: int) -> bool:
    """Return whether "not" stands in an order: "do not", "it is not to", not in "why do not you" or "they do not"."""
    before, by_whom = words[max(0, negation - 1) : negation], words[max(0, negation - 2) : max(0, negation - 1)]
    if before and before[0] in ("is", "are", "'s", "be", "am"):
        others = {"i", "we", "they", "he", "she"} & set(by_whom)
        return not others and words[negation + 1] in ("to", "be", "allowed", "supposed")
    if (
        before == ("can",)
        and not {"with", "still", "like"} & set(words)
        and words[negation + 1] in ("go", "come")
        and by_whom[0:1] not in (("i",), ("you",), ("we",))
    ):
        return True  # "the box can't go on the belt"
    if not before or by_whom in (("why",), *((other,) for other in LISTS["others"])):
        return False
    return before[0] in WORDS["ordering"]


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
        forbidden, proposed = words[max(0, index - 1) : index] == ("not",), words[index : index + 2] == ("let", "us")
        if word in ("leave", "keep", "let") and not forbidden and not proposed:
            return None if _CONDITIONS & set(words[:index]) else _left(clause, index)
    return None


def _left(clause: Clause, verb: int) -> Ban | None:
    words = clause.words
    thing = object_after(words, verb)
    rest = words[thing.stop :] if thing else ()
    if thing is None or "else" in rest[:2]:
        return None
    needed = {"let": {"stay", "be", "alone"}, "keep": WORDS["kept"]}.get(words[verb])
    if (needed and not needed & set(rest)) or WORDS["quantities"] & set(thing.words[:1]):
        return None
    return None if {"hands", "fingers", "eyes"} & set(words[verb + 1 : verb + 3]) else _stays(clause, thing, rest)


def _stays(clause: Clause, thing: NounPhrase, rest: tuple[str, ...]) -> Ban:
    """Return what it forbids that a thing stays as or where the words after it say."""
    for state, kinds in _STATES.items():
        last = state in rest[:2] and rest[-1] == state
        if last or (rest[:1] == (state,) and (state in _FULLY or rest[1] in WORDS["for_a_time"])):
            return Ban(clause.text, thing, kinds)
    if rest[:1] and rest[0] in ("empty", "free", "clear"):
        return Ban(clause.text, thing)
    place = place_after(rest, 0)
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
            if thing and thing.words and (act := act_at(thing.words, len(thing.words) - 1, "gerund")) and act.kinds:
                return Ban(clause.text, IT, act.kinds)  # "hands off the whisking"
            if thing or words[index - 1] in ("hands", "fingers"):
                return Ban(clause.text, thing or IT)
    return None


def _staying(clause: Clause) -> Ban | None:
    """Read "the butter has to stay out", "the drill stays on the bench", "the cactus gets nothing"."""
    words = clause.words
    start = next((i for i, word in enumerate(words) if word not in ("so", "and", "but", "now", "then", "please")), 0)
    if "to" in words[:-1] and words[words.index("to") + 1] in ("stay", "remain"):
        subject = phrase_before(words, words.index("to")) or noun_phrase(words, start)
    else:
        subject = noun_phrase(words, start)
    if subject is None:
        return None
    rest = words[subject.stop :]
    if clause.has(*LISTS["in_place"]) or rest[:2] == ("gets", "nothing") or clause.has("off limits"):
        return Ban(clause.text, subject)
    if rest[:1] and rest[0] in PREPOSITIONS and (where := noun_phrase(rest, 1)) and where.words:
        subject = NounPhrase((*where.words, *subject.words), subject.stop, feature=where.words)  # "the lamp above"
    stays = next((i for i, word in enumerate(rest[:5]) if word in WORDS["stays"]), None)
    if stays is None or {"not", "if", "when"} & set(words[: subject.stop + 4]) or rest[0] in ("wait", "stop"):
        return None
    return _stays(clause, subject, rest[stays + 1 :])


def _kept_off(clause: Clause) -> Ban | None:
    """Read "keep books off it", "keep your claws off my saddle"."""
    words = clause.words
    verb = next((i for i, word in enumerate(words) if word in ("keep", "get") and "not" not in words[:i]), -1)
    thing = noun_phrase(words, verb + 1) if verb >= 0 else None
    if thing is None or not thing.words or words[thing.stop : thing.stop + 1] not in (("off",), ("away",), ("out",)):
        return None
    start = thing.stop + 1
    place = noun_phrase(words, start + (words[start : start + 1] in (("from",), ("of",))))
    if place is None or (words[verb] == "get" and thing.words[-1] not in WORDS["limbs"]):
        return None
    if thing.words[-1] in WORDS["limbs"]:
        return Ban(clause.text, place)
    return Ban(clause.text, thing, PLACING, place=place)


def _held(clause: Clause) -> Ban | None:
    """Read "keep hold of it", "hold on to the cup", "keep the tube in there"."""
    words = clause.words
    if clause.has(*LISTS["held"]) and "not" not in words:
        held = next((i + 1 for i in range(1, len(words)) if words[i] in _HELD_BY), len(words))
        return Ban(clause.text, noun_phrase(words, held) or IT, KEEPING)
    if words[0] == "keep" and (thing := noun_phrase(words, 1)) and thing.words and thing.stop == len(words):
        return Ban(clause.text, thing, frozenset(("hand", "discard")))
    keep = words.index("keep") if "keep" in words and "not" not in words else None
    if keep is not None and clause.has("in there", "on there", "here", "where it is", "with me"):
        thing = noun_phrase(words, keep + 1)
        return Ban(clause.text, thing, frozenset(("pull", "lift", "grasp"))) if thing else None
    return None


FORMS = (unwanted, _kept_off, _held, _action, _left_alone, _kept_away, _staying, exception, without)
