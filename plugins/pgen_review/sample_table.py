"""The samples of all episodes as columns: what the queue filters, searches and lists.

Hundreds of thousands of samples take a tenth of the memory that they would take as objects, and are loaded at once.
"""

from array import array
from collections.abc import Buffer, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, overload

import numpy as np

from pgen_results.reading import (
    NOTES,
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
from pgen_review.blind import blinded
from pgen_review.events import Key

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Ragged(NamedTuple):
    """Arrays of different lengths in one; `ends` has the position behind the last element of each."""

    values: "NDArray[Any]"
    ends: "NDArray[np.int64]"

    @classmethod
    def of(cls, parts: Iterable[Buffer], kind: str) -> "Ragged":
        """Return the arrays of these buffers, whose elements are of one kind."""
        views = [memoryview(part) for part in parts]
        ends = np.cumsum([len(view) for view in views], dtype=np.int64)
        return cls(np.frombuffer(b"".join(views), kind), ends)

    def at(self, place: int) -> "NDArray[Any]":
        """Return an array."""
        return self.values[self.ends[place - 1] if place else 0 : self.ends[place]]


@dataclass(frozen=True, slots=True)
class SampleTable:
    """The samples by number, which is their position among all lines.

    Facets are `name=value`. Samples with the same facets share a combination of these.
    """

    episodes: "NDArray[np.int64]"
    frames: "NDArray[np.int64]"
    variants: "NDArray[np.int64]"
    scopes: "NDArray[np.uint32]"
    badness: "NDArray[np.uint8]"
    combinations: "NDArray[np.uint32]"
    titles: Ragged
    """The text of each sample in the list, as UTF-8."""
    scope_names: list[str]
    facets: list[str]
    combination_facets: Ragged
    facet_samples: Ragged
    words: list[str]
    word_samples: Ragged

    def facets_of(self, number: int) -> list[str]:
        """Return the facets of a sample."""
        return [self.facets[facet] for facet in self.combination_facets.at(int(self.combinations[number]))]

    def title(self, number: int) -> str:
        """Return the text of a sample in the list."""
        return self.titles.at(number).tobytes().decode(errors="surrogatepass")


class Row(NamedTuple):
    """What the table has of a sample: its key, its text in the list, how bad it is, its facets, and its words."""

    key: Key
    title: str
    badness: int
    facets: tuple[tuple[str, str], ...]
    words: set[str]


class Keys(Sequence[Key]):
    """The keys of the samples by number."""

    def __init__(self, table: SampleTable) -> None:
        self._table = table
        self._scopes = {name: place for place, name in enumerate(table.scope_names)}
        firsts = np.flatnonzero(np.diff(table.episodes, prepend=-1))  # the lines of an episode are adjacent
        ranges = zip(firsts.tolist(), [*firsts[1:].tolist(), len(table.episodes)], strict=False)
        self._ranges = dict(zip(table.episodes[firsts].tolist(), ranges, strict=True))

    def __len__(self) -> int:
        return len(self._table.frames)

    @overload
    def __getitem__(self, number: int) -> Key: ...
    @overload
    def __getitem__(self, number: slice) -> list[Key]: ...
    def __getitem__(self, number: int | slice) -> Key | list[Key]:
        """Return the key of a sample, or those of several."""
        if isinstance(number, slice):
            return [self[place] for place in range(*number.indices(len(self)))]
        table = self._table
        name = table.scope_names[table.scopes[number]]
        return Key(int(table.episodes[number]), int(table.frames[number]), name, int(table.variants[number]))

    def __contains__(self, key: object) -> bool:
        return isinstance(key, Key) and self.number(key) is not None

    def number(self, key: Key) -> int | None:
        """Return the number of a sample, None where there is none."""
        table, scope = self._table, self._scopes.get(key.scope, -1)
        first, behind = self._ranges.get(key.episode, (0, 0))
        fits = (table.frames[first:behind] == key.frame) & (table.variants[first:behind] == key.variant)
        numbers = np.flatnonzero(fits & (table.scopes[first:behind] == scope))
        return int(first + numbers[-1]) if len(numbers) else None

    def are_unique(self) -> bool:
        """Return whether no two samples have the same key."""
        table = self._table
        columns = table.episodes, table.frames, table.scopes, table.variants
        order = np.lexsort(columns)
        differ = np.zeros(max(0, len(order) - 1), dtype=bool)
        for column in columns:
            differ |= column[order][1:] != column[order][:-1]
        return bool(differ.all())


class SampleTableBuilder:
    """Makes the table of the lines that are added. Of a blind review, what checks and judges said is not searched."""

    def __init__(self, *, blind: bool = False) -> None:
        self._blind = blind
        self._numbers = {name: array("q") for name in ("episodes", "frames", "variants")}
        self._scopes, self._badness, self._combinations = array("I"), array("B"), array("I")
        self._titles: list[bytes] = []
        self._scope_names: dict[str, int] = {}
        self._facet_places: dict[str, int] = {}
        self._combination_places: dict[tuple[str, ...], int] = {}
        self._facet_samples: list[array[int]] = []
        self._word_samples: dict[str, array[int]] = {}

    def __len__(self) -> int:
        return len(self._badness)

    def add(self, lines: Iterable[Line]) -> None:
        """Add the lines of an episode."""
        for line in lines:
            self.add_row(_row(line, blind=self._blind))

    def add_row(self, row: Row) -> None:
        """Add a sample."""
        number = len(self)
        facets = tuple(dict.fromkeys([f"{name}={value}" for name, value in row.facets]))
        for facet in facets:
            place = self._facet_places.setdefault(facet, len(self._facet_places))
            if place == len(self._facet_samples):
                self._facet_samples.append(array("I"))
            self._facet_samples[place].append(number)
        for word in row.words:
            samples = self._word_samples.get(word)
            if samples is None:
                samples = self._word_samples[word] = array("I")
            samples.append(number)
        key = row.key
        for name, value in (("episodes", key.episode), ("frames", key.frame), ("variants", key.variant)):
            self._numbers[name].append(value)
        self._scopes.append(self._scope_names.setdefault(key.scope, len(self._scope_names)))
        self._combinations.append(self._combination_places.setdefault(facets, len(self._combination_places)))
        self._titles.append(row.title.encode(errors="surrogatepass"))
        self._badness.append(row.badness)

    def build(self) -> SampleTable:
        """Return the table."""
        combinations = (array("I", map(self._facet_places.__getitem__, facets)) for facets in self._combination_places)
        return SampleTable(
            **{name: np.frombuffer(numbers, np.int64) for name, numbers in self._numbers.items()},
            scopes=np.frombuffer(self._scopes, np.uint32),
            badness=np.frombuffer(self._badness, np.uint8),
            combinations=np.frombuffer(self._combinations, np.uint32),
            titles=Ragged.of(self._titles, "u1"),
            scope_names=list(self._scope_names),
            facets=list(self._facet_places),
            combination_facets=Ragged.of(combinations, "u4"),
            facet_samples=Ragged.of(self._facet_samples, "u4"),
            words=list(self._word_samples),
            word_samples=Ragged.of(self._word_samples.values(), "u4"),
        )


def _row(line: Line, *, blind: bool) -> Row:
    bad = badness(line)
    return Row(
        Key.of_line(line), _title(line), bad, tuple(_facets(line, bad)), _words(blinded(line) if blind else line)
    )


def _title(line: Line) -> str:
    return line["user_prompt"] if line["status"] == "ok" else f"{line['stage']}: {line['reason']}"


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
