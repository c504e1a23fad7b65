"""Compares nouns by meaning: synonyms, kinds of things, and which two nouns can not name one thing."""

import tomllib
from collections import defaultdict
from functools import lru_cache
from importlib.resources import files
from itertools import product

_NOUNS = tomllib.loads((files("pgen_dialogue.checks") / "nouns.toml").read_text(encoding="utf-8"))
_MEMBERS = {names.split()[0]: words.split() for names, words in _NOUNS["kinds"].items()}
_PLURALS = {"ves": ("f", "fe"), "ies": ("y",), "ches": ("ch",), "shes": ("sh",), "xes": ("x",), "sses": ("ss",)}
_PLURALS |= {"oes": ("o", "oe"), "cacti": ("cactus",)}
_ENDING = 5
"""Letters of the end of a compound at least."""
_WRITTEN = frozenset(
    word
    for line in (*_NOUNS["kinds"], *_NOUNS["kinds"].values(), *_NOUNS["pairs"]["same"], *_NOUNS["pairs"]["related"])
    for word in line.replace("=", " ").split()
)


@lru_cache(maxsize=16384)
def singular(word: str) -> str:
    """Return a noun without the ending of its plural."""
    word = word.removesuffix("'s")
    if word in _WRITTEN:
        return word
    for ending, replacements in _PLURALS.items():
        if word.endswith(ending) and (len(word) > len(ending) or word == "cacti"):
            forms = [word[: -len(ending)] + replacement for replacement in replacements]
            return next((form for form in forms if form in _WRITTEN), word[:-1] if ending == "ves" else forms[0])
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3 else word


def _groups(lines: list[str]) -> dict[str, frozenset[int]]:
    groups = defaultdict(set)
    for number, line in enumerate(lines):
        for word in line.split():
            groups[singular(word)].add(number)
    return {word: frozenset(numbers) for word, numbers in groups.items()}


def _with_synonyms(line: str) -> str:
    words = line.split()
    return " ".join([*words, *(group for group, names in _SYNONYM_SETS if not names.isdisjoint(words))])


def _by_word(kinds: dict[str, list[str]]) -> dict[str, frozenset[str]]:
    found = defaultdict(set)
    for kind, words in kinds.items():
        for word in words:
            found[singular(word)].add(kind)
    return {word: frozenset(names) for word, names in found.items()}


_SYNONYMS = [word.replace("=", " ") for words in _MEMBERS.values() for word in words if "=" in word]
_SYNONYM_SETS = [(group, frozenset(group.split())) for group in _SYNONYMS]
_SAME = _groups([*_SYNONYMS, *_NOUNS["pairs"]["same"]])
_RELATED = _groups([_with_synonyms(line) for line in _NOUNS["pairs"]["related"]])
_KINDS = _by_word({kind: " ".join(words).replace("=", " ").split() for kind, words in _MEMBERS.items()})
_NAMED = _by_word({names.split()[0]: names.split() for names in _NOUNS["kinds"]})
_TOGETHER = frozenset(
    pair
    for kind, others in _NOUNS["together"].items()
    for other in others.split()
    for pair in ((kind, other), (other, kind))
)
_MACHINES = frozenset(_NOUNS["loose"]["machines"].split())
_FAR = frozenset(_NOUNS["places"]["far"].split())
_TOOLS = frozenset(_NOUNS["loose"]["tools"].split())
_APART = frozenset(_NOUNS["places"]["apart"].split())
_LOOSE = frozenset(_NOUNS["loose"]["kinds"].split())
CONTROLS = frozenset(_NOUNS["loose"]["controls"].split())
PARTS = frozenset(_NOUNS["loose"]["parts"].split())


@lru_cache(maxsize=16384)
def is_object(word: str) -> bool:
    """Return whether a noun, in the singular, is known to name things that a robot could handle."""
    if word in PARTS:
        return False
    return word in _KINDS or word in _NAMED or any(word[-size:] in _KINDS for size in range(_ENDING, len(word)))


@lru_cache(maxsize=16384)
def same(first: str, second: str) -> bool:
    """Return whether two nouns, in the singular, name one object: synonyms, or the end of a compound."""
    if first == second or (min(len(first), len(second)) > 2 and (first.endswith(second) or second.endswith(first))):
        return True
    return bool(_SAME.get(first, frozenset()) & _SAME.get(second, frozenset()))


@lru_cache(maxsize=16384)
def related(first: str, second: str) -> bool:
    """Return whether two nouns, in the singular, may name one object, or a thing and its part."""
    return same(first, second) or bool(_RELATED.get(first, frozenset()) & _RELATED.get(second, frozenset()))


@lru_cache(maxsize=16384)
def is_kind(first: str, second: str) -> bool:
    """Return whether one of two nouns, in the singular, names the kind of the other: fruit and apple."""
    return kind_of(first, second) or kind_of(second, first)


def kind_of(name: str, noun: str) -> bool:
    """Return whether a noun, in the singular, names the kind of another: fruit of apple."""
    return bool(_NAMED.get(name, frozenset()) & _KINDS.get(noun, frozenset()))


@lru_cache(maxsize=16384)
def distinct(first: str, second: str) -> bool:
    """Return whether two nouns, in the singular, can not name one thing: apple and pear, apple and hammer."""
    if related(first, second) or is_kind(first, second):
        return False
    kinds, others = _KINDS.get(first, frozenset()), _KINDS.get(second, frozenset())
    if kinds & others:
        return True
    apart = [(a, b) not in _TOGETHER and not _LOOSE & {a, b} for a, b in product(kinds, others)]
    return bool(apart) and all(apart)


def places_apart(first: str, second: str) -> bool:
    """Return whether two nouns, in the singular, name places of which none is the other: the sink and the fridge."""
    far = first in _FAR and bool(_KINDS.get(second, frozenset()) & {"cookware", "dish", "chess", "lab"})
    return ({first, second} <= _APART or far) and not related(first, second)


def differ_in_kind(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    """Return whether two noun phrases name two things of one noun: the cat's bowl and the dog's bowl."""
    if not first or not second or singular(first[-1]) != singular(second[-1]):
        return False
    mine, theirs = (tuple(filter(_KINDS.get, map(singular, words[:-1]))) for words in (first, second))
    return bool(mine and theirs) and all(distinct(one, other) for one, other in product(mine, theirs))


def identity(words: tuple[str, ...]) -> str:
    """Return the noun that tells what a noun phrase names, in the singular, or "": milk of "the milk carton"."""
    nouns = [singular(word) for word in words]
    if nouns[-2:] == ["ice", "cream"]:
        nouns = nouns[:-2] or nouns  # strawberry ice cream
    if not nouns or not (is_vague(nouns[-1]) or nouns[-1] in _KINDS):
        return ""
    return next((noun for noun in reversed(nouns) if noun in _KINDS and not is_vague(noun)), nouns[-1])


def is_tool(noun: str) -> bool:
    """Return whether a noun, in the singular, names a thing that is used on others: a knife, a brush."""
    return bool(_KINDS.get(noun, frozenset()) & _TOOLS)


def is_machine(noun: str) -> bool:
    """Return whether a noun, in the singular, is not known or may name a machine that has controls."""
    kinds = _KINDS.get(noun, frozenset())
    return not kinds or bool(kinds & _MACHINES)


def is_vague(noun: str) -> bool:
    """Return whether a noun, in the singular, names a part, an amount, or what another thing is in or on."""
    return noun in PARTS or bool(_KINDS.get(noun, frozenset()) & _LOOSE)
