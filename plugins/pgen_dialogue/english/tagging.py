"""Tags a label's words with their part of speech, as far as articles and verb forms depend on it.

Verbs are expected at the start, after "and", "then" or a comma, and after "to"; any other word that is in no list is
tagged as a noun, also if it is an adjective.
"""

from dataclasses import dataclass
from typing import Literal

from pgen_dialogue.english import words as w
from pgen_dialogue.english.verbs import base_of, form_of

Kind = Literal["verb", "infinitive", "determiner", "preposition", "adverb", "pronoun", "conjunction", "noun", "fixed"]


_CLAUSES_WITH_NOUN = ("until", "when", "if", "because", "where")
_NOT_NOUNS = w.DETERMINERS | w.PRONOUNS | w.PREPOSITIONS | w.ADVERBS | w.NUMBERS
_CLOSED = w.PREPOSITIONS | w.CONJUNCTIONS | w.CLAUSE_STARTS | w.ADVERBS
_BEFORE_GERUND = ("while", "whilst", "by", "before", "after", "without")


@dataclass(frozen=True, slots=True)
class Token:
    """A word as written, its part of speech, and the base form of a verb that is inflected."""

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
    """Return the first verb and the tokens of the words after it; `form` is the form of that verb (base, third, …)."""
    tokens = [verb]
    for index, text in enumerate(label):
        rest = label[index + 1 :]
        if tokens[-1].kind == "fixed" or Token(text, "noun").core in w.CLAUSE_STARTS:
            tokens.append(_subordinate(text, rest))
            if tokens[-1].core in _CLAUSES_WITH_NOUN and rest and _lacks_article(rest[0]):
                tokens.append(Token("the", "fixed"))
        else:
            tokens.append(_token(text, tokens[-1], rest, form))
    return tokens


def _subordinate(text: str, rest: list[str]) -> Token:
    core = Token(text, "noun").core
    # `while holding the cup` is tagged further; any other clause stays as it was written
    continues = core in ("while", "whilst") and rest and base_of(Token(rest[0], "noun").core, "gerund")
    return Token(text, "preposition" if continues else "fixed")


def _lacks_article(text: str) -> bool:
    core = Token(text, "noun").core
    return core.isalpha() and core not in _NOT_NOUNS and not base_of(core) and text.islower()


def _token(text: str, last: Token, rest: list[str], form: str) -> Token:
    core = Token(text, "noun").core
    following = Token(rest[0], "noun").core if rest else ""
    if last.core in _BEFORE_GERUND and base_of(core, "gerund"):
        return Token(text, "infinitive")
    if verb := _verb(core, last, following, form):
        return Token(text, "infinitive" if last.core == "to" else "verb", verb)
    if core in w.CONJUNCTIONS:
        return Token(text, "conjunction")
    if core in w.DETERMINERS and following and (core in w.ARTICLES or not _ends_nouns(following)):
        return Token(text, "determiner")
    if core in w.PRONOUNS or core in w.DETERMINERS:
        return Token(text, "pronoun")
    if _adverb(core, last, following):
        return Token(text, "adverb")
    if core in w.PREPOSITIONS:
        return Token(text, "preposition")
    return Token(text, "noun")


def _verb(core: str, last: Token, following: str, form: str) -> str | None:
    complete = following or core in w.TRANSITIVE
    if last.core == "to" and following not in w.PLACES:
        return base_of(core, "base") if complete else None
    is_noun = core in w.NOUNISH and following not in w.DETERMINERS | w.PRONOUNS
    if (last.kind == "conjunction" or last.text.endswith((",", ";"))) and complete and not is_noun:
        return base_of(core, form)
    return None


def _adverb(core: str, last: Token, following: str) -> bool:
    ends = not following or _ends_nouns(following)
    if last.kind == "determiner" and not ends:
        return False  # the lower rack
    if following == "to" and core in w.BEFORE_TO:
        return True
    if core in w.SIDES:
        return ends and last.kind not in ("determiner", "preposition", "noun")
    if core in w.RESULTS:
        return ends and last.kind in ("noun", "pronoun", "verb")
    if core.endswith("ly") and len(core) > 4 and core not in w.NOT_ADVERBS:
        return True
    return core in w.ADVERBS and (ends or core != "home")


def _ends_nouns(word: str) -> bool:
    """Return whether a word cannot be part of a group of nouns."""
    return word in _CLOSED and form_of(word) is None
