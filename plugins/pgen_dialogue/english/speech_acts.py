"""Where the verbs of requests and of promises stand in clauses."""

from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache

from pgen_dialogue.english.clauses import Clause
from pgen_dialogue.english.word_lists import word_lists

_LISTS = word_lists("pgen_dialogue.english", "spoken.toml")
FILLERS = frozenset(_LISTS["fillers"])
"""Words before a request's verb that show nothing."""
WISHES = frozenset(_LISTS["wishes"])
"""Verbs of a wish: "I need the cup"."""


def _by_first_word(phrases: tuple[str, ...]) -> dict[str, list[tuple[str, ...]]]:
    markers = defaultdict(list)
    for phrase in phrases:
        markers[phrase.split()[0]].append(tuple(phrase.split()))
    return dict(markers)


_REQUESTS = _by_first_word(_LISTS["request_markers"])
_PROMISES = _by_first_word(_LISTS["promise_markers"])
_BETWEEN = frozenset(_LISTS["between"])


@lru_cache(maxsize=8192)
def request_verb(words: tuple[str, ...]) -> int | None:
    """Return where the verb of a request would stand in a clause: after "could you", or at its start."""
    found = list(_markers(_REQUESTS, words))
    if found:
        _, stop = max(found, key=lambda marker: marker[1] - marker[0])
        return _skipped(words, stop, _BETWEEN - {"not"})
    return _skipped(words, 0, FILLERS)


@lru_cache(maxsize=8192)
def promise_verbs(clause: Clause) -> tuple[int, ...]:
    """Return where verbs of promises stand: after "I'll" and the like, and at the clause's start (a gerund)."""
    words = clause.words
    first = None if words[0] in ("not", "never", "without") else _skipped(words, 0, FILLERS)
    subject = clause.has("is too", "is not", "is beyond", "are too", "are not")  # "pouring hot things is too risky"
    found: set[int | None] = {first} if first is not None and words[first].endswith("ing") and not subject else set()
    for start, stop in _markers(_PROMISES, words):
        if "not" not in words[start : stop + 1] and words[stop : stop + 2] != ("going", "to"):
            found.add(_skipped(words, stop, _BETWEEN - {"not"}))
    return tuple(sorted(index for index in found if index is not None))


def _markers(listed: dict[str, list[tuple[str, ...]]], words: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """Yield where each phrase stands that something follows: the positions of its first word and after its last."""
    for index, word in enumerate(words):
        for marker in listed.get(word, ()):
            stop = index + len(marker)
            if stop < len(words) and words[index:stop] == marker:
                yield index, stop


def _skipped(words: tuple[str, ...], index: int, skipped: frozenset[str]) -> int | None:
    while index < len(words) and words[index] in skipped:
        index += 1
    return index if index < len(words) else None
