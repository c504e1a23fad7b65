"""Splits spoken text into clauses of words, with contractions written out: "don't" is "do not", "I'll" is "I will"."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from pgen_dialogue.english.verbs import form_of
from pgen_dialogue.english.words import NOUNISH

LONGEST_TEXT = 1000
"""Characters of a text that are read."""

_TOKEN = re.compile(r"[a-z0-9]+(?:'[a-z]+)*|[.,;:!?—–]")
_ENDINGS = {"n't": "not", "'ll": "will", "'m": "am", "'re": "are", "'ve": "have", "'d": "would", "'s": "'s"}
_WHOLE = {
    "can't": "can not", "cannot": "can not", "won't": "will not", "shan't": "shall not", "gonna": "going to",
    "wanna": "want to", "gotta": "got to", "lemme": "let me", "gimme": "give me", "let's": "let us", "ain't": "is not",
    "dunno": "do not know", "c'mon": "come on", "d'you": "do you",
}  # fmt: skip
_BREAKS = frozenset(("but", "so", "because", "then", "although", "though", "since", "instead", "otherwise", "or"))
_ALL_BUT = frozenset(("anything", "anywhere", "nothing", "everything", "nobody", "everyone"))
_AFTER_AND = frozenset(("do", "please", "i", "you", "he", "she", "we", "they", "it", "let", "then", "there"))


@lru_cache(maxsize=512)
def _by_first_word(phrases: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    firsts = {phrase.partition(" ")[0] for phrase in phrases}
    return {first: tuple(phrase for phrase in phrases if phrase.partition(" ")[0] == first) for first in firsts}


@dataclass(frozen=True, slots=True)
class Clause:
    """The words of a clause, its text, and its words as `plain` text; the number and the kind of its sentence."""

    words: tuple[str, ...]
    text: str
    plain: str
    question: bool = False
    sentence: int = 0

    def has(self, *phrases: str) -> bool:
        """Return whether it contains one of the phrases as whole words."""
        listed, padded = _by_first_word(phrases), f" {self.plain} "
        if listed.keys().isdisjoint(self.words):
            return False
        return any(f" {phrase} " in padded for word in self.words for phrase in listed.get(word, ()))


class _Token(NamedTuple):
    """A word, written out, or a mark, and where it stands in the text."""

    word: str
    start: int
    stop: int


@lru_cache(maxsize=8192)
def clauses(text: str) -> tuple[Clause, ...]:
    """Return the clauses of a text in their order."""
    text = text[:LONGEST_TEXT]
    result: list[Clause] = []
    for number, (tokens, question) in enumerate(_sentences(text)):
        for part in _parts(tokens):
            words = tuple(token.word for token in part)
            source = text[part[0].start : part[-1].stop]
            result.append(Clause(words, source, " ".join(words), question, number))
    return tuple(result)


@lru_cache(maxsize=8192)
def plain_words(text: str) -> tuple[str, ...]:
    """Return all words of a text, with contractions written out."""
    return tuple(word for clause in clauses(text) for word in clause.words)


def _sentences(text: str) -> Iterator[tuple[list[_Token], bool]]:
    """Yield the tokens of each sentence, and whether it is a question."""
    # Replacements keep the length, so that positions are those of the text.
    plain = text.lower()
    if len(plain) != len(text):
        plain = "".join(low if len(low := char.lower()) == 1 else char for char in text)
    plain = plain.replace("’", "'").replace("_", " ").replace("t-shirt", "  shirt")
    tokens: list[_Token] = []
    for match in _TOKEN.finditer(plain):
        if match[0] not in ".!?":
            tokens += [_Token(word, match.start(), match.end()) for word in _written_out(match[0])]
        elif tokens:
            yield tokens, match[0] == "?"
            tokens = []
    if tokens:
        yield tokens, False


def _written_out(word: str) -> list[str]:
    if word in _WHOLE:
        return _WHOLE[word].split()
    if "'" not in word:
        return [word]
    ending = next((ending for ending in _ENDINGS if word.endswith(ending) and word != ending), "")
    return [word.removesuffix(ending).replace("'", ""), _ENDINGS[ending]] if ending else [word.replace("'", "")]


def _parts(tokens: list[_Token]) -> list[list[_Token]]:
    """Return the tokens of each clause of a sentence, without marks."""
    parts: list[list[_Token]] = [[]]
    words = [token.word for token in tokens]
    for index, token in enumerate(tokens):
        following = words[index + 1] if index + 1 < len(words) else ""
        if token.word in ",;:—–":
            parts.append([])
        elif _breaks(words, index) or (token.word == "and" and _begins_clause(following)):
            parts.append([token])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def _breaks(words: list[str], index: int) -> bool:
    """Return whether a word begins a clause; it does not in "anything but the cup", "the arm then moves"."""
    before, after = words[max(0, index - 1) : index], words[index + 1 : index + 2]
    if words[index] == "but" and before and before[0] in _ALL_BUT:
        return False
    if words[index] == "then" and before and after and form_of(after[0]) == "third":
        return False
    return words[index] in _BREAKS


def _begins_clause(word: str) -> bool:
    return word in _AFTER_AND or (word not in NOUNISH and form_of(word) in ("base", "gerund"))
