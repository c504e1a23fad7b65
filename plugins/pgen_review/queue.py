"""The queue: the samples of all episodes with their facets, filtered and in order.

A facet is a name with a value; those of a review change while it goes on. Samples fit a filter that have one of the
values of each of its facets, and all of the words that are searched for.
"""

from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from sys import intern
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pgen_results.reading import (
    NOTES,
    SEVERITIES,
    Line,
    badness,
    codes,
    is_failure,
    is_poor,
    is_scene,
    other_types,
    reasons,
    scope,
    severity,
    skills,
)
from pgen_review.blind import HIDDEN, blinded

if TYPE_CHECKING:
    from numpy.typing import NDArray

_OF_LINES = ("problem", "state", "finding", "judge", "type", "scenario", "response", "scope", "skill", "task")
FACETS = (*_OF_LINES, "review", "sample")
SORTS = ("worst", "time")
LISTED = 300
"""The most values of a facet that are listed."""


class Entry(NamedTuple):
    """A sample of the queue: its episode and frame, its facets as `name=value`, and its text in the list."""

    episode: int
    frame: int
    facets: tuple[str, ...]
    title: str
    badness: int


class Queue:
    """The samples by number, which is their position among all lines. Sort it after the last `add`.

    Hundreds of thousands are filtered while a person types: by masks, and by a search in the words that occur.
    """

    def __init__(self, *, blind: bool = False) -> None:
        self._blind = blind
        self.facet_names = tuple(name for name in FACETS if not (blind and name in HIDDEN))
        self.sorts = ("time",) if blind else SORTS
        self.entries: list[Entry] = []
        self._combinations: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._samples: dict[str, array[int]] = {}
        """The samples of each facet."""
        self._words: dict[str, array[int]] = {}
        """The samples of each word."""
        self._vocabulary = ""
        """All words, each between line breaks."""
        self._orders: dict[str, NDArray[np.int64]] = {}
        self._marks: dict[str, NDArray[np.bool_]] = {}
        """The samples of each facet that changes while a person reviews."""
        self._listed: NDArray[np.bool_] = np.ones(0, dtype=bool)
        self._texts: dict[int, str] = {}
        """What is searched besides the words of the line, for samples that a person edited."""
        self._filtered = lru_cache(8)(self._filter)
        self._lock = Lock()
        """Held while the arrays get longer, and while they are combined: requests come in several threads."""

    def add(self, lines: Iterable[Line]) -> None:
        """Add the lines of an episode."""
        for line in lines:
            entry = _entry(line)
            # Most samples have the facets of another one.
            entry = entry._replace(facets=self._combinations.setdefault(entry.facets, entry.facets))
            for facet in entry.facets:
                self._samples.setdefault(facet, array("I")).append(len(self.entries))
            for word in _words(blinded(line) if self._blind else line):
                self._words.setdefault(word, array("I")).append(len(self.entries))
            self.entries.append(entry)

    def sort(self) -> None:
        """Prepare the orders and the search."""
        self._vocabulary = "\n".join(["", *self._words, ""])
        self._order()
        self._listed = np.ones(len(self.entries), dtype=bool)
        self._marks["review=open"] = self._listed.copy()

    def extend(self, entries: Collection[Entry]) -> None:
        """Add samples without facets behind all others; none is listed before `show`."""
        if not entries:
            return
        more = np.zeros(len(entries), dtype=bool)
        with self._lock:
            self.entries += entries
            self._listed = np.append(self._listed, more)
            self._marks = {facet: np.append(samples, more) for facet, samples in self._marks.items()}
            self._order()

    def show(self, number: int, *, listed: bool) -> None:
        """List a sample, or do not list it any more."""
        self._listed[number] = listed
        self._filtered.cache_clear()

    def set_text(self, number: int, text: str) -> None:
        """Let the search find a sample by what a person wrote, besides the words of its line."""
        if text or number in self._texts:
            self._texts[number] = text.lower()
            self._filtered.cache_clear()

    def _order(self) -> None:
        episodes = {index: place for place, index in enumerate(dict.fromkeys(entry.episode for entry in self.entries))}
        values = [(entry.frame, episodes[entry.episode], -entry.badness) for entry in self.entries]
        frames, places, badness = np.array(values, dtype=np.int64).reshape(-1, 3).T
        time = np.lexsort((frames, places))
        self._orders = {"time": time, "worst": time[np.argsort(badness[time], kind="stable")]}

    def mark(self, name: str, number: int, values: Collection[str]) -> None:
        """Give a sample these values of a facet that changes, and no others."""
        for value in values:
            self._marks.setdefault(f"{name}={value}", np.zeros(len(self.entries), dtype=bool))
        for facet, samples in self._marks.items():
            if facet.startswith(f"{name}="):
                samples[number] = facet.partition("=")[2] in values
        self._filtered.cache_clear()

    def counts(self, name: str) -> dict[str, int]:
        """Return the values of a facet with the number of their samples, the most frequent first."""
        prefix = f"{name}="
        marked = ((facet, int(samples.sum())) for facet, samples in self._marks.items())
        sizes = chain(((facet, len(samples)) for facet, samples in self._samples.items()), marked)
        counts = Counter[str]()
        for facet, size in sizes:
            if size and facet.startswith(prefix):
                counts[facet.removeprefix(prefix)] += size
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def facets(self) -> dict[str, list[tuple[str, int]]]:
        """Return the values of each facet that distinguishes samples, the most frequent ones."""
        listed = {name: list(self.counts(name).items())[:LISTED] for name in self.facet_names}
        total = int(self._listed.sum())
        return {name: values for name, values in listed.items() if values and values != [(values[0][0], total)]}

    def numbers(self, facets: Mapping[str, Sequence[str]], words: str, order: str) -> Sequence[int]:
        """Return the samples that fit, by number, in an order of SORTS."""
        wanted = tuple((name, tuple(values)) for name, values in sorted(facets.items()))
        with self._lock:
            return self._filtered(wanted, tuple(words.lower().split()), order)

    def _filter(
        self, facets: tuple[tuple[str, tuple[str, ...]], ...], words: tuple[str, ...], order: str
    ) -> Sequence[int]:
        fits = self._listed.copy()
        for name, values in facets:
            of_facet = np.zeros_like(fits)
            for value in values:
                of_facet[np.asarray(self._samples.get(f"{name}={value}", ()), dtype=np.int64)] = True
                of_facet |= self._marks.get(f"{name}={value}", False)
            fits &= of_facet
        for word in words:
            fits &= self._with_word(word)
        ordered = self._orders[order]
        numbers: list[int] = ordered[fits[ordered]].tolist()
        return numbers

    def _with_word(self, part: str) -> "NDArray[np.bool_]":
        """Return the samples with a word that contains the part."""
        fits = np.zeros(len(self.entries), dtype=bool)
        at = self._vocabulary.find(part)
        while at >= 0:
            end = self._vocabulary.index("\n", at)
            word = self._vocabulary[self._vocabulary.rindex("\n", 0, at + 1) + 1 : end]
            fits[np.frombuffer(self._words[word], dtype=np.uint32)] = True
            at = self._vocabulary.find(part, end)
        fits[[number for number, text in self._texts.items() if part in text]] = True
        return fits

    def item(self, number: int) -> dict[str, Any]:
        """Return a sample as the page lists it."""
        entry = self.entries[number]
        marked = ("state=",) if self._blind else ("finding=", "state=")
        marks = [facet.partition("=")[2] for facet in entry.facets if facet.startswith(marked)]
        marks = [mark for mark in marks if mark not in ("ok", "any", *SEVERITIES)]
        return {"id": number, "ep": entry.episode, "frame": entry.frame, "text": entry.title, "marks": marks}


