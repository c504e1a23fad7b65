"""The queue: the samples of all episodes with their facets, filtered and in order.

A facet is a name with a value; those of a review change while it goes on. Samples fit a filter that have one of the
values of each of its facets, and all of the words that are searched for.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pgen_results.reading import SEVERITIES
from pgen_review.blind import HIDDEN
from pgen_review.sample_table import SampleTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

_OF_LINES = ("problem", "state", "finding", "judge", "type", "scenario", "response", "scope", "skill", "task")
FACETS = (*_OF_LINES, "review", "sample")
SORTS = ("worst", "time")
LISTED = 300
"""The most values of a facet that are listed."""


class Entry(NamedTuple):
    """A sample that is in no table: its episode and frame, and its text in the list."""

    episode: int
    frame: int
    title: str
    badness: int


class Queue:
    """The samples of a table by number, and behind them those that are added.

    Hundreds of thousands are filtered while a person types: by masks, and by a search in the words that occur.
    """

    def __init__(self, table: SampleTable, *, blind: bool = False) -> None:
        self._table, self._blind = table, blind
        self.facet_names = tuple(name for name in FACETS if not (blind and name in HIDDEN))
        self.sorts = ("time",) if blind else SORTS
        self._facets = {facet: place for place, facet in enumerate(table.facets)}
        self._sizes = _sizes(table)
        self._words = {word: place for place, word in enumerate(table.words)}
        self._vocabulary = "\n".join(["", *table.words, ""])
        """All words, each between line breaks."""
        self._added: list[Entry] = []
        self._listed: NDArray[np.bool_] = np.ones(len(table.frames), dtype=bool)
        self._marks: dict[str, NDArray[np.bool_]] = {"review=open": self._listed.copy()}
        """The samples of each facet that changes while a person reviews."""
        self._texts: dict[int, str] = {}
        """What is searched besides the words of the line, for samples that a person edited."""
        self._filtered = lru_cache(8)(self._filter)
        self._lock = Lock()
        """Held while the arrays get longer, and while they are combined: requests come in several threads."""
        self._order()

    def __len__(self) -> int:
        return len(self._listed)

    def extend(self, entries: Collection[Entry]) -> None:
        """Add samples without facets behind all others; none is listed before `show`."""
        if not entries:
            return
        more = np.zeros(len(entries), dtype=bool)
        with self._lock:
            self._added += entries
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
        table, more = self._table, np.array([(it.episode, it.frame, it.badness) for it in self._added], dtype=np.int64)
        columns = table.episodes, table.frames, table.badness.astype(np.int64)
        episodes, frames, badness = (
            np.append(column, added) for column, added in zip(columns, more.reshape(-1, 3).T, strict=True)
        )
        # Episodes are in the order in which they come first.
        _, firsts, places = np.unique(episodes, return_index=True, return_inverse=True)
        time = np.lexsort((frames, firsts[places]))
        self._orders = {"time": time, "worst": time[np.argsort(-badness[time], kind="stable")]}

    def mark(self, name: str, number: int, values: Collection[str]) -> None:
        """Give a sample these values of a facet that changes, and no others."""
        for value in values:
            self._marks.setdefault(f"{name}={value}", np.zeros(len(self), dtype=bool))
        for facet, samples in self._marks.items():
            if facet.startswith(f"{name}="):
                samples[number] = facet.partition("=")[2] in values
        self._filtered.cache_clear()

    def counts(self, name: str) -> dict[str, int]:
        """Return the values of a facet with the number of their samples, the most frequent first."""
        prefix = f"{name}="
        marked = ((facet, int(samples.sum())) for facet, samples in self._marks.items() if facet.startswith(prefix))
        sizes = chain(self._sizes.get(name, {}).items(), ((facet.removeprefix(prefix), size) for facet, size in marked))
        counts = Counter[str]()
        for value, size in sizes:
            counts[value] += size
        return dict(sorted(((value, size) for value, size in counts.items() if size), key=lambda it: (-it[1], it[0])))

    def facets(self) -> dict[str, list[tuple[str, int]]]:
        """Return the values of each facet that distinguishes samples, the most frequent ones."""
        listed = {name: list(self.counts(name).items())[:LISTED] for name in self.facet_names}
        total = int(self._listed.sum())
        return {name: values for name, values in listed.items() if values and values != [(values[0][0], total)]}

    def numbers(self, facets: Mapping[str, Sequence[str]], words: str, order: str) -> "NDArray[np.int64]":
        """Return the samples that fit, by number, in an order of SORTS."""
        wanted = tuple((name, tuple(values)) for name, values in sorted(facets.items()))
        with self._lock:
            numbers: NDArray[np.int64] = self._filtered(wanted, tuple(words.lower().split()), order)
        return numbers

    def _filter(
        self, facets: tuple[tuple[str, tuple[str, ...]], ...], words: tuple[str, ...], order: str
    ) -> "NDArray[np.int64]":
        fits = self._listed.copy()
        for name, values in facets:
            of_facet = np.zeros_like(fits)
            for facet in (f"{name}={value}" for value in values):
                if facet in self._facets:
                    of_facet[self._table.facet_samples.at(self._facets[facet])] = True
                of_facet |= self._marks.get(facet, False)
            fits &= of_facet
        for word in words:
            fits &= self._with_word(word)
        ordered = self._orders[order]
        numbers: NDArray[np.int64] = ordered[fits[ordered]]
        return numbers

    def _with_word(self, part: str) -> "NDArray[np.bool_]":
        """Return the samples with a word that contains the part."""
        fits = np.zeros(len(self), dtype=bool)
        at = self._vocabulary.find(part)
        while at >= 0:
            end = self._vocabulary.index("\n", at)
            word = self._vocabulary[self._vocabulary.rindex("\n", 0, at + 1) + 1 : end]
            fits[self._table.word_samples.at(self._words[word])] = True
            at = self._vocabulary.find(part, end)
        fits[[number for number, text in self._texts.items() if part in text]] = True
        return fits

    def facets_of(self, number: int) -> list[str]:
        """Return the facets of a sample that its line gives, as `name=value`."""
        return self._table.facets_of(number) if number < len(self._table.frames) else []

    def item(self, number: int) -> dict[str, Any]:
        """Return a sample as the page lists it."""
        marked = ("state=",) if self._blind else ("finding=", "state=")
        marks = [facet.partition("=")[2] for facet in self.facets_of(number) if facet.startswith(marked)]
        marks = [mark for mark in marks if mark not in ("ok", "any", *SEVERITIES)]
        entry = self._entry(number)
        return {"id": number, "ep": entry.episode, "frame": entry.frame, "text": entry.title, "marks": marks}

    def _entry(self, number: int) -> Entry:
        table, first = self._table, len(self._table.frames)
        if number >= first:
            return self._added[number - first]
        episode, frame, bad = (int(column[number]) for column in (table.episodes, table.frames, table.badness))
        return Entry(episode, frame, table.title(number), bad)


def _sizes(table: SampleTable) -> dict[str, dict[str, int]]:
    """Return the number of the samples of each facet, by its name and its value."""
    sizes: dict[str, dict[str, int]] = {}
    for facet, size in zip(table.facets, np.diff(table.facet_samples.ends, prepend=0).tolist(), strict=True):
        name, _, value = facet.partition("=")
        sizes.setdefault(name, {})[value] = size
    return sizes
