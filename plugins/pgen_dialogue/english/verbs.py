"""Verb forms, by spelling rules and a short table of irregular ones.

`base_of` recognizes the verbs of the lexicon; `from_third_person` is for a word that must be a verb because it follows
the robot as subject. Forms can be made of any verb.
"""

import re

from pgen_dialogue.english.words import ACT_OF, IRREGULAR_DONE, STRESSED_LATE

_CONSONANT_Y = re.compile(r"[^aeiou]y\Z")
_THIRD_PERSON = re.compile(r"\A[a-z]{2,}[^s]s")
_ONE_SYLLABLE = re.compile(r"\A(?:qu|[^aeiou])*[aeiou][^aeiouwxy]")
_HISSING = ("ches", "shes", "sses", "xes", "zzes", "oes")


def gerund(verb: str) -> str:
    """pick -> picking, move -> moving, put -> putting, lie -> lying."""
    if verb.endswith("ie"):
        return verb[:-2] + "ying"
    if verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")) and verb != "be":
        return verb[:-1] + "ing"
    return _doubled(verb) + "ing"


def participle(verb: str) -> str:
    """pick -> picked, carry -> carried, put -> put, take -> taken."""
    if verb in IRREGULAR_DONE:
        return IRREGULAR_DONE[verb]
    if verb.endswith("e"):
        return verb + "d"
    if _CONSONANT_Y.search(verb, max(0, len(verb) - 2)):
        return verb[:-1] + "ied"
    return _doubled(verb) + "ed"


def third_person(verb: str) -> str:
    """pick -> picks, carry -> carries, push -> pushes."""
    if verb in ("have", "be"):
        return {"have": "has", "be": "is"}[verb]
    if _CONSONANT_Y.search(verb, max(0, len(verb) - 2)):
        return verb[:-1] + "ies"
    return verb + ("es" if (verb + "es").endswith(_HISSING) else "s")


def base_of(word: str, form: str = "") -> str | None:
    """Return the verb of the lexicon that `word` is a form of (of this `form`, if it is not empty), or None."""
    for name in (form,) if form else ("base", "third", "gerund"):
        if word in _FORMS[name]:
            return _FORMS[name][word]
    return None


def from_third_person(word: str) -> str | None:
    """Return the base of a word that ends like a verb in the third person, by the lexicon or by spelling."""
    base = base_of(word, "third")
    if base or not _THIRD_PERSON.fullmatch(word):
        return base
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-2] if word.endswith(_HISSING) else word[:-1]


def form_of(word: str) -> str | None:
    """Return the form (base, third, gerund, past) in which a word is a verb of the lexicon, or None."""
    return next((name for name in ("base", "third", "gerund", "past") if word in _FORMS[name]), None)


def _doubled(verb: str) -> str:
    double = _ONE_SYLLABLE.fullmatch(verb) or verb in STRESSED_LATE
    return verb + verb[-1] if double else verb


_FORMS: dict[str, dict[str, str]] = {
    "base": {verb: verb for verb in ACT_OF},
    "third": {third_person(verb): verb for verb in ACT_OF},
    "gerund": {gerund(verb): verb for verb in ACT_OF},
    # without irregular ones: `left`, `cut` and `set` are also adjectives or bases
    "past": {participle(verb): verb for verb in ACT_OF if verb not in IRREGULAR_DONE},
}