def _entry(line: Line) -> Entry:
    bad = badness(line)
    return Entry(
        line["episode_index"],
        line["frame_index"],
        tuple(dict.fromkeys(intern(f"{name}={value}") for name, value in _facets(line, bad))),
        line["user_prompt"] if line["status"] == "ok" else f"{line['stage']}: {line['reason']}",
        bad,
    )


def _words(line: Line) -> set[str]:
    """Return the words in which a search looks."""
    spoken = line["user_prompt"] or "", line["robot_utterance"] or ""
    texts = line["episode_id"], *spoken, line["task_description"], *skills(line), *reasons(line)
    return set(" ".join(texts).lower().split())


def _facets(line: Line, bad: int) -> Iterator[tuple[str, str]]:
    """Yield the facets of a line, a problem being what is worse than a note, as in the report."""
    yield "problem", "yes" if bad > NOTES else "no"
    yield from _states(line)
    found = codes(line) if line["status"] == "ok" else []
    if found:
        yield "finding", "any"
    yield from (("finding", code) for code in found)
    yield from (("finding", severity(code)) for code in found)
    if is_poor(line):
        yield "judge", "low"
    if other_types(line):
        yield "type", "other"
    for name in ("scenario", "response"):
        if kind := line[f"{name}_type"] or line[f"planned_{name}_type"]:
            yield name, kind
    yield "scope", scope(line)
    yield "skill", line["skill_current"]
    yield "task", line["task_description"]


def _states(line: Line) -> Iterator[tuple[str, str]]:
    if is_scene(line):
        yield "state", "scene"
    elif is_failure(line):
        yield "state", "failed"
        yield "state", f"failed:{line['stage']}"
    else:
        yield "state", "ok"
