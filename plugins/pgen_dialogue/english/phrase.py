"""Reads a label as a phrase: imperative, gerund and participle with their articles.

`read` is pure and never fails; without a verb, `verb` is empty and only `text` can be used.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from pgen_dialogue.english import words as w
from pgen_dialogue.english.clean import split_label
from pgen_dialogue.english.nouns import groups, is_several, lacks_article, objects
from pgen_dialogue.english.tagging import Token, tag
from pgen_dialogue.english.verbs import base_of, form_of, from_third_person, gerund, participle, third_person

LONGEST = 140
"""Characters of a label at most; a longer text is not the name of a skill and is not read."""

_FORMED: dict[str, Callable[[str], str]] = {
    "base": str,
    "gerund": gerund,
    "participle": participle,
    "third": third_person,
}
_ARTICLE = re.compile(r"\b([Aa])n? (?=(\w+))")
_SOUNDS_LIKE_YOU = re.compile(r"uni|us[aeiu]|eu|one|uten")
_ALONE = dict.fromkeys(("home", "homing", "home position", "home pose"), "return home") | {"lower": "move down"}
"""Labels of one or two words that mean more than they say."""
_ENDS_UP = frozenset(("into", "onto", "in", "on", "to", "inside"))


@dataclass(frozen=True, slots=True)
class Phrase:
    """A label as text and, if it has a verb, in these forms.

    `do`: "pick up the cup", `doing`: "picking up the cup", `done`: "picked up the cup", `does`: "picks up the cup".
    `do_it` and `doing_it` have a pronoun for the first object: "pick it up". `objects` have their articles and are in
    their order; `where` is what follows the first ("into the box"); `act` is the kind of action (a key of
    `words.ACTS`).
    """

    text: str
    verb: str = ""
    do: str = ""
    doing: str = ""
    done: str = ""
    does: str = ""
    do_it: str = ""
    doing_it: str = ""
    act: str = ""
    objects: tuple[str, ...] = ()
    where: str = ""


@lru_cache(maxsize=8192)
def read(label: str) -> Phrase:
    """Return the phrase of a label."""
    text, subject, side = split_label(label)
    text = _ALONE.get(text, text)
    words = text.split()
    lead = _lead(words, subject) if words and len(text) <= LONGEST else None
    if lead is None:
        return Phrase(text)
    adverb, verb, form, rest = lead
    limb = ["with", "the", side, subject.removeprefix("robot ")] if side else []
    tokens = _articled(_completed(tag(verb, [*rest, *limb], form), subject))
    named = objects(tokens)
    short = _shortened(tokens, named[0][1]) if named else []
    return Phrase(
        text=text,
        verb=verb.base,
        do=_rendered(adverb, tokens, "base"),
        doing=_rendered(adverb, tokens, "gerund"),
        done=_rendered(adverb, tokens, "participle"),
        does=_rendered(adverb, tokens, "third"),
        do_it=_rendered(adverb, short, "base") if short else "",
        doing_it=_rendered(adverb, short, "gerund") if short else "",
        act=_act(verb.base, tokens),
        objects=tuple(dict.fromkeys(phrase for phrase, _ in named)),
        where=_where(tokens, named[0][1]) if named else "",
    )


def _lead(words: list[str], subject: str) -> tuple[list[str], Token, str, list[str]] | None:
    """Return the adverbs before the verb, the verb, its form, and the words after it; None without a verb."""
    adverbs: list[str] = []
    while len(words) > 1 and words[0].lower().rstrip(",").endswith("ly") and form_of(words[1].lower()):
        adverbs.append(words[0].lower().rstrip(","))
        words = words[1:]
    first = words[0].lower().rstrip(",;")
    form = form_of(first) or ("third" if subject else "")
    if form == "past" and (len(words) == 1 or words[1].lower() not in w.DETERMINERS | w.PREPOSITIONS):
        return None  # `folded towel` is an object
    base = base_of(first, form) if form else None
    if base is None and subject.startswith(("robot", "arm", "the robot")):
        base = from_third_person(first)
    if base is None or (len(words) > 1 and words[1].lower() in ("is", "are", "was")):
        return None
    comma = "," if words[0].endswith(",") and len(words) > 1 else ""
    return adverbs, Token(base + comma, "verb", base), form, words[1:]


def _completed(tokens: list[Token], subject: str) -> list[Token]:
    """Return the tokens with what the label omits: pick `up` the cup, grasp `it`, close `the gripper`."""
    verb, rest = tokens[0], tokens[1:]
    if subject.startswith("gripper") and verb.base in ("open", "close") and not _has_object(rest):
        return [verb, Token("the", "determiner"), Token("gripper", "noun"), *rest]
    joined = bool(rest) and rest[0].kind == "conjunction"
    if verb.base == "pick" and not joined and not any(token.core in ("up", "out") for token in rest):
        rest = [Token("up", "preposition"), *rest]
    if verb.base in w.TRANSITIVE:
        if all(token.kind in ("conjunction", "verb") for token in rest):
            return [verb, *rest, Token("it", "pronoun")]
        if len(rest) == 1 and rest[0].core in ("up", "down"):
            return [verb, Token("it", "pronoun"), *rest]
    return [verb, *rest]


def _has_object(rest: list[Token]) -> bool:
    return bool(rest) and rest[0].kind in ("determiner", "noun", "pronoun")


def _articled(tokens: list[Token]) -> list[Token]:
    starts = {group.start for group in groups(tokens) if lacks_article(tokens, group)}
    result: list[Token] = []
    for index, token in enumerate(tokens):
        if index in starts:
            result.append(Token("the", "determiner"))
        result.append(token)
    return result


def _shortened(tokens: list[Token], span: range) -> list[Token]:
    """Return the tokens with a pronoun for the object at `span`."""
    start = span.start - (tokens[span.start - 1].kind == "determiner")
    last = tokens[span.stop - 1]
    several = is_several([tokens[index].core for index in span])
    pronoun = Token(("them" if several else "it") + last.text[len(last.text.rstrip(",;")) :], "pronoun")
    before, after = tokens[:start], tokens[span.stop :]
    if len(before) > 1 and before[-2].base in w.PARTICLES.get(before[-1].core, ()):
        return [*before[:-1], pronoun, before[-1], *after]
    return [*before, pronoun, *after]


def _rendered(adverbs: list[str], tokens: list[Token], form: str) -> str:
    words = [*adverbs, *(_inflected(token, form) for token in tokens)]
    return _ARTICLE.sub(_article, " ".join(words).replace(" ,", ","))


def _inflected(token: Token, form: str) -> str:
    if token.kind == "infinitive" or not token.base:
        return token.text
    tail = token.text[len(token.text.rstrip(",;")) :]
    return _FORMED[form](token.base) + tail


def _article(match: re.Match[str]) -> str:
    word = match[2].lower()
    silent = word.startswith(("hour", "honest", "heir"))
    vowel = word[0] in "aeiou" and not _SOUNDS_LIKE_YOU.match(word)
    return match[1] + ("n " if silent or (vowel and len(word) > 1) else " ")


def _act(verb: str, tokens: list[Token]) -> str:
    cores = [token.core for token in tokens]
    own = bool(w.ROBOT_PARTS & {token.core for token in tokens[1:4] if token.kind == "noun"})
    direct = _has_object(tokens[1:])
    if verb in ("open", "close") and own:
        return "release" if verb == "open" else "grasp"
    if verb == "stand" and direct:
        return "release"
    if verb == "turn" and {"on", "off"} & set(cores):
        return "switch"
    if verb in ("move", "go", "pull", "lift", "raise") and {"away", "back"} & set(cores) and not direct:
        return "retreat"
    if verb in ("move", "lower", "raise", "lift", "position", "align", "bring", "extend") and direct:
        return "approach" if own else ("grasp" if verb in ("lift", "raise") else "carry")
    if verb == "lower":
        return "approach"
    return w.ACT_OF.get(verb, "other")


def _where(tokens: list[Token], span: range) -> str:
    rest = tokens[span.stop :]
    if len(rest) < 2 or rest[0].kind != "preposition":
        return ""
    stop = next((i for i, token in enumerate(rest) if token.kind in ("conjunction", "fixed", "infinitive")), None)
    return " ".join(token.text for token in rest[:stop]).rstrip(",.;:")


def read_task(task: str) -> Phrase:
    """Return the phrase of a task; "brick into the box", which has a place and no verb, is read with `get`."""
    phrase = read(task)
    words = phrase.text.lower().split()
    if phrase.verb or len(phrase.text) > LONGEST or not _ENDS_UP.intersection(words[1:-1]):
        return phrase
    return phrase if base_of(words[0], "third") or "is" in words else read(f"get {phrase.text}")
