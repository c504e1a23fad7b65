"""Talk that leads to no skill. A remark or a wish may lead to one without naming it, so small talk must show."""

from itertools import pairwise

from pgen_dialogue.checks.lexicon import act_at
from pgen_dialogue.checks.phrases import PHRASES, WORDS
from pgen_dialogue.checks.scope import ScopeFacts, mentioned
from pgen_dialogue.checks.words import EMPTY, content
from pgen_dialogue.english.clauses import Clause, clauses, plain_words
from pgen_dialogue.english.speech_acts import request_verb
from pgen_dialogue.english.words import NUMBERS

_EMPTY_PHRASES = (
    *((" it 's ", " "), (" it is ", " "), (" it was ", " was "), (" believe it or not ", " ")),
    *(
        (" it will ", " "),
        (" it rained ", " rained "),
        (" it snowed ", " snowed "),
        (" did not it ", " "),
        (" is not it ", " "),
        (" can you believe it ", " "),
    ),
)
"""Phrases whose "it" points to no thing."""


def is_small_talk(listed: tuple[Clause, ...], answer: str, scope: ScopeFacts) -> bool:
    """Return whether a user's text only talks, as the robot's answer may show: "Good luck. Taking the pan."."""
    spoken = tuple(word for clause in listed for word in clause.words)
    if (
        not spoken
        or spoken[0] in ("so", "then", "because", "otherwise")
        or mentioned(spoken, scope.own)
        or any(map(asks_for_action, listed))
        or any(clause.has("all over", "everywhere") for clause in listed)
        or _is_taken_up(spoken, answer, scope)
    ):
        return False
    if any(clause.has(*PHRASES["request"]) for clause in listed):
        return False
    if any(map(_exclaims, listed)):
        return True
    text = f" {' '.join(spoken)} "
    if any(map(_urges, listed[1:])) or (WORDS["deictic"] - {"there", "still"}) & set(_without_empty(text)):
        return False
    if any(clause.has(*PHRASES["social"]) for clause in clauses(answer)[:1]):
        return True
    if any(clause.has(*PHRASES["small_talk"]) or _is_about_people(clause) for clause in listed):
        return True
    if mentioned(spoken, scope.scene) or _has_label_word(spoken, scope):
        return False
    return _tells(listed, text) or _is_about_life(listed)


def _exclaims(clause: Clause) -> bool:
    """Return whether a clause praises what a robot does not handle: "nice song", "what a lovely evening"."""
    words = clause.words
    return any(one in WORDS["praise"] and other in WORDS["leisure"] for one, other in pairwise(words))


def _is_about_life(listed: tuple[Clause, ...]) -> bool:
    """Return whether somebody tells what others say or do, when, or how old they are, and needs nothing."""
    words = tuple(word for clause in listed for word in clause.words)
    if WORDS["needing"] & set(words) or any(clause.question for clause in listed):
        return False
    if any(clause.has(*PHRASES["reporting"]) for clause in listed) or WORDS["regularly"] & set(words):
        return True
    person = next((i + 1 for i, word in enumerate(words[:3]) if word in WORDS["people"]), 0)
    verbs = words[person : person + 3] if person else ()
    return bool(WORDS["living"] & set(verbs)) or (words[:2] == ("i", "am") and words[2] in NUMBERS)


def _is_taken_up(spoken: tuple[str, ...], answer: str, scope: ScopeFacts) -> bool:
    """Return whether the robot relates its action to a word of the user: "we're four tonight", "four plates"."""
    words = content(" ".join(spoken))
    if any(clause.words[-2:] == ("it", "is") and content(clause.text) & words for clause in clauses(answer)):
        return True  # "a double it is"
    return any(content(clause.text) & words and mentioned(clause.words, scope.own) for clause in clauses(answer))


def _is_about_people(clause: Clause) -> bool:
    """Return whether a clause tells what people do and when, or how good the robot is: "my son is nine on Friday"."""
    words = clause.words
    if words[:2] == ("you", "are") and words[2:3] and words[2] in WORDS["praising"]:
        return not WORDS["negations"] & set(words)
    if words[:2] == ("you", "are") and "than" in words:
        return True
    if words[0] in ("what", "such") and words[1:2] == ("a",):
        return bool(WORDS["pleasant"] & set(words))
    if WORDS["needing"] & set(words) or clause.has(*PHRASES["subordinate"]):
        return False
    start = 1 if words[0] in ("my", "our", "his", "her", "the", "your") else 0
    person = bool(words[start : start + 2]) and bool(WORDS["people"] & set(words[start : start + 2]))
    return person and (clause.has(*PHRASES["times"]) or bool(WORDS["weekdays"] & set(words)))


def _has_label_word(spoken: tuple[str, ...], scope: ScopeFacts) -> bool:
    """Return whether a text has a colour or another word of the scope's labels."""
    words = {word for skill in scope.skills for word in plain_words(skill.phrase.do)} - EMPTY
    return bool(words & set(spoken))


def asks_for_action(clause: Clause) -> bool:
    """Return whether a clause has the verb of a request."""
    verb = request_verb(clause.words)
    return verb is not None and act_at(clause.words, verb, "base") is not None


def is_aside(clause: Clause) -> bool:
    """Return whether a clause does nothing by itself: "sorry", "oh"."""
    return clause.plain in WORDS["aside"] or (len(clause.words) < 3 and clause.words[0] in WORDS["aside"])


def _urges(clause: Clause) -> bool:
    """Return whether a clause urges on: "off with those sheets"."""
    return bool(clause.words[1:2] == ("with",) or {"those", "please", "next", "careful"} & set(clause.words))


def _tells(listed: tuple[Clause, ...], text: str) -> bool:
    """Return whether a text tells a story, and urges nobody on."""
    main = {word for clause in listed if not clause.has(*PHRASES["subordinate"]) for word in clause.words}
    pointing = WORDS["deictic"] | WORDS["urging"] - {"now", "again"}
    asks = any(clause.question for clause in listed)
    personal = {"i", "we", "my", "our", "used", "years"} & main
    return bool(personal and main & WORDS["past"]) and not asks and not pointing & set(_without_empty(text))


def _without_empty(text: str) -> list[str]:
    for phrase, other in _EMPTY_PHRASES:
        text = text.replace(phrase, other)
    return text.split()
