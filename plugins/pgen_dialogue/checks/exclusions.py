"""The forms in which people leave a thing out: "no sugar", "nothing on the shelf", "I don't eat nuts"."""

from pgen_dialogue.checks.ban import IT, WORDS, Ban, place_after
from pgen_dialogue.checks.lexicon import act_at, acts
from pgen_dialogue.english.clauses import Clause
from pgen_dialogue.english.noun_phrases import NounPhrase, noun_phrase

_NOT_WANTED = (*(("i", "do", "not", verb) for verb in ("want", "need", "fancy")), ("i", "will", "not", "have"))
PLACING = frozenset(("place", "carry", "lower"))
_GIVING = PLACING | {"pour", "smooth", "hand", "season"}
_UNEATEN = (
    *(("am", "not", verb) for verb in ("taking", "eating", "drinking", "having")),
    *(("do", "not", "eat"), ("do", "not", "drink"), ("can", "not", "eat"), ("can", "not", "have")),
)
_NEEDLESS = tuple(
    (verb, "not", state) for verb in ("is", "'s", "are") for state in ("needed", "wanted", "required", "necessary")
)
_MENTIONING = {
    **dict.fromkeys(("anywhere", "anything", "everything", "all"), ("but", "except")),
    **{"wait": ("with",), "allergic": ("to",), "nothing": ("with", "containing")},
}
"""Words that exclude what follows them, after one of these others."""


def unwanted(clause: Clause) -> Ban | None:
    """Read "I do not want that pan on the rack", "I do not want the wine wrapped", "I do not need a skewer"."""
    words = clause.words
    index = next((i + 3 for i in range(len(words) - 4) if words[i : i + 4] in _NOT_WANTED), None)
    thing = (noun_phrase(words, index + 1) or _anything(words, index + 1)) if index else None
    if index is None or thing is None:
        return None
    if len(thing.words) > 1 and next(acts(thing.words[-1:], "participle"), None):
        thing = NounPhrase(thing.words[:-1], thing.stop - 1)
    rest = words[thing.stop :]
    if rest[:1] and rest[0] in WORDS["places"]:
        place = place_after(rest, 0)
        return Ban(clause.text, thing, PLACING, place=place) if place else None
    if act := next((act for act in acts(rest[:1], "participle") if act.kinds), None):
        return Ban(clause.text, thing, act.kinds)
    indefinite = words[index + 1] in ("a", "an", "any") and not rest
    return Ban(clause.text, thing, _GIVING) if indefinite else None


def _anything(words: tuple[str, ...], index: int) -> NounPhrase | None:
    return NounPhrase((), index + 1, "anything") if words[index : index + 1] in (("anything",), ("things",)) else None


def exception(clause: Clause) -> Ban | None:
    """Read "anywhere but the rack", "nothing on the shelf", "I am allergic to nuts", "hold the mustard"."""
    words = clause.words
    for index, word in enumerate(words[:-1]):
        if word in _MENTIONING and words[index + 1] in _MENTIONING[word]:
            thing = noun_phrase(words, index + 2)
            return Ban(clause.text, thing) if thing or word in ("wait", "allergic") else None
        if words[max(0, index - 2) : index + 1] in _UNEATEN:
            thing = noun_phrase(words, index + 1)
            return None if thing and thing.pronoun else Ban(clause.text, thing)
        if word in ("nothing", "none") and words[index + 1] in WORDS["after_nothing"]:
            place = _place_of_nothing(words, index)
            return Ban(clause.text, None, place=place) if place else None
    if any(words[index : index + 3] in _NEEDLESS for index in range(len(words) - 2)):
        return Ban(clause.text, noun_phrase(words, 0))
    return Ban(clause.text, noun_phrase(words, 1)) if words[:2] == ("hold", "the") and len(words) == 3 else None


def _place_of_nothing(words: tuple[str, ...], index: int) -> NounPhrase | None:
    """Return where nothing is to be put, or what nothing is to be taken out of."""
    if words[index + 1 : index + 3] == ("out", "of"):
        return noun_phrase(words, index + 3)
    return place_after(words, index + 1) or place_after(words, 0)


def without(clause: Clause) -> Ban | None:
    """Read "no sugar", "not the red one", "skip the basil", "never mind the mug", "not a drop for the cactus"."""
    words = clause.words
    index = next((i for i, word in enumerate(words[:-1]) if _excludes(words, i, word)), None)
    if index is None or clause.question or not _is_exclusion(words, index) or {"lying", "standing"} & set(words):
        return None
    if words[index] == "not" and words[index + 1] in ("on", "in", "into", "onto", "to"):
        return Ban(clause.text, None, place=noun_phrase(words, index + 2))
    thing = noun_phrase(words, index + 1 + (words[index + 1] in ("about", "with")))
    if words[index] == "skip" and thing and len(thing.words) == 1:
        act = act_at(thing.words, 0, "gerund")
        if act and act.kinds:
            return Ban(clause.text, IT, act.kinds, act.verb)
    if thing and thing.pronoun:
        return Ban(clause.text, thing) if words[index] in ("skip", "ignore", "forget", "none") else None
    if words[index] == "none":
        thing = noun_phrase(words, index + 2) if words[index + 1] == "of" else None
    if thing and thing.words and thing.words[-1] in ("drop", "crumb", "bit"):
        thing = place_after(words, thing.stop)
    place = place_after(words, thing.stop) if thing and thing.words else None
    return Ban(clause.text, thing, place=place) if thing else None


def _excludes(words: tuple[str, ...], index: int, word: str) -> bool:
    forgotten = word == "mind" and words[max(0, index - 1) : index] == ("never",)
    return word in ("no", "not", "skip", "ignore", "forget", "without", "none") or forgotten


def _is_lacking(words: tuple[str, ...]) -> bool:
    """Return whether words before "without" tell what is missing: "everything's a blur without my glasses"."""
    state = next((index for index, word in enumerate(words) if word in ("is", "'s", "am", "are")), len(words))
    return "not" in words or "nothing" in words or state < len(words) - 1


def _is_exclusion(words: tuple[str, ...], index: int) -> bool:
    before = words[index - 1] if index else ""
    if words[index] == "without" and _is_lacking(words[:index]):
        return False
    if before in WORDS["remark"] | {"i", "will", "would", "to", "we", "they", "he", "she"} or words[
        max(0, index - 2) : index
    ] == ("do", "not"):
        return False
    if words[index] == "not" and before not in ("", "but", "and", "please", "just", "so"):
        return False
    return not (WORDS["harmless"] & {words[index + 1]} or {"more", "than"} & set(words) or words[index + 1] == "again")
