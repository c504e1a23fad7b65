"""Splits a label's words into tokens that know their part: verb, determiner, preposition, adverb, noun.

Only what the articles and the verb forms need is told apart. Verbs are looked for at the start, after
"and", "then" or a comma, and after "to"; anything else that is in no list is a noun or an adjective.
"""

from dataclasses import dataclass
from typing import Literal

from pgen_dialogue.english import words as w
from pgen_dialogue.english.verbs import base_of, form_of

Kind = Literal["verb", "infinitive", "determiner", "preposition", "adverb", "pronoun", "conjunction", "noun", "fixed"]


_CLAUSES_OF_THINGS = ("until", "when", "if", "because", "where")
_BEFORE_GERUND = ("while", "whilst", "by", "before", "after", "without")


@dataclass(frozen=True, slots=True)
class Token:
    """A word as written, its part of speech, and its base where it is a verb that takes another form."""

    text: str
    kind: Kind
    base: str = ""

    @property
    def core(self) -> str:
        return self.text.lower().strip(",.;:!?\"'()[]")

    @property
    def ends_group(self) -> bool:
        return self.text.endswith((",", ";", ":", ")"))


def tag(verb: Token, label: list[str], form: str) -> list[Token]:
    """The first verb and the tokens of the words after it; `form` is the one it stood in (base, third, …)."""
    tokens = [verb]
    for index, text in enumerate(label):
        rest = label[index + 1 :]
        if tokens[-1].kind == "fixed" or Token(text, "noun").core in w.CLAUSE_STARTS:
            tokens.append(_subordinate(text, rest))
            if tokens[-1].core in _CLAUSES_OF_THINGS and rest and _bare_thing(rest[0]):
                tokens.append(Token("the", "fixed"))
        else:
            tokens.append(_token(text, tokens[-1], rest, form))
    return tokens


def _subordinate(text: str, rest: list[str]) -> Token:
    core = Token(text, "noun").core
    # `while holding the cup` reads on; any other clause is left as it was written
    reads_on = core in ("while", "whilst") and rest and base_of(Token(rest[0], "noun").core, "gerund")
    return Token(text, "preposition" if reads_on else "fixed")


def _bare_thing(text: str) -> bool:
    core = Token(text, "noun").core
    listed = core in w.DETERMINERS | w.PRONOUNS | w.PREPOSITIONS | w.ADVERBS | w.NUMBERS
    return core.isalpha() and not listed and not base_of(core) and text.islower()


def _token(text: str, last: Token, rest: list[str], form: str) -> Token:
    core = Token(text, "noun").core
    following = Token(rest[0], "noun").core if rest else ""
    if last.core in _BEFORE_GERUND and base_of(core, "gerund"):
        return Token(text, "infinitive")
    if verb := _verb(core, last, following, form):
        return Token(text, "infinitive" if last.core == "to" else "verb", verb)
    if core in w.CONJUNCTIONS:
        return Token(text, "conjunction")
    if core in w.DETERMINERS and following and not _closed(following):
        return Token(text, "determiner")
    if core in w.PRONOUNS or core in w.DETERMINERS:
        return Token(text, "pronoun")
    if _adverb(core, last, following):
        return Token(text, "adverb")
    if core in w.PREPOSITIONS:
        return Token(text, "preposition")
    return Token(text, "noun")


def _verb(core: str, last: Token, following: str, form: str) -> str | None:
    whole = following or core in w.TRANSITIVE
    if last.core == "to" and following not in w.PLACES:
        return base_of(core, "base") if whole else None
    thing = core in w.NOUNISH and following not in w.DETERMINERS | w.PRONOUNS
    if (last.kind == "conjunction" or last.text.endswith((",", ";"))) and whole and not thing:
        return base_of(core, form)
    return None


def _adverb(core: str, last: Token, following: str) -> bool:
    ends = not following or _closed(following)
    if following == "to" and core in w.BEFORE_TO:
        return True
    if core in w.SIDES:
        return ends and last.kind not in ("determiner", "preposition", "noun")
    if core in w.RESULTS:
        return ends and last.kind in ("noun", "pronoun", "verb")
    if core.endswith("ly") and len(core) > 4 and core not in w.NOT_ADVERBS:
        return True
    return core in w.ADVERBS and (ends or core != "home")


def _closed(word: str) -> bool:
    """Whether a word belongs to no group of nouns."""
    listed = word in w.PREPOSITIONS or word in w.CONJUNCTIONS or word in w.CLAUSE_STARTS or word in w.ADVERBS
    return listed and form_of(word) is None
